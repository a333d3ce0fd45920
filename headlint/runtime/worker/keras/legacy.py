"""Names and arguments of Keras 1 and 2, so that programs written for them build under Keras 3."""

from __future__ import annotations

import functools
import importlib
import importlib.abc
import importlib.machinery
import inspect
import itertools
import numbers
import re
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, ClassVar

import keras
import numpy
from keras.layers import Dense, EinsumDense, Embedding
from keras.src.layers.convolutional.base_conv import BaseConv
from keras.src.layers.convolutional.base_depthwise_conv import BaseDepthwiseConv
from keras.src.models.functional import Functional

from ..program.standins import StandIn
from .calls import accept_flags_by_place
from .old_callbacks import accept_old_callbacks
from .old_convolutions import CONVOLUTIONS
from .old_functions import accept_old_functions, accept_old_initializers, initialization, obtain_input_shape
from .old_layers import LAYERS, accept_old_attributes, gone, is_gone, with_layer_shape

RENAMED = {
    "output_dim": ("units",),
    "nb_filter": ("filters",),
    "nb_row": ("kernel_size",),
    "filter_length": ("kernel_size",),
    "border_mode": ("padding",),
    "subsample": ("strides",),
    "subsample_length": ("strides",),
    "stride": ("strides",),
    "atrous_rate": ("dilation_rate",),
    "dims": ("target_shape",),
    "pool_length": ("pool_size",),
    "init": ("kernel_initializer",),
    "inner_init": ("recurrent_initializer",),
    "inner_activation": ("recurrent_activation",),
    "W_regularizer": ("kernel_regularizer", "embeddings_regularizer"),
    "b_regularizer": ("bias_regularizer",),
    "U_regularizer": ("recurrent_regularizer",),
    "W_constraint": ("kernel_constraint",),
    "b_constraint": ("bias_constraint",),
    "dropout_W": ("dropout",),
    "dropout_U": ("recurrent_dropout",),
    "bias": ("use_bias",),
    "p": ("rate",),
    "alpha": ("negative_slope",),
    "sigma": ("stddev",),
    "ratio": ("rate",),
    "lr": ("learning_rate",),
    "l": ("l2", "l1"),
    "input": ("inputs",),
    "output": ("outputs",),
}
"""What an argument was called in Keras 1 and 2, and the names that it may have now. Sources: the legacy interfaces of
Keras 2.1 (``keras/legacy/interfaces.py``) and the migration guides of Keras 3."""

DROPPED = frozenset(
    {"dim_ordering", "consume_less", "implementation", "mode", "decay", "time_major", "batch_input_shape", "nb_col"}
    | {
        "input_length",
        "input_dtype",
        "activity_l2",
        "weights",
        "interpolation_order",
        "mask_zero_value",
        "unit_forget_bias",
        "dynamic",
    }
)
"""Arguments that do not decide shapes or activations and that Keras 3 no longer knows."""

BY_PLACE = ("trainable", "name", "dtype", "dynamic")
"""What the base of all layers took by place in Keras 2."""

OF_WEIGHTS = re.compile(r"^kernel_(initializer|regularizer|constraint)$")
"""What Keras 2 took for layers with two kernels too, and ignored."""

CLASS_ALIASES = {
    "Convolution1D": "Conv1D",
    "Deconv2D": "Conv2DTranspose",
    "Deconv3D": "Conv3DTranspose",
    "CuDNNLSTM": "LSTM",
    "CuDNNGRU": "GRU",
    "BatchNormalizationV2": "BatchNormalization",
}

OLD_MODULES = frozenset(
    {
        "core", "convolutional", "pooling", "recurrent", "embeddings", "merge", "normalization", "advanced_activations",
        "noise", "local", "wrappers", "convolutional_recurrent", "engine", "topology", "training", "base_layer",
        "input_layer", "sequential", "functional", "np_utils", "vis_utils", "generic_utils", "layer_utils", "objectives",
        "tensorflow_backend", "experimental", "preprocessing", "scikit_learn", "v2", "batch_normalization", "legacy",
        "network", "conv_utils", "data_utils", "io_utils", "adam", "image", "sequence", "text", "containers",
        "layers", "models", "optimizers", "utils", "regularizers", "constraints", "initializers", "callbacks", "backend",
        "activations", "losses", "metrics", "applications", "datasets", "optimizer_v2", "initializations",
    }
)  # fmt: skip
"""Parts of the dotted names under which the modules of older versions were found."""

PLACES = (
    "layers", "models", "optimizers", "utils", "regularizers", "constraints", "initializers", "callbacks", "losses",
    "metrics", "backend", "activations", "applications", "preprocessing.text", "preprocessing.sequence",
    "preprocessing.image", "datasets",
)  # fmt: skip
"""Where a name of an old module is looked up."""


TODAY = {"initializations": "initializers", "objectives": "losses"}
"""Old modules, and those whose names they have now."""


def accept_old_names() -> None:
    """For the rest of the process: old modules can be imported, old names found, old arguments given."""
    for place in PLACES:
        modules = namespaces(place)
        for module in modules:
            for other in modules:
                copy_missing(other, module)
    for module in namespaces("layers"):
        for name, current in CLASS_ALIASES.items():
            setattr(module, name, getattr(keras.layers, current))
        if not hasattr(module, "experimental"):
            module.experimental = OldModule("keras.layers.experimental")  # type: ignore[attr-defined]
            module.experimental.preprocessing = module
        vars(module).update(LAYERS, merge=keras_1_merge, TimeDistributedDense=timed_dense)
    for models, layers in itertools.product(namespaces("models"), namespaces("layers")):
        copy_missing(layers, models)
        copy_missing(models, layers)
    for module in namespaces("optimizers"):
        for name in ("adam_v2", "gradient_descent_v2", "rmsprop_v2", "adamax_v2", "adagrad_v2", "nadam_v2"):
            setattr(module, name, OldModule(f"keras.optimizers.{name}"))
        for name in ("Adam", "SGD", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam"):
            if not hasattr(module, name.lower()):
                setattr(module, name.lower(), getattr(keras.optimizers, name))
    for module in namespaces("utils"):
        module.multi_gpu_model = lambda model, *arguments, **keywords: model  # type: ignore[attr-defined]
    for module in namespaces("backend"):
        vars(module).update(image_dim_ordering=lambda: "tf", set_image_dim_ordering=set_image_ordering)
    for place in (keras.layers, keras.optimizers, keras.regularizers):
        for cls in [one for one in vars(place).values() if isinstance(one, type)]:
            translate_arguments(cls)
    translate_arguments(Functional)
    for module in (
        keras,
        importlib.import_module("keras._tf_keras.keras"),
        *namespaces("layers"),
        *namespaces("models"),
    ):
        module.Input = with_one_size(module.Input)
    keras.layers.Layer.call = hand_on
    for layer in (Dense, EinsumDense, Embedding, BaseConv, BaseDepthwiseConv):
        let_weights_be_set(layer)
    keras.Sequential.__init__ = with_name_second(keras.Sequential.__init__)
    keras.Model.get_layer = by_old_name(keras.Model.get_layer)
    keras.Model.__new__ = staticmethod(with_old_inputs(keras.Model.__new__))
    sys.meta_path.insert(0, OldModules())
    accept_old_attributes()
    accept_old_callbacks()
    accept_old_initializers()
    accept_channels_first()
    accept_flags_by_place()
    alias_tensorflow()
    accept_old_functions()
    for module in namespaces("activations"):
        module.relu = with_old_slope(module.relu)  # type: ignore[attr-defined]
    for module in namespaces("applications"):
        module.imagenet_utils._obtain_input_shape = obtain_input_shape


def with_one_size(original: Callable[..., Any]) -> Callable[..., Any]:
    """``Input``, which also takes ``shape=16``."""

    @functools.wraps(original)
    def make_input(shape: Any = None, *arguments: Any, **keywords: Any) -> Any:
        return original((int(shape),) if isinstance(shape, numbers.Integral) else shape, *arguments, **keywords)

    return make_input


def with_old_slope(relu: Callable[..., Any]) -> Callable[..., Any]:
    """``relu``, which also takes ``alpha=0.2``."""

    @functools.wraps(relu)
    def called(x: Any, *arguments: Any, **keywords: Any) -> Any:
        return relu(x, *arguments, **translated(keywords, frozenset({"negative_slope", "max_value", "threshold"})))

    return called


def with_name_second(original: Callable[..., Any]) -> Callable[..., Any]:
    """The constructor of a ``Sequential``, whose second argument was its name in Keras 2."""

    @functools.wraps(original)
    def __init__(self: Any, layers: Any = None, trainable: Any = True, name: Any = None, **keywords: Any) -> None:
        is_name = trainable is None or isinstance(trainable, str)
        original(self, layers, True if is_name else trainable, trainable if is_name else name, **keywords)

    return __init__


def by_old_name(original: Callable[..., Any]) -> Callable[..., Any]:
    """``get_layer``, which also finds the inputs that Keras 2 called ``input_1``."""

    def get_layer(model: Any, name: Any = None, index: Any = None) -> Any:
        try:
            return original(model, name=without_slashes(name) if isinstance(name, str) else name, index=index)
        except ValueError:
            inputs = [one for one in model.layers if isinstance(one, keras.layers.InputLayer)]
            if not re.fullmatch(r"input_\d+", str(name)) or not inputs:
                raise
            return inputs[0]

    return get_layer


def hand_on(self: Any, inputs: Any, *arguments: Any, **keywords: Any) -> Any:
    """What a layer without a pass of its own gave in Keras 2: what it was given."""
    return inputs


def let_weights_be_set(layer: type) -> None:
    """Lets a subclass assign ``self.kernel`` in its ``build``, which was no property before Keras 3."""
    for name in ("kernel", "embeddings"):
        current = vars(layer).get(name)
        if isinstance(current, property) and current.fset is None:
            setattr(layer, name, current.setter(functools.partial(set_weight, f"_{name}")))


def set_weight(attribute: str, layer: Any, value: Any) -> None:
    """Keeps a weight where the property looks for it."""
    setattr(layer, attribute, value)


def accept_channels_first() -> None:
    """Lets convolutions take images whose channels come first, which TensorFlow does on a GPU only."""
    if keras.backend.backend() != "tensorflow":
        return
    from keras.src import backend

    original = backend.nn.conv

    @functools.wraps(original)
    def conv(
        inputs: Any,
        kernel: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: Any = None,
        *rest: Any,
        **named: Any,
    ) -> Any:
        if (data_format or keras.config.image_data_format()) != "channels_first":
            return original(inputs, kernel, strides, padding, data_format, *rest, **named)
        last = keras.ops.moveaxis(inputs, 1, -1)
        return keras.ops.moveaxis(original(last, kernel, strides, padding, "channels_last", *rest, **named), -1, 1)

    backend.nn.conv = conv


def set_image_ordering(ordering: str) -> None:
    """``th``: channels come first, as in Theano."""
    keras.config.set_image_data_format("channels_first" if ordering == "th" else "channels_last")


def namespaces(place: str) -> list[ModuleType]:
    """The modules under which programs know a part of Keras: ``keras.layers`` and ``tf.keras.layers`` are not the same
    object."""
    roots = (keras, importlib.import_module("keras._tf_keras.keras"))
    return [module for root in roots if (module := module_at(root, place)) is not None]


def module_at(root: ModuleType, path: str) -> ModuleType | None:
    """The module at a dotted path below another one."""
    value: Any = root
    for part in path.split("."):
        value = getattr(value, part, None)
    return value


def copy_missing(source: ModuleType, target: ModuleType) -> None:
    """Gives a module the public names that it lacks."""
    for name, value in vars(source).items():
        if not name.startswith("_") and not hasattr(target, name):
            setattr(target, name, value)


def alias_tensorflow() -> None:
    """Lets ``tensorflow.python.keras`` and the like be this Keras; without TensorFlow ``tensorflow.keras`` too."""
    if "tensorflow" not in sys.modules:
        sys.modules["tensorflow"] = TensorflowStandIn("tensorflow")
        return
    for name in [name for name in sys.modules if name.startswith("tensorflow.python.keras")]:
        del sys.modules[name]
    python = sys.modules.get("tensorflow.python")
    if python is not None:
        python.keras = keras  # type: ignore[attr-defined]


class TensorflowStandIn(StandIn):
    """Stands for TensorFlow where Keras runs on something else: its ``keras`` is this one, and what Keras has an
    operation for works."""

    RENAMED: ClassVar = {"concat": "concatenate", "reduce_mean": "mean", "reduce_sum": "sum", "reduce_max": "max"}
    SAME = ("nn", "math", "linalg")

    def __getattr__(self, name: str) -> Any:
        if name == "keras":
            return keras
        if name in self.SAME:
            return self
        operation = getattr(keras.ops, self.RENAMED.get(name, name), None)
        return operation if operation is not None else super().__getattr__(name)


def translate_arguments(cls: type) -> None:
    """Lets the constructor of a layer or optimizer take the arguments' old names."""
    original = cls.__dict__.get("__init__")
    if original is None or hasattr(original, "headlint_translated"):
        return
    try:
        signature = inspect.signature(original)
    except (TypeError, ValueError):
        return
    names = frozenset(signature.parameters)

    @functools.wraps(original)
    def __init__(self: Any, *arguments: Any, **keywords: Any) -> None:
        if cls is keras.layers.Layer and arguments:
            keywords = dict(zip(BY_PLACE, arguments, strict=False)) | keywords
            arguments = ()
        keywords = with_layer_shape(self, keywords)
        if isinstance(self, keras.layers.RNN):
            keywords = {key: value for key, value in keywords.items() if key != "stateful"}
        plain = {key: whole(value) for key, value in translated(keywords, names).items()}
        if "pool_size" in names and not arguments:
            plain.setdefault("pool_size", 2)
        if isinstance(self, keras.optimizers.Optimizer):
            arguments = tuple(float(value) if type(value) is int else value for value in arguments)
            plain = {
                key: float(value) if key == "learning_rate" and type(value) is int else value
                for key, value in plain.items()
            }
        if isinstance(plain.get("name"), str):
            plain["name"] = without_slashes(plain["name"])
        original(self, *map(whole, arguments), **plain)

    __init__.headlint_translated = True  # type: ignore[attr-defined]
    __init__.__signature__ = signature  # type: ignore[attr-defined] # Keras writes a layer's configuration by it
    cls.__init__ = __init__  # type: ignore[misc]


def without_slashes(name: str) -> str:
    """A name that Keras 3 takes: ``conv1_bn`` for ``conv1/bn``."""
    return name.replace("/", "_")


def whole(value: Any) -> Any:
    """A whole number of numpy's as one of Python's: ``Dense(numpy.prod(shape))``."""
    return value.item() if isinstance(value, numpy.integer) else value


def translated(keywords: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """The arguments under the names that the constructor knows."""
    if keywords.keys() <= names:
        return keywords
    found: dict[str, Any] = {}
    for key, value in keywords.items():
        current = next((one for one in RENAMED.get(key, ()) if one in names), None)
        if key in names or (
            current is None and key not in DROPPED and key not in RENAMED and not OF_WEIGHTS.search(key)
        ):
            found[key] = value
        elif key == "nb_row":
            found["kernel_size"] = (value, keywords.get("nb_col", value))
        elif key == "batch_input_shape":
            found["input_shape"] = tuple(value)[1:]
        elif current is not None:
            found[current] = value
    return found


def timed_dense(*arguments: Any, **keywords: Any) -> Any:
    """``TimeDistributedDense(10)``."""
    return keras.layers.TimeDistributed(keras.layers.Dense(*arguments, **keywords))


def keras_1_merge(parts: Any = (), mode: str = "sum", concat_axis: int = -1, **keywords: Any) -> Any:
    """``merge([a, b], mode="concat")``."""
    layer = {
        "sum": keras.layers.Add,
        "mul": keras.layers.Multiply,
        "ave": keras.layers.Average,
        "max": keras.layers.Maximum,
    }.get(mode)
    made = layer() if layer is not None else keras.layers.Concatenate(axis=concat_axis)
    return made(list(parts))


def with_old_inputs(original: Callable[..., Any]) -> Callable[..., Any]:
    """``Model.__new__``, which tells by its arguments that a model is a functional one, also by their old names."""

    @functools.wraps(original)
    def __new__(cls: type, *arguments: Any, **keywords: Any) -> Any:
        return original(cls, *arguments, **translated(keywords, frozenset({"inputs", "outputs", "name"})))

    return __new__


class OldModule(ModuleType):
    """A module of an older Keras: gives the names of this one, wherever they are now."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if isinstance(whole := getattr(keras, name, None), ModuleType):
            return whole
        own = TODAY.get(last := self.__name__.rpartition(".")[2], last)
        for place in sorted(PLACES, key=lambda place: place != own):
            for module in namespaces(place):
                if not isinstance(module, OldModule) and hasattr(module, name):
                    return getattr(module, name)
        if hasattr(keras, name):
            return getattr(keras, name)
        if name in CONVOLUTIONS:
            return CONVOLUTIONS[name]
        if is_gone(name):
            return gone(name)
        if (made := initialization(name)) is not None:
            return made
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


class OldModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules that older versions had, below ``keras``, ``tensorflow.keras`` and ``tensorflow.python.keras``."""

    ROOTS = ("keras.", "tensorflow.keras", "tensorflow.python.keras", "tensorflow.contrib.keras", "tensorflow_core.")
    OWN = ("keras.src", "keras._", "keras.api")

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of an old module that this Keras does not have."""
        if not name.startswith(self.ROOTS) or name.startswith(self.OWN):
            return None
        parts = name.split(".")
        last = parts[-1]
        if last not in OLD_MODULES and last not in ("keras", "python", "api", "contrib"):
            return None
        below = ".".join(parts[parts.index("keras") + 1 :]) if "keras" in parts else ""
        if name.startswith("keras.") and below and self.exists(below):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    @staticmethod
    def exists(below: str) -> bool:
        """Whether this Keras has such a module."""
        value: Any = keras
        for part in below.split("."):
            value = getattr(value, part, None)
        return isinstance(value, ModuleType) and not isinstance(value, OldModule)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """The module."""
        return OldModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: names are looked up when they are asked for."""
