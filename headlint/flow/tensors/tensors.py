"""What operations do to tensors: what the numbers mean afterwards, and what is known of the shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeGuard

from msgspec.structs import replace

from headlint.flow.python import table_items
from headlint.flow.tensors import (
    arithmetic,
    axes,
    by_hand,
    columns,
    concatenation,
    creation,
    numbers,
    patterns,
    reshaping,
    sequences,
    shapes,
    splitting,
)
from headlint.flow.tensors.dtypes import moved
from headlint.flow.tensors.marked import marked
from headlint.flow.tensors.operation import DOMAINS, Operation, activate, tensor_of
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.facts import Backward, Event
from headlint.flow.values.python_values import (
    Constant,
    FrameworkMethod,
    ListValue,
    Site,
    SliceValue,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Labels, Origin, Shape, Tensor
from headlint.frameworks import torch
from headlint.frameworks.kinds import OperationKind

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def operate(machine: Machine, kind: OperationKind, arguments: Arguments, site: Site) -> Value:
    """Call a function of a library on tensors."""
    bound = _with_unknown_rest(arguments, arguments.bind(kind.parameters), kind.parameters)
    for spelling, name in _SPELLINGS.items():
        if spelling in bound:
            bound.setdefault(name, bound[spelling])
    main = bound.get(kind.parameters[0].lstrip("*")) if kind.parameters else None
    return apply(machine, kind.effect, kind.name, main, bound, site)


def _with_unknown_rest(arguments: Arguments, bound: dict[str, Value], parameters: Sequence[str]) -> dict[str, Value]:
    """Sizes among which ``*`` unpacks nobody knows how many are not known at all."""
    if arguments.rest is not None and parameters[-1:] and parameters[-1].startswith("*"):
        bound[parameters[-1][1:]] = Unknown("unpacked")
    return bound


_SPELLINGS = {
    **dict.fromkeys(("axis", "dimension", "reduction_indices"), "dim"),
    **dict.fromkeys(("keepdims", "keep_dims"), "keepdim"),
}


def apply(machine: Machine, effect: str, name: str, main: Value | None, bound: dict[str, Value], site: Site) -> Value:
    """Apply an operation to its main argument, for each value that it can have."""
    if main is None:
        return Unknown()

    def single(value: Value) -> Value:
        if effect in _TAKES_LITERALS and isinstance(value, ListValue | TupleValue):
            value = creation.literal_array(machine, value, bound, site)
        made = _EFFECTS[effect](machine, Operation(effect, name, value, bound, site))
        machine.parts.spend(value, *bound.values(), made=made)
        if isinstance(made, Tensor) and bound.get("requires_grad") == Constant(True):
            if made.attached and not made.inputs and made.origin.role == "operation":
                made = replace(made, origin=replace(made.origin, role="variable"))
            machine.parts.leaves.add(made)
        return made

    return machine.state.distribute([main], single)


_TAKES_LITERALS = frozenset(DOMAINS) | {"log", "exp", "sum", "mean", "clamp", "negative", "repeat_interleave"}
"""Effects of one operand, for which the libraries also take a list of numbers."""


def _activation(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    given = operation.given("dim")
    axis = operation.integer("dim") if given else (None if operation.name.startswith("torch") else -1)
    return activate(machine, tensor, operation.effect, operation.site, operation.name, axis, given)


def _gumbel(machine: Machine, operation: Operation) -> Value:
    """A sample from what a softmax gives, soft or hard: numbers that sum to one, and no activation of a layer's units."""
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    axis = operation.integer("dim") if operation.given("dim") else -1
    return tensor.derive(domain=Domain.SOFTMAX, axis=axis, origin=operation.origin("gumbel"), guarded=True, heads=())


def _gather(machine: Machine, operation: Operation) -> Value:
    """``gather(dim, index)``: by labels, of each sample what belongs to its class."""
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    given = operation.arguments.get("index") or operation.arguments.get("indices")
    index = tensor_of(machine, given) if given is not None else None
    shape = shapes.gathered(tensor.shape, index.shape if index is not None else ANY_SHAPE)
    picked = tensor.derive(shape=shape, origin=operation.origin(), axis=None, heads=(), labels=None)
    return by_hand.picked_by(picked, tensor, index, operation.name, operation.site)


def _same(machine: Machine, operation: Operation) -> Value:
    match operation.main:
        case Tensor() as tensor if operation.name.endswith(".cuda"):
            return _copy_of_parameter(tensor, operation.name, operation.site)
        case other:
            return other


def _copy_of_parameter(tensor: Tensor, by: str, site: Site) -> Tensor:
    """A parameter on another device is another tensor, and no parameter; any other tensor is the same to us, and so is
    one that is not to learn."""
    if tensor.origin.name != torch.PARAMETER or tensor.origin.note == torch.FROZEN:
        return tensor
    return tensor.derive(origin=Origin("operation", by, site, note="moved"))


def _detach(machine: Machine, operation: Operation) -> Value:
    match operation.main:
        case Tensor() as tensor if tensor.domain in (Domain.TARGET, Domain.ONE_HOT):
            return tensor
        case Tensor() as tensor:
            if machine.frame.conditional > machine.frame.by_mode and operation.site is not None:
                machine.parts.cut_on_demand.add(operation.site)
            return tensor.derive(attached=False, cut=operation.site, origin=operation.origin("detach"))
        case other:
            return other


def _listed(machine: Machine, operation: Operation) -> Value:
    """``tolist()``: the same numbers in a list of Python."""
    match _detach(machine, operation):
        case Tensor() as tensor:
            return tensor.derive(origin=operation.origin(arithmetic.LISTED), inputs=tensor.inputs)
        case other:
            return other


def _item(machine: Machine, operation: Operation) -> Value:
    """``item()``: the only number of a tensor, without any axis."""
    match _detach(machine, operation):
        case Tensor() as tensor:
            labels = replace(tensor.labels, column=False) if tensor.labels is not None else None
            return replace(tensor, shape=Shape(()), labels=labels)
        case other:
            return other


def _backward(machine: Machine, operation: Operation) -> Value:
    match operation.main:
        case Tensor() as tensor:
            machine.emit(Backward, operation.site, loss=tensor, in_torch=True)
            kept = tuple(Constant(name) for name in ("retain_graph", "create_graph") if operation.given(name))
            machine.note_event(Event.DIFFERENTIATED, operation.site, tensor, given=kept)
    return Constant(None)


def attribute(machine: Machine, tensor: Tensor, name: str, site: Site) -> Value:
    """``tensor.name``."""
    match name:
        case "shape":
            return shapes.as_value(machine, tensor)
        case "data":
            return apply(machine, "detach", "torch.Tensor.data", tensor, {}, site)
        case "T" | "mT":
            turned = Origin("operation", f"torch.Tensor.{name}", site)
            shape = shapes.turned(tensor.shape) if name == "T" else shapes.transposed(tensor.shape, -2, -1)
            return tensor.derive(shape=shape, axis=None, origin=turned)
        case "ndim":
            return Constant(tensor.shape.rank) if tensor.shape.rank is not None else Unknown()
        case _ if name in torch.METHODS:
            return FrameworkMethod(tensor, name)
        case _ if (known := columns.attribute(tensor, name, site)) is not None:
            return known
        case "requires_grad" if not tensor.attached:
            return Constant(False)
        case "logits" | "probs" | "loss" | "grad" | "requires_grad" | "dtype" | "device" | "name":
            return machine.globals.child((tensor, name))
        case _:
            return FrameworkMethod(tensor, name)


WRITING = frozenset({"assign", "assign_add", "assign_sub"})
"""Methods of TensorFlow's variables that put other numbers into them."""


def call_method(machine: Machine, tensor: Tensor, name: str, arguments: Arguments, site: Site) -> Value:
    """``tensor.name(arguments)``."""
    if name == "register_hook" or name in WRITING:
        machine.note_event(Event.HANDED_OVER, site, machine.globals.child((tensor, name)), given=(tensor,))
    if name == "requires_grad_" and tensor.attached and not tensor.inputs:
        asks = arguments.first("requires_grad") in (None, Constant(True))
        machine.parts.leaves.update([tensor] if asks else ())
        return tensor
    if name not in torch.METHODS:
        machine.parts.spend(tensor, *arguments.positional, *arguments.named.values())
        return columns.method(machine, tensor, name, arguments, site) or Unknown()
    if "name" in arguments.named:
        return Unknown()  # no tensor's method takes a name: those of networks that are put together by name do
    if name == "transpose" and (order := reshaping.order_of_numpy(tensor, arguments)) is not None:
        return apply(machine, "permute", "numpy.ndarray.transpose", tensor, {"input": tensor, "dims": order}, site)
    effect, parameters = torch.METHODS[name]
    if name in ("to", "type"):
        moved_to = _moved(machine, tensor, arguments)
        stays = arguments.positional[:1] == (Constant("cpu"),)
        return moved_to if stays or name == "type" else _copy_of_parameter(moved_to, "torch.Tensor.to", site)
    bound = _with_unknown_rest(arguments, arguments.preceded_by(tensor).bind(parameters), parameters)
    if "axis" in bound:
        bound.setdefault("dim", bound["axis"])
    return apply(machine, effect, f"torch.Tensor.{name}", tensor, bound, site)


def _moved(machine: Machine, tensor: Tensor, arguments: Arguments) -> Tensor:
    """``tensor.to(device, dtype)``, in any order, or ``tensor.to(other)``."""
    for value in (*arguments.positional, arguments.get("dtype", "other")):
        if value is not None:
            tensor = moved(tensor, machine.state.narrow(value))
    return tensor


def row(machine: Machine, tensor: Tensor) -> Tensor:
    """One item of a tensor along its first axis."""
    return tensor.derive(shape=shapes.without(tensor.shape, 0), axis=None)


def item(machine: Machine, tensor: Tensor, key: Value, site: Site) -> Value:
    """``tensor[key]``."""
    if tensor.origin.note == "identity matrix":
        classes = tensor.shape.size(0)
        rows = Labels("one_hot", classes, "float", False, "an identity matrix", exclusive=True, site=site)
        return Tensor(Domain.ONE_HOT, Shape(None, classes), Origin("operation", "eye[…]", site), (tensor,), labels=rows)
    if (table := columns.row_of(tensor)) is not None and isinstance(key, Constant) and isinstance(key.value, str):
        return table_items.value_of(machine, table, key)
    if (column := columns.of_lists(machine, tensor, key, site)) is not None:
        return column
    sequences.note_index(machine, tensor, key, site)
    shape = shapes.indexed(machine, tensor.shape, key)
    origin = Origin("operation", "[…]", site, note="index", factor=key if axes.cuts_an_end(key) else None)
    if tensor.domain in (Domain.SOFTMAX, Domain.LOG_SOFTMAX) and _picks_column(key, tensor.shape.rank):
        domain = Domain.SIGMOID if tensor.domain is Domain.SOFTMAX else Domain.UNKNOWN
        column = tensor.derive(domain=domain, shape=shape, origin=origin, axis=None, heads=())
        return by_hand.picked_by(column, tensor, _one_for_each(machine, key), origin.name, site)
    labels = _picked_labels(tensor, key, shape)
    domain = tensor.domain
    if domain is Domain.ONE_HOT and (labels is None or labels.encoding != "one_hot"):
        domain = Domain.TARGET
    order = axes.picked(key)
    rest = tensor.derive(domain=domain, shape=shape, origin=origin, axis=None, heads=(), labels=labels, order=order)
    return by_hand.picked_by(rest, tensor, _one_for_each(machine, key), origin.name, site)


def _one_for_each(machine: Machine, key: Value) -> Tensor | None:
    """The second of two indices, where the first counts the samples: ``[range(n), labels]``."""
    match key:
        case TupleValue(items=(Constant() | SliceValue(), _)):
            return None
        case TupleValue(items=(_, Tensor() | Unknown() as index)):
            return tensor_of(machine, index)
        case _:
            return None


def _picked_labels(tensor: Tensor, key: Value, shape: Shape) -> Labels | None:
    """What is known of the labels that an index picks: of one-hot rows one column is yes or no."""
    labels = tensor.labels
    if labels is None:
        return None
    column = isinstance(key, TupleValue) and len(key.items) == (tensor.shape.rank or max(2, len(key.items)))
    if labels.encoding == "one_hot" and column:
        one = isinstance(key, TupleValue) and isinstance(key.items[-1], Constant) and key.items[-1] != Constant(None)
        return replace(labels, encoding="binary" if one else "", classes=2 if one else None, exclusive=False)
    if labels.column and shape.rank == 1:
        labels = replace(labels, column=False)
    if isinstance(key, Tensor) or (isinstance(key, Unknown) and not key.is_item_number):
        mask = isinstance(key, Tensor) and key.labels is not None and key.labels.dtype == "boolean"
        amounts = labels.encoding == "values" and not mask
        labels = replace(labels, classes=None, interval=labels.interval if amounts else None)  # some may be left out
    return labels


def _select(machine: Machine, operation: Operation) -> Value:
    """``tensor.select(dim, index)`` is ``tensor[:, …, index]``."""
    tensor, axis = tensor_of(machine, operation.main), operation.integer("dim")
    if tensor is None:
        return Unknown()
    if axis is None or axis < -1:
        return apply(machine, "unknown_shape", operation.name, tensor, {}, operation.site)
    everything = SliceValue(Constant(None), Constant(None), Constant(None))
    before: tuple[Value, ...] = (Constant("..."),) if axis == -1 else (everything,) * axis
    number = operation.arguments.get("index") or Unknown()
    return item(machine, tensor, TupleValue((*before, number)) if before else number, operation.site)


def rounded(machine: Machine, tensor: Tensor, site: Site) -> Value:
    """``round(tensor)``."""
    return apply(machine, "round", "round", tensor, {"input": tensor}, site)


def _picks_column(key: Value, rank: int | None) -> TypeGuard[TupleValue]:
    """Whether an index takes one class out of several: its probability is that of a yes or no."""
    if not isinstance(key, TupleValue) or len(key.items) < 2 or isinstance(key.items[-1], SliceValue):
        return False
    return rank is None or len(key.items) == rank or key.items[0] == Constant("...")


def filled(tensor: Tensor, key: Value, value: Value, site: Site, item: Value | None = None) -> Tensor:
    """``tensor[…] = value``: an empty tensor that is filled step by step holds what is put into it.

    ``item`` is what the innermost loop goes through, where the tensor was there before its round.
    """
    if not isinstance(value, Tensor):
        return _holding(_overwritten(tensor, key, value, site, item), value)
    if value.origin.note == "overwritten" and value.inputs and tensor.labels is not None:
        return _overwritten(tensor, key, Unknown(), site, item)  # a part of the array was changed, and is put back
    if tensor.origin.note == "fresh":
        domain = value.domain
    elif tensor.origin.note == "collected" and tensor.domain is value.domain:
        return tensor
    else:
        domain = tensor.domain if tensor.domain in (Domain.TARGET, Domain.ONE_HOT) else Domain.UNKNOWN
    origin = Origin("operation", "[…] =", site, note="collected", factor=tensor.origin.factor)
    labels = numbers.overwritten(tensor.labels, None) if tensor.labels is not None else None
    shape = _shape_of_filled(tensor.shape, key, value.shape)
    return tensor.derive(
        domain=domain, shape=shape, origin=origin, inputs=(value,), attached=value.attached, labels=labels
    )


def _shape_of_filled(shape: Shape, key: Value, put_in: Shape) -> Shape:
    """The shape of what is filled step by step: the last axis is that of what is put in, where no index picks from it."""
    parts = key.items if isinstance(key, TupleValue) else (key,)
    everything = SliceValue(Constant(None), Constant(None), Constant(None))
    picked = sum(not isinstance(part, SliceValue) for part in parts)
    rank = shape.rank if shape.rank is not None else None if put_in.rank is None else put_in.rank + picked
    cut = Constant("...") in parts or (isinstance(parts[-1], SliceValue) and parts[-1] != everything)
    units = None if cut or (rank is not None and len(parts) >= rank and parts[-1] != everything) else put_in.units
    if not shape.dims:
        return Shape(None, units)
    return shape if shape.units is not None else shape.with_last(units)


def _overwritten(tensor: Tensor, key: Value, value: Value, site: Site, item: Value | None) -> Tensor:
    """An array some of whose numbers are others now: which classes there are is no longer known of labels."""
    labels = tensor.labels
    if labels is None:
        return tensor
    if (rows := marked(tensor, key, value, site, item)) is not None:
        return rows
    number: float | None = None
    match value:
        case Constant(bool() | int() | float() as known) if isinstance(key, SliceValue | Tensor):
            number = known if tensor.shape.rank == 1 or labels.column else None
    origin = Origin("operation", "[…] =", site, note="overwritten")
    return tensor.derive(labels=numbers.overwritten(labels, number), origin=origin)


def _holding(tensor: Tensor, value: Value) -> Tensor:
    """A tensor into which something is put that is not followed, and that a model may have computed."""
    if not isinstance(value, Unknown) or any(part.origin.factor == value for part in tensor.inputs):
        return tensor
    return replace(tensor, inputs=(*tensor.inputs, Tensor(origin=Origin("input", "", factor=value))))


_EFFECTS: dict[str, Callable[[Machine, Operation], Value]] = {
    **arithmetic.EFFECTS,
    **reshaping.EFFECTS,
    **concatenation.EFFECTS,
    **splitting.EFFECTS,
    **creation.EFFECTS,
    **patterns.EFFECTS,
    **dict.fromkeys(
        ("softmax", "softmax2d", "log_softmax", "sigmoid", "log_sigmoid", "relu", "tanh", "nonlinear"), _activation
    ),
    "gumbel": _gumbel,
    "gather": _gather,
    "identity": _same,
    "select": _select,
    "detach": _detach,
    "item": _item,
    "listed": _listed,
    "backward": _backward,
}
