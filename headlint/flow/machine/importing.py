"""The modules of a program: a script is run from its beginning to its end, an imported module as far as somebody needs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from headlint.flow.machine.budget import LEAST_STEPS_OF_A_STATEMENT, MOST_STEPS_OF_AN_IMPORT
from headlint.flow.machine.frames import CallStack, Frame
from headlint.flow.machine.late_definitions import late_definition, names_that_change
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import LateDefinition, Value
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_AT_TOP_LEVEL: Mapping[str, object] = {
    "rounds": (),
    "applying": False,
    "comprehending": 0,
    "rounds_of_comprehension": (),
    "without_gradient": 0,
    "no_gradient_at": None,
    "in_container": False,
    "in_root": False,
    "muted": 0,
    "class_being_defined": None,
}
"""What a machine knows of where it stands, at the top level of a module."""


def load(machine: Machine, file: Path | None) -> ModuleUnit | None:
    """The module of a file, read and run at its first use."""
    unit = read(machine, file) if file is not None else None
    if unit is not None:
        run(machine, unit)
    return unit


def read(machine: Machine, file: Path) -> ModuleUnit | None:
    """The module of a file, read at its first use."""
    if file not in machine.units:
        machine.units[file] = machine.loader.load(file)
    return machine.units[file]


def run(machine: Machine, unit: ModuleUnit) -> None:
    """Run a module's top level once."""
    if unit.started:
        return
    unit.started = True
    if unit.main:
        machine.within(unit, lambda: _run_as_program(machine, unit.body.body))
        return
    with _importing(machine, unit):
        for statement in unit.body.body:
            late = late_definition(unit, statement)
            _define_what_may_change(machine, unit, statement if late is None else late)
            if late is None:
                machine.with_share(partial(machine.execute, (statement,)), MOST_STEPS_OF_AN_IMPORT)
            else:
                unit.late.append(late)
                machine.state.write(unit.scope, late.name, late)


def _run_as_program(machine: Machine, body: Iterable[ir.Statement]) -> None:
    """Run statements until one leaves; none may take so many steps that those behind it could not be followed."""
    went_on = True

    def run_one(statement: ir.Statement) -> None:
        nonlocal went_on
        went_on = machine.execute((statement,))

    for statement in body:
        if not went_on:
            return
        machine.make_room(LEAST_STEPS_OF_A_STATEMENT)
        machine.with_share(partial(run_one, statement), max(LEAST_STEPS_OF_A_STATEMENT, machine.steps_left * 3 // 4))


def defined(machine: Machine, late: LateDefinition) -> Value | None:
    """What a definition that waited gives, now that something asks for it; None while it is being made."""
    unit, name = late.unit, late.name
    if late not in unit.defined:
        unit.defined[late] = None  # what it needs itself may ask for it again
        kept = unit.scope.slots.pop(name, None)
        with _importing(machine, unit):
            machine.with_share(partial(machine.execute, (late.statement,)), MOST_STEPS_OF_AN_IMPORT)
        unit.defined[late] = unit.scope.slots.get(name)
        if kept is not None and kept is not late:
            unit.scope.slots[name] = kept  # the program gave the name another value before it asked
    return unit.defined[late]


def define_all(machine: Machine, unit: ModuleUnit) -> None:
    """Define every function and class of a module that waits."""
    for late in unit.late:
        if not late.mentioned:
            defined(machine, late)


def _define_what_may_change(machine: Machine, unit: ModuleUnit, by: ir.Statement | LateDefinition) -> None:
    """Make what waits and mentions something that a statement, or another value of a name, may change."""
    waiting = [late for late in unit.late if late.mentioned and late not in unit.defined]
    names = {by.name} if isinstance(by, LateDefinition) else names_that_change(by) if waiting else ()
    for late in waiting:
        if not late.mentioned.isdisjoint(names):
            defined(machine, late)


@contextmanager
def _importing(machine: Machine, unit: ModuleUnit) -> Iterator[None]:
    """Interpret statements of an imported module: they stand in no loop, call or branch of those who import it."""
    around = {name: getattr(machine, name) for name in ("frames", *_AT_TOP_LEVEL)}
    vars(machine).update(_AT_TOP_LEVEL, frames=CallStack([Frame(unit.scope, unit)]))
    machine.frames_around += len(around["frames"])
    try:
        with machine.state.outside():
            yield
    finally:
        machine.frames_around -= len(around["frames"])
        vars(machine).update(around)
