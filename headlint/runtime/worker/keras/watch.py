"""What happens inside a pass through a Keras model: which function made each value, and which layers were called."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
from keras.src import backend

from ..measuring.outputs import MARK, Activation, activation_of, joined
from ..measuring.places import running_line

OVER_AN_AXIS = frozenset({"softmax", "log_softmax"})
ELEMENTWISE = {
    name: name
    for name in (
        "sigmoid", "log_sigmoid", "tanh", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu",
        "softplus", "softsign", "hard_sigmoid", "hard_tanh",
    )
} | {"hard_sigmoid": "hardsigmoid", "hard_tanh": "hardtanh"}  # fmt: skip
"""The activations, by the name of the function of the backend; the value is the name in a report."""

CARRYING = frozenset({"reshape", "squeeze", "expand_dims", "transpose", "ravel", "identity", "cast", "moveaxis"})
"""Functions whose result holds the same values, perhaps in another shape."""

JOINING = frozenset({"concatenate", "stack", "concat"})

KERAS_OWN = "keras."
MOST_LAYERS = 1000


@dataclass
class Trace:
    """What was seen during one pass. ``weighted`` is the last layer called that has weights to be trained, ``inside`` the
    layer that is running: its parts are told as one with it. ``called`` are all layers that were called, at ``lines``."""

    model: Any
    batch: int = 0
    layers: list[dict[str, Any]] = field(default_factory=list)
    weighted: Any = None
    counted: set[int] = field(default_factory=set)
    inside: Any = None
    called: dict[int, Any] = field(default_factory=dict)
    lines: dict[int, tuple[str, int]] = field(default_factory=dict)


_running: list[Trace] = []


def running_trace() -> Trace | None:
    """The trace of the pass that is running."""
    return _running[-1] if _running else None


def mark(tensor: Any, seen: Activation | None) -> None:
    """Writes on a tensor which activation made it."""
    if seen is not None:
        try:
            setattr(tensor, MARK, seen)
        except AttributeError:  # a value that takes no attributes stays unmarked
            return


def watch_backend() -> Callable[[], None]:
    """Lets the functions of the backend, and of TensorFlow where it is loaded, tell which values they made.

    What it gives ends that.
    """
    places = [backend.nn, backend.numpy, backend.core, backend]
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None:
        places += [tensorflow.nn, tensorflow.math, tensorflow]
    before: list[tuple[Any, str, Any]] = [(keras.layers.Layer, "__call__", keras.layers.Layer.__call__)]
    for module in places:
        for name in (*OVER_AN_AXIS, *ELEMENTWISE, *CARRYING, *JOINING):
            function = vars(module).get(name) or (getattr(module, name, None) if module is not backend else None)
            if callable(function) and not hasattr(function, "headlint_watched"):
                before.append((module, name, vars(module).get(name)))
                setattr(module, name, watched(name, function))
    keras.layers.Layer.__call__ = watched_layer(keras.layers.Layer.__call__)

    def restore() -> None:
        for place, name, value in reversed(before):
            if value is None:
                delattr(place, name)
            else:
                setattr(place, name, value)

    return restore


def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, its result marked."""

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        result = function(*arguments, **keywords)
        if hasattr(result, "shape"):
            mark(result, noted(name, arguments, keywords))
        return result

    call.headlint_watched = True  # type: ignore[attr-defined]
    return call


def noted(name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Activation | None:
    """The activation behind the result of a call."""
    given = (
        arguments[0]
        if arguments
        else next((keywords[key] for key in ("x", "logits", "features") if key in keywords), None)
    )
    if name in JOINING:
        return joined(given)
    if given is None or not hasattr(given, "shape"):
        return None
    if name in OVER_AN_AXIS:
        axis = keywords.get("axis", arguments[1] if len(arguments) > 1 else -1)
        rank = len(given.shape)
        return Activation(name, axis % rank if isinstance(axis, int) and rank else None, (given,))
    if name in ELEMENTWISE:
        return Activation(ELEMENTWISE[name], None, (given,))
    seen = activation_of(given)
    same = name in ("identity", "cast")
    return seen if seen is None or same else Activation(seen.kind, None, seen.entering)


def watched_layer(call: Callable[..., Any]) -> Callable[..., Any]:
    """``Layer.__call__``, which tells the running trace of the layers that are called."""

    @functools.wraps(call)
    def wrapper(self: Any, *arguments: Any, **keywords: Any) -> Any:
        trace = _running[-1] if _running else None
        if trace is not None and trace.inside is None and id(self) not in trace.called:
            trace.called[id(self)], trace.lines[id(self)] = self, running_line()
        if trace is None or trace.inside is not None or self is trace.model or not is_leaf(self):
            return call(self, *arguments, **keywords)
        trace.inside = self
        try:
            result = call(self, *arguments, **keywords)
        finally:
            trace.inside = None
        saw_layer(trace, self, result)
        return result

    return wrapper


def saw_layer(trace: Trace, layer: Any, result: Any) -> None:
    """Adds a row for a layer that was called."""
    if isinstance(layer, keras.layers.InputLayer):
        return
    if layer.trainable_weights:
        trace.weighted = layer
    if len(trace.layers) < MOST_LAYERS:
        again = id(layer) in trace.counted
        trace.counted.add(id(layer))
        trace.layers.append(
            {
                "name": layer.name,
                "kind": type(layer).__name__,
                "output": first_shape(result),
                "parameters": 0 if again else layer.count_params(),
                "trainable": bool(layer.trainable_weights),
                "bias": bool(layer.use_bias) if hasattr(layer, "use_bias") and layer.weights else None,
            }
        )


def is_leaf(layer: Any) -> bool:
    """Whether a layer is told as one: it has no parts, or is a layer of Keras' own and not a model."""
    own = type(layer).__module__.startswith(KERAS_OWN) and not isinstance(layer, keras.Model)
    return own or not getattr(layer, "_layers", None)


def first_shape(result: Any) -> list[int] | None:
    """The shape of a layer's first output."""
    while isinstance(result, (tuple, list)) and result:
        result = result[0]
    shape = getattr(result, "shape", None)
    return [int(size) if size is not None else -1 for size in shape] if shape is not None else None


@contextmanager
def seeing(model: Any, batch: int) -> Iterator[Trace]:
    """Notes the layers that are called while it lasts."""
    trace = Trace(model, batch)
    _running.append(trace)
    try:
        yield trace
    finally:
        _running.remove(trace)
