"""Training steps that a library takes by itself, from what the methods of a module give it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headlint.flow.training import optimizers
from headlint.flow.values.arguments import NO_ARGUMENTS
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import Event
from headlint.flow.values.python_values import Constant, DictValue, Instance, ListValue, TupleValue, Value
from headlint.flow.values.training_values import Optimizer

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

AUTOMATIC = Constant("a library takes the step")
"""What is given to the events of such a step."""


def step(machine: Machine, module: Instance, loss: Value, configured: Value, at: int) -> None:
    """Note what Lightning does with the loss of ``training_step`` and what ``configure_optimizers`` gave."""
    if machine.read(module, "automatic_optimization") not in (None, Constant(True)):
        return
    found = list(_optimizers_in(configured))
    for optimizer in found:
        machine.note_event(Event.CLEARED, machine.site(at), optimizer, given=(AUTOMATIC,))
    machine.note_event(Event.DIFFERENTIATED, machine.site(at), loss, given=(AUTOMATIC,))
    for optimizer in found:
        optimizers.step(machine, optimizer, NO_ARGUMENTS, at)


def _optimizers_in(value: Value) -> Iterator[Optimizer]:
    match value:
        case Optimizer():
            yield value
        case Choice(options):
            for option in options:
                yield from _optimizers_in(option.value)
        case TupleValue(items):
            for item in items:
                yield from _optimizers_in(item)
        case ListValue():
            for item in value.items:
                yield from _optimizers_in(item)
        case DictValue() if "optimizer" in value.slots:
            yield from _optimizers_in(value.slots["optimizer"])
