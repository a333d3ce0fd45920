"""What a program picks by a name that is not known: ``getattr(models, name)``, ``import_module("models." + name)``.

It is one of those that the module offers: classes and functions that nothing else of their own module uses, which would
make them parts of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from headlint.flow.machine import importing
from headlint.flow.machine.state import MOST_OF_ONE_QUESTION, join
from headlint.flow.python import names, texts
from headlint.flow.values.conditions import Condition, Guard
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import (
    ClassValue,
    FunctionValue,
    LateDefinition,
    ModuleValue,
    Unknown,
    Value,
)
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

MOST_MODULES = 12
"""Modules of a package of which each may be the one that is imported."""


def from_module(machine: Machine, unit: ModuleUnit, name: Unknown) -> Value:
    """One of the classes and functions that a module offers."""
    return _one_of(name, _offered(machine, unit, name), MOST_OF_ONE_QUESTION)


def like_the_default(machine: Machine, unit: ModuleUnit, option: Unknown, default: str, found: Value) -> Value:
    """What the default of an option names, or any other class or function of its kind that the module offers."""
    if not isinstance(found, ClassValue | FunctionValue):
        return found
    others = dict(islice(_offered(machine, unit, option), MOST_OF_ONE_QUESTION + 1))
    if default not in others or not 1 < len(others) <= MOST_OF_ONE_QUESTION:
        return found
    named = [(default, found), *((key, value) for key, value in others.items() if key != default)]
    return join(((Guard(Condition("==", option, key), True, key == default),), value) for key, value in named)


def class_named(machine: Machine, name: Unknown) -> Value:
    """One of the modules and models that the names of the module stand for where the interpreter is."""
    offered = _offered(machine, machine.unit, name)
    return _one_of(
        name, ((key, value) for key, value in offered if isinstance(value, ClassValue)), MOST_OF_ONE_QUESTION
    )


def module_named(machine: Machine, name: Unknown) -> Value:
    """One of the modules of a package, ``"package." + name``."""
    beginning, end = texts.ends_of(name)
    package, dot, first = beginning.rpartition(".")
    importer = machine.unit.file
    if not dot or not package or "." in end or importer is None:
        return Unknown()
    below = machine.loader.modules_below(importer, package)
    files = {key: file for key, file in below.items() if key.startswith(first) and key.endswith(end)}
    if len(files) > MOST_MODULES:
        return Unknown()
    units = ((key, importing.load(machine, file)) for key, file in files.items())
    return _one_of(name, ((key, ModuleValue(unit)) for key, unit in units if unit is not None), MOST_MODULES)


def _one_of(name: Unknown, offered: Iterable[tuple[str, Value]], most: int) -> Value:
    found = dict(islice(offered, most + 1))
    if not 0 < len(found) <= most:
        return Unknown()
    return join(((Guard(Condition("==", name, key), True),), value) for key, value in found.items())


def _offered(machine: Machine, unit: ModuleUnit, name: Unknown) -> Iterator[tuple[str, Value]]:
    """What a module offers under the names that may be meant."""
    for key in list(unit.scope.slots):
        if isinstance(key, str) and not key.startswith("_") and not texts.is_another(name, key):
            if _is_part_before_it_is_defined(unit.scope.slots.get(key)):
                continue
            value = names.member(machine, unit, key)
            if _is_offered(unit, value):
                yield key, value


def _is_offered(unit: ModuleUnit, value: Value) -> bool:
    match value:
        case ClassValue(unit=home, definition=definition):
            made_by_library = bool(value.framework_base()) or value.opaque
            return made_by_library and not _is_part(home, definition)
        case FunctionValue(definition=ir.FunctionDefinition() as definition, scope=scope):
            at_home = scope.unit is unit or (unit.file is not None and unit.file.name == "__init__.py")
            return at_home and bool(definition.parameters) and not _is_part(scope.unit, definition)
        case _:
            return False


def _is_part_before_it_is_defined(value: Value | None) -> bool:
    """Whether that can be said of what waits to be defined: nothing needs to be known of its own for it."""
    match value:
        case LateDefinition(unit=home, statement=ir.ClassDefinition() | ir.FunctionDefinition() as definition):
            return _is_part(home, definition)
        case _:
            return False


def _is_part(home: ModuleUnit, definition: ir.ClassDefinition | ir.FunctionDefinition) -> bool:
    """Whether something else of the module mentions a definition."""
    return any(definition.name in mentioned for top, mentioned in _mentions(home).items() if top != definition.name)


def _mentions(home: ModuleUnit) -> Mapping[str, frozenset[str]]:
    """What each class and function of a module's top level mentions, by their names."""
    if home.mentions is None:
        home.mentions = {
            top.name: ir.names_in(top)
            for top in home.body.body
            if isinstance(top, ir.ClassDefinition | ir.FunctionDefinition)
        }
    return home.mentions
