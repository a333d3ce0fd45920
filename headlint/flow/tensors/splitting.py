"""What becomes of a tensor that is taken apart along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from headlint.flow.tensors import axes, shapes
from headlint.flow.tensors.operation import Operation, tensor_of
from headlint.flow.values.python_values import ListValue, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def _chunk(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    count, axis = operation.integer("chunks"), operation.integer("dim") if operation.given("dim") else 0
    if operation.name.endswith(_APART):
        part, count = _without(operation, tensor, axis), tensor.shape.size(axis)
    elif operation.name.endswith(("chunk", "tensor_split")):
        size = tensor.shape.size(axis)
        part = _cut(operation, tensor, axis, size // count if size and count and size % count == 0 else None)
    else:
        return _split(machine, operation, tensor, axis)
    return (
        TupleValue((part,) * count) if count is not None and 0 < count <= 16 else ListValue((part,), approximate=True)
    )


def _split(machine: Machine, operation: Operation, tensor: Tensor, axis: int | None) -> Value:
    """``split``: parts of one size, or of the sizes that are listed."""
    given = operation.arguments.get("chunks")
    listed = shapes.as_written(machine, given)
    if listed is not None and 0 < len(listed.items) <= 16:
        wanted = shapes.sizes_of(machine, given) or (None,) * len(listed.items)
        return TupleValue(tuple(_cut(operation, tensor, axis, size) for size in wanted))
    size, count = tensor.shape.size(axis), operation.integer("chunks")
    if size is None or count is None or not 0 < -(-size // count) <= 16:
        return ListValue((_cut(operation, tensor, axis, count if listed is None else None),), approximate=True)
    return TupleValue(tuple(_cut(operation, tensor, axis, min(count, size - at)) for at in range(0, size, count)))


_APART = ("unbind", "unstack")
"""Ends of the names of what gives a tensor for each item along an axis."""


def _without(operation: Operation, tensor: Tensor, axis: int | None) -> Tensor:
    shape, numbers = shapes.without(tensor.shape, axis), axes.counted(tensor, axis)
    order = axes.without(numbers[0]) if numbers is not None else ()
    return tensor.derive(shape=shape, origin=operation.origin(), axis=None, heads=(), order=order)


def _cut(operation: Operation, tensor: Tensor, axis: int | None, size: int | None) -> Tensor:
    shape, kept = shapes.with_size(tensor.shape, axis, size), axes.all_but(axis, tensor.shape.rank)
    return tensor.derive(shape=shape, origin=operation.origin(), axis=None, heads=(), kept=kept)


EFFECTS: dict[str, Callable[[Machine, Operation], Value]] = {"chunk": _chunk}
"""The function for each effect of the tables in ``headlint.frameworks`` that is of this kind."""
