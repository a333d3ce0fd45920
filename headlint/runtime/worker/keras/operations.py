"""What a program does to a model's output between the model and the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from ..measuring.outputs import Output
from .outputs import class_axis

OPERATIONS: dict[str, Callable[[Any, int], Any]] = {
    "softmax": lambda value, axis: keras.activations.softmax(value, axis=axis),
    "log_softmax": lambda value, axis: ops.log_softmax(value, axis=axis),
    "sigmoid": lambda value, axis: keras.activations.sigmoid(value),
    "log_sigmoid": lambda value, axis: ops.log_sigmoid(value),
    "argmax": lambda value, axis: ops.argmax(value, axis=axis),
    "round": lambda value, axis: ops.stop_gradient(ops.round(value)),
    "sign": lambda value, axis: ops.stop_gradient(ops.sign(value)),
    "detach": lambda value, axis: ops.stop_gradient(value),
}
"""By name; the second argument is the class axis. The gradient of ``round`` and ``sign`` is zero everywhere: cut off."""


def applied(names: Sequence[str], output: Output) -> Any:
    """The value of an output after operations in their order. One that is not known changes nothing."""
    value = output.tensor
    for name in names:
        operation = OPERATIONS.get(name)
        if operation is not None:
            value = operation(value, class_axis(Output(output.name, value)))
    return value
