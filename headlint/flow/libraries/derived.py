"""Optimizers and schedules that a program derives from those of the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.python import attributes
from headlint.flow.training import optimizers
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.python_values import ClassValue, Constant, FunctionValue, Value
from headlint.frameworks import training
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def build(machine: Machine, cls: ClassValue, arguments: Arguments, at: int) -> Value | None:
    """An object of a class that only changes how a step is computed; None where it may do more, or is something else."""
    base = cls.framework_base()
    if base not in training.OPTIMIZER_BASES and base not in training.SCHEDULER_BASES:
        return None
    first = _first_parameter(machine, cls, "optimizer" if base in training.SCHEDULER_BASES else "params")
    if base in training.SCHEDULER_BASES:
        named = Arguments((), {"optimizer": value}) if (value := arguments.first("optimizer")) else arguments
        return optimizers.build(machine, training.ANY_SCHEDULER, named, at) if first == "optimizer" else None
    if first not in ("params", "parameters") or _may_clear(cls):
        return None
    held = Arguments((), {"params": arguments.first(first) or Constant(None)})
    return optimizers.build(machine, training.ANY_OPTIMIZER, held, at)


def _first_parameter(machine: Machine, cls: ClassValue, inherited: str) -> str:
    """What an object is made with; where the class leaves that to the library's, the name it has there."""
    found = attributes.find_in_class(machine, cls, "__init__")
    match found:
        case (FunctionValue(definition=ir.FunctionDefinition(parameters=(_, first, *_))), _):
            return first.name
        case None if not cls.opaque:
            return inherited
        case _:
            return ""


def _may_clear(cls: ClassValue) -> bool:
    """Whether the class assigns to a gradient, clears some, or calls what would."""
    for ancestor in cls.ancestors():
        for node in ir.walk(ancestor.definition.body) if isinstance(ancestor, ClassValue) else ():
            match node:
                case ir.Call(function=ir.Attribute(name="zero_grad" | "zero_")):
                    return True
                case ir.Assign(targets=targets) if any(
                    isinstance(one, ir.Attribute) and one.name == "grad" for one in targets
                ):
                    return True
    return False
