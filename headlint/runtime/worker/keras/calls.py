"""How layers of older programs are called: with flags by place, and models that have no ``call`` of their own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import keras

from ..program.uses import uses_of

PLAIN = (bool, int, float, str, type(None))
"""What is no tensor: Keras 2 took it by place too."""


def accept_flags_by_place() -> None:
    """For the rest of the process ``layer(x, training)`` works: what is no tensor is handed on by name."""
    keras.layers.Layer.__call__ = with_names(keras.layers.Layer.__call__)


def with_names(original: Callable[..., Any]) -> Callable[..., Any]:
    """The call of a layer, with its flags by name."""

    @functools.wraps(original)
    def called(layer: Any, *arguments: Any, **keywords: Any) -> Any:
        if not any(isinstance(one, PLAIN) for one in arguments[1:]):
            return original(layer, *arguments, **keywords)
        names = list(inspect.signature(layer.call).parameters)
        given = dict(zip(names[1:], arguments[1:], strict=False))
        if len(names) < len(arguments) or given.keys() & keywords.keys():
            return original(layer, *arguments, **keywords)
        return original(layer, arguments[0], **given, **keywords)

    return called


def in_place_of_call(model: Any) -> str:
    """The method that hands an argument to a part of the model first, where there is no ``call``; empty otherwise."""
    own = type(model)
    if own.call is not keras.Model.call:
        return ""
    for name, method in vars(own).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            parameters = list(inspect.signature(method).parameters)[1:]
            if parameters and any(True for _ in uses_of(method, parameters[0])):
                return name
    return ""
