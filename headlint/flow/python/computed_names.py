"""Attributes that are set under names that the program computes: ``setattr(settings, key, value)``, ``settings.__dict__[key] = value``.

Where the name is not known, whatever the object has may be replaced. Numbers, which settings give as a rule, are not known from
there on, and texts and flags are defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.python import iteration
from headlint.flow.python.defaults import replaceable
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.library_values import MODULES
from headlint.flow.values.python_values import Constant, DictValue, Instance, Unknown, Value

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def set_attribute(machine: Machine, instance: Instance, name: Value, value: Value, at: int) -> None:
    """``instance.__dict__[name] = value``."""
    match name:
        case Constant(str() as known):
            machine.set_attribute(instance, known, value)
        case _ if not isinstance(value, MODULES):
            doubt(machine, instance, at)


def update(machine: Machine, instance: Instance, arguments: Arguments, at: int) -> None:
    """``instance.__dict__.update(…)``."""
    whole = arguments.complete
    for given in arguments.positional:
        match machine.state.narrow(given):
            case DictValue() as entries:
                whole = whole and entries.complete
                for name, value in iteration.entries(machine, entries):
                    set_attribute(machine, instance, Constant(name), value, at)
            case _:
                whole = False
    for name, value in arguments.named.items():
        machine.set_attribute(instance, name, value)
    if not whole:
        doubt(machine, instance, at)


def doubt(machine: Machine, instance: Instance, at: int) -> None:
    """Some attribute of an object is set, nobody knows which."""
    site = machine.site(at)
    for name in list(instance.slots):
        value = machine.read(instance, name)
        if not (isinstance(name, str) and isinstance(value, Constant)):
            continue
        assumption = Assumption(site.path, f"{instance.cls.name}:{site.at}", name)
        machine.state.write(instance, name, replaceable(machine, value, assumption, by_settings=True))


def holder_of(value: Value | None) -> Instance | None:
    """The object whose ``__dict__`` a value is."""
    match value:
        case Unknown(key=(Instance() as instance, "__dict__")):
            return instance
        case _:
            return None
