"""Arithmetic of shapes: what reshaping, joining, reducing and indexing do to the axes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

from headlint.flow.values import sizes
from headlint.flow.values.python_values import Constant, ListValue, SliceValue, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import ANY_SHAPE, Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

Sizes = tuple[int | None, ...]


def sizes_of(machine: Machine, value: Value | None) -> Sizes | None:
    """The numbers in a value: a tuple, a list or a single number; None for what is not known."""
    from headlint.flow.python.iteration import known_items

    match value:
        case None:
            return None
        case Constant(int() as number) if not isinstance(number, bool):
            return (number,)
        case TupleValue() | ListValue():
            items = known_items(machine, value)
            if items is None:
                return None
            if len(items) == 1 and isinstance(items[0], TupleValue | ListValue):
                return sizes_of(machine, items[0])
            return None if _is_a_shape(items) else tuple(_number(item) for item in items)
        case _:
            return None


def as_written(machine: Machine, value: Value | None) -> TupleValue | None:
    """The sizes in a value as the program says them, known as numbers or not."""
    from headlint.flow.python.iteration import known_items

    items = known_items(machine, value) if value is not None else None
    if items and len(items) == 1 and isinstance(items[0], TupleValue | ListValue):
        items = known_items(machine, items[0])
    if items is None or _is_a_shape(items):
        return None
    return TupleValue(tuple(machine.state.narrow(item) for item in items))


def _is_a_shape(items: Sequence[Value]) -> bool:
    """Whether the only size that is given is a whole shape, of as many axes as it has: ``zeros(x.shape)``."""
    match items:
        case (Unknown(key="shape" | ("shape", _)),):
            return True
        case (Unknown(key=("item", SliceValue()), parent=Unknown() as whole),):
            return _is_a_shape((whole,))
        case (Unknown(key=("parameter", _, str() as name)),):
            return name.endswith(("shape", "dims")) or name == "size"
        case _:
            return False


def _number(value: Value) -> int | None:
    match value:
        case Constant(int() as number) if not isinstance(number, bool):
            return number
        case _:
            return None


def as_value(machine: Machine, tensor: Tensor) -> Value:
    """A tensor's shape as the program sees it."""
    if tensor.shape.dims is None:
        return sizes.shape_of(machine.globals, tensor)
    return TupleValue(tuple(size_value(machine, tensor, axis) for axis in range(len(tensor.shape.dims))))


def size_value(machine: Machine, tensor: Tensor, axis: int) -> Value:
    """The size of one axis as the program sees it."""
    size = tensor.shape.size(axis)
    if size is not None:
        return Constant(size)
    if axis < 0 and tensor.shape.rank is not None:
        axis %= tensor.shape.rank
    return sizes.size_of(machine.globals, tensor, axis)


def without(shape: Shape, axis: int | None, only_if_one: bool = False) -> Shape:
    """The shape without an axis."""
    if axis is None:
        return ANY_SHAPE
    if shape.dims is None:
        return Shape(None, None if axis == -1 or only_if_one else shape.last)
    if not -len(shape.dims) <= axis < len(shape.dims):
        return ANY_SHAPE
    axis %= len(shape.dims)
    if only_if_one and shape.dims[axis] not in (1, None):
        return shape
    return Shape((*shape.dims[:axis], *shape.dims[axis + 1 :]))


def squeezed(shape: Shape) -> Shape:
    """Without every axis of size one."""
    if shape.dims is None or None in shape.dims[1:]:
        return ANY_SHAPE
    if None in shape.dims and 1 not in shape.dims:
        return Shape(None, shape.dims[-1])  # the unknown size may be one
    return Shape(tuple(size for size in shape.dims if size != 1))


def with_axis(shape: Shape, axis: int | None, size: int | None) -> Shape:
    """With one more axis."""
    if shape.dims is None or axis is None:
        return Shape(None, size if axis == -1 else None, size if axis == 1 else None)
    rank = len(shape.dims) + 1
    if not -rank <= axis < rank:
        return ANY_SHAPE
    axis %= rank
    return Shape((*shape.dims[:axis], size, *shape.dims[axis:]))


def transposed(shape: Shape, first: int | None, second: int | None) -> Shape:
    """With two axes exchanged."""
    if shape.dims is None or first is None or second is None:
        return ANY_SHAPE
    rank = len(shape.dims)
    if not (-rank <= first < rank and -rank <= second < rank):
        return ANY_SHAPE
    dims = list(shape.dims)
    dims[first], dims[second] = dims[second], dims[first]
    return Shape(tuple(dims))


def multiplied(first: Shape, second: Shape) -> Shape:
    """The product of matrices, or of stacks of them: a single one is multiplied with each of a stack."""
    if first.dims is None or second.dims is None or min(len(first.dims), len(second.dims)) < 2:
        return ANY_SHAPE
    stacks = broadcast(Shape(first.dims[:-2]), Shape(second.dims[:-2])).dims
    return ANY_SHAPE if stacks is None else Shape((*stacks, first.dims[-2], second.dims[-1]))


def turned(shape: Shape) -> Shape:
    """With the axes in the reverse order."""
    return ANY_SHAPE if shape.dims is None else Shape(shape.dims[::-1])


def permuted(shape: Shape, order: Sizes | None) -> Shape:
    """With the axes in another order."""
    if shape.dims is None or order is None:
        return Shape((None,) * len(order)) if order else ANY_SHAPE
    axes = [axis for axis in order if axis is not None]
    if sorted(axis % len(shape.dims) for axis in axes) != list(range(len(shape.dims))):
        return Shape((None,) * len(order))
    return Shape(tuple(shape.dims[axis] for axis in axes))


def moved(shape: Shape, source: int | None, destination: int | None) -> Shape:
    """With one axis put at another place."""
    if shape.dims is None or source is None or destination is None:
        return ANY_SHAPE
    rank = len(shape.dims)
    if not (-rank <= source < rank and -rank <= destination < rank):
        return ANY_SHAPE
    dims = list(shape.dims)
    size = dims.pop(source)
    dims.insert(destination % rank, size)
    return Shape(tuple(dims))


def with_size(shape: Shape, axis: int | None, size: int | None) -> Shape:
    """With another size along one axis."""
    if axis is None:
        return ANY_SHAPE
    if shape.dims is None:
        return Shape(None, size if axis == -1 else None, size if axis == 1 else None)
    if not -len(shape.dims) <= axis < len(shape.dims):
        return ANY_SHAPE
    dims = list(shape.dims)
    dims[axis] = size
    return Shape(tuple(dims))


def expanded(shape: Shape, sizes: Sizes | None) -> Shape:
    """Spread over larger sizes; -1 leaves an axis as it is."""
    if sizes is None:
        return ANY_SHAPE
    kept = (*(None,) * (len(sizes) - len(shape.dims or ())), *(shape.dims or ()))
    return Shape(tuple(old if size == -1 else size for old, size in zip(kept[-len(sizes) :], sizes, strict=True)))


def gathered(shape: Shape, index: Shape) -> Shape:
    """What an index of as many axes picks from each place."""
    if shape.rank is None or index.dims is not None:
        return index if shape.rank == index.rank else ANY_SHAPE
    return Shape((None, index.size(1))) if shape.rank == 2 else Shape((None,) * shape.rank)


def repeated(shape: Shape, times: Sizes | None) -> Shape:
    """Put beside itself so many times along each axis, new axes first."""
    if times is None or (shape.dims is not None and len(times) < len(shape.dims)):
        return ANY_SHAPE
    if shape.dims is None:
        return Shape((None,) * len(times))
    kept = (*(1,) * (len(times) - len(shape.dims)), *shape.dims)
    return Shape(tuple(None if size is None or n is None else size * n for size, n in zip(kept, times, strict=True)))


def unflattened(shape: Shape, axis: int | None, sizes: Sizes | None) -> Shape:
    """With one axis split into several."""
    if shape.dims is None or axis is None or sizes is None or not -len(shape.dims) <= axis < len(shape.dims):
        return ANY_SHAPE
    axis %= len(shape.dims)
    split = tuple(None if size is None or size < 0 else size for size in sizes)
    return Shape((*shape.dims[:axis], *split, *shape.dims[axis + 1 :]))


def flattened(shape: Shape, start: int | None, end: int | None) -> Shape:
    """With the axes from ``start`` to ``end`` made one."""
    if start is None or end is None:
        return ANY_SHAPE
    if shape.dims is None:
        return (
            Shape((None, None))
            if (start, end) == (1, -1)
            else (Shape((None,)) if (start, end) == (0, -1) else ANY_SHAPE)
        )
    rank = len(shape.dims)
    if rank == 0:
        return Shape((1,))
    if not (-rank <= start < rank and -rank <= end < rank):
        return shape
    start, end = start % rank, end % rank
    merged = shape.dims[start : end + 1]
    size = prod(size for size in merged if size is not None) if None not in merged else None
    return Shape((*shape.dims[:start], size, *shape.dims[end + 1 :]))


def joins_neighbours(before: Shape, after: Shape) -> bool:
    """Whether the sizes of a reshape are those of the axes in their order, some of them joined."""
    if not before.dims or not after.dims or not all(before.dims) or not all(after.dims):
        return False
    left = list(before.dims)
    for size in after.dims:
        joined = 1
        while left and joined < (size or 0):
            joined *= left.pop(0) or 0
        if joined != size:
            return False
    return all(size == 1 for size in left)


def reshaped(shape: Shape, sizes: Sizes | None) -> Shape:
    """With other sizes for the same numbers; -1 stands for what is left."""
    if sizes is None:
        return ANY_SHAPE
    dims = [None if size is None or size < 0 else size for size in sizes]
    if (
        sizes.count(-1) == 1
        and None not in [size for size in sizes if size != -1]
        and shape.dims
        and None not in shape.dims
    ):
        total = prod(size for size in shape.dims if size is not None)
        rest = prod(size for size in sizes if size is not None and size > 0)
        if rest and total % rest == 0:
            dims[sizes.index(-1)] = total // rest
    return Shape(tuple(dims))


def resized(shape: Shape, sizes: Sizes | None = None) -> Shape:
    """With other sizes behind the batch and channel axes."""
    if shape.dims is None:
        return Shape(None, None, shape.channel)
    spatial = len(shape.dims) - 2
    if spatial <= 0:
        return shape
    if sizes is not None and len(sizes) == 1:
        sizes *= spatial
    new = sizes if sizes is not None and len(sizes) == spatial else (None,) * spatial
    return Shape((*shape.dims[:2], *new))


def reduced(shape: Shape, axes: Sizes | None, keep: bool) -> Shape:
    """Without the axes that a sum or mean runs over."""
    if axes is None or None in axes:
        return ANY_SHAPE
    if shape.dims is None:
        return ANY_SHAPE
    rank = len(shape.dims)
    gone = {axis % rank for axis in axes if axis is not None and -rank <= axis < rank}
    if keep:
        return Shape(tuple(1 if index in gone else size for index, size in enumerate(shape.dims)))
    return Shape(tuple(size for index, size in enumerate(shape.dims) if index not in gone))


def is_last(shape: Shape, axis: int) -> bool:
    """Whether an axis is the last, as far as is known."""
    return axis == -1 or (shape.dims is not None and axis == len(shape.dims) - 1) or (shape.dims is None and axis == 1)


def concatenated(shapes: Sequence[Shape], axis: int) -> Shape:
    """Side by side along an axis."""
    ranks = {shape.rank for shape in shapes}
    if len(ranks) == 1 and (rank := ranks.pop()) is not None and -rank <= axis < rank:
        sizes = [shape.size(axis) for shape in shapes]
        total = None if None in sizes else sum(size for size in sizes if size is not None)
        dims = list(shapes[0].dims or ())
        dims[axis] = total
        return Shape(tuple(dims))
    if axis == -1:
        lasts = [shape.units for shape in shapes]
        return Shape(None, None if None in lasts else sum(size for size in lasts if size is not None))
    return ANY_SHAPE


def broadcast(first: Shape, second: Shape) -> Shape:
    """The shape of a sum or product. A size of one, and a rank, may be widened by what is not known."""
    if first.dims is None or second.dims is None:
        sizes = {size for size in (first.units, second.units) if size not in (None, 1)}
        return Shape(None, sizes.pop() if len(sizes) == 1 else None)
    if 0 in (*first.dims, *second.dims):
        return ANY_SHAPE  # what is empty stands for something that is not there
    longer, shorter = (first.dims, second.dims) if len(first.dims) >= len(second.dims) else (second.dims, first.dims)
    dims = list(longer)
    offset = len(dims) - len(shorter)
    for position, size in enumerate(shorter):
        here = dims[offset + position]
        if here is None or here == 1:
            dims[offset + position] = size if size != 1 else here
    return Shape(tuple(dims))


def biased(scores: Shape, bias: Shape) -> Shape:
    """The shape of scores and a variable added to them; one of unknown shape has the shape that leaves theirs alone."""
    if bias.dims is None:
        return scores
    return scores.with_last(bias.units) if scores.dims is None and scores.units == 1 else broadcast(scores, bias)


def indexed(machine: Machine, shape: Shape, key: Value) -> Shape:
    """``tensor[key]``."""
    keys = key.items if isinstance(key, TupleValue) else (key,)
    if shape.dims is None:
        return Shape(None, shape.last) if len(keys) == 1 and isinstance(key, SliceValue) else ANY_SHAPE
    dims = list(shape.dims)
    result: list[int | None] = []
    position = 0
    for one in keys:
        match one:
            case Constant("..."):
                skipped = max(0, len(dims) - sum(other not in (Constant("..."), Constant(None)) for other in keys))
                result += dims[position : position + skipped]
                position += skipped
            case Constant(None):
                result.append(1)
            case SliceValue(lower, upper, step):
                if position >= len(dims):
                    return ANY_SHAPE
                everything = lower == upper == step == Constant(None)
                result.append(dims[position] if everything else _slice_length(dims[position], one))
                position += 1
            case Constant(int()) | Unknown(is_item_number=True) if position < len(dims):
                position += 1
            case Unknown() if len(keys) > 1 and position < len(dims):
                return Shape(None, dims[-1]) if len(dims) > len(keys) else ANY_SHAPE
            case Tensor() if len(keys) == 1 and (picked := _axes_picked(one)) is not None:
                return Shape((*picked, *dims[1:]))
            case Tensor() | Unknown() | ListValue():
                return Shape(None, dims[-1]) if len(dims) > 1 and len(keys) == 1 else ANY_SHAPE
            case _:
                return ANY_SHAPE
    return Shape((*result, *dims[position:]))


def _axes_picked(key: Tensor) -> tuple[int | None, ...] | None:
    """The axes that stand for the first one of what an array picks rows of; a row of booleans leaves some out."""
    dtype = key.labels.dtype if key.labels is not None else ""
    match key.shape.dims:
        case (size,):
            return (size if dtype == "integer" else None,)
        case dims if dtype == "integer":
            return dims
        case _:
            return None


def _slice_length(size: int | None, key: SliceValue) -> int | None:
    from headlint.flow.python.iteration import slice_bounds

    bounds = slice_bounds(key)
    if bounds is None:
        return None
    if size is not None:
        return len(range(size)[bounds])
    start = bounds.start or 0
    if bounds.stop is not None and bounds.stop >= 0 and start >= 0 and bounds.step in (None, 1):
        return max(0, int(bounds.stop - start))
    return None
