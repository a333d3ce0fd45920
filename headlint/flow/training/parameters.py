"""Which parameters belong to a module, and to what an optimizer is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.values.conditions import Choice
from headlint.flow.values.library_values import Backbone, Container, Layer, Loss, Part
from headlint.flow.values.python_values import (
    BoundMethod,
    ClassValue,
    Constant,
    DictValue,
    FrameworkMethod,
    FrameworkName,
    FunctionValue,
    Instance,
    ListValue,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import OneParameter, Parameters

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

NONE = Parameters(frozenset())

DEEPEST_MODULE = 12
"""Modules within modules that are looked into."""


def of_module(machine: Machine, module: Value, depth: int = DEEPEST_MODULE) -> Parameters:
    """What ``module.parameters()`` gives at this moment."""
    match module:
        case Layer() | Part():
            return Parameters(frozenset({module}))
        case Backbone():
            parts = (value for key in module.slots if (value := machine.read(module, key)) is not None)
            return _together(machine, (module,), parts, depth)
        case Container():
            members = machine.read(module, "items")
            within = _together(machine, (), members.items if isinstance(members, TupleValue) else (Unknown(),), depth)
            return Parameters(within.members, within.complete and not module.approximate)
        case Instance() if depth > 0:
            attributes = (value for key in module.slots if (value := machine.read(module, key)) is not None)
            within = _together(machine, (), attributes, depth)
            return Parameters(within.members, within.complete and not module.cls.opaque)
        case Choice(options):
            within = _together(machine, (), (option.value for option in options), depth)
            return Parameters(within.members, False)
        case Tensor() if module.origin.role == "variable":
            return Parameters(frozenset({module}))
        case Constant() | Tensor() | FunctionValue() | BoundMethod() | ClassValue() | FrameworkName() | Loss():
            return NONE
        case FrameworkMethod() | ListValue() | DictValue() | TupleValue():
            return NONE
        case _:
            return Parameters(frozenset({module}), complete=False)


def _together(machine: Machine, own: tuple[Value, ...], parts: object, depth: int) -> Parameters:
    found = Parameters(frozenset(own))
    for part in parts:  # type: ignore[attr-defined]
        found = found.joined_with(of_module(machine, part, depth - 1))
    return found


def given_to_optimizer(machine: Machine, value: Value | None) -> Parameters:
    """The parameters in an optimizer's first argument: of modules, in lists, groups and sums of these."""
    match machine.state.narrow(value) if value is not None else None:
        case Parameters() as parameters:
            return parameters
        case OneParameter(of=several):
            return Parameters(several.members, several.complete, partial=True)
        case Tensor() as tensor:
            return Parameters(frozenset({tensor}))
        case ListValue(approximate=approximate) as several:
            found = _given_in(machine, several.items)
            return Parameters(found.members, found.complete and not approximate, found.partial)
        case TupleValue(items):
            return _given_in(machine, items)
        case DictValue(slots=groups) if "params" in groups:
            return given_to_optimizer(machine, machine.read(value, "params"))
        case Choice(options):
            found = _given_in(machine, tuple(option.value for option in options))
            return Parameters(found.members, False, True)
        case None:
            return Parameters(frozenset(), complete=False)
        case other:
            return Parameters(frozenset({other}), complete=False)


def _given_in(machine: Machine, items: tuple[Value, ...]) -> Parameters:
    found = NONE
    for item in items:
        found = found.joined_with(given_to_optimizer(machine, item))
    return found
