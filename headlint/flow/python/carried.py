"""What the rounds of a loop leave to what follows, where nobody knows how many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.machine.state import Cell, join
from headlint.flow.values.conditions import Choice
from headlint.flow.values.python_values import TupleValue, Value
from headlint.flow.values.tensor_values import ANY_SHAPE, Origin, Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_ROUNDS = Origin("operation", "the rounds of a loop")


def agree(machine: Machine, rounds: Sequence[Mapping[Cell, Value | None]]) -> None:
    """Keep of the shapes that several rounds left only what all of them left alike."""
    for cell, value in rounds[-1].items():
        if value is not None:
            known = alike([one[cell] for one in rounds if one.get(cell) is not None])  # type: ignore[misc]
            if known is not value:
                machine.state.write(*cell, known)


def agree_with_none(machine: Machine, before: Mapping[Cell, Value | None], left: Mapping[Cell, Value | None]) -> None:
    """The same of no round and of some: what the layers of a loop take has as many axes as what they give."""
    agree(machine, ({cell: _as_many_axes(value, left.get(cell)) for cell, value in before.items()}, left))


def _as_many_axes(before: Value | None, left: Value | None) -> Value | None:
    match before, left:
        case Tensor(shape=shape), Tensor(shape=Shape(dims=tuple() as dims)) if shape == ANY_SHAPE:
            return replace(before, shape=Shape((None,) * len(dims)))
        case _:
            return before


def alike(values: Sequence[Value]) -> Value:
    """The last of several values, with that much of its shape as it has in common with the others."""
    last = values[-1]
    match last:
        case Tensor() | Choice():
            shapes = [shape for value in values for shape in _shapes(value)]
            return _shaped(last, shapes)
        case TupleValue(items):
            others = [value.items for value in values if isinstance(value, TupleValue)]
            if len(others) < len(values) or any(len(other) != len(items) for other in others):
                return last
            return TupleValue(tuple(alike(column) for column in zip(*others, strict=True)))
        case _:
            return last


def _shapes(value: Value) -> list[Shape]:
    match value:
        case Tensor(shape=shape):
            return [shape]
        case Choice(options):
            return [shape for option in options for shape in _shapes(option.value)]
        case _:
            return [ANY_SHAPE]


def _shaped(value: Value, shapes: Sequence[Shape]) -> Value:
    match value:
        case Tensor():
            common = shapes[0]
            for shape in shapes[1:]:
                common = _common(common, shape)
            return value if common == value.shape else value.derive(shape=common, origin=_ROUNDS, batched=value.batched)
        case Choice(options) if any(isinstance(option.value, Tensor) for option in options):
            return join((option.guards, _shaped(option.value, [*_shapes(option.value), *shapes])) for option in options)
        case _:
            return value


def _common(one: Shape, other: Shape) -> Shape:
    if one.dims is not None and other.dims is not None and len(one.dims) == len(other.dims):
        return Shape(tuple(a if a == b else None for a, b in zip(one.dims, other.dims, strict=True)))
    last = one.units if one.units == other.units else None
    channel = one.size(1) if one.size(1) == other.size(1) else None
    return Shape(None, last, channel)
