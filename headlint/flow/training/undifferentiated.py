"""Programs that step and never differentiate anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headlint.flow.values.facts import Event, NothingDifferentiated, TrainingEvent
from headlint.flow.values.modules import ModuleUnit
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_DIFFERENTIATING = re.compile(
    r"backward|accelerat|engine|closure|minimize|Trainer|deepspeed|^(?:grads?|gradients?)$|(?:^|_)[vj][jv]p$"
)
"""What a name has in it that may be part of differentiating a loss."""


def note(machine: Machine, unit: ModuleUnit) -> None:
    """Note that a file takes steps, and that no file of the program that is known mentions anything of gradients."""
    events = {fact.event for fact in machine.facts if isinstance(fact, TrainingEvent)}
    if Event.STEPPED not in events or events & {Event.DIFFERENTIATED, Event.READ, Event.WRITTEN} or machine.muted:
        return
    units = [one for one in machine.units.values() if one is not None]
    own = {
        definition.name
        for one in units
        for definition in one.body.definitions()
        if isinstance(definition, ir.ClassDefinition)
    }
    if not any(_mentions_gradients(one, own) for one in units):
        machine.emit(NothingDifferentiated, machine.site(0))


def _mentions_gradients(unit: ModuleUnit, own: set[str]) -> bool:
    for node in ir.walk(unit.body):
        match node:
            case ir.Attribute(name=name) | ir.Name(name=name) if name not in own:
                if _DIFFERENTIATING.search(name):
                    return True
    return False
