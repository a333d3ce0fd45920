"""Names: variables, imports and ``super()``."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

from headlint.flow.machine import importing
from headlint.flow.machine.state import join
from headlint.flow.values.conditions import Choice
from headlint.flow.values.python_values import (
    Constant,
    FrameworkName,
    Late,
    LateDefinition,
    ModuleValue,
    PackagePath,
    Scope,
    SuperValue,
    Unknown,
    Value,
)
from headlint.frameworks import registry
from headlint.frameworks.names import ALWAYS_LIBRARIES, PACKAGES, canonical, usual_meaning, usual_module
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine
    from headlint.flow.values.modules import ModuleUnit

BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_")) | {"xrange", "unicode", "raw_input"}


_WAITING = (Late, LateDefinition)


def look_up(machine: Machine, name: str) -> Value:
    """The value of a variable where the interpreter stands."""
    scope: Scope | None = machine.frame.scope
    innermost = True
    while scope is not None:
        value = scope.slots.get(name)
        if value is not None and (scope.kind != "class" or innermost) and name not in scope.outer_names:
            if not (machine.in_root and scope.kind == "module" and name in scope.unit.reassigned):
                if isinstance(value, Choice):
                    return settled(machine, machine.state.narrow(value))
                return _settled_slot(machine, scope, name, value) if isinstance(value, _WAITING) else value
        innermost = innermost and scope.kind == "comprehension"
        scope = scope.outer
    return _beyond(machine, name)


def _beyond(machine: Machine, name: str) -> Value:
    unit = machine.unit
    if name == "__name__":
        return Constant("__main__" if unit.main else "imported")
    for star in reversed(unit.stars):
        path = canonical(f"{star}.{name}")
        if registry.known(path):
            return FrameworkName(path)
    if name in BUILTINS:
        return FrameworkName(f"builtins.{name}")
    usual = usual_module(name) if unit.unreadable_star else usual_meaning(name)
    if usual:
        return FrameworkName(usual)
    return machine.globals.child((unit.path, name))


def home_of(machine: Machine, name: str) -> Scope:
    """The scope that an assignment to a name writes to."""
    scope = machine.frame.scope
    kind = scope.outer_names.get(name)
    if kind == "global":
        return machine.unit.scope
    if kind == "nonlocal":
        outer = scope.outer
        while outer is not None and outer.outer is not None:
            if outer.kind != "class" and name in outer.slots:
                return outer
            outer = outer.outer
    return scope


def plain_super(machine: Machine) -> Value:
    """``super()`` without arguments."""
    for frame in reversed(machine.frames):
        if frame.owner is not None and frame.receiver is not None:
            return SuperValue(frame.receiver, frame.owner)
        if frame.definition is not None and not isinstance(frame.definition, ir.Lambda):
            break
    return Unknown()


def bind_import(machine: Machine, node: ir.Import) -> None:
    """``import a.b as c``."""
    for dotted, alias in node.names:
        first = dotted.split(".", 1)[0]
        _bind(machine, alias or first, Late(machine.unit, 0, dotted if alias else first))


def bind_import_from(machine: Machine, node: ir.ImportFrom) -> None:
    """``from a.b import c as d`` and ``from a.b import *``."""
    for name, alias in node.names:
        if name == "*":
            _import_star(machine, module_named(machine, machine.unit, node.level, node.module))
        else:
            _bind(machine, alias or name, Late(machine.unit, node.level, node.module, name))


def settled(machine: Machine, value: Value) -> Value:
    """The value, with whatever was imported and not asked for until now looked up."""
    match value:
        case Late(unit, level, module, ""):
            return module_named(machine, unit, level, module)
        case Late(unit, level, module, name):
            return machine.attribute(module_named(machine, unit, level, module), name)
        case LateDefinition():
            return importing.defined(machine, value) or Unknown()
        case Choice(options) if any(isinstance(option.value, _WAITING) for option in options):
            return join((option.guards, settled(machine, option.value)) for option in options)
        case _:
            return value


def _settled_slot(machine: Machine, scope: Scope, name: str, value: Value) -> Value:
    if isinstance(value, LateDefinition):
        made = settled(machine, value)
        if scope.slots.get(name) is value:
            scope.slots[name] = made
        return made
    if isinstance(value, Late):
        # Gone while it is looked up, or a package that imports its own submodule would ask itself for ever. Nor does any
        # journal need to know: what is imported is the same on every path.
        del scope.slots[name]
        scope.slots[name] = value = settled(machine, value)
        return value
    if isinstance(value, Choice) and name in scope.slots:
        kept = scope.slots.pop(name)  # gone while it is looked up here too
        try:
            return settled(machine, value)
        finally:
            scope.slots.setdefault(name, kept)
    return value


def _bind(machine: Machine, name: str, value: Value) -> None:
    machine.state.write(home_of(machine, name), name, value)


def _import_star(machine: Machine, module: Value) -> None:
    match module:
        case FrameworkName(path):
            machine.unit.stars.append(path)
        case ModuleValue(unit):
            machine.unit.stars.extend(star for star in unit.stars if star not in machine.unit.stars)
            for name in list(unit.scope.slots):
                value = machine.read(unit.scope, name)
                if value is not None and not str(name).startswith("_"):
                    _bind(machine, str(name), value)
            machine.unit.unreadable_star |= unit.unreadable_star
        case _:
            machine.unit.unreadable_star = True


def module_named(machine: Machine, unit: ModuleUnit, level: int, dotted: str) -> Value:
    """The module that an import in ``unit`` names."""
    top = dotted.split(".", 1)[0]
    if level == 0 and top in ALWAYS_LIBRARIES:
        return FrameworkName(canonical(dotted))
    importer = unit.file
    if importer is not None:
        found = importing.load(machine, machine.loader.resolve(importer, level, dotted))
        if found is not None:
            return ModuleValue(found)
    if level == 0 and (top in PACKAGES or top in machine.declared_packages):
        return FrameworkName(canonical(dotted))
    if importer is not None:
        return PackagePath(importer, "." * level + dotted)
    return machine.globals.child(("module", dotted))


def member(machine: Machine, unit: ModuleUnit, name: str) -> Value:
    """``module.name`` of a module of the project: a variable of it or a submodule."""
    value = machine.read(unit.scope, name)
    if value is not None:
        return _settled_slot(machine, unit.scope, name, value)
    if unit.file is not None and unit.file.name == "__init__.py":
        submodule = importing.load(machine, machine.loader.submodule(unit.file, name))
        if submodule is not None:
            return ModuleValue(submodule)
    for star in reversed(unit.stars):
        path = canonical(f"{star}.{name}")
        if registry.known(path):
            return FrameworkName(path)
    return machine.globals.child((unit.path, name))


def below(machine: Machine, package: PackagePath, name: str) -> Value:
    """``package.name`` of a folder without an ``__init__.py``."""
    level = len(package.dotted) - len(package.dotted.lstrip("."))
    dotted = package.dotted.lstrip(".")
    deeper = f"{dotted}.{name}" if dotted else name
    unit = importing.load(machine, machine.loader.resolve(package.importer, level, deeper))
    if unit is not None:
        return ModuleValue(unit)
    if not level and registry.known(deeper):
        return FrameworkName(deeper)
    return machine.globals.child(("name", str(package.importer), package.dotted, name))
