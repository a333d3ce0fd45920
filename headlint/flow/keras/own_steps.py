"""What models of a program's own say in their methods: whether they use the loss of ``compile``, and in which mode they train."""

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


def says_training(cls: ClassValue) -> bool:
    """Whether a class, or one that it inherits from, says ``training=True`` itself, in a call or by default."""
    classes = [one for one in cls.ancestors() if isinstance(one, ClassValue)]
    return any(_says_true(node) for one in classes for node in ir.walk(one.definition.body))


def _says_true(node: object) -> bool:
    match node:
        case ir.FunctionDefinition(parameters=parameters):
            given = [(parameter.name, parameter.default) for parameter in parameters]
        case ir.Call(arguments=arguments):
            given = [(argument.name, argument.value) for argument in arguments]
        case _:
            return False
    return any(name == "training" and isinstance(value, ir.Literal) and value.value is True for name, value in given)
