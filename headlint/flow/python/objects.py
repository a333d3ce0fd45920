"""Whether two values are one object: of classes, functions, layers and losses it is known which one they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.python import loss_classes
from headlint.flow.values.library_values import Layer, Loss
from headlint.flow.values.python_values import ClassValue, FrameworkName, FunctionValue, Unknown, Value

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_SINGULAR = (ClassValue, FunctionValue, FrameworkName, Layer, Loss)
"""Values of which there is one in the program for each that is followed, and which are equal only to themselves."""

_NUMBERS = ("float", "double", "half", "bfloat", "int", "uint", "long", "short", "byte", "bool", "complex", "single")
"""How the names of types of numbers begin."""


def same(machine: Machine, one: Value, other: Value) -> bool | None:
    """Whether two values are one object; None where that is not known."""
    if (known := loss_classes.same(one, other)) is not None:
        return known
    match one, other:
        case FunctionValue(), FunctionValue():
            return one is other or (None if one.definition is other.definition else False)
        case FrameworkName(), FrameworkName():
            return one == other or (False if _differ(one, other) else None)
        case Unknown(), Unknown():
            return _of_modules(machine, one, other)
        case _ if isinstance(one, _SINGULAR) and isinstance(other, _SINGULAR):
            return one is other
        case (Unknown() as unseen, ClassValue(name=name)) | (ClassValue(name=name), Unknown() as unseen):
            return False if _imported_class(machine, unseen) and _imported_name(machine, unseen) != name else None
        case _:
            return None


def _differ(one: FrameworkName, other: FrameworkName) -> bool:
    """Whether two names of libraries are surely two things: a type of numbers has several names."""
    first, second = one.path.rsplit(".", 1)[-1], other.path.rsplit(".", 1)[-1]
    return first != second and not (first.startswith(_NUMBERS) and second.startswith(_NUMBERS))


def _of_modules(machine: Machine, one: Unknown, other: Unknown) -> bool | None:
    """Names of modules that were not read: a name is what it is, and two names of classes are two classes."""
    if one is other:
        return True if _imported_name(machine, one) else None
    both = _imported_class(machine, one) and _imported_class(machine, other)
    return False if both and _imported_name(machine, one) != _imported_name(machine, other) else None


def _imported_class(machine: Machine, value: Unknown) -> bool:
    """Whether a name is written as those of classes are."""
    name = _imported_name(machine, value)
    return name[:1].isupper() and not name.isupper()


def _imported_name(machine: Machine, value: Unknown) -> str:
    """The name of what is read from a module that is not followed, or nothing."""
    match value.key, value.parent:
        case ("name", _, _, str() as name), parent if parent is machine.globals:
            return name
        case str() as name, Unknown(key=("module", _), parent=parent) if parent is machine.globals:
            return name
        case _:
            return ""
