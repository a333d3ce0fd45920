"""What a program does to a model's output between the model and the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional

from ..measuring.outputs import Output
from .outputs import class_axis
from .watch import Trace

OPERATIONS: dict[str, Callable[[Any, int], Any]] = {
    "softmax": lambda value, axis: torch.softmax(value, dim=axis),
    "log_softmax": lambda value, axis: torch.log_softmax(value, dim=axis),
    "sigmoid": lambda value, axis: torch.sigmoid(value),
    "log_sigmoid": lambda value, axis: functional.logsigmoid(value),
    "logsigmoid": lambda value, axis: functional.logsigmoid(value),
    "tanh": lambda value, axis: torch.tanh(value),
    "relu": lambda value, axis: torch.relu(value),
    "log": lambda value, axis: torch.log(value),
    "exp": lambda value, axis: torch.exp(value),
    "argmax": lambda value, axis: torch.argmax(value, dim=axis),
    "round": lambda value, axis: torch.round(value).detach(),
    "sign": lambda value, axis: torch.sign(value).detach(),
    "detach": lambda value, axis: value.detach(),
    "squeeze": lambda value, axis: value.squeeze(-1),
}
"""By name; the second argument is the class axis. The gradient of ``round`` and ``sign`` is zero everywhere: cut off."""


def applied(names: Sequence[str], output: Output, trace: Trace) -> Any:
    """The value of an output after operations in their order. One that is not known changes nothing."""
    value = output.tensor
    for name in names:
        operation = OPERATIONS.get(name)
        if operation is not None:
            value = operation(value, class_axis(Output(output.name, value), trace.weighted))
    return value
