"""What it does to tensors to put several of them side by side, or beside each other on a new axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.tensors import axes, numbers, shapes
from headlint.flow.tensors.operation import Operation, note_mixed_in, tensor_of
from headlint.flow.values.library_values import Layer
from headlint.flow.values.python_values import Constant, Site, Value
from headlint.flow.values.tensor_values import Domain, Origin, Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def _concatenate(machine: Machine, operation: Operation) -> Value:
    if operation.name.endswith(("vstack", "row_stack")):
        return _put_together(machine, operation, lambda items, exact: _in_rows(machine, operation, items, exact))
    axis = operation.integer("dim")
    if axis is None:
        along_first = operation.name.startswith(("torch", "numpy")) and not operation.name.endswith("hstack")
        axis = 0 if along_first else -1
    return _put_together(
        machine,
        operation,
        lambda items, exact: _side_by_side(machine, operation, items, axis, exact),
    )


def _put_together(machine: Machine, operation: Operation, join: Callable[[Sequence[Value], bool], Value]) -> Value:
    """Join the items of a list, for each value that they can have; of a list of unknown length what its items are like."""
    from headlint.flow.python.iteration import known_items, representatives

    items = known_items(machine, operation.main)
    exact = items is not None
    items = items if items is not None else representatives(machine, operation.main)
    if not items:
        return Tensor(origin=operation.origin())
    return machine.state.distribute(items, lambda *chosen: join(chosen, exact))


def _in_rows(machine: Machine, operation: Operation, items: Sequence[Value], exact: bool) -> Tensor:
    """Tables below each other, or a row for each array of one axis."""
    ranks = {part.shape.rank if (part := tensor_of(machine, item)) is not None else None for item in items}
    if ranks == {1}:
        return _stacked(machine, operation, items, 0, exact)
    joined = _side_by_side(machine, operation, items, 0, exact)
    return joined if None not in ranks else joined.derive(shape=Shape(None, joined.shape.units), inputs=joined.inputs)


def _side_by_side(machine: Machine, operation: Operation, items: Sequence[Value], axis: int, exact: bool) -> Tensor:
    joined = join_tensors(machine, items, axis, operation.name, operation.site)
    if exact:
        return joined
    return joined.derive(shape=shapes.with_size(joined.shape, axis, None), inputs=joined.inputs, heads=())


def join_tensors(
    machine: Machine, items: Sequence[Value], axis: int, name: str, site: Site, layer: Layer | None = None
) -> Tensor:
    """Tensors put side by side along an axis."""
    tensors = [part for item in items if (part := tensor_of(machine, machine.state.narrow(item))) is not None]
    origin = Origin("operation", name, site, layer.site if layer else None, layer, "concatenate", Constant(axis))
    if not tensors or len(tensors) != len(items):
        return Tensor(origin=origin)
    tensors = [tensor for tensor in tensors if not _is_empty(tensor)] or tensors
    note_mixed_in(machine, tensors, site)
    domains = {tensor.domain for tensor in tensors}
    domain = domains.pop() if len(domains) == 1 else Domain.UNKNOWN
    heads = tuple(tensors) if domain is Domain.LINEAR and shapes.is_last(tensors[0].shape, axis) else ()
    shape = shapes.concatenated([tensor.shape for tensor in tensors], axis)
    labels = numbers.joined([tensor.labels for tensor in tensors]) if axis == 0 else None
    if axis in (1, -1) and _are_no_and_yes(tensors):
        domain = Domain.SOFTMAX
    return Tensor(
        *(domain, shape, origin, tuple(tensors)),
        heads=heads,
        attached=any(tensor.attached for tensor in tensors),
        labels=labels,
        kept=axes.all_but(axis, shape.rank),
    )


def _is_empty(tensor: Tensor) -> bool:
    """Whether nothing is in it yet, as in ``torch.tensor([])`` before a loop that puts one tensor after the other behind it."""
    return tensor.shape.dims is not None and 0 in tensor.shape.dims


def _are_no_and_yes(tensors: Sequence[Tensor]) -> bool:
    """Whether two tensors are ``1 - p`` and ``p`` for the output ``p`` of a sigmoid: together they sum to one."""
    if len(tensors) != 2:
        return False
    for no, yes in (tensors, tensors[::-1]):
        probability = _before_views(yes)
        rest = _before_views(no)
        if probability.domain is Domain.SIGMOID and rest.origin.name == "-" and rest.origin.factor in _ONES:
            if _before_views(rest.inputs[0]) is probability:
                return True
    return False


_ONES = (Constant(1), Constant(1.0))


def _before_views(tensor: Tensor) -> Tensor:
    while tensor.inputs and tensor.origin.role == "operation" and tensor.inputs[0].domain is tensor.domain:
        if tensor.origin.name == "-":
            break
        tensor = tensor.inputs[0]
    return tensor


def _stack(machine: Machine, operation: Operation) -> Value:
    axis = operation.integer("dim") if operation.given("dim") else 0
    return _put_together(machine, operation, lambda items, exact: _stacked(machine, operation, items, axis, exact))


def _stacked(machine: Machine, operation: Operation, items: Sequence[Value], axis: int | None, exact: bool) -> Tensor:
    tensors = [part for item in items if (part := tensor_of(machine, item)) is not None]
    if not tensors or len(tensors) != len(items):
        return Tensor(origin=operation.origin())
    domains = {tensor.domain for tensor in tensors}
    shape = shapes.with_axis(tensors[0].shape, axis, len(items) if exact else None)
    labels = numbers.joined([tensor.labels for tensor in tensors]) if axis == 0 else None
    domain = domains.pop() if len(domains) == 1 else Domain.UNKNOWN
    if axis in (1, -1) and _are_no_and_yes(tensors):
        domain = Domain.SOFTMAX
    origin = replace(operation.origin("stack"), factor=Constant(axis))
    return Tensor(domain, shape, origin, tuple(tensors), labels=labels, order=axes.with_another(axis))


EFFECTS: dict[str, Callable[[Machine, Operation], Value]] = {"concatenate": _concatenate, "stack": _stack}
"""The function for each effect of the tables in ``headlint.frameworks`` that is of this kind."""
