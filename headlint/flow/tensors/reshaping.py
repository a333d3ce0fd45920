"""What changes of shape and pooling do to tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.tensors import axes, misplaced, sequences, shapes, states
from headlint.flow.tensors.operation import Operation, tensor_of
from headlint.flow.values import sizes
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import AxesReordered, RowsShifted, ShapeRestored
from headlint.flow.values.python_values import Constant, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Shape, Tensor, comes_from_layer

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def _reshaped(
    change: Callable[[Machine, Operation, Tensor], Shape],
    order: Callable[[Machine, Operation, Tensor], tuple[int, ...]] = lambda *_: (),
    kept: Callable[[Machine, Operation, Tensor], tuple[int, ...]] = lambda *_: (),
    merged: Callable[[Machine, Operation, Tensor], tuple[tuple[int, ...], ...]] = lambda *_: (),
    said: Callable[[Machine, Operation], TupleValue | None] = lambda *_: None,
) -> Callable[[Machine, Operation], Value]:
    def meaning(machine: Machine, operation: Operation) -> Value:
        tensor = tensor_of(machine, operation.main)
        if tensor is None:
            return Unknown()
        shape = change(machine, operation, tensor)
        labels, domain = tensor.labels, tensor.domain
        if labels is not None and domain is Domain.ONE_HOT and shape.rank == 1 and tensor.shape.rank != 1:
            labels = replace(labels, encoding="binary", classes=2, column=False, exclusive=False)
            domain = Domain.TARGET  # one answer of yes or no after the other
        elif operation.effect in _COPIES and shape.rank != tensor.shape.rank:
            labels = None  # a row of labels for every sample is no label for each sample
        elif labels is not None and shape.rank is not None:
            labels = replace(labels, column=shape.rank > 1 and shape.units == 1)
        return tensor.derive(
            domain=domain,
            shape=shape,
            origin=replace(operation.origin(), factor=said(machine, operation)),
            axis=None,
            labels=labels,
            order=order(machine, operation, tensor),
            kept=kept(machine, operation, tensor),
            merged=merged(machine, operation, tensor),
        )

    return meaning


_COPIES = frozenset({"expand", "repeat", "tile", "view_as"})


def _flatten_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    start, end = _ends_of_flatten(operation)
    if (start, end) == (1, -1):
        sequences.note_joined(machine, tensor, operation.site)
    return shapes.flattened(tensor.shape, start, end)


def _ends_of_flatten(operation: Operation) -> tuple[int | None, int | None]:
    start = operation.integer("start_dim") if operation.given("start_dim") else 0
    return start, operation.integer("end_dim") if operation.given("end_dim") else -1


def _kept_by_flatten(machine: Machine, operation: Operation, tensor: Tensor) -> tuple[int, ...]:
    return tuple(range(operation.integer("start_dim") or 0))


def _merged_by_flatten(machine: Machine, operation: Operation, tensor: Tensor) -> tuple[tuple[int, ...], ...]:
    numbers = axes.counted(tensor, *_ends_of_flatten(operation))
    if numbers is None or tensor.shape.rank is None:
        return ()
    start, end = numbers
    after = range(end + 1, tensor.shape.rank)
    return (*((axis,) for axis in range(start)), tuple(range(start, end + 1)), *((axis,) for axis in after))


def _reshape_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    wanted = operation.arguments.get("shape") or operation.arguments.get("newshape")
    match shapes.as_written(machine, wanted):
        case TupleValue((Unknown() as one,)) if not sizes.axes_of(one, machine.tensor_of):
            return ANY_SHAPE  # it may be a number, or a tuple of all sizes
    return shapes.reshaped(tensor.shape, shapes.sizes_of(machine, wanted))


def _kept_by_reshape(machine: Machine, operation: Operation, tensor: Tensor) -> tuple[int, ...]:
    """The first axes that a reshape names at their own place; axes in another order are noted."""
    wanted = _wanted_sizes(machine, operation)
    if _is_known(machine, tensor) or axes.all_are_named(machine, tensor, wanted):
        if any(isinstance(one, Choice) and not all(option.guards for option in one.options) for one in wanted):
            _note_order(machine, operation, tensor, wanted)  # which of them goes with this tensor is not known
        else:
            machine.state.distribute(wanted, lambda *each: _note_order(machine, operation, tensor, each))
    machine.state.distribute(wanted, lambda *each: _note_restored(machine, operation, tensor, each))
    _note_shift(machine, operation, tensor)
    kept = axes.kept(machine, tensor, wanted)
    if kept == (0,) and len(wanted) == 2 and wanted[1] == axes.REST:
        sequences.note_joined(machine, tensor, operation.site)
    return kept


def _note_order(machine: Machine, operation: Operation, tensor: Tensor, wanted: Sequence[Value]) -> Value:
    """Note that a reshape names axes in another order than they have."""
    numbers = tuple(one.value if isinstance(one, Constant) and isinstance(one.value, int) else None for one in wanted)
    if shapes.joins_neighbours(tensor.shape, shapes.reshaped(tensor.shape, numbers)):
        return Constant(None)
    whole = axes.reordered(machine, tensor, wanted) or states.joined(machine, tensor, wanted)
    part = None if whole is not None else axes.split_too_early(machine, tensor, wanted)
    early = None if whole or part else misplaced.found(machine, tensor, wanted)
    order = whole or part or (early.order if early is not None else None)
    if order is not None:
        by_part = part is not None or (early is not None and early.by_part)
        columns = {"name": operation.name, "input": tensor, "order": order, "sizes": len(wanted)}
        of_torch = operation.name.startswith("torch.") and _is_of_torch(machine, tensor)
        machine.emit(AxesReordered, operation.site, **columns, by_part=by_part, of_torch=of_torch)
    return Constant(None)


def _note_restored(machine: Machine, operation: Operation, tensor: Tensor, wanted: Sequence[Value]) -> Value:
    """Note that a reshape gives something the shape that another tensor had."""
    if (restored := axes.shape_of_another(machine, tensor, wanted)) is not None:
        machine.emit(ShapeRestored, operation.site, of=restored)
    return Constant(None)


def _is_known(machine: Machine, tensor: Tensor) -> bool:
    """Whether a tensor is what models compute with, and not data of any shape that are prepared for them."""
    return tensor.shape.dims is not None or _is_of_torch(machine, tensor)


def _is_of_torch(machine: Machine, tensor: Tensor) -> bool:
    made_by_torch = tensor.origin.name.startswith("torch.")
    return machine.frames.of_forward() is not None or made_by_torch or comes_from_layer(tensor)


def _merged_by_reshape(machine: Machine, operation: Operation, tensor: Tensor) -> tuple[tuple[int, ...], ...]:
    return misplaced.merged(machine, tensor, _wanted_sizes(machine, operation))


def _kept_by_view_as(machine: Machine, operation: Operation, tensor: Tensor) -> tuple[int, ...]:
    _note_shift(machine, operation, tensor)
    return ()


def _note_shift(machine: Machine, operation: Operation, tensor: Tensor) -> None:
    """Note that a reshape of a reshape whose end was cut off shifts its rows."""
    for reshaped_at in axes.shifted_views(tensor):
        machine.emit(RowsShifted, operation.site, reshaped_at=reshaped_at)


def _kept_by_numpy(machine: Machine, operation: Operation, tensor: Tensor) -> tuple[int, ...]:
    return _kept_by_reshape(machine, operation, tensor) if operation.name == "numpy.reshape" else ()


def _wanted_sizes(machine: Machine, operation: Operation) -> list[Value]:
    written = shapes.as_written(machine, operation.arguments.get("shape") or operation.arguments.get("newshape"))
    return list(written.items) if written is not None else []


def _sizes_as_written(machine: Machine, operation: Operation) -> TupleValue | None:
    return shapes.as_written(machine, operation.arguments.get("shape"))


def _transposed_order(machine: Machine, operation: Operation, tensor: Tensor) -> tuple[int, ...]:
    return _exchanged(tensor, operation.integer("dim0"), operation.integer("dim1"))


def _transposed_last_order(machine: Machine, operation: Operation, tensor: Tensor) -> tuple[int, ...]:
    return (1, 0)


def _transposed_last_two_order(machine: Machine, operation: Operation, tensor: Tensor) -> tuple[int, ...]:
    return _exchanged(tensor, -2, -1)


def _exchanged(tensor: Tensor, first: int | None, second: int | None) -> tuple[int, ...]:
    numbers = axes.counted(tensor, first, second)
    if numbers is None:
        return ()
    order = list(range(max(numbers) + 1))
    order[numbers[0]], order[numbers[1]] = numbers[1], numbers[0]
    return tuple(order)


def _permuted_order(machine: Machine, operation: Operation, tensor: Tensor) -> tuple[int, ...]:
    wanted = shapes.sizes_of(machine, operation.arguments.get("dims"))
    return axes.counted(tensor, *wanted, rank=len(wanted)) or () if wanted else ()


def order_of_numpy(tensor: Tensor, arguments: Arguments) -> Value | None:
    """The order that NumPy's ``transpose`` gives to all axes, or None where PyTorch's exchanges two of them."""
    match arguments.positional:
        case _ if arguments.named and "axes" not in arguments.named:
            return None
        case () if "axes" in arguments.named:
            return arguments.named["axes"]
        case () | (Constant(None),):
            rank = tensor.shape.rank
            return Unknown() if rank is None else TupleValue(tuple(map(Constant, reversed(range(rank)))))
        case (one,):
            return one
        case (_, _):
            return None
        case order:
            return TupleValue(order)


def _squeezed_order(machine: Machine, operation: Operation, tensor: Tensor) -> tuple[int, ...]:
    return axes.without(operation.integer("dim") if operation.given("dim") else None)


def _unsqueezed_order(machine: Machine, operation: Operation, tensor: Tensor) -> tuple[int, ...]:
    return axes.with_another(operation.integer("dim"), tensor.shape.rank)


def _squeeze_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    if not operation.given("dim"):
        return shapes.squeezed(tensor.shape)
    return shapes.without(tensor.shape, operation.integer("dim"), only_if_one=True)


def _unsqueeze_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    return shapes.with_axis(tensor.shape, operation.integer("dim"), 1)


def _transpose_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    return shapes.transposed(tensor.shape, operation.integer("dim0"), operation.integer("dim1"))


def _transpose_last_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    return shapes.transposed(tensor.shape, 0, 1)


def _permute_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    return shapes.permuted(tensor.shape, shapes.sizes_of(machine, operation.arguments.get("dims")))


def _transpose_last_two_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    return shapes.transposed(tensor.shape, -2, -1)


def _movedim_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    source, destination = operation.integer("source"), operation.integer("destination")
    return shapes.moved(tensor.shape, source, destination)


def _view_as_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    other = operation.arguments.get("other")
    return other.shape if isinstance(other, Tensor) else ANY_SHAPE


def _expand_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    return shapes.expanded(tensor.shape, shapes.sizes_of(machine, operation.arguments.get("shape")))


def _repeat_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    return shapes.repeated(tensor.shape, shapes.sizes_of(machine, operation.arguments.get("dims")))


def _tile_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    times = shapes.sizes_of(machine, operation.arguments.get("dims"))
    rank = tensor.shape.rank
    if times is not None and rank is not None and len(times) < rank:
        times = (*(1,) * (rank - len(times)), *times)
    return shapes.repeated(tensor.shape, times)


def _repeat_interleave_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    if not operation.given("dim"):
        return Shape((None,))
    return shapes.with_size(tensor.shape, operation.integer("dim"), None)


def _narrow_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    return shapes.with_size(tensor.shape, operation.integer("dim"), operation.integer("length"))


def _index_select_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    index = operation.arguments.get("index")
    count = index.shape.size(0) if isinstance(index, Tensor) and index.shape.rank == 1 else None
    return shapes.with_size(tensor.shape, operation.integer("dim"), count)


def _attended_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    held = operation.arguments.get("value")
    return tensor.shape.with_last(held.shape.units if isinstance(held, Tensor) else None)


def _order_but_the_last(machine: Machine, operation: Operation, tensor: Tensor) -> tuple[int, ...]:
    rank = tensor.shape.rank
    return () if rank is None else (*range(rank - 1), axes.NEW)


def _statistic(machine: Machine, operation: Operation) -> Value:
    """A number of many along some axes: ``std``, ``logsumexp``, ``amax`` …"""
    made = _reshaped(_statistic_shape)(machine, operation)
    return replace(made, domain=Domain.UNKNOWN, labels=None) if isinstance(made, Tensor) else made


def _statistic_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    if not operation.given("dim"):
        return ANY_SHAPE
    return shapes.reduced(
        tensor.shape, shapes.sizes_of(machine, operation.arguments.get("dim")), operation.constant("keepdim") is True
    )


def _masked_select_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    return Shape((None,))


def _unflatten_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    sizes = shapes.sizes_of(machine, operation.arguments.get("sizes"))
    return shapes.unflattened(tensor.shape, operation.integer("dim"), sizes)


SAME_WHEN_POOLED = frozenset({Domain.LINEAR, Domain.SIGMOID})
"""What the largest and the average of several numbers mean as well."""


def _pool(machine: Machine, operation: Operation) -> Value:
    change = _adaptive_shape if operation.effect == "adaptive_pool" else _resize_shape
    output = _reshaped(change, kept=_kept_by_pooling)(machine, operation)
    tensor = tensor_of(machine, operation.main)
    if tensor is not None and operation.name.endswith("1d"):
        sequences.note_window(machine, tensor, operation.site)
    if isinstance(output, Tensor) and output.domain not in SAME_WHEN_POOLED:
        return output.derive(domain=Domain.UNKNOWN, inputs=output.inputs, kept=output.kept)
    return output


def _kept_by_pooling(machine: Machine, operation: Operation, tensor: Tensor) -> tuple[int, ...]:
    return (0, 1) if (tensor.shape.rank or 0) > 3 or operation.name.endswith("1d") else (0,)


def _resize_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    return shapes.resized(tensor.shape)


def _adaptive_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    sizes = shapes.sizes_of(machine, operation.arguments.get("output_size"))
    return shapes.resized(tensor.shape, sizes)


def _size(machine: Machine, operation: Operation) -> Value:
    if not isinstance(operation.main, Tensor):
        return Unknown()
    axis = operation.integer("dim")
    if axis is None:
        return shapes.as_value(machine, operation.main) if not operation.given("dim") else Unknown()
    return shapes.size_value(machine, operation.main, axis)


def _rank(machine: Machine, operation: Operation) -> Value:
    match operation.main:
        case Tensor(shape=Shape(rank=int() as rank)):
            return Constant(rank)
        case Tensor() as tensor:
            return machine.globals.child((tensor, "rank"))
        case _:
            return Unknown()


def _topk(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    part = tensor.derive(domain=Domain.UNKNOWN, shape=ANY_SHAPE, origin=operation.origin(), heads=())
    return TupleValue((part, part.derive(domain=Domain.HARD, attached=False, cut=operation.site)))


EFFECTS: dict[str, Callable[[Machine, Operation], Value]] = {
    "flatten": _reshaped(_flatten_shape, kept=_kept_by_flatten, merged=_merged_by_flatten),
    "reshape": _reshaped(_reshape_shape, kept=_kept_by_reshape, merged=_merged_by_reshape, said=_sizes_as_written),
    "reshape_shape": _reshaped(_reshape_shape, kept=_kept_by_numpy),
    "squeeze": _reshaped(_squeeze_shape, _squeezed_order),
    "unsqueeze": _reshaped(_unsqueeze_shape, _unsqueezed_order),
    "transpose": _reshaped(_transpose_shape, _transposed_order),
    "transpose_last": _reshaped(_transpose_last_shape, _transposed_last_order),
    "permute": _reshaped(_permute_shape, _permuted_order),
    "transpose_last_two": _reshaped(_transpose_last_two_shape, _transposed_last_two_order),
    "movedim": _reshaped(_movedim_shape),
    "view_as": _reshaped(_view_as_shape, kept=_kept_by_view_as),
    "expand": _reshaped(_expand_shape),
    "repeat": _reshaped(_repeat_shape),
    "tile": _reshaped(_tile_shape),
    "repeat_interleave": _reshaped(_repeat_interleave_shape),
    "narrow": _reshaped(_narrow_shape),
    "index_select": _reshaped(_index_select_shape),
    "masked_select": _reshaped(_masked_select_shape),
    "attended": _reshaped(_attended_shape, _order_but_the_last),
    "statistic": _statistic,
    "unflatten": _reshaped(_unflatten_shape),
    "resize": _reshaped(_resize_shape),
    "pool": _pool,
    "adaptive_pool": _pool,
    "size": _size,
    "rank": _rank,
    "topk": _topk,
}
"""The function for each effect of the tables in ``headlint.frameworks`` that is of this kind."""
