"""Which axis of a tensor is which: the classes of a head, the batch of a sequence."""

from __future__ import annotations

from headlint.checks.tensors import head_of
from headlint.flow.tensors.axes import OTHER_AXES, origin_of, origins, way_of, written
from headlint.flow.tensors.patterns import EINSUM, stacks_samples
from headlint.flow.tensors.sequences import is_batch, is_batch_first, is_of_sequences
from headlint.flow.values.library_values import Layer
from headlint.flow.values.python_values import SliceValue, TupleValue, Unknown
from headlint.flow.values.sizes import axes_of
from headlint.flow.values.tensor_values import Tensor


def holds_samples(tensor: Tensor, axis: int) -> bool:
    """Whether an axis is, or is made of, the one on which pictures, sequences or the matrices of ``bmm`` are stacked."""
    return any(_is_of_samples(one, at) or _holds_joined_samples(one, at) for one, at in origins(tensor, axis))


def stacks_matrices(tensor: Tensor) -> bool:
    """Whether it comes from a product of matrices, of which there is one a sample along the first axis."""
    return any(
        at == 0 and any(map(_is_of_turned_matrices, one.inputs)) and any(map(_begins_first, one.inputs))
        for one, at in origins(tensor, 0)
        if one.origin.note == "matmul"
    )


def _is_of_turned_matrices(tensor: Tensor) -> bool:
    """Whether two of three axes or more were exchanged."""
    return len(tensor.order) > 2 and sorted(tensor.order) != list(tensor.order) and tensor.shape.rank != 2


def holds_steps(tensor: Tensor) -> bool:
    """Whether the first axis is that of time, which a recurrent layer without ``batch_first`` has there."""
    for one, at in way_of(tensor, 0):
        layer = one.origin.layer
        if layer is not None and is_of_sequences(layer) and at == 0 and one.origin.note not in OTHER_AXES:
            return is_batch_first(layer) is False and not is_batch(one, 0)
    return False


def are_of_steps(scores: Tensor) -> bool:
    """Whether there is one score for each step of each sample: the second axis is that of a layer's steps."""
    return any(
        at == 1 and layer is not None and is_of_sequences(layer) and is_batch_first(layer) is True
        for layer, at, note in ((one.origin.layer, at, one.origin.note) for one, at in origins(scores, 1))
        if note not in OTHER_AXES
    )


def _is_of_samples(tensor: Tensor, axis: int) -> bool:
    layer = tensor.origin.layer
    if axis == 1 and layer is not None and tensor.inputs and tensor.origin.note not in OTHER_AXES:
        return is_of_sequences(layer) and is_batch_first(layer) is False and tensor.inputs[0].shape.rank != 2
    pictures = layer is not None and layer.kind.effect == "convolution" and layer.kind.spatial > 1
    return axis == 0 and (pictures or is_batch(tensor, 0) or (_is_of_matrices(tensor) and _begins_first(tensor)))


def _is_of_matrices(tensor: Tensor) -> bool:
    """Whether it is a product of several matrices, one a sample."""
    turned = any(len(part.order) > 2 for part in tensor.inputs)
    if tensor.origin.note == EINSUM:
        return stacks_samples(tensor)
    return tensor.origin.name.endswith("bmm") or (tensor.origin.note == "matmul" and turned)


def _begins_first(tensor: Tensor) -> bool:
    """Whether the first axis was the first one of what a model or a layer was given, and none that it put there."""
    first, axis = origin_of(tensor, 0)
    said = written(first, axis)
    match axes_of(said, lambda _: Tensor()) if said is not None else ():
        case ((other, 0),):
            first = other  # as many as there
    return axis == 0 and first.origin.role in ("input", "layer")


def _holds_joined_samples(tensor: Tensor, axis: int) -> bool:
    joined = tensor.merged[axis] if 0 <= axis < len(tensor.merged) else ()
    return len(joined) > 1 and any(holds_samples(tensor.inputs[0], one) for one in joined)


def classes_are_last(tensor: Tensor) -> bool:
    """Whether the scores of a head with more than two axes are known to stand on the last one."""
    collected = _collected(tensor)
    head = head_of(collected) or _head_along(collected)
    dims, layer = tensor.shape.dims, head.origin.layer if head is not None else None
    if head is None or dims is None or layer is None or (rank_is_guessed(head) and not _shows_three_axes(tensor, head)):
        return False
    of_pictures = layer.kind.effect == "convolution"
    units = head.shape.size(1) if of_pictures else head.shape.units
    if units is not None:
        return units > 1 and [axis for axis, size in enumerate(dims) if size == units] == [len(dims) - 1]
    return _is_last_of(tensor, head, 1 if of_pictures else None)


def axis_within(tensor: Tensor, axis: int, earlier: Tensor) -> int | None:
    """Which axis of an earlier tensor an axis is: reshapes keep the last one where its size stays the same."""
    for _ in range(24):
        for step, at in way_of(tensor, axis):
            if step is earlier:
                return at
            tensor, axis = step, at
        dims = tensor.shape.dims
        if len(tensor.inputs) != 1 or dims is None or axis != len(dims) - 1 or dims[-1] is None:
            return None
        before = tensor.inputs[0]
        if tensor.origin.role != "operation" or before.shape.dims is None or before.shape.dims[-1] != dims[-1]:
            return None
        tensor, axis = before, len(before.shape.dims) - 1
    return None


def _collected(tensor: Tensor) -> Tensor:
    """What one layer gave step by step before it was stacked, or the tensor itself; of several layers each may be a class."""
    step = tensor
    for _ in range(24):
        if step.origin.note == "stack" and step.inputs:
            layers = {id(head.origin.layer) if (head := head_of(part)) is not None else 0 for part in step.inputs}
            return step.inputs[0] if len(layers) == 1 else tensor
        if len(step.inputs) != 1:
            return tensor
        step = step.inputs[0]
    return tensor


def _head_along(tensor: Tensor) -> Tensor | None:
    """The dense layer's output whose units stand on the last axis, also where a bias is added to them."""
    dense = (one for one, _ in way_of(tensor, -1) if one.origin.layer is not None)
    head = next(dense, None)
    return head if head is not None and head.origin.role == "layer" and head_of(head) is head else None


def _is_last_of(tensor: Tensor, head: Tensor, units: int | None) -> bool:
    """Whether the last axis is the one of a head on which its units stand: its last one where no other is said."""
    last = (tensor.shape.rank or 0) if head.shape.rank is None else head.shape.rank
    wanted = last - 1 if units is None else units
    return any(step is head and axis == wanted for step, axis in way_of(tensor, -1))


def rank_is_guessed(head: Tensor) -> bool:
    """Whether the number of axes rests on a recurrent layer that may be given one sequence without a batch."""
    found = _sequence_layer(head)
    if found is None:
        return False
    layer, given = found
    return given.shape.rank is None and is_batch_first(layer) is not True and _least_rank(given) < 3


def _shows_three_axes(tensor: Tensor, head: Tensor) -> bool:
    """Whether an activation behind a head runs over its third axis, so that it has one."""
    for _ in range(24):
        if tensor is head or not tensor.inputs:
            return False
        if tensor.origin.role == "activation" and tensor.axis_given and (tensor.axis or 0) >= 2:
            return True
        tensor = tensor.inputs[0]
    return False


def _least_rank(tensor: Tensor) -> int:
    """How many axes a tensor has at least: an embedding adds one to those of which an index takes slices."""
    added = 0
    for _ in range(24):
        layer = tensor.origin.layer
        match tensor.origin.factor:
            case Unknown(key=("item", TupleValue(items))):
                return added + sum(isinstance(item, SliceValue) for item in items)
            case TupleValue(items) if tensor.origin.note == "index":
                return added + sum(isinstance(item, SliceValue) for item in items)
        if tensor.shape.rank is not None or not tensor.inputs:
            break
        added += layer is not None and layer.kind.effect == "embedding"
        tensor = tensor.inputs[0]
    return added + (tensor.shape.rank or 0)


def is_time_first(tensor: Tensor) -> bool:
    """Whether a tensor's axes are still (time, batch, units), as a recurrent layer without ``batch_first`` gives them."""
    found = _sequence_layer(tensor)
    return found is not None and is_batch_first(found[0]) is False


def _sequence_layer(tensor: Tensor) -> tuple[Layer, Tensor] | None:
    """The recurrent layer of PyTorch that a tensor has its axes from, and what that was given."""
    for _ in range(24):
        layer = tensor.origin.layer
        if layer is not None and is_of_sequences(layer):
            return (layer, tensor.inputs[0]) if tensor.inputs else None
        if tensor.origin.role == "operation" or len(tensor.inputs) != 1:
            return None
        tensor = tensor.inputs[0]
    return None
