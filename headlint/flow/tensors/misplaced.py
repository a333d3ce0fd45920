"""Reshapes that name an axis at a place where it cannot stand: there are more or fewer items before it than there were."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from operator import mul
from typing import TYPE_CHECKING

from msgspec import Struct

from headlint.flow.tensors import axes, shapes
from headlint.flow.tensors.axes import REST
from headlint.flow.values import sizes
from headlint.flow.values.python_values import Constant, Unknown, Value
from headlint.flow.values.sizes import Axis
from headlint.flow.values.tensor_values import Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


class _Axes(Struct, frozen=True):
    """The axes of a tensor, with those that a reshape joined taken apart again."""

    sizes: tuple[int | None, ...]
    read: tuple[bool, ...]
    """Whether the program reads the size of an axis, or says what it is: it is more than one then."""
    ways: tuple[frozenset[Axis], ...]
    """The earlier axes that each is as long as."""
    whole: tuple[tuple[frozenset[Axis], tuple[int, ...]], ...]
    """The same of what a reshape joined, with the places of its parts."""
    parts: tuple[tuple[int, ...], ...]
    """The places of the parts of each axis of the tensor itself."""

    def places(self, axes_named: Sequence[int]) -> tuple[int, ...]:
        """Those of the parts of some axes of the tensor."""
        return tuple(place for axis in axes_named for place in self.parts[axis])


class Early(Struct, frozen=True):
    """An axis that a reshape names before another one that stands before it, or only a part of it."""

    order: tuple[int, int]
    by_part: bool = False


def found(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> Early | None:
    """What a reshape names where it cannot stand."""
    if any(_is_about_layout(guard.condition.operand) for guard in machine.state.path):
        return None
    ways = (
        _named_early,
        _channels_last,
        _heads_beside_the_batch,
        _behind_a_number,
        _across_rows,
        _behind_a_part,
        _before_its_rows,
        _units_early,
        _steps_late,
    )
    return next((early for way in ways if (early := way(machine, tensor, wanted)) is not None), None)


def _is_about_layout(operand: object) -> bool:
    """Whether a test asks in which order Keras keeps the axes of pictures: its data sets come in that order too."""
    return operand in ("channels_first", "channels_last", "th", "tf", "NCHW", "NHWC")


def _named_early(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> Early | None:
    """What a reshape names where it cannot stand.

    The sizes before an axis must be those of the axes before it, or have the same product. Where they are more, a part
    of an axis behind it is named too early.
    """
    unknown = [size for size in wanted if isinstance(size, Unknown)]
    if tensor.shape.rank is None or axes.is_padded(tensor) or len(set(unknown)) < len(unknown):
        return None
    joined = _with_products(machine, tensor, axes.with_factors_joined(machine, tensor, wanted))
    if not any(isinstance(size, Unknown) for size, _ in joined) or all(
        named or size == Constant(1) for size, named in joined
    ):
        return None  # where each size is that of an axis or 1, the axes that are left over have one item
    known = _axes_of(machine, tensor, max(2, *(sizes.least_rank(size) for size, _ in joined)))
    places = _with_the_rest(
        known, [(size, _places(machine, known, size) or known.places(named)) for size, named in joined]
    )
    if [place for named in places for place in named] == list(range(len(known.sizes))):
        return None  # whatever stands beside the axes themselves must be one
    for number, named in enumerate(places):
        if not named:
            continue
        before = list(zip((size for size, _ in joined[:number]), places, strict=False))
        if (left := _unlike(known, before, named[0])) is not None:
            return Early((named[0] + 1, named[0]), True) if left == named[0] else Early((named[0], left))
    return None


def _with_products(
    machine: Machine, tensor: Tensor, entries: Sequence[tuple[Value, tuple[int, ...]]]
) -> list[tuple[Value, tuple[int, ...]]]:
    """``rows, columns`` beside each other are the axis of which the program says that it has ``rows * columns`` items."""
    found: list[tuple[Value, tuple[int, ...]]] = []
    for size, named in entries:
        match found[-1:], size:
            case [(Unknown() as before, ())], Unknown() if not named:
                whole = sizes.product(before, size)
                of_both = axes.named_axes(machine, tensor, whole)
                if len(of_both) == 1:
                    found[-1] = (whole, of_both)
                    continue
        found.append((size, named))
    return found


def _with_the_rest(known: _Axes, entries: Sequence[tuple[Value, tuple[int, ...]]]) -> list[tuple[int, ...]]:
    """The places of the axes that each size names, where one size or -1 names those that no other does; a number none."""
    taken = [place for _, named in entries for place in named]
    rest = tuple(place for place in range(len(known.sizes)) if place not in taken)
    unnamed = [size for size, named in entries if not named and (size == REST or isinstance(size, Unknown))]
    complete = all(named or size in unnamed for size, named in entries) and len(set(taken)) == len(taken)
    if not complete or len(unnamed) != 1 or not any(_is_more_than_one(known, place) for place in rest):
        rest = ()
    return [rest if size in unnamed else () if isinstance(size, Constant) else named for size, named in entries]


def _units_early(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> Early | None:
    """``(batch, width, steps)`` for what a layer gives with its width on the last of axes that nobody counts."""
    width = axes.width_of(tensor)
    if tensor.shape.rank is not None or width is None or axes.is_padded(tensor):
        return None
    match wanted:
        case [batch, size, Unknown() as steps] if size == width and steps != width:
            return Early((2, 1)) if axes.named_axes(machine, tensor, batch) == (0,) else None
        case _:
            return None


def _steps_late(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> Early | None:
    """``(batch, heads, steps, …)`` for what a layer gives with the steps right behind the batch, of axes that nobody counts."""
    if tensor.shape.rank is not None or axes.width_of(tensor) is None or axes.is_padded(tensor):
        return None
    match wanted:
        case [batch, Unknown() | Constant() as heads, Unknown() as steps, *_] if heads not in (REST, Constant(1)):
            of_three = [axes.origins(tensor, axis, 3) for axis in range(axes.MOST_AXES)]
            named = [axes.axis_among(machine, of_three, size) for size in (batch, heads, steps)]
            return Early((2, 1), by_part=True) if named == [0, None, 1] else None
        case _:
            return None


def _heads_beside_the_batch(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> Early | None:
    """``(batch * heads, -1, width)`` for what has the heads on its last axis, which stands behind the steps."""
    rank = tensor.shape.rank or 3
    match wanted:
        case [Unknown() as first, Constant(-1), last] if rank == 3 and not axes.is_padded(tensor):
            batch, heads = _batch_and_heads(machine, tensor, first)
            width = axes.width_of(tensor)
            if batch and heads and width is not None and axes.are_all(width, (*heads, *sizes.factors(last))):
                return Early((2, 1), by_part=True)
    return None


def _batch_and_heads(machine: Machine, tensor: Tensor, size: Value) -> tuple[bool, list[Value]]:
    """Whether the batch of a tensor is a factor of a size, and the other factors that name no axis."""
    factors = sizes.factors(size)
    named = axes.named_by(machine, tensor, factors)
    others = [factor for factor, its_axes in zip(factors, named, strict=True) if its_axes != (0,)]
    return len(others) == len(factors) - 1, others


def _across_rows(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> Early | None:
    """A number that is the size of one axis, where a row of so many items begins in the middle of another axis."""
    dims, numbers = _without_samples(tensor, wanted)
    if axes.is_padded(tensor) or not dims or not all(dims) or not all(numbers):
        return None
    ends = list(accumulate((size or 1 for size in dims), mul))
    before = 1
    for number in numbers:
        end = before * (number or 1)
        if (number or 0) > 2 and dims.count(number) == 1 and _is_in_the_middle(end, ends):
            axis, left = dims.index(number), sum(one <= before for one in ends)
            first = (tensor.shape.rank or 0) - len(dims)
            return Early((first + axis, first + left)) if left < axis and dims[left] != 1 else None
        before = end
    return None


def _behind_a_part(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> Early | None:
    """A number that can only be that of an axis, behind a part of a layer's width: ``(16, 8, 20, 8)`` for (16, 20, 64)."""
    dims, numbers = _without_samples(tensor, wanted)
    if axes.width_of(tensor) is None or not dims or not all(dims) or not all(numbers):
        return None
    first, before = (tensor.shape.rank or 0) - len(dims), 1
    for number in numbers:
        if (number or 0) > 2 and dims.count(number) == 1 and number not in numbers[numbers.index(number) + 1 :]:
            axis = dims.index(number)
            ahead, behind = prod(size or 1 for size in dims[:axis]), prod(size or 1 for size in dims[axis + 1 :])
            early, left = divmod(before, ahead)
            if early > 1 and early not in dims and not left and behind % early == 0 and behind % (number or 1):
                return Early((first + axis + 1, first + axis), by_part=True)
        before *= number or 1
    return None


def _before_its_rows(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> Early | None:
    """``(steps, heads * width)`` for what has the heads before the steps: the number of an axis, and all others in one."""
    dims, numbers = _without_samples(tensor, wanted)
    while dims and numbers and dims[0] == numbers[0]:
        dims, numbers = dims[1:], numbers[1:]
    match numbers:
        case (int() as steps, int() as width) if not axes.is_padded(tensor) and all(
            size is not None and size > 1 for size in dims
        ):
            place = dims.index(steps) if dims.count(steps) == 1 else 0
            if steps * width != prod(size or 1 for size in dims):
                return None  # the sizes before these are not those of the same axes
            before = prod(size or 1 for size in dims[:place])
            first = (tensor.shape.rank or 0) - len(dims)
            return Early((first + place, first)) if place and len(dims) > 2 and steps > before**2 else None
        case _:
            return None


def _behind_a_number(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> Early | None:
    """``(steps, -1, width)`` of what a loader gives: the samples, which stood first, are what is left."""
    dims = tensor.shape.dims or ()
    match wanted:
        case [Constant(int() as steps), Constant(-1), *rest] if steps > 2 and steps in dims[1:] and all(dims[1:]):
            others = [steps, *(_number(size) or 0 for size in rest)]
            from_loader = any(one.batched and axis == 0 for one, axis in axes.way_of(tensor, 0))
            alike = prod(others) == prod(size or 1 for size in dims[1:])
            return Early((dims.index(steps, 1), 0)) if dims[0] is None and from_loader and alike else None
        case _:
            return None


def _without_samples(tensor: Tensor, wanted: Sequence[Value]) -> tuple[Sequence[int | None], Sequence[int | None]]:
    """The sizes of the axes and those that a reshape names; without both first ones, where only these are not known."""
    dims, given = tensor.shape.dims or (), tuple(_number(size) for size in wanted)
    if dims and dims[0] is None and all(dims[1:]) and all((size or 0) > 0 for size in given[1:]):
        if prod(size or 1 for size in dims[1:]) == prod(size or 1 for size in given[1:]):
            return dims[1:], given[1:]
    return dims, shapes.reshaped(tensor.shape, given).dims or ()


def _is_in_the_middle(end: int, ends: Sequence[int]) -> bool:
    """Whether so many items end neither where an axis does nor after an equal part of it."""
    shorter, longer = [one for one in ends if one <= end], [one for one in ends if one >= end]
    return bool(longer) and bool(end % max(shorter, default=1) or min(longer) % end)


def _number(size: Value) -> int | None:
    return size.value if isinstance(size, Constant) and isinstance(size.value, int) else None


def _channels_last(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> Early | None:
    """``(batch, -1, channels)`` for what a convolution gives, whose channels stand on axis 1."""
    dims = tensor.shape.dims or ()
    match wanted:
        case [batch, Constant(-1), Unknown() as channels] if max(len(dims), sizes.least_rank(channels)) > 3:
            named = axes.named_by(machine, tensor, (batch, channels))
            alone = not axes.is_padded(tensor) and not (dims and all(size == 1 for size in dims[2:]))
            return Early((2, 1)) if named == [(0,), (1,)] and alone else None
        case [batch, Constant(-1), Constant(int() as channels)] if channels > 1 and len(dims) > 2:
            is_batch = axes.named_axes(machine, tensor, batch) == (0,)
            alone = not axes.is_padded(tensor) and channels == dims[1] and channels not in dims[2:]
            return Early((len(dims) - 1, 1)) if alone and is_batch and _is_of_a_convolution(tensor) else None
        case _:
            return None


def _is_of_a_convolution(tensor: Tensor) -> bool:
    while tensor.inputs and (tensor.origin.role == "activation" or tensor.origin.note in ("norm", "dropout", "add")):
        tensor = tensor.inputs[0]
    return tensor.origin.layer is not None and tensor.origin.layer.kind.effect == "convolution"


def _unlike(known: _Axes, before: Sequence[tuple[Value, tuple[int, ...]]], axis: int) -> int | None:
    """The first axis before another one that the sizes before it leave out, or that axis itself where they are too many."""
    left, factor = list(range(axis)), 1
    for size, named in before:
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
        return next((one for one in left if _is_more_than_one(known, one)), None)
    if None in lengths or prod(length or 1 for length in lengths) == factor:
        return None
    return left[0] if left else axis


def _is_more_than_one(known: _Axes, place: int) -> bool:
    size = known.sizes[place]
    return known.read[place] if size is None else size > 1


def _places(machine: Machine, known: _Axes, size: Value) -> tuple[int, ...]:
    """The places of the axes that a size is the product of, where they stand beside each other."""
    if isinstance(size, Constant):
        return ()
    found: list[int] = []
    for factor in sizes.factors(size):
        one = axes.axis_among(machine, known.ways, factor)
        several = axes.axis_among(machine, [way for way, _ in known.whole], factor) if one is None else None
        if one is None and several is None:
            return ()
        found += [one] if one is not None else known.whole[several or 0][1]
    found.sort()
    return tuple(found) if found and found == list(range(found[0], found[-1] + 1)) else ()


def _axes_of(machine: Machine, tensor: Tensor, least_rank: int) -> _Axes:
    parts: list[Axis] = []
    whole: list[tuple[frozenset[Axis], tuple[int, ...]]] = []
    places_of: list[tuple[int, ...]] = []
    for axis in range(tensor.shape.rank or axes.MOST_AXES):
        own = _parts(tensor, axis, least_rank)
        places = tuple(range(len(parts), len(parts) + len(own)))
        places_of.append(places)
        if len(own) > 1:
            whole.append((axes.origins(tensor, axis, least_rank), places))
        parts += own
    ways = tuple(axes.origins(one, axis, least_rank) for one, axis in parts)
    read = tuple(any(_is_read(machine, one, axis) or _is_said(one, axis) for one, axis in way) for way in ways)
    return _Axes(tuple(_length(part, least_rank) for part in parts), read, ways, tuple(whole), tuple(places_of))


def _length(part: Axis, least_rank: int) -> int | None:
    """The size of an axis, where it is known next to it."""
    lengths = (one.shape.size(axis) for one, axis in axes.way_of(*part, least_rank))
    return next((length for length in lengths if length is not None), None)


def _parts(tensor: Tensor, axis: int, least_rank: int) -> list[Axis]:
    """An axis, or each of the axes that a reshape made it of."""
    joined, place = list(axes.way_of(tensor, axis, least_rank))[-1]
    if place >= len(joined.merged) or len(joined.merged[place]) < 2:
        return [(tensor, axis)]
    return [part for one in joined.merged[place] for part in _parts(joined.inputs[0], one, least_rank)]


def _is_said(tensor: Tensor, axis: int) -> bool:
    """Whether a program gives an axis a size of its own, as the number of heads."""
    return isinstance(said := axes.written(tensor, axis), Unknown) and not sizes.axes_of(said, lambda _: tensor)


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
        case [Constant(-1), *others] if rank is not None and rank > len(others) + 1 and len(others) > 1:
            first = rank - len(others)
            if [axes.named_axes(machine, tensor, one) for one in others] == [(axis,) for axis in range(first, rank)]:
                return (tuple(range(first)),)
    done = 0
    for size in wanted:
        named = axes.named_axes(machine, tensor, size) if size != REST else axes.left_of(machine, tensor, wanted)
        if (
            (isinstance(size, Constant) and size != REST)
            or not named
            or tuple(sorted(named)) != tuple(range(done, done + len(named)))
        ):
            break
        made.append(tuple(sorted(named)))
        done += len(named)
    return tuple(made) if any(len(one) > 1 for one in made) else ()


def _is_last(machine: Machine, tensor: Tensor, size: Value) -> bool:
    last = (tensor.shape.rank or 0) - 1
    if isinstance(size, Constant):
        return size.value is not None and size.value == tensor.shape.units
    return axes.named_axes(machine, tensor, size) == (last,)
