"""Which axis of a tensor was which axis of the tensors that it was computed from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

from headlint.flow.values import sizes
from headlint.flow.values.conditions import Choice
from headlint.flow.values.library_values import Layer
from headlint.flow.values.python_values import (
    ITEM_NUMBER,
    RANGE_NUMBER,
    Constant,
    Site,
    SliceValue,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.sizes import Axis
from headlint.flow.values.tensor_values import COMPUTED, Origin, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_SAME_AXES = frozenset(
    {"norm", "layer_norm", "same_shape", "hidden_same_shape", "dropout", "dropout_noise", "attention"}
)
_LEADING_AXES = {"convolution": 1, "recurrent": 2, "embedding": 2, "pool": 1, "adaptive_pool": 1}
"""How many of the first axes a layer leaves as they are."""
EACH = "each"
"""The note of what is done to each number alone."""
_SAME_NOTES = frozenset({"dropout", "number", "detach", EACH, "log", "exp", "clamp", "negative", "moved"})
_ARITHMETIC = frozenset({"add", "subtract", "multiply", "divide"})
OTHER_AXES = frozenset({"state", "attention weights"})
"""The notes of what a layer gives beside its output, with axes of its own."""
LONGEST_WAY = 64
MOST_KEPT = 512
"""Axes of which is kept where they come from: a reshape asks for the same ones several times."""
MOST_AXES = 6
REST = Constant(-1)
"""The size that stands for what is left."""
NEW = 99
"""Stands in an order for an axis that was none, or is only a part of what it was."""

_LONGEST_SHIFT = 6


def way_of(tensor: Tensor, axis: int, least_rank: int = 2) -> Iterator[Axis]:
    """An axis, and the axes of earlier tensors that it was, the nearest first.

    ``least_rank`` is for layers that keep all axes but the last, of tensors whose number of axes is not known.
    """
    for _ in range(LONGEST_WAY):
        if axis < 0:
            if tensor.shape.rank is None:
                yield tensor, axis
                return
            axis %= tensor.shape.rank
        yield tensor, axis
        before = _axis_before(tensor, axis, least_rank)
        if before is None:
            return
        if axis in tensor.kept and written(tensor, axis) == REST:
            least_rank = max(least_rank, axis + 2)  # what is left is an axis of its own, as the last one is split
        tensor, axis = tensor.inputs[0], before


def origin_of(tensor: Tensor, axis: int, least_rank: int = 2) -> Axis:
    """The first tensor that has an axis, and the axis's number there."""
    return list(way_of(tensor, axis, least_rank))[-1]


def _axis_before(tensor: Tensor, axis: int, least_rank: int) -> int | None:
    """Which axis of the first input an axis was."""
    if not tensor.inputs or tensor.origin is tensor.inputs[0].origin:
        return None
    if tensor.order:
        before = tensor.order[axis] if axis < len(tensor.order) else axis
        return None if before == NEW else before
    effect = tensor.origin.layer.kind.effect if tensor.origin.layer is not None else ""
    if tensor.origin.note in OTHER_AXES:
        return None
    same = tensor.origin.role == "activation" or effect in _SAME_AXES or tensor.origin.note in _SAME_NOTES
    if same or axis < _LEADING_AXES.get(effect, 0) or axis in tensor.kept:
        return axis
    if effect == "dense" and axis < (tensor.shape.rank or least_rank) - 1:
        return axis
    if tensor.origin.layer is not None and axis < _untouched(tensor.origin.layer, effect, tensor):
        return axis
    if tensor.origin.note in _ARITHMETIC and tensor.inputs[0].shape.rank in (None, tensor.shape.rank):
        spread = len(tensor.inputs) > 1 and tensor.inputs[0].shape.size(axis) == 1
        return None if spread else axis  # what is added to a tensor is as large, or spread over it
    if "matmul" in (tensor.origin.note, tensor.origin.name) and axis < (tensor.shape.rank or 0) - 1:
        return _axis_of_rows(tensor, axis)
    return None


def _axis_of_rows(product: Tensor, axis: int) -> int | None:
    """Which axis of the first of two factors an axis of their product was: the stacks of the second may stand before it."""
    first, *others = product.inputs
    stacked = max((other.shape.rank or 0 for other in others), default=0)
    if first.shape.rank is None:
        return axis if stacked < 3 else None
    before = axis - ((product.shape.rank or 0) - first.shape.rank)
    return before if before >= 0 else None


def _untouched(layer: Layer, effect: str, tensor: Tensor) -> int:
    """How many of the first axes a layer leaves alone that joins or pools those behind them."""
    match effect, layer.constant("start_dim", 1):
        case "flatten", int() as start if layer.kind.framework == "torch":
            return max(start, 0)
        case (("pool" | "adaptive_pool"), _) if tensor.shape.rank == layer.kind.spatial + 2:
            return 2 if layer.kind.framework == "torch" else 1
        case _:
            return 0


@lru_cache(MOST_KEPT)
def origins(tensor: Tensor, axis: int, least_rank: int = 2) -> frozenset[Axis]:
    """All earlier axes that are as long as an axis: of both terms of a sum, and of what an array was made to fit."""
    return frozenset(all_ways_of(tensor, axis, least_rank))


def all_ways_of(tensor: Tensor, axis: int, least_rank: int = 2) -> list[Axis]:
    """All earlier axes that are as long as an axis, those of each way from the nearest on."""
    found: dict[Axis, None] = {}
    waiting = [(tensor, axis)]
    while waiting and len(found) < LONGEST_WAY:
        for one in way_of(*waiting.pop(), least_rank):
            if one in found:
                break
            found[one] = None
            waiting += _beside(*one)
    return list(found)


def _beside(tensor: Tensor, axis: int) -> list[Axis]:
    rank = tensor.shape.rank
    match tensor.inputs:
        case (_, other) if tensor.origin.note == "add" and other.shape.rank in (None, rank):
            return [(other, axis)]
        case (_, other) if "matmul" in (tensor.origin.note, tensor.origin.name) and rank is not None:
            return [(other, axis)] if axis == rank - 1 and other.shape.rank == rank else []
        case (_, *others) if tensor.origin.note == "concatenate" and axis in tensor.kept:
            return [(other, axis) for other in others if other.shape.rank in (None, rank)]
        case _:
            return []


def written(tensor: Tensor, axis: int) -> Value | None:
    """What the program says that the size of an axis is, where it makes or reshapes a tensor, or builds the layer."""
    match tensor.origin:
        case Origin(note="" | "fresh" | "collected", factor=TupleValue(items)) if axis < len(items):
            return items[axis]
        case Origin(role="layer", layer=Layer() as layer, note="") if axis == _axis_of_units(layer, tensor):
            return layer.arguments.get(layer.kind.units)
        case _:
            return None


def _axis_of_units(layer: Layer, tensor: Tensor) -> int | None:
    """On which axis a layer of PyTorch puts its units."""
    match layer.kind.framework, layer.kind.effect:
        case "torch", "convolution":
            return 1
        case "torch", "dense" if tensor.shape.rank is not None:
            return tensor.shape.rank - 1
        case _:
            return None


def reordered(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> tuple[int, ...] | None:
    """The axes of a tensor in the order in which the sizes for a reshape name them, where that is another order.

    Gives None where the named axes stand in their order, or are not known.
    """
    if is_padded(tensor):
        return None
    named = named_by(machine, tensor, wanted)
    order = [axis for axes in named for axis in sorted(axes)]
    if len(set(order)) != len(order) or order == sorted(order) or any(tensor.shape.size(axis) == 1 for axis in order):
        return None
    by_number = any(isinstance(one, Constant) and axes for one, axes in zip(wanted, named, strict=True))
    if by_number and sorted(order) != list(range(tensor.shape.rank or 0))[-len(order) :]:
        return None
    return tuple(order)


def split_too_early(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> tuple[int, ...] | None:
    """The order of axes where a factor of a later axis is named before an earlier axis: ``(batch, heads, time, …)``.

    The axes before stand as a whole at their places, and the axis behind the factor as well: as no number is moved,
    the factor must be one or the rows are mixed. Gives None where this is not seen.
    """
    if is_padded(tensor):
        return None
    divisors = [parts[1] for one in wanted if (parts := sizes.divided(one)) is not None]
    entries = with_factors_joined(machine, tensor, wanted)
    if [axis for _, named in entries for axis in named] == list(range(tensor.shape.rank or 0)):
        return None
    done = 0
    for (size, named), (following, behind) in pairwise(entries):
        if named and named == tuple(range(done, done + len(named))):
            done += len(named)
            continue
        more = any(not axes for _, axes in entries[done + 2 :]) and tensor.shape.rank != done + 1
        if named or not more or behind != (done,) or isinstance(following, Constant):
            return None
        if any(tensor.shape.size(axis) == 1 for axis in range(done + 1)):
            return None
        several = _is_more_than_one(size) or size in divisors or _is_a_factor_of_its_width(tensor, size)
        return (*range(done), done + 1, done) if several else None
    return None


def _is_a_factor_of_its_width(tensor: Tensor, size: Value) -> bool:
    """Whether a layer was built as wide as several times something, which a size is the number of."""
    width, parts = width_of(tensor), sizes.factors(size)
    ways = [option.value for option in width.options] if isinstance(width, Choice) else [width]
    return any(bool(parts) and bool(sizes.without(sizes.factors(way), parts)) for way in ways if way is not None)


def _is_more_than_one(size: Value) -> bool:
    match size:
        case Constant(int() as number):
            return number > 1
    return False


def with_factors_joined(
    machine: Machine, tensor: Tensor, wanted: Sequence[Value]
) -> list[tuple[Value, tuple[int, ...]]]:
    """Sizes and the axes that they name; ``k, size // k`` beside each other name the axis of the size."""
    found: list[tuple[Value, tuple[int, ...]]] = []
    for one in wanted:
        whole = _divided_by(one, found[-1][0]) or _divided_by(found[-1][0], one) if found else None
        if whole is not None:
            found.pop()
        size = one if whole is None else whole
        found.append((size, ()))
    named = named_by(machine, tensor, [size for size, _ in found])
    return [(size, tuple(sorted(its_axes))) for (size, _), its_axes in zip(found, named, strict=True)]


def _divided_by(quotient: Value, divisor: Value) -> Value | None:
    parts = sizes.divided(quotient)
    return parts[0] if parts is not None and parts[1] == divisor else None


def all_but(axis: int | None, rank: int | None) -> tuple[int, ...]:
    """All axes but one; without the number of axes only what is known to stand before one that is counted from the end."""
    if axis is None or (axis < 0 and rank is None):
        return () if axis is None else (0,)
    return tuple(number for number in range(rank or MOST_AXES) if number != (axis if axis >= 0 else axis + (rank or 0)))


def with_another(axis: int | None, rank: int | None = None) -> tuple[int, ...]:
    """Which axis each was, where a further one was put in."""
    if axis == -1:  # those before stand where they did
        return tuple(range(MOST_AXES)) if rank is None else (*range(rank), NEW)
    return () if axis is None or axis < 0 else (*range(axis), NEW, *range(axis, MOST_AXES))


def without(axis: int | None) -> tuple[int, ...]:
    """Which axis each was, where one was taken out."""
    return () if axis is None or axis < 0 else (*range(axis), *range(axis + 1, MOST_AXES + 1))


def picked(key: Value) -> tuple[int, ...]:
    """Which axis each was, of what an index picks."""
    parts = key.items if isinstance(key, TupleValue) else (key,)
    order: list[int] = []
    axis = 0
    for part in parts:
        match part:
            case Constant(None):
                order.append(NEW)
                continue
            case Constant(bool()):
                break
            case Constant(int()):
                pass
            case Unknown(note=note) if note in (RANGE_NUMBER, ITEM_NUMBER):
                pass
            case SliceValue(lower=Constant(None), upper=Constant(None), step=Constant(None)):
                order.append(axis)
            case SliceValue():
                order.append(NEW)
            case _:
                break
        axis += 1
    else:
        return (*order, *range(axis, MOST_AXES))
    return (*order, *(NEW,) * (MOST_AXES - len(order)))


def shifted_views(tensor: Tensor) -> tuple[Site, ...]:
    """Where what a tensor was before an end of an axis was cut off was reshaped, also before something was put beside it."""
    for _ in range(_LONGEST_SHIFT):
        if not tensor.inputs:
            return ()
        before = tensor.inputs[0]
        if tensor.origin.note == "index" and tensor.origin.factor is not None:
            beside = before.inputs[0].inputs if before.inputs and before.inputs[0].origin.note == "concatenate" else ()
            return tuple(one.origin.site for one in (before, *beside) if one.origin.site is not None)
        tensor = before
    return ()


def cuts_an_end(key: Value) -> bool:
    """Whether an index leaves out the first or the last items along an axis."""
    return any(_leaves_out_an_end(one) for one in (key.items if isinstance(key, TupleValue) else (key,)))


def _leaves_out_an_end(part: Value) -> bool:
    match part:
        case SliceValue(lower=lower, upper=Constant(None)):
            return lower not in (Constant(None), Constant(0))
        case SliceValue(lower=Constant(None), upper=Constant(int() as end)):
            return end < 0
    return False


def is_padded(tensor: Tensor) -> bool:
    """Whether columns were just put beside it: read in rows of another length, each row is shifted by one, as in
    relative attention."""
    match tensor.origin.factor:
        case Unknown(key=(str() as path, _)):
            return path.endswith(".pad")
    if tensor.origin.note != "concatenate" or tensor.origin.factor == Constant(0):
        return False
    return not tensor.inputs or any(_may_be_filled(part) for part in tensor.inputs)


def _may_be_filled(part: Tensor) -> bool:
    """Whether what is put beside a tensor may be zeros, or anything else that is no data."""
    return not part.inputs and (part.origin.role != "input" or part.origin.note == COMPUTED)


def named_axes(machine: Machine, tensor: Tensor, size: Value) -> tuple[int, ...]:
    """The axes whose size, or whose sizes' product, a value is."""
    match size:
        case Constant(int() as number) if number > 1 and not isinstance(size.value, bool):
            dims = tensor.shape.dims or ()
            return (dims.index(number),) if dims.count(number) == 1 else ()
    if isinstance(size, Constant):
        return ()
    least = max(sizes.least_rank(size), 2)
    here = [origins(tensor, axis, least) for axis in range(tensor.shape.rank or MOST_AXES)]
    if (whole := axis_among(machine, here, size)) is not None:
        return (whole,)
    factors = sizes.factors(size)
    named = [one for factor in factors if (one := axis_among(machine, here, factor)) is not None]
    return tuple(named) if len(named) == len(factors) else ()


def named_by(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> list[tuple[int, ...]]:
    """The axes that each of the sizes for a reshape names; two inputs of a model have as many samples on axis 0."""
    named = [named_axes(machine, tensor, one) for one in wanted]
    if wanted and not named[0] and (0,) not in named and _are_samples(machine, tensor, wanted[0]):
        named[0] = (0,)
    return named


def left_of(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> tuple[int, ...]:
    """The axes that -1 stands for, where each other size names its own."""
    named = [named_axes(machine, tensor, size) for size in wanted if size != REST]
    taken = [axis for one in named for axis in one]
    if tensor.shape.rank is None or not all(named) or len(set(taken)) != len(taken):
        return ()
    return tuple(axis for axis in range(tensor.shape.rank) if axis not in taken)


def all_are_named(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> bool:
    """Whether three or more sizes are those of a tensor's own axes, but for the first one, which may be what is left."""
    named = [named_axes(machine, tensor, one) for one in wanted]
    return (
        len(wanted) > 2
        and all(len(axes) == 1 for axes in named[1:])
        and all(isinstance(one, Unknown) for one in wanted[1:])
    )


def _are_samples(machine: Machine, tensor: Tensor, size: Value) -> bool:
    match sizes.axes_of(size, machine.tensor_of):
        case ((other, 0),):
            first, axis = origin_of(tensor, 0)
            return axis == 0 and first.origin.role == other.origin.role == "input"
        case _:
            return False


def axis_among(machine: Machine, ways: Sequence[frozenset[Axis]], size: Value) -> int | None:
    """Which of several axes a size is that of: the one of an earlier tensor, or what the program itself says it is."""
    if not isinstance(size, Unknown):
        return None
    named = sizes.axes_of(size, machine.tensor_of)
    earlier = origins(*named[0]) if len(named) == 1 else frozenset()
    alike = [
        number
        for number, way in enumerate(ways)
        if way & earlier or any(sizes.same(said, size) for said in _sizes_said_of(way))
    ]
    return alike[0] if len(alike) == 1 else None


@lru_cache(MOST_KEPT)
def _sizes_said_of(axes: frozenset[Axis]) -> tuple[Unknown, ...]:
    """What the program says of the sizes of axes, without those that are numbers."""
    return tuple(said for axis in axes if isinstance(said := written(*axis), Unknown))


def axis_of_size(machine: Machine, tensor: Tensor, size: Value, among: Sequence[int]) -> int | None:
    """Which of some axes has a size, where it is seen that a program means that one."""
    match size:
        case Constant(int() as number) if number > 1:
            alike = [axis for axis in among if tensor.shape.size(axis) == number]
        case _:
            named = [origin_of(*axis) for axis in sizes.axes_of(size, machine.tensor_of)]
            alike = [axis for axis in among if named == [origin_of(tensor, axis)]]
    return alike[0] if len(alike) == 1 else None


def shape_of_another(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> Tensor | None:
    """The other tensor whose axes the sizes for a reshape name, each at its own place."""
    named = [sizes.axes_of(one, machine.tensor_of) for one in wanted]
    if len(named) < 3 or any(len(axes) != 1 or axes[0][1] != place for place, axes in enumerate(named)):
        return None
    (first, _), *others = [axes[0] for axes in named]
    return first if first is not tensor and all(other is first for other, _ in others) else None


def kept(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> tuple[int, ...]:
    """The first axes that the sizes for a reshape name at their own place."""
    count = 0
    for size, named in zip(wanted, named_by(machine, tensor, wanted), strict=True):
        if size == REST and left_of(machine, tensor, wanted) == (count,):
            named = (count,)
        if named != (count,) and not (count == 0 and _is_the_batch(tensor, wanted)):
            break
        count += 1
    if count == 1 and _splits_the_last(tensor, wanted):
        count = 2
    return tuple(range(count))


def _splits_the_last(tensor: Tensor, wanted: Sequence[Value]) -> bool:
    """``(batch, -1, heads, width)`` for what a dense layer gives as heads times width: -1 is what axis 1 was."""
    match wanted:
        case [_, Constant(-1), _, _, *_] if tensor.shape.rank in (None, 3):
            width = width_of(tensor)
            return width is not None and are_all(width, [one for size in wanted[2:] for one in sizes.factors(size)])
        case _:
            return False


def width_of(tensor: Tensor) -> Value | None:
    """How many units a dense layer gives on the last axis, as a number or as the program says it."""
    while tensor.inputs and (tensor.origin.role == "activation" or tensor.origin.note in ("norm", "dropout")):
        tensor = tensor.inputs[0]
    layer = tensor.origin.layer
    return layer.arguments.get(layer.kind.units) if layer is not None and layer.kind.effect == "dense" else None


def are_all(width: Value, factors: Sequence[Value]) -> bool:
    """Whether a width is the product of some factors."""
    numbers = [factor.value for factor in factors if isinstance(factor, Constant)]
    whole = [number for number in numbers if isinstance(number, int)]
    if isinstance(width, Constant):
        return len(whole) == len(factors) and prod(whole) == width.value
    return sizes.without(sizes.factors(width), sizes.multiplied(factors)) == ()


def _is_the_batch(tensor: Tensor, wanted: Sequence[Value]) -> bool:
    """Whether a reshape to (-1, number, number …) of what a loader gives leaves the samples on the first axis."""
    numbers = [one.value for one in wanted if isinstance(one, Constant) and isinstance(one.value, int)]
    sized = len(numbers) == len(wanted) > 2 and numbers[0] == -1 and all(number > 1 for number in numbers[1:])
    return sized and any(one.batched and axis == 0 for one, axis in way_of(tensor, 0))


def counted(tensor: Tensor, *numbers: int | None, rank: int | None = None) -> tuple[int, ...] | None:
    """The numbers of axes, counted from the first one; None where one is not known."""
    rank = tensor.shape.rank if rank is None else rank
    found: list[int] = []
    for number in numbers:
        if number is None or (number < 0 and rank is None) or (rank is not None and not -rank <= number < rank):
            return None
        found.append(number if number >= 0 or rank is None else number % rank)
    return tuple(found)
