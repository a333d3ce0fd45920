"""What operations do to tensors: what the numbers mean afterwards, and what is known of the shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from headlint.flow import shapes
from headlint.flow.arguments import Arguments
from headlint.flow.facts import Activation, Backward, HandWrittenLoss, LabelsRescaled, PredictionUse
from headlint.flow.values import (
    ANY_SHAPE,
    Constant,
    Domain,
    FrameworkMethod,
    Labels,
    Layer,
    ListValue,
    Maker,
    Shape,
    Site,
    SliceValue,
    Tensor,
    TupleValue,
    Unknown,
    Value,
)
from headlint.frameworks import torch
from headlint.frameworks.kinds import OperationKind

if TYPE_CHECKING:
    from headlint.flow.machine import Machine

DOMAINS = {
    "softmax": Domain.SOFTMAX,
    "softmax2d": Domain.SOFTMAX,
    "log_softmax": Domain.LOG_SOFTMAX,
    "sigmoid": Domain.SIGMOID,
    "log_sigmoid": Domain.LOG_SIGMOID,
    "relu": Domain.RECTIFIED,
    "tanh": Domain.TANH,
    "nonlinear": Domain.UNKNOWN,
}
PROBABILITIES = (Domain.SOFTMAX, Domain.SIGMOID)
KEEPS_SCORES = (Domain.LINEAR, Domain.TARGET, Domain.ONE_HOT)


def activate(
    machine: Machine,
    tensor: Tensor,
    effect: str,
    site: Site,
    name: str,
    axis: int | None = None,
    axis_given: bool = False,
    origin: Site | None = None,
    layer: Layer | None = None,
) -> Tensor:
    """Apply an activation."""
    if effect == "linear":
        return tensor
    if effect == "softmax2d":
        axis, axis_given = -3, True
    output = tensor.derive(
        domain=DOMAINS[effect],
        axis=axis,
        axis_given=axis_given,
        maker=Maker("activation", name, site, origin, layer),
        guarded=False,
        heads=(),
        labels=None,
        attached=tensor.attached and not machine.without_gradient,
    )
    machine.emit(Activation, origin or site, effect=effect, input=tensor, output=output, axis_given=axis_given)
    return output


def operate(machine: Machine, kind: OperationKind, arguments: Arguments, site: Site) -> Value:
    """Call a function of a library on tensors."""
    bound = arguments.bind(kind.parameters)
    for spelling in ("axis", "dimension", "keepdims", "keep_dims", "x", "logits", "input"):
        if spelling in bound:
            bound.setdefault(_SPELLINGS.get(spelling, spelling), bound[spelling])
    main = bound.get(kind.parameters[0].lstrip("*")) if kind.parameters else None
    return apply(machine, kind.effect, kind.name, main, bound, site)


_SPELLINGS = {"axis": "dim", "dimension": "dim", "keepdims": "keepdim", "keep_dims": "keepdim"}


def apply(machine: Machine, effect: str, name: str, main: Value | None, bound: dict[str, Value], site: Site) -> Value:
    """Apply an operation to its main argument, for each value that it can have."""
    if main is None:
        return Unknown()

    def single(value: Value) -> Value:
        return _EFFECTS[effect](machine, Operation(effect, name, value, bound, site))

    return machine.state.distribute([main], single)


class Operation:
    """One application of an operation."""

    __slots__ = ("arguments", "effect", "main", "name", "site")

    def __init__(self, effect: str, name: str, main: Value, arguments: dict[str, Value], site: Site) -> None:
        self.effect = effect
        self.name = name
        self.main = main
        self.arguments = arguments
        self.site = site

    def constant(self, *names: str) -> object:
        """A constant argument, or None."""
        for name in names:
            match self.arguments.get(name):
                case Constant(value):
                    return value
        return None

    def integer(self, *names: str) -> int | None:
        """An integer argument, or None."""
        value = self.constant(*names)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def given(self, *names: str) -> bool:
        """Whether one of the arguments is passed, and not None."""
        return any(name in self.arguments and self.arguments[name] != Constant(None) for name in names)

    def maker(self, note: str = "") -> Maker:
        """The maker of its result."""
        return Maker("operation", self.name, self.site, note=note)


def tensor_of(machine: Machine, value: Value) -> Tensor | None:
    """The value as a tensor: something unknown counts as a tensor about which nothing is known."""
    match value:
        case Tensor():
            return value
        case Unknown():
            return machine.tensor_of(value)
        case _:
            return None


def _activation(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    given = operation.given("dim")
    axis = operation.integer("dim") if given else (None if operation.name.startswith("torch") else -1)
    return activate(machine, tensor, operation.effect, operation.site, operation.name, axis, given)


def _decision(machine: Machine, operation: Operation) -> Value:
    """argmax, round, sign …: from here on no gradient flows."""
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    axis = operation.integer("dim")
    if operation.effect == "argmax":
        if not operation.given("dim") and operation.name.startswith("tensorflow"):
            axis = 0
        machine.emit(PredictionUse, operation.site, kind="argmax", tensor=tensor, axis=axis)
        labels = tensor.labels
        if tensor.domain in (Domain.ONE_HOT, Domain.TARGET) or labels is not None:
            classes = labels.classes if labels else None
            index = Labels("index", classes, "integer", False, labels.source if labels else "")
            return tensor.derive(
                domain=Domain.TARGET, labels=index, shape=shapes.without(tensor.shape, axis), maker=operation.maker()
            )
        shape = shapes.without(tensor.shape, axis) if axis is not None else ANY_SHAPE
    else:
        machine.emit(PredictionUse, operation.site, kind="round", tensor=tensor)
        shape = tensor.shape
    if tensor.domain in (Domain.TARGET, Domain.ONE_HOT):
        return tensor
    return tensor.derive(
        domain=Domain.HARD,
        shape=shape,
        maker=operation.maker(),
        attached=False,
        cut=operation.site,
        axis=None,
        heads=(),
    )


def _maximum(machine: Machine, operation: Operation) -> Value:
    """``max(x, dim)`` gives the values and their places, ``max(x)`` a number, ``max(x, y)`` the larger of two."""
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    axis = operation.integer("dim")
    if axis is None:
        return tensor.derive(domain=Domain.UNKNOWN, shape=ANY_SHAPE, maker=operation.maker(), heads=())
    shape = shapes.without(tensor.shape, axis)
    values = tensor.derive(domain=Domain.UNKNOWN, shape=shape, maker=operation.maker(), heads=())
    return TupleValue(
        (values, _decision(machine, Operation("argmax", operation.name, tensor, operation.arguments, operation.site)))
    )


def _log(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    domain = {Domain.SOFTMAX: Domain.LOG_SOFTMAX, Domain.SIGMOID: Domain.LOG_SIGMOID}.get(tensor.domain, Domain.UNKNOWN)
    output = tensor.derive(domain=domain, maker=operation.maker("log"), heads=())
    machine.emit(Activation, operation.site, effect="log", input=tensor, output=output)
    return output


def _exp(machine: Machine, operation: Operation) -> Value:
    """The way back from a logarithm."""
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    domain = {Domain.LOG_SOFTMAX: Domain.SOFTMAX, Domain.LOG_SIGMOID: Domain.SIGMOID}.get(tensor.domain, Domain.UNKNOWN)
    return tensor.derive(domain=domain, maker=operation.maker("exp"), heads=(), labels=None)


def _same(machine: Machine, operation: Operation) -> Value:
    return operation.main


def _unknown_shape(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    return tensor.derive(shape=ANY_SHAPE, maker=operation.maker(), axis=None, heads=(), labels=None)


def _elementwise(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    return tensor.derive(domain=Domain.UNKNOWN, maker=operation.maker(), heads=(), labels=None)


def _binary(machine: Machine, operation: Operation) -> Value:
    other = operation.arguments.get("other") or operation.arguments.get("y") or operation.arguments.get("bias")
    symbol = {"add": "+", "bias_add": "+", "multiply": "*", "elementwise": "*", "matmul": "@"}[operation.effect]
    if other is None:
        return _elementwise(machine, operation)
    return machine.state.distribute(
        [other], lambda one: arithmetic(machine, symbol, operation.main, one, operation.site)
    )


def _matmul(machine: Machine, operation: Operation) -> Value:
    other = next(
        (operation.arguments[name] for name in ("other", "b", "y", "weights") if name in operation.arguments), None
    )
    if other is None:
        return Unknown()
    product = machine.state.distribute(
        [other], lambda one: arithmetic(machine, "@", operation.main, one, operation.site)
    )
    return product


def _linear_function(machine: Machine, operation: Operation) -> Value:
    """``F.linear(x, weight)``: scores, whose number the weight's first axis tells."""
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    weight = operation.arguments.get("weight")
    units = weight.shape.size(0) if isinstance(weight, Tensor) else None
    return Tensor(
        Domain.LINEAR,
        tensor.shape.with_last(units),
        operation.maker(),
        (tensor,),
        attached=not machine.without_gradient,
    )


def _clamp(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    return tensor.derive(guarded=True, maker=operation.maker("clamp"))


def _dropout(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    return tensor.derive(maker=Maker("layer", operation.name, operation.site, note="dropout"))


def _reshaped(change: Callable[[Machine, Operation, Tensor], Shape]) -> Callable[[Machine, Operation], Value]:
    def meaning(machine: Machine, operation: Operation) -> Value:
        tensor = tensor_of(machine, operation.main)
        if tensor is None:
            return Unknown()
        shape = change(machine, operation, tensor)
        labels = tensor.labels
        if labels is not None and shape.rank is not None:
            labels = replace(labels, column=shape.rank > 1 and shape.units == 1)
        return tensor.derive(shape=shape, maker=operation.maker(), axis=None, labels=labels)

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


def _reduce(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    axes = operation.arguments.get("dim")
    if operation.given("dim"):
        shape = shapes.reduced(tensor.shape, shapes.sizes_of(machine, axes), bool(operation.constant("keepdim")))
    else:
        shape = Shape(())
    _notice_cross_entropy(machine, operation, tensor)
    domain = Domain.LOSS if tensor.domain is Domain.LOSS else Domain.UNKNOWN
    if operation.effect == "mean" and tensor.domain is Domain.LINEAR and operation.given("dim"):
        domain = Domain.LINEAR
    return tensor.derive(domain=domain, shape=shape, maker=operation.maker("reduce"), axis=None, heads=(), labels=None)


def _notice_cross_entropy(machine: Machine, operation: Operation, tensor: Tensor) -> None:
    log = _weighted_log(tensor, 4)
    if log is not None:
        machine.emit(HandWrittenLoss, log.maker.site or operation.site, log=log, reduced=tensor)


def _weighted_log(tensor: Tensor, depth: int) -> Tensor | None:
    """The logarithm of probabilities that is multiplied with something other than the probabilities themselves."""
    if depth == 0 or tensor.maker.role != "operation":
        return None
    if tensor.maker.note == "multiply" and len(tensor.inputs) == 2:
        for log, weight in (tensor.inputs, tensor.inputs[::-1]):
            if log.maker.note == "log" and log.inputs and log.inputs[0].domain in PROBABILITIES:
                return None if comes_from(weight, log.inputs[0]) else log
    if tensor.maker.note in ("negative", "add", "subtract", "reduce"):
        for part in tensor.inputs:
            if (found := _weighted_log(part, depth - 1)) is not None:
                return found
    return None


def comes_from(tensor: Tensor, source: Tensor, depth: int = 12) -> bool:
    """Whether a tensor is another or was computed from it."""
    if tensor is source:
        return True
    return depth > 0 and any(comes_from(part, source, depth - 1) for part in tensor.inputs)


def _concatenate(machine: Machine, operation: Operation) -> Value:
    from headlint.flow.iteration import known_items

    items = known_items(machine, operation.main)
    if items is None:
        return Tensor(maker=operation.maker())
    axis = operation.integer("dim")
    if axis is None:
        axis = 0 if operation.name.startswith("torch") else -1
    return join_tensors(machine, items, axis, operation.name, operation.site)


def join_tensors(
    machine: Machine, items: Sequence[Value], axis: int, name: str, site: Site, layer: Layer | None = None
) -> Tensor:
    """Tensors put side by side along an axis."""
    tensors = [part for item in items if (part := tensor_of(machine, machine.state.narrow(item))) is not None]
    maker = Maker("operation", name, site, layer.site if layer else None, layer, "concatenate")
    if not tensors or len(tensors) != len(items):
        return Tensor(maker=maker)
    domains = {tensor.domain for tensor in tensors}
    domain = domains.pop() if len(domains) == 1 else Domain.UNKNOWN
    heads = tuple(tensors) if domain is Domain.LINEAR and shapes.is_last(tensors[0].shape, axis) else ()
    shape = shapes.concatenated([tensor.shape for tensor in tensors], axis)
    return Tensor(
        domain, shape, maker, tuple(tensors), heads=heads, attached=any(tensor.attached for tensor in tensors)
    )


def _stack(machine: Machine, operation: Operation) -> Value:
    from headlint.flow.iteration import element, known_items

    items = known_items(machine, operation.main)
    tensors = [
        part
        for item in items or [element(machine, operation.main)]
        if (part := tensor_of(machine, machine.state.narrow(item)))
    ]
    if not tensors:
        return Tensor(maker=operation.maker())
    axis = operation.integer("dim") if operation.given("dim") else 0
    domains = {tensor.domain for tensor in tensors}
    shape = shapes.with_axis(tensors[0].shape, axis, len(items) if items is not None else None)
    return Tensor(
        domains.pop() if len(domains) == 1 else Domain.UNKNOWN, shape, operation.maker("stack"), tuple(tensors)
    )


def _detach(machine: Machine, operation: Operation) -> Value:
    match operation.main:
        case Tensor() as tensor if tensor.domain in (Domain.TARGET, Domain.ONE_HOT):
            return tensor
        case Tensor() as tensor:
            return tensor.derive(attached=False, cut=operation.site, maker=operation.maker("detach"))
        case other:
            return other


def _new_tensor(machine: Machine, operation: Operation) -> Value:
    """``torch.tensor(data)`` copies the numbers and knows nothing of where they came from."""
    match operation.main:
        case Tensor() as tensor if tensor.domain not in (Domain.TARGET, Domain.ONE_HOT):
            return tensor.derive(attached=False, cut=operation.site, maker=operation.maker("new tensor"))
        case other:
            made = _converted(machine, operation, other)
            return _as_type(made, _TYPED.get(operation.name, "")) if isinstance(made, Tensor) else made


_TYPED = {"torch.Tensor": "float", "torch.FloatTensor": "float", "torch.LongTensor": "integer"}
"""Classes of tensors that convert what they are given."""


def _convert(machine: Machine, operation: Operation) -> Value:
    return _converted(machine, operation, operation.main)


def _converted(machine: Machine, operation: Operation, data: Value) -> Value:
    match data:
        case Tensor() as tensor:
            return _as_type(tensor, _type_name(operation.arguments.get("dtype")))
        case ListValue() | TupleValue():
            return _literal_array(machine, operation, data)
        case _:
            return data


def _literal_array(machine: Machine, operation: Operation, data: Value) -> Value:
    """An array written out: short ones of small integers or of rows may be labels, and their shape is known."""
    from headlint.flow.iteration import known_items

    dims: list[int | None] = []
    items: list[Value] | None = known_items(machine, data)
    leaves: Value | None = data
    while items:
        dims.append(len(items))
        leaves = items[0]
        if not isinstance(leaves, ListValue | TupleValue):
            break
        items = known_items(machine, leaves)
    if not dims or not isinstance(leaves, Constant):
        return Tensor(maker=operation.maker("array"))
    numbers = _numbers(machine, data)
    return Tensor(
        Domain.UNKNOWN,
        Shape(tuple(dims)),
        operation.maker("array"),
        labels=_labels_of_numbers(numbers, dims, operation),
    )


def _numbers(machine: Machine, data: Value) -> list[object]:
    from headlint.flow.iteration import known_items

    found: list[object] = []
    for item in known_items(machine, data) or []:
        if isinstance(item, Constant):
            found.append(item.value)
        elif isinstance(item, ListValue | TupleValue):
            found += _numbers(machine, item)
    return found


def _labels_of_numbers(numbers: list[object], dims: list[int | None], operation: Operation) -> Labels | None:
    if len(dims) > 2 or not numbers or not all(isinstance(number, int) for number in numbers):
        return None
    column = len(dims) == 2 and dims[1] == 1
    if len(dims) == 2 and not column:
        return None
    distinct = {number for number in numbers if isinstance(number, int)}
    if min(distinct) < 0 or max(distinct) >= 50 or len(distinct) < max(distinct) + 1:
        return None
    dtype = _type_name(operation.arguments.get("dtype")) or "integer"
    encoding = "binary" if distinct == {0, 1} else "index"
    return Labels(encoding, len(distinct), dtype, column, "the array of labels")


def _type_name(value: Value | None) -> str:
    from headlint.flow.values import FrameworkName

    match value:
        case Constant(str() as name):
            text = name
        case FrameworkName(path):
            text = path.rsplit(".", 1)[-1]
        case _:
            return ""
    if text.startswith("float") or text in ("double", "half", "float"):
        return "float"
    return "integer" if text.startswith(("int", "uint", "long")) else ""


def _as_type(tensor: Tensor, dtype: str) -> Tensor:
    if not dtype or tensor.labels is None:
        return tensor
    return tensor.derive(labels=replace(tensor.labels, dtype=dtype))


def _astype(machine: Machine, operation: Operation) -> Value:
    match operation.main:
        case Tensor() as tensor:
            dtype = _type_name(operation.arguments.get("dtype"))
            if dtype == "integer" and tensor.domain in (Domain.SIGMOID, Domain.SOFTMAX, Domain.LINEAR):
                return tensor.derive(attached=False, domain=Domain.HARD, maker=operation.maker(), cut=operation.site)
            return _as_type(tensor, dtype)
        case other:
            return other


def _to_float(machine: Machine, operation: Operation) -> Value:
    return _as_type(operation.main, "float") if isinstance(operation.main, Tensor) else operation.main


def _to_integer(machine: Machine, operation: Operation) -> Value:
    match operation.main:
        case Tensor() as tensor if tensor.domain in (Domain.SIGMOID, Domain.SOFTMAX, Domain.LINEAR):
            return tensor.derive(attached=False, domain=Domain.HARD, maker=operation.maker(), cut=operation.site)
        case Tensor() as tensor:
            return _as_type(tensor, "integer")
        case other:
            return other


def _one_hot(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main) or Tensor()
    classes = operation.integer("num_classes", "depth", "nb_classes")
    before = tensor.labels
    known = classes or (before.classes if before else None)
    labels = Labels(
        "one_hot", known, "float", False, f"{operation.name.rsplit('.', 1)[-1]}(…)", exclusive=True, site=operation.site
    )
    rank = tensor.shape.rank
    dims: tuple[int | None, ...] | None = None if rank is None else (*(tensor.shape.dims or ())[:rank], classes)
    if before is not None and before.column:
        dims = None
    return Tensor(Domain.ONE_HOT, Shape(dims, classes), operation.maker(), (tensor,), labels=labels)


def _identity_matrix(machine: Machine, operation: Operation) -> Value:
    size = (
        operation.main.value if isinstance(operation.main, Constant) and isinstance(operation.main.value, int) else None
    )
    return Tensor(Domain.UNKNOWN, Shape((size, size)), operation.maker("identity matrix"))


def _fresh(machine: Machine, operation: Operation) -> Value:
    sizes = shapes.sizes_of(machine, operation.arguments.get("size"))
    return Tensor(Domain.UNKNOWN, Shape(sizes) if sizes else ANY_SHAPE, operation.maker("fresh"))


def _fresh_sized(machine: Machine, operation: Operation) -> Value:
    sizes = shapes.sizes_of(machine, operation.main)
    return Tensor(Domain.UNKNOWN, Shape(sizes) if sizes else ANY_SHAPE, operation.maker("fresh"))


def _fresh_named(machine: Machine, operation: Operation) -> Value:
    sizes = shapes.sizes_of(machine, operation.arguments.get("shape"))
    return Tensor(
        Domain.UNKNOWN, Shape(sizes) if sizes else ANY_SHAPE, Maker("variable", operation.name, operation.site)
    )


def _variable(machine: Machine, operation: Operation) -> Value:
    shape = operation.main.shape if isinstance(operation.main, Tensor) else ANY_SHAPE
    return Tensor(Domain.UNKNOWN, shape, Maker("variable", operation.name, operation.site))


def _placeholder(machine: Machine, operation: Operation) -> Value:
    sizes = shapes.sizes_of(machine, operation.arguments.get("shape"))
    return Tensor(
        Domain.UNKNOWN,
        Shape(sizes) if sizes else ANY_SHAPE,
        Maker("input", operation.name, operation.site),
        symbolic=True,
    )


def _random_integers(machine: Machine, operation: Operation) -> Value:
    """Random class labels, as short examples make them: ``torch.randint(0, 3, (16,))``."""
    low, high, size = operation.arguments.get("low"), operation.arguments.get("high"), operation.arguments.get("size")
    if isinstance(high, TupleValue) or (high is None and low is not None):
        low, high, size = Constant(0), low, size or high
    sizes = shapes.sizes_of(machine, size)
    if not (
        isinstance(low, Constant) and isinstance(high, Constant) and low.value == 0 and isinstance(high.value, int)
    ):
        return Tensor(Domain.UNKNOWN, Shape(sizes) if sizes else ANY_SHAPE, operation.maker("fresh"))
    column = bool(sizes) and len(sizes or ()) == 2 and (sizes or ())[-1] == 1
    encoding = "binary" if high.value == 2 else "index"
    labels = Labels(encoding, high.value, "integer", column, f"{operation.name.rsplit('.', 1)[-1]}(…, {high.value}, …)")
    return Tensor(Domain.TARGET, Shape(sizes) if sizes else ANY_SHAPE, operation.maker("fresh"), labels=labels)


def _fresh_like(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    return Tensor(Domain.UNKNOWN, tensor.shape if tensor else ANY_SHAPE, operation.maker("fresh"))


def _backward(machine: Machine, operation: Operation) -> Value:
    match operation.main:
        case Tensor() as tensor:
            machine.emit(Backward, operation.site, loss=tensor)
    return Constant(None)


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
    part = tensor.derive(shape=ANY_SHAPE, maker=operation.maker(), axis=None, heads=())
    count = operation.integer("chunks")
    if operation.name.endswith("chunk") and count is not None and 0 < count <= 16:
        return TupleValue((part,) * count)
    return Unknown("parts of a tensor")


def _topk(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    part = tensor.derive(domain=Domain.UNKNOWN, shape=ANY_SHAPE, maker=operation.maker(), heads=())
    return TupleValue((part, part.derive(domain=Domain.HARD, attached=False, cut=operation.site)))


def _compare_operation(machine: Machine, operation: Operation) -> Value:
    other = operation.arguments.get("other") or operation.arguments.get("y")
    symbol = {"gt": ">", "ge": ">=", "greater": ">"}.get(operation.name.rsplit(".", 1)[-1], "==")
    if other is None or not isinstance(operation.main, Tensor | Unknown):
        return Unknown()
    return compare(machine, symbol, operation.main, other, operation.site)


def _add_list(machine: Machine, operation: Operation) -> Value:
    from headlint.flow.iteration import known_items

    items = known_items(machine, operation.main)
    return add_all(machine, items or [], operation.name, operation.site)


def add_all(machine: Machine, items: Sequence[Value], name: str, site: Site) -> Value:
    """The sum of several tensors."""
    tensors = [part for item in items if (part := tensor_of(machine, machine.state.narrow(item))) is not None]
    if not tensors:
        return Tensor(maker=Maker("operation", name, site, note="add"))
    total: Value = tensors[0]
    for tensor in tensors[1:]:
        total = arithmetic(machine, "+", total, tensor, site)
    return total


_EFFECTS: dict[str, Callable[[Machine, Operation], Value]] = {
    **dict.fromkeys(
        ("softmax", "softmax2d", "log_softmax", "sigmoid", "log_sigmoid", "relu", "tanh", "nonlinear"), _activation
    ),
    **dict.fromkeys(("argmax", "round"), _decision),
    "max": _maximum,
    "log": _log,
    "exp": _exp,
    "identity": _same,
    "unknown_shape": _unknown_shape,
    "elementwise": _binary,
    "multiply": _binary,
    "add": _binary,
    "bias_add": _binary,
    "add_list": _add_list,
    "matmul": _matmul,
    "linear_function": _linear_function,
    "clamp": _clamp,
    "dropout": _dropout,
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
    "mean": _reduce,
    "sum": _reduce,
    "concatenate": _concatenate,
    "stack": _stack,
    "detach": _detach,
    "new_tensor": _new_tensor,
    "convert": _convert,
    "astype": _astype,
    "to_float": _to_float,
    "to_integer": _to_integer,
    "one_hot": _one_hot,
    "identity_matrix": _identity_matrix,
    "fresh": _fresh,
    "fresh_sized": _fresh_sized,
    "fresh_named": _fresh_named,
    "fresh_like": _fresh_like,
    "variable": _variable,
    "placeholder": _placeholder,
    "random_integers": _random_integers,
    "backward": _backward,
    "size": _size,
    "rank": _rank,
    "chunk": _chunk,
    "topk": _topk,
    "compare": _compare_operation,
}


# Operators, attributes and items


def arithmetic(machine: Machine, symbol: str, left: Value, right: Value, site: Site) -> Value:
    """``left symbol right`` where one of them is a tensor."""
    first, second = tensor_of(machine, left), tensor_of(machine, right)
    if symbol == "@":
        return _product_with_weights(machine, left, right, site)
    if first is not None and second is not None:
        return _two_tensors(machine, symbol, first, second, site)
    tensor, number = (first, right) if first is not None else (second, left)
    if tensor is None:
        return Unknown()
    return _with_number(machine, symbol, tensor, number, first is not None, site)


_NOTES = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "@": "matmul"}


def _with_number(machine: Machine, symbol: str, tensor: Tensor, number: Value, tensor_first: bool, site: Site) -> Value:
    value = number.value if isinstance(number, Constant) else None
    maker = Maker("operation", symbol, site, note=_NOTES.get(symbol, "number"))
    if tensor.domain is Domain.LOSS:
        return tensor.derive(maker=maker)
    if (
        tensor.labels is not None
        and tensor.domain in (Domain.TARGET, Domain.UNKNOWN)
        and symbol == "/"
        and value in (255, 255.0)
    ):
        machine.emit(LabelsRescaled, site, labels=tensor.labels)
        return tensor.derive(maker=maker, labels=replace(tensor.labels, rescaled=True, dtype="float"))
    if isinstance(value, float) and symbol in "+" and 0 < value < 0.01:
        return tensor.derive(maker=maker, guarded=True)
    if tensor.domain is Domain.LINEAR and tensor_first and symbol in ("*", "/", "+", "-"):
        return tensor.derive(maker=maker)
    if tensor.domain in (Domain.TARGET, Domain.ONE_HOT):
        return tensor.derive(maker=maker, labels=None, domain=Domain.UNKNOWN)
    return tensor.derive(domain=Domain.UNKNOWN, maker=maker, heads=(), labels=None)


def _two_tensors(machine: Machine, symbol: str, first: Tensor, second: Tensor, site: Site) -> Value:
    maker = Maker("operation", symbol, site, note=_NOTES.get(symbol, ""))
    attached = first.attached or second.attached
    if Domain.LOSS in (first.domain, second.domain):
        return Tensor(Domain.LOSS, ANY_SHAPE, maker, (first, second), attached=attached)
    biased = symbol in ("+", "-") and (second.maker.role == "variable" or first.maker.role == "variable")
    if biased and Domain.LINEAR in (first.domain, second.domain):
        shape = first.shape if first.domain is Domain.LINEAR else second.shape
    else:
        shape = shapes.broadcast(first.shape, second.shape)
    domain = Domain.UNKNOWN
    if symbol in ("+", "-") and Domain.LINEAR in (first.domain, second.domain):
        others = {first.domain, second.domain} - {Domain.LINEAR, Domain.UNKNOWN}
        domain = Domain.UNKNOWN if others else Domain.LINEAR
    return Tensor(domain, shape, maker, (first, second), attached=attached)


def _product_with_weights(machine: Machine, left: Value, right: Value, site: Site) -> Value:
    """``x @ W``: scores when W is a variable that is trained."""
    first, second = tensor_of(machine, left), tensor_of(machine, right)
    if first is None or second is None:
        return Unknown()
    trained = second.maker.role == "variable"
    units = second.shape.dims[-1] if second.shape.dims and len(second.shape.dims) == 2 else None
    shape = first.shape.with_last(units) if trained else ANY_SHAPE
    maker = Maker("operation", "matmul", site, note="matmul with variable" if trained else "matmul")
    domain = Domain.LINEAR if trained else Domain.UNKNOWN
    return Tensor(domain, shape, maker, (first, second), attached=not machine.without_gradient, symbolic=trained)


def negate(machine: Machine, tensor: Tensor, site: Site) -> Value:
    """``-tensor``."""
    domain = tensor.domain if tensor.domain in (Domain.LOSS, Domain.LINEAR) else Domain.UNKNOWN
    return tensor.derive(domain=domain, maker=Maker("operation", "-", site, note="negative"), heads=(), labels=None)


def compare(machine: Machine, symbol: str, left: Value, right: Value, site: Site) -> Value:
    """A comparison of tensors gives decisions."""
    tensor = left if isinstance(left, Tensor) else right
    other = right if tensor is left else left
    if not isinstance(tensor, Tensor):
        return Unknown()
    if isinstance(other, Constant) and isinstance(other.value, int | float) and symbol in (">", ">=", "<", "<="):
        machine.emit(PredictionUse, site, kind="threshold", tensor=tensor, threshold=float(other.value))
    maker = Maker("operation", symbol, site, note="compare")
    if tensor.domain in (Domain.TARGET, Domain.ONE_HOT, Domain.UNKNOWN):
        return tensor.derive(domain=Domain.UNKNOWN, maker=maker, labels=None, attached=False)
    return tensor.derive(domain=Domain.HARD, maker=maker, attached=False, cut=site, heads=(), labels=None)


def attribute(machine: Machine, tensor: Tensor, name: str, site: Site) -> Value:
    """``tensor.name``."""
    match name:
        case "shape":
            return shapes.as_value(machine, tensor.shape)
        case "data":
            return apply(machine, "detach", "torch.Tensor.data", tensor, {}, site)
        case "T" | "mT":
            return tensor.derive(shape=shapes.transposed(tensor.shape, -2, -1), axis=None)
        case "ndim":
            return Constant(tensor.shape.rank) if tensor.shape.rank is not None else Unknown()
        case _ if name in torch.METHODS:
            return FrameworkMethod(tensor, name)
        case "values" | "index":
            return tensor
        case "logits" | "probs" | "loss" | "grad" | "dtype" | "device" | "name":
            return machine.globals.child((tensor, name))
        case _:
            return FrameworkMethod(tensor, name)


def call_method(machine: Machine, tensor: Tensor, name: str, arguments: Arguments, site: Site) -> Value:
    """``tensor.name(arguments)``."""
    if name not in torch.METHODS:
        return Unknown()
    effect, parameters = torch.METHODS[name]
    if name in ("to", "type") and arguments.positional:
        dtype = _type_name(arguments.get("dtype") or arguments.positional[0])
        return _as_type(tensor, dtype) if dtype else tensor
    bound = arguments.preceded_by(tensor).bind(parameters)
    if "axis" in bound:
        bound.setdefault("dim", bound["axis"])
    return apply(machine, effect, f"torch.Tensor.{name}", tensor, bound, site)


def row(machine: Machine, tensor: Tensor) -> Tensor:
    """One item of a tensor along its first axis."""
    return tensor.derive(shape=shapes.without(tensor.shape, 0), axis=None)


def index(machine: Machine, tensor: Tensor, key: Value, site: Site) -> Value:
    """``tensor[key]``."""
    if tensor.maker.note == "identity matrix":
        classes = tensor.shape.size(0)
        rows = Labels("one_hot", classes, "float", False, "an identity matrix", exclusive=True, site=site)
        return Tensor(Domain.ONE_HOT, Shape(None, classes), Maker("operation", "eye[…]", site), (tensor,), labels=rows)
    shape = shapes.indexed(machine, tensor.shape, key)
    if tensor.domain in (Domain.SOFTMAX, Domain.LOG_SOFTMAX) and _picks_column(key, tensor.shape.rank):
        domain = Domain.SIGMOID if tensor.domain is Domain.SOFTMAX else Domain.UNKNOWN
        return tensor.derive(
            domain=domain, shape=shape, maker=Maker("operation", "[…]", site, note="index"), axis=None, heads=()
        )
    labels = tensor.labels
    if labels is not None and labels.column and shape.rank == 1:
        labels = replace(labels, column=False)
    if labels is not None and isinstance(key, Tensor | Unknown):
        labels = replace(labels, classes=None)  # a mask may leave out classes
    maker = Maker("operation", "[…]", site, note="index")
    return tensor.derive(shape=shape, maker=maker, axis=None, heads=(), labels=labels)


def _picks_column(key: Value, rank: int | None) -> bool:
    """Whether an index takes one class out of several: its probability is that of a yes or no."""
    if not isinstance(key, TupleValue) or len(key.items) < 2 or isinstance(key.items[-1], SliceValue):
        return False
    return rank is None or len(key.items) == rank or key.items[0] == Constant("...")


def collected(tensor: Tensor, value: Tensor, site: Site) -> Tensor:
    """``tensor[…] = value``: an empty tensor that is filled step by step holds what is put into it."""
    if tensor.maker.note == "fresh":
        domain = value.domain
    elif tensor.maker.note == "collected" and tensor.domain is value.domain:
        return tensor
    else:
        domain = tensor.domain if tensor.domain in (Domain.TARGET, Domain.ONE_HOT) else Domain.UNKNOWN
    maker = Maker("operation", "[…] =", site, note="collected")
    return tensor.derive(
        domain=domain, shape=Shape(None, value.shape.units), maker=maker, inputs=(value,), attached=value.attached
    )
