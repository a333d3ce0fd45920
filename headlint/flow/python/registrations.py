"""Tables that modules put their models into while they are imported: ``@register("name")`` above a class.

A module is run as far as somebody needs it. One that is imported for the sake of such a table alone is read when something
asks the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from headlint.flow.machine import importing
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import ClassValue, DictValue, Instance, Value
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

MOST_MODULES = 64
"""Modules that are looked at for one table."""


def complete(machine: Machine, table: DictValue) -> None:
    """Run the modules that put something into a table and that nothing has asked for so far."""
    if not table.may_be_filled or machine.unit.file is None:
        return
    table.may_be_filled = False
    words = set(_words_for(machine, table))
    looked_at: set[Path] = set()
    waiting = [unit for unit in machine.units.values() if unit is not None and unit.started] if words else []
    while waiting and len(looked_at) < MOST_MODULES:
        for file in _imported_by(machine, waiting.pop()):
            known = machine.units.get(file)
            if file in looked_at or (known is not None and known.started):
                continue
            looked_at.add(file)
            unit = importing.read(machine, file)
            registers = unit is not None and _registers(unit, words)
            if unit is not None and registers:
                importing.run(machine, unit)
            if unit is not None and (registers or file.name == "__init__.py"):
                waiting.append(unit)


def _words_for(machine: Machine, table: DictValue) -> Iterator[str]:
    """What modules mention that put something into a table: its name, its owner's, or a function's that knows it."""
    for unit in list(machine.units.values()):
        if unit is None:
            continue
        for name, value in list(unit.scope.slots.items()):
            if isinstance(name, str) and _holds(value, table):
                yield name
                yield from (one.name for one in unit.body.definitions() if name in ir.names_in(one))


def _holds(value: Value, table: DictValue) -> bool:
    match value:
        case Instance(slots=slots) | ClassValue(slots=slots):
            return any(slot is table for slot in slots.values())
        case _:
            return value is table


def _imported_by(machine: Machine, unit: ModuleUnit) -> Iterator[Path]:
    """The files of the project that the top level of a module imports, and those it imports by names that are put together."""
    if unit.file is None:
        return
    yield from _packages_around(machine, unit.file)
    for level, dotted in _imports_in(unit.body):
        found = machine.loader.resolve(unit.file, level, dotted)
        if found is not None:
            yield found
    if unit.file.name == "__init__.py" and "import_module" in ir.names_in(unit.body) | ir.attributes_in(unit.body):
        yield from machine.loader.modules_below(unit.file, unit.file.parent.name).values()


def _packages_around(machine: Machine, file: Path) -> Iterator[Path]:
    """The packages that a module is in: Python imports them before it."""
    for level in range(1, len(file.parents)):
        package = machine.loader.resolve(file, level, "")
        if package is None:
            return
        yield package


def _imports_in(body: ir.Module) -> Iterator[tuple[int, str]]:
    for statement in body.body:
        match statement:
            case ir.Import(names=names):
                yield from ((0, dotted) for dotted, _ in names)
            case ir.ImportFrom(level=level, module=module, names=names):
                yield level, module
                yield from ((level, f"{module}.{name}" if module else name) for name, _ in names if name != "*")


def _registers(unit: ModuleUnit, words: set[str]) -> bool:
    """Whether the top level of a module decorates something with one of the words, or calls it."""
    for statement in unit.body.body:
        match statement:
            case ir.FunctionDefinition(decorators=decorators) | ir.ClassDefinition(decorators=decorators):
                mentioned = ir.names_in(decorators) | ir.attributes_in(decorators)
            case ir.Import() | ir.ImportFrom():
                continue
            case _:
                mentioned = ir.names_in(statement) | ir.attributes_in(statement)
        if not words.isdisjoint(mentioned):
            return True
    return False
