"""What annotations say of a value that is not known: an object of the program, several of them, or a library's loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.python import names
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.python_values import (
    ClassValue,
    Constant,
    FrameworkName,
    Instance,
    ListValue,
    Scope,
    Unknown,
    Value,
)
from headlint.frameworks import registry, torch
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_SEVERAL = frozenset({"list", "List", "Sequence", "Iterable", "Collection"})

_EARLIEST = 0
"""What an annotation speaks of was there before whatever it is given to."""


def meant(machine: Machine, annotation: ir.Expression | None, scope: Scope) -> Value | None:
    """The object that an annotation promises, built with its defaults; None where it promises nothing that is followed."""
    match annotation:
        case ir.Subscript(owner=ir.Name(name=several) | ir.Attribute(name=several), index=inner) if several in _SEVERAL:
            item = meant(machine, inner, scope)
            return ListValue((item,), approximate=True) if item is not None else None
    expression = _without_none(annotation)
    if expression is None:
        return None
    before, machine.frame.scope = machine.frame.scope, scope
    try:
        kind = machine.state.narrow(_named(machine, expression))
    finally:
        machine.frame.scope = before
    match kind:
        case ClassValue() if _is_module(kind) or _is_plain(kind):
            return _stand_in(machine, kind, expression.at)
        case FrameworkName(path) if path in registry.LOSSES and registry.LOSSES[path].short_name[:1].isupper():
            return machine.call(kind, Arguments(complete=False), expression.at)
        case _:
            return None


def _without_none(annotation: ir.Expression | None) -> ir.Expression | None:
    """``Optional[X]``, ``X | None`` and ``X``, as the name that they are about."""
    match annotation:
        case ir.Subscript(owner=ir.Name(name="Optional") | ir.Attribute(name="Optional"), index=inner):
            return _without_none(inner)
        case ir.Binary(operator="|", left=left, right=ir.Literal(value=None)):
            return _without_none(left)
        case ir.Name() | ir.Attribute():
            return annotation
        case ir.Literal(value=str() as text) if text.isidentifier():
            return annotation
        case _:
            return None


def _named(machine: Machine, expression: ir.Expression) -> Value:
    if isinstance(expression, ir.Literal):
        return names.look_up(machine, str(expression.value))
    return machine.evaluate(expression)


def _is_module(cls: ClassValue) -> bool:
    base = cls.framework_base()
    return (base in torch.MODULE_BASES or base in ("keras.Model", "keras.layers.Layer")) and not cls.opaque


def _is_plain(cls: ClassValue) -> bool:
    """Whether all of a class stands in the program."""
    return all(isinstance(ancestor, ClassValue) for ancestor in cls.ancestors())


def _stand_in(machine: Machine, cls: ClassValue, at: int) -> Value | None:
    key = (cls, machine.branches.again)
    if key not in machine.stand_ins:
        machine.stand_ins[key] = None  # what its own constructor says about such an object
        with machine.state.outside():
            machine.stand_ins[key] = _built(machine, cls, at)
    return machine.stand_ins[key]


def _built(machine: Machine, cls: ClassValue, at: int) -> Value | None:
    made = machine.call(cls, Arguments(complete=False), at)
    if isinstance(made, Instance):
        made.born = _EARLIEST
        _forget_sizes(machine, made)
    return made


def _forget_sizes(machine: Machine, made: Instance) -> None:
    """The numbers of settings hold a place: those who fill them in, or load them, know their sizes."""
    ancestors = [one for one in made.cls.ancestors() if isinstance(one, ClassValue)]
    filled = ancestors if any(one.dataclass for one in ancestors) else []
    names = {name for cls in filled for name, value in cls.slots.items() if is_number(value)}
    if _is_plain(made.cls):
        names |= {name for name, value in made.slots.items() if is_number(value) and _is_a_default(value)}
    for name in names:
        if isinstance(name, str):
            machine.state.write(made, name, Unknown("a number among settings"))


def _is_a_default(value: Value) -> bool:
    return isinstance(value, Constant) and bool(value.assumptions)


def is_number(value: Value) -> bool:
    """Whether a value is a known number; True and False are none."""
    return isinstance(value, Constant) and isinstance(value.value, int | float) and not isinstance(value.value, bool)
