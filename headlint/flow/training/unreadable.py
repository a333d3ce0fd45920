"""Calls of what cannot be read: they may do any part of a training step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.training import modules, optimizers, parameters
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.facts import Event
from headlint.flow.values.python_values import Constant, Instance, Unknown, Value
from headlint.flow.values.training_values import OneParameter, Optimizer

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def call(machine: Machine, function: Unknown, arguments: Arguments, at: int) -> Value | None:
    """Call something unknown; a value where the name of the method tells which part of a step it does."""
    owner = function.parent
    match function.key:
        case (OneParameter(of=several) as one, "requires_grad_"):
            parameters.set_trainable(machine, several, arguments.first("requires_grad") or Constant(True))
            return one
    if isinstance(function.key, str) and owner is not None and owner is not machine.globals:
        known = _method(machine, owner, function.key, arguments, at)
        if known is not None:
            return known
    hand_over(machine, function, arguments, at)
    return None


def _method(machine: Machine, owner: Unknown, name: str, arguments: Arguments, at: int) -> Value | None:
    first = arguments.positional[0] if arguments.positional else None
    match name:
        case "backward" if first is None:
            kept = tuple(Constant(name) for name in ("retain_graph", "create_graph") if arguments.get(name) is not None)
            machine.note_event(Event.DIFFERENTIATED, machine.site(at), owner, given=kept)
            return Constant(None)
        case "step" if not arguments.positional and not arguments.named:
            return optimizers.step(machine, owner, arguments, at)
        case "step" if first is not None and "scaler" in name_of(owner):
            machine.note_event(Event.STEPPED, machine.site(at), first, by=owner)
            return Unknown()
        case "unscale_" if first is not None:
            machine.note_event(Event.UNSCALED, machine.site(at), first, by=owner)
            return Unknown()
        case _ if name.endswith("_") and _is_gradient(owner):
            machine.note_event(Event.WRITTEN, machine.site(at), owner, given=(Constant(name),))
            return None
        case _:
            return modules.call_unknown(machine, owner, name, arguments, at)


def name_of(value: Unknown) -> str:
    """The name under which something unknown is known: an attribute, a parameter, a variable."""
    match value.key:
        case str() as name:
            return name.lower()
        case ("parameter", _, str() as name) | (_, str() as name):
            return name.lower()
        case _:
            return ""


def _is_gradient(value: Unknown) -> bool:
    """Whether something unknown is a ``.grad`` or a part of it."""
    return any(
        part.key == "grad" or (isinstance(part.key, tuple) and part.key[-1:] == ("grad",)) for part in value.outwards()
    )


def hand_over(machine: Machine, function: Unknown, arguments: Arguments, at: int) -> None:
    """Note what a call may change: its arguments, and the object whose method it is."""
    given = [value for value in (*arguments.positional, *arguments.named.values()) if not isinstance(value, Constant)]
    match function.key:
        case ((Instance() | Optimizer()) as owner, str(), *_):
            given.append(owner)
    if function.parent is not None and function.parent is not machine.globals:
        given.append(function.parent)
    machine.note_event(Event.HANDED_OVER, machine.site(at), function, given=tuple(given))
