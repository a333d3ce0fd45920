"""What a function that takes too long to be followed to its end gives to the classes and functions that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.python import attributes, names
from headlint.flow.values.assumptions import of_default
from headlint.flow.values.python_values import ClassValue, FunctionValue, Instance, Value
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def note_overrides(machine: Machine, function: FunctionValue, receiver: Value | None) -> None:
    """Note the defaults that calls replace which were not reached: nothing may rest on those."""
    for node in ir.walk(function.definition.body):
        if not isinstance(node, ir.Call) or not node.arguments:
            continue
        called = _called(machine, function, receiver, node.function)
        if called is not None:
            defaults = dict(called.defaults)
            machine.overrides.update(of_default(called, name) for name in _given(called, node) if name in defaults)


def _called(
    machine: Machine, function: FunctionValue, receiver: Value | None, callee: ir.Expression
) -> FunctionValue | None:
    """The function that a call runs, where a name of the module or an attribute of the object's class says it."""
    found: Value | None = None
    match callee:
        case ir.Name(name=name):
            found = names.member(machine, function.scope.unit, name)
        case ir.Attribute(owner=ir.Name(name="self"), name=name) if isinstance(receiver, Instance):
            held = attributes.find_in_class(machine, receiver.cls, name)
            found = held[0] if held is not None else None
    if isinstance(found, ClassValue):
        held = attributes.find_in_class(machine, found, "__init__")
        found = held[0] if held is not None else None
    return found if isinstance(found, FunctionValue) else None


def _given(called: FunctionValue, call: ir.Call) -> list[str]:
    """The parameters that a call gives, by their names or by their places."""
    named = [argument.name for argument in call.arguments if argument.name]
    by_place = [argument for argument in call.arguments if not argument.name and not argument.stars]
    places = [parameter.name for parameter in called.definition.parameters if parameter.kind == "positional"]
    first = 1 if called.owner is not None and called.kind != "static" else 0
    return named + places[first : first + len(by_place)]
