"""What changes of shape, pooling and putting together do to tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from headlint.flow.tensors import numbers, shapes
from headlint.flow.tensors.operation import Operation, tensor_of
from headlint.flow.values.library_values import Layer
from headlint.flow.values.python_values import Constant, Site, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Origin, Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def _reshaped(change: Callable[[Machine, Operation, Tensor], Shape]) -> Callable[[Machine, Operation], Value]:
    def meaning(machine: Machine, operation: Operation) -> Value:
        tensor = tensor_of(machine, operation.main)
        if tensor is None:
            return Unknown()
        shape = change(machine, operation, tensor)
        labels = tensor.labels
        if labels is not None and shape.rank is not None:
            labels = replace(labels, column=shape.rank > 1 and shape.units == 1)
        return tensor.derive(shape=shape, origin=operation.origin(), axis=None, labels=labels)

    return meaning


def _flatten_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    start = operation.integer("start_dim") if operation.given("start_dim") else 0
    return shapes.flattened(tensor.shape, start, operation.integer("end_dim") if operation.given("end_dim") else -1)


def _reshape_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    wanted = operation.arguments.get("shape") or operation.arguments.get("newshape")
    sizes = shapes.sizes_of(machine, wanted)
    return shapes.reshaped(tensor.shape, sizes)


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


def _pool(machine: Machine, operation: Operation) -> Value:
    output = _reshaped(_adaptive_shape if operation.effect == "adaptive_pool" else _resize_shape)(machine, operation)
    if isinstance(output, Tensor) and output.domain is not Domain.LINEAR:
        return output.derive(domain=Domain.UNKNOWN, inputs=output.inputs)
    return output


def _resize_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    return shapes.resized(tensor.shape)


def _adaptive_shape(machine: Machine, operation: Operation, tensor: Tensor) -> Shape:
    sizes = shapes.sizes_of(machine, operation.arguments.get("output_size"))
    return shapes.resized(tensor.shape, sizes)


def _concatenate(machine: Machine, operation: Operation) -> Value:
    from headlint.flow.python.iteration import known_items

    items = known_items(machine, operation.main)
    if items is None:
        return Tensor(origin=operation.origin())
    axis = operation.integer("dim")
    if axis is None:
        along_first = operation.name.startswith(("torch", "numpy")) and not operation.name.endswith("hstack")
        axis = 0 if along_first else -1
    return join_tensors(machine, items, axis, operation.name, operation.site)


def join_tensors(
    machine: Machine, items: Sequence[Value], axis: int, name: str, site: Site, layer: Layer | None = None
) -> Tensor:
    """Tensors put side by side along an axis."""
    tensors = [part for item in items if (part := tensor_of(machine, machine.state.narrow(item))) is not None]
    origin = Origin("operation", name, site, layer.site if layer else None, layer, "concatenate")
    if not tensors or len(tensors) != len(items):
        return Tensor(origin=origin)
    domains = {tensor.domain for tensor in tensors}
    domain = domains.pop() if len(domains) == 1 else Domain.UNKNOWN
    heads = tuple(tensors) if domain is Domain.LINEAR and shapes.is_last(tensors[0].shape, axis) else ()
    shape = shapes.concatenated([tensor.shape for tensor in tensors], axis)
    labels = numbers.joined([tensor.labels for tensor in tensors]) if axis == 0 else None
    return Tensor(
        *(domain, shape, origin, tuple(tensors)),
        heads=heads,
        attached=any(tensor.attached for tensor in tensors),
        labels=labels,
    )


def _stack(machine: Machine, operation: Operation) -> Value:
    from headlint.flow.python.iteration import element, known_items

    items = known_items(machine, operation.main)
    tensors = [
        part
        for item in items or [element(machine, operation.main)]
        if (part := tensor_of(machine, machine.state.narrow(item)))
    ]
    if not tensors:
        return Tensor(origin=operation.origin())
    axis = operation.integer("dim") if operation.given("dim") else 0
    domains = {tensor.domain for tensor in tensors}
    shape = shapes.with_axis(tensors[0].shape, axis, len(items) if items is not None else None)
    labels = numbers.joined([tensor.labels for tensor in tensors]) if axis == 0 else None
    domain = domains.pop() if len(domains) == 1 else Domain.UNKNOWN
    return Tensor(domain, shape, operation.origin("stack"), tuple(tensors), labels=labels)


def _size(machine: Machine, operation: Operation) -> Value:
    if not isinstance(operation.main, Tensor):
        return Unknown()
    axis = operation.integer("dim")
    if axis is None:
        return shapes.as_value(machine, operation.main.shape) if not operation.given("dim") else Unknown()
    size = operation.main.shape.size(axis)
    return Constant(size) if size is not None else Unknown()


def _rank(machine: Machine, operation: Operation) -> Value:
    rank = operation.main.shape.rank if isinstance(operation.main, Tensor) else None
    return Constant(rank) if rank is not None else Unknown()


def _chunk(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    part = tensor.derive(shape=ANY_SHAPE, origin=operation.origin(), axis=None, heads=())
    count = operation.integer("chunks")
    if operation.name.endswith("chunk") and count is not None and 0 < count <= 16:
        return TupleValue((part,) * count)
    return Unknown("parts of a tensor")


def _topk(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    part = tensor.derive(domain=Domain.UNKNOWN, shape=ANY_SHAPE, origin=operation.origin(), heads=())
    return TupleValue((part, part.derive(domain=Domain.HARD, attached=False, cut=operation.site)))


EFFECTS: dict[str, Callable[[Machine, Operation], Value]] = {
    "flatten": _reshaped(_flatten_shape),
    "reshape": _reshaped(_reshape_shape),
    "reshape_shape": _reshaped(_reshape_shape),
    "squeeze": _reshaped(_squeeze_shape),
    "unsqueeze": _reshaped(_unsqueeze_shape),
    "transpose": _reshaped(_transpose_shape),
    "transpose_last": _reshaped(_transpose_last_shape),
    "permute": _reshaped(_permute_shape),
    "resize": _reshaped(_resize_shape),
    "pool": _pool,
    "adaptive_pool": _pool,
    "concatenate": _concatenate,
    "stack": _stack,
    "size": _size,
    "rank": _rank,
    "chunk": _chunk,
    "topk": _topk,
}
"""The function for each effect of the tables in ``headlint.frameworks`` that is of this kind."""
