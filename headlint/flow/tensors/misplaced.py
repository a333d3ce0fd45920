"""Reshapes that name an axis at a place where it cannot stand: there are more or fewer items before it than there were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from headlint.flow.tensors import axes
from headlint.flow.values import sizes
from headlint.flow.values.python_values import Constant, Unknown, Value
from headlint.flow.values.sizes import Axis
from headlint.flow.values.tensor_values import Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


@dataclass(frozen=True, slots=True)
class _Axes:
    """The axes of a tensor, with those that a reshape joined taken apart again."""

    sizes: tuple[int | None, ...]
    read: tuple[bool, ...]
    """Whether the program reads the size of an axis: it is more than one then."""
    places: dict[Axis, tuple[int, ...]]
    least_rank: int


@dataclass(frozen=True, slots=True)
class Early:
    """An axis that a reshape names before another one that stands before it, or only a part of it."""

    order: tuple[int, int]
    by_part: bool = False


def named_early(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> Early | None:
    """What a reshape names where it cannot stand.

    The sizes before an axis must be those of the axes before it, or have the same product. Where they are more, a part
    of an axis behind it is named too early.
    """
    unknown = [size for size in wanted if isinstance(size, Unknown)]
    if tensor.shape.rank is None or axes.is_padded(tensor) or len(set(unknown)) < len(unknown):
        return None
    known: _Axes | None = None
    joined = [size for size, _ in axes.with_factors_joined(machine, tensor, wanted)]
    for place, size in enumerate(joined):
        if isinstance(size, Constant) or not sizes.axes_of(size, machine.tensor_of):
            continue
        known = known or _axes_of(machine, tensor, max(2, *(sizes.least_rank(one) for one in joined)))
        named = _places(machine, known, size)
        if named and (before := _unlike(machine, known, joined[:place], named[0])) is not None:
            return Early((named[0] + 1, named[0]), True) if before == named[0] else Early((named[0], before))
    return _channels_last(machine, tensor, joined)


def _channels_last(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> Early | None:
    """``(batch, -1, channels)`` for what a convolution gives, whose channels stand on axis 1."""
    dims = tensor.shape.dims or ()
    match wanted:
        case [batch, Constant(-1), Constant(int() as channels)] if channels > 1 and len(dims) > 2:
            is_batch = axes.named_axes(machine, tensor, batch) == (0,)
            alone = channels == dims[1] and channels not in dims[2:]
            return Early((len(dims) - 1, 1)) if alone and is_batch and _is_of_a_convolution(tensor) else None
        case _:
            return None


def _is_of_a_convolution(tensor: Tensor) -> bool:
    while tensor.inputs and (tensor.origin.role == "activation" or tensor.origin.note in ("norm", "dropout")):
        tensor = tensor.inputs[0]
    return tensor.origin.layer is not None and tensor.origin.layer.kind.effect == "convolution"


def _unlike(machine: Machine, known: _Axes, before: Sequence[Value], axis: int) -> int | None:
    """The first axis before another one that the sizes before it leave out, or that axis itself where they are too many."""
    left, factor = list(range(axis)), 1
    for size in before:
        named = _places(machine, known, size)
        match size:
            case _ if named:
                if not set(named) <= set(left):
                    return None
                left = [one for one in left if one not in named]
            case Constant(int() as number) if number > 0:
                factor *= number
            case _:
                return None
    lengths = [known.sizes[one] for one in left]
    if factor == 1:
        more = (one for one in left if (known.sizes[one] or 0) > 1 or (known.sizes[one] is None and known.read[one]))
        return next(more, None)
    if None in lengths or prod(length or 1 for length in lengths) == factor:
        return None
    return left[0] if left else axis


def _places(machine: Machine, known: _Axes, size: Value) -> tuple[int, ...]:
    named = [axes.origin_of(*axis, known.least_rank) for axis in sizes.axes_of(size, machine.tensor_of)]
    if not named or any(axis not in known.places for axis in named):
        return ()
    places = sorted(place for axis in named for place in known.places.get(axis, ()))
    if not places or any(axis not in known.places for axis in named):
        return ()
    return tuple(places) if places == list(range(places[0], places[-1] + 1)) else ()


def _axes_of(machine: Machine, tensor: Tensor, least_rank: int) -> _Axes:
    ways: list[list[Axis]] = []
    places: dict[Axis, tuple[int, ...]] = {}
    for axis in range(tensor.shape.rank or axes.MOST_AXES):
        own = _ways_of_parts(tensor, axis, least_rank)
        places[axes.origin_of(tensor, axis, least_rank)] = tuple(range(len(ways), len(ways) + len(own)))
        places.update({way[-1]: (len(ways) + number,) for number, way in enumerate(own)})
        ways += own
    lengths = tuple(next((n for one, a in way if (n := one.shape.size(a)) is not None), None) for way in ways)
    read = tuple(any(_is_read(machine, one, axis) for one, axis in way) for way in ways)
    return _Axes(lengths, read, places, least_rank)


def _ways_of_parts(tensor: Tensor, axis: int, least_rank: int) -> list[list[Axis]]:
    """The way of an axis, or those of the axes that a reshape made it of."""
    way = list(axes.way_of(tensor, axis, least_rank))
    joined, place = way[-1]
    if place >= len(joined.merged) or len(joined.merged[place]) < 2:
        return [way]
    return [part for one in joined.merged[place] for part in _ways_of_parts(joined.inputs[0], one, least_rank)]


def _is_read(machine: Machine, tensor: Tensor, axis: int) -> bool:
    names = [machine.globals.children.get(("shape", tensor))]
    if isinstance(tensor.origin.factor, Unknown):
        names.append(tensor.origin.factor.children.get("shape"))
    read = [shape.children.get(("item", axis)) for shape in names if shape is not None]
    return any(size is not None and size not in machine.parts.left_out for size in read)


def merged(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> tuple[tuple[int, ...], ...]:
    """Of which axes each of the first axes behind a reshape is made, where one of them is made of several."""
    made: list[tuple[int, ...]] = []
    rank = tensor.shape.rank
    match list(wanted):
        case [Constant(-1), last] if rank is not None and rank > 2 and _is_last(machine, tensor, last):
            return (tuple(range(rank - 1)),)
    done = 0
    for size in wanted:
        named = axes.named_axes(machine, tensor, size)
        if isinstance(size, Constant) or not named or tuple(sorted(named)) != tuple(range(done, done + len(named))):
            break
        made.append(tuple(sorted(named)))
        done += len(named)
    return tuple(made) if any(len(one) > 1 for one in made) else ()


def _is_last(machine: Machine, tensor: Tensor, size: Value) -> bool:
    last = (tensor.shape.rank or 0) - 1
    if isinstance(size, Constant):
        return size.value is not None and size.value == tensor.shape.units
    return axes.named_axes(machine, tensor, size) == (last,)
