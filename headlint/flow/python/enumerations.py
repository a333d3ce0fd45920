"""Enumerations of the program: a member is known by its value, and ``Kind(value)`` is the member of that value."""

from __future__ import annotations

from headlint.flow.values.arguments import Arguments
from headlint.flow.values.python_values import ClassValue, Value
from headlint.syntax import ir

BASES = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"})
"""Classes of ``enum`` (https://docs.python.org/3/library/enum.html)."""


def member(cls: ClassValue, arguments: Arguments) -> Value | None:
    """What calling an enumeration gives; None for any other class."""
    if len(arguments.positional) != 1 or arguments.named or not _is_enumeration(cls):
        return None
    return arguments.positional[0]


def _is_enumeration(cls: ClassValue) -> bool:
    return any(
        _name_of(base) in BASES
        for ancestor in cls.ancestors()
        if isinstance(ancestor, ClassValue)
        for base in ancestor.definition.bases
    )


def _name_of(base: ir.Expression) -> str:
    match base:
        case ir.Name(name=name) | ir.Attribute(name=name):
            return name
        case _:
            return ""
