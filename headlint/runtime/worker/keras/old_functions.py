"""Functions that programs for Keras 1 and 2 and TensorFlow 1 call: under their old names, and with their old arguments."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import keras

from ..program.standins import GUESSED

RENAMED_FUNCTIONS = {
    "mul": "multiply",
    "sub": "subtract",
    "neg": "negative",
    "pack": "stack",
    "unpack": "unstack",
    "select": "where",
    "concat_v2": "concat",
    "batch_matmul": "matmul",
}
"""Functions of TensorFlow before 1.0, and what they are called now."""

RENAMED_ARGUMENTS = {
    "keep_dims": "keepdims",
    "dim": "axis",
    "dims": "axis",
    "dimension": "axis",
    "reduction_indices": "axis",
    "squeeze_dims": "axis",
    "concat_dim": "axis",
}
"""Arguments of functions of TensorFlow 1, and what they are called now."""

CHANGED = (
    "reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_prod", "reduce_any", "reduce_all", "reduce_logsumexp",
    "argmax", "argmin", "squeeze", "expand_dims", "concat", "norm", "nn.softmax", "nn.log_softmax", "nn.l2_normalize",
    "nn.moments", "math.l2_normalize", "math.reduce_sum", "math.reduce_mean",
)  # fmt: skip
"""Functions whose arguments have other names now."""


WITHOUT_EFFECT = ("set_session", "get_session", "set_learning_phase", "manual_variable_initialization")
"""Functions of the backend of Keras 2 that decide nothing about a model."""


def accept_old_functions() -> None:
    """For the rest of the process: ``tf.space_to_depth(x, 2)``, ``tf.nn.softmax(x, dim=1)`` and ``K.tf`` work."""
    if keras.backend.backend() != "tensorflow":
        return
    tensorflow = sys.modules["tensorflow"]
    for place in ("", "nn", "math", "image", "random"):
        current, old = module_below(tensorflow, place), module_below(tensorflow.compat.v1, place)
        for name in dir(old):
            if not name.startswith("_") and name not in vars(current) and not hasattr(current, name):
                setattr(current, name, getattr(old, name))
    for name, now in RENAMED_FUNCTIONS.items():
        if not hasattr(tensorflow, name):
            setattr(tensorflow, name, getattr(tensorflow, now))
    for dotted in CHANGED:
        place, _, name = dotted.rpartition(".")
        owner = module_below(tensorflow, place)
        setattr(owner, name, with_old_arguments(getattr(owner, name)))
    for backend in (keras.backend, importlib.import_module("keras._tf_keras.keras").backend):
        backend.tf = tensorflow
        for name in WITHOUT_EFFECT:
            if not hasattr(backend, name):
                setattr(backend, name, nothing)
        if hasattr(backend, "batch_dot"):
            backend.batch_dot = with_old_ranks(backend.batch_dot)


def nothing(*arguments: Any, **keywords: Any) -> None:
    """Stands for a function that is called for sessions and phases, which there are none of any more."""


def module_below(root: ModuleType, place: str) -> Any:
    """The module of that name below another; the module itself for an empty name."""
    return getattr(root, place) if place else root


def with_old_arguments(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which also takes its arguments by their old names."""

    @functools.wraps(function)
    def called(*arguments: Any, **keywords: Any) -> Any:
        return function(*arguments, **{RENAMED_ARGUMENTS.get(key, key): value for key, value in keywords.items()})

    return called


OLD_PRODUCT = "K.batch_dot multiplies tensors of different ranks as before Keras 2.3"


def with_old_ranks(product: Callable[..., Any]) -> Callable[..., Any]:
    """``K.batch_dot``, which until Keras 2.3 took every axis that it did not multiply for one of the batch."""

    @functools.wraps(product)
    def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
        ranks = len(x.shape), len(y.shape)
        if not isinstance(axes, (tuple, list)) or sorted(ranks) != [3, 4]:
            return product(x, y, axes)
        if OLD_PRODUCT not in GUESSED:
            GUESSED.append(OLD_PRODUCT)
        left = keras.ops.expand_dims(x, -1) if ranks[0] == 3 else x
        right = keras.ops.expand_dims(y, -1) if ranks[1] == 3 else y
        left = left if axes[0] == 3 else keras.ops.swapaxes(left, -1, -2)
        right = keras.ops.swapaxes(right, -1, -2) if axes[1] == 3 else right
        return keras.ops.squeeze(keras.ops.matmul(left, right), -2 if ranks[0] == 3 else -1)

    return batch_dot


FILLED = (
    "uniform",
    "normal",
    "lecun_uniform",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "orthogonal",
)
"""Functions of Keras 1 that made a weight of a shape."""

CLASSES = {"uniform": "RandomUniform", "normal": "RandomNormal", "zero": "Zeros", "one": "Ones"}


def initialization(name: str) -> Callable[..., Any] | None:
    """``normal(shape, scale=0.05, name="W")`` of Keras 1; None for what was no such function."""
    if name not in FILLED and name not in CLASSES:
        return None
    kind = CLASSES.get(name) or "".join(part.capitalize() for part in name.split("_"))

    def filled(shape: Any, scale: float | None = None, name: str | None = None, **rest: Any) -> Any:
        made = getattr(keras.initializers, kind)
        match kind:
            case "RandomNormal" if scale is not None:
                return made(stddev=scale)(shape)
            case "RandomUniform" if scale is not None:
                return made(-scale, scale)(shape)
        return made()(shape)

    return filled


def accept_old_initializers() -> None:
    """Lets an initializer be a function of a shape and a name, which knows nothing of types."""
    original = keras.initializers.get

    @functools.wraps(original)
    def get(identifier: Any) -> Any:
        found = original(identifier)
        return typeless(found) if inspect.isfunction(found) else found

    for name, module in list(sys.modules.items()):
        if name.startswith("keras.src") and getattr(module, "__dict__", {}).get("initializers") is not None:
            place = module.__dict__["initializers"]
            if getattr(place, "get", None) is original:
                place.get = get
    keras.initializers.get = get


def typeless(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as an initializer: with those of ``shape``, ``dtype`` and ``name`` that it takes."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return function
    if "dtype" in parameters or any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return function

    @functools.wraps(function)
    def made(shape: Any, dtype: Any = None, **rest: Any) -> Any:
        named = {"name": None} if "name" in parameters else {}
        value = function(shape, **named)
        return keras.ops.cast(value, dtype) if dtype is not None else value

    return made


def obtain_input_shape(
    input_shape: Any,
    default_size: int,
    min_size: int,
    data_format: str | None = None,
    include_top: bool = True,
    require_flatten: bool | None = None,
    weights: Any = None,
    **rest: Any,
) -> Any:
    """``_obtain_input_shape`` of Keras 2, whose flag had two names."""
    from keras.src.applications import imagenet_utils

    flatten = include_top if require_flatten is None else require_flatten
    layout = data_format or keras.config.image_data_format()
    return imagenet_utils.obtain_input_shape(input_shape, default_size, min_size, layout, flatten, weights)
