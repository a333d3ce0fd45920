"""Programs that do a part of a training step, and mention another part of it nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from headlint.flow.training.unreadable import name_of
from headlint.flow.values.facts import Event, NothingCleared, NothingDifferentiated, NothingStepped, TrainingEvent
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import Unknown, Value
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_ANYTHING = r"accelerat|engine|closure|minimize|Trainer|deepspeed"
"""What the names of things have in them that may do a whole step."""

_DIFFERENTIATING = re.compile(rf"{_ANYTHING}|backward|^(?:grads?|gradients?)$|(?:^|_)[vj][jv]p$")
"""What a name has in it that may be part of differentiating a loss."""

_CLEARING = re.compile(
    r"deepspeed|[Zz]ero_?[Gg]rad|(?:clear|reset|clean|flush|empty|remove|del)\w*[Gg]rad|^grads?$|set_to_none|Trainer"
)
"""The same of clearing gradients; whoever reads or writes them by hand may do so too."""

_STEPPING = re.compile(
    rf"{_ANYTHING}|^grads?$|update_(?:param|weight|model|net)s?$|apply_grad|optimi[sz]e(?!rs?(?![a-z]))|opt\w*_step|step_\w*opt"
)
"""The same of changing parameters; a ``step`` that is not a schedule's counts by itself."""


def note(machine: Machine, unit: ModuleUnit) -> None:
    """Note which part of a step no file of the program that is known mentions, where something else of one is done."""
    events = {
        fact.event for fact in machine.facts if isinstance(fact, TrainingEvent) and not _is_of_a_schedule(fact.subject)
    }
    if machine.muted or events & {Event.READ, Event.WRITTEN}:
        return
    if Event.STEPPED in events and Event.DIFFERENTIATED not in events:
        if not any(map(_DIFFERENTIATING.search, _names(machine))):
            machine.emit(NothingDifferentiated, machine.site(0))
    if Event.DIFFERENTIATED in events and Event.CLEARED not in events:
        if not any(map(_CLEARING.search, _names(machine))):
            machine.emit(NothingCleared, machine.site(0))
    if Event.DIFFERENTIATED in events and Event.CLEARED in events and Event.STEPPED not in events:
        if not any(map(_STEPPING.search, _names(machine))) and not any(map(_steps, _units(machine))):
            machine.emit(NothingStepped, machine.site(0))


def _is_of_a_schedule(subject: Value) -> bool:
    return isinstance(subject, Unknown) and "sched" in name_of(subject)


def _units(machine: Machine) -> list[ModuleUnit]:
    return [one for one in machine.units.values() if one is not None]


def _names(machine: Machine) -> Iterator[str]:
    """The names that the program uses, but for those of its own classes, whose bodies tell."""
    units = _units(machine)
    own = {
        definition.name
        for one in units
        for definition in one.body.definitions()
        if isinstance(definition, ir.ClassDefinition)
    }
    for one in units:
        for node in ir.walk(one.body):
            match node:
                case ir.Attribute(name=name) | ir.Name(name=name) if name not in own:
                    yield name


_SCHEDULE = re.compile(r"sched|^lr|_lr$|warm|anneal|decay|stepper|plateau|env|world|simulat|profil", re.I)
"""What the names of things have in them whose ``step`` changes no parameter."""


def _steps(unit: ModuleUnit) -> bool:
    """Whether a ``step`` may be that of an optimizer: no schedule's, and no method of that name of the program's own."""
    own = any(definition.name == "step" for definition in unit.body.definitions())
    for node in ir.walk(unit.body):
        match node:
            case ir.Attribute(name="step", owner=ir.Name(name=owner) | ir.Attribute(name=owner)):
                if not _SCHEDULE.search(owner) and (not own or "opt" in owner):
                    return True
            case ir.Attribute(name="step"):
                return True
    return False
