"""Models with a ``train_step`` of their own, to which the loss that ``compile`` is given may mean nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.values.python_values import BoundMethod, ClassValue, Instance, Value
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_ASK_FOR_THE_LOSS = frozenset({"compiled_loss", "compute_loss", "loss", "train_step"})
"""What a ``train_step`` calls to use the loss of ``compile``, by itself or through that of the class above."""


def leaves_the_loss_alone(machine: Machine, model: Value) -> bool:
    """Whether ``fit`` calls a method of the program that never asks for the loss which ``compile`` was given."""
    if not isinstance(model, Instance) or not isinstance(machine.method(model, "train_step"), BoundMethod):
        return False
    classes = (one for one in model.cls.ancestors() if isinstance(one, ClassValue))
    return all(_ASK_FOR_THE_LOSS.isdisjoint(ir.attributes_in(one.definition.body)) for one in classes)
