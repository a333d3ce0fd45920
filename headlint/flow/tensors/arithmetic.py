"""What arithmetic, reductions and decisions do to the meaning of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.tensors import axes, by_hand, mixtures, numbers, sequences, shapes, shares
from headlint.flow.tensors.operation import Operation, note_mixed_in, tensor_of
from headlint.flow.values.facts import Activation, LabelsRescaled, PredictionUse
from headlint.flow.values.intervals import Interval
from headlint.flow.values.python_values import Constant, Site, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import (
    ANY_SHAPE,
    Domain,
    Labels,
    Origin,
    Shape,
    Tensor,
    comes_from_layer,
)

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


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
        is_place = tensor.origin.note == "compare" and tensor.domain is Domain.UNKNOWN and not comes_from_layer(tensor)
        if tensor.domain in (Domain.ONE_HOT, Domain.TARGET) or labels is not None or is_place:
            classes = labels.classes if labels else tensor.shape.size(axis) if is_place else None
            source = labels.source if labels else "the place of what is equal" if is_place else ""
            index = Labels("index", classes, "integer", False, source)
            return tensor.derive(
                domain=Domain.TARGET,
                labels=index,
                shape=_along(operation, tensor.shape, axis),
                origin=operation.origin(),
            )
        shape = _along(operation, tensor.shape, axis) if axis is not None else ANY_SHAPE
    else:
        machine.emit(PredictionUse, operation.site, kind="round", tensor=tensor)
        shape = tensor.shape
    if tensor.domain in (Domain.TARGET, Domain.ONE_HOT):
        return tensor
    return tensor.derive(
        domain=Domain.HARD,
        shape=shape,
        origin=operation.origin(),
        attached=False,
        cut=operation.site,
        axis=None,
        heads=(),
    )


def _along(operation: Operation, shape: Shape, axis: int | None) -> Shape:
    """The shape of one answer for each row along an axis, which ``keepdim`` leaves there with one item."""
    keeps = axis is not None and operation.constant("keepdim") is True
    return shapes.reduced(shape, (axis,), True) if keeps else shapes.without(shape, axis)


def _maximum(machine: Machine, operation: Operation) -> Value:
    """``max(x, dim)`` gives the values and their places, ``max(x)`` a number, ``max(x, y)`` the larger of two."""
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    axis = operation.integer("dim")
    if axis is None:
        return tensor.derive(domain=Domain.UNKNOWN, shape=ANY_SHAPE, origin=operation.origin(), heads=())
    shape = _along(operation, tensor.shape, axis)
    values = tensor.derive(domain=Domain.UNKNOWN, shape=shape, origin=operation.origin(), heads=())
    return TupleValue(
        (values, _decision(machine, Operation("argmax", operation.name, tensor, operation.arguments, operation.site)))
    )


def _log(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    domain = {Domain.SOFTMAX: Domain.LOG_SOFTMAX, Domain.SIGMOID: Domain.LOG_SIGMOID}.get(tensor.domain, Domain.UNKNOWN)
    labels = numbers.under("log", tensor.labels)
    attached = tensor.attached and not machine.without_gradient
    output = tensor.derive(domain=domain, origin=operation.origin("log"), heads=(), labels=labels, attached=attached)
    machine.emit(Activation, operation.site, effect="log", input=tensor, output=output)
    return output


def _exp(machine: Machine, operation: Operation) -> Value:
    """The way back from a logarithm."""
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    domain = {Domain.LOG_SOFTMAX: Domain.SOFTMAX, Domain.LOG_SIGMOID: Domain.SIGMOID}.get(tensor.domain, Domain.UNKNOWN)
    labels = numbers.under("exp", tensor.labels)
    return tensor.derive(domain=domain, origin=operation.origin("exp"), heads=(), labels=labels)


def _function(machine: Machine, operation: Operation) -> Value:
    """A function of each number alone: ``sqrt``, ``abs``, ``sin`` …"""
    match operation.main:
        case Constant(int() | float() as number) if number >= 0 and operation.name.endswith(".sqrt"):
            return Constant(number**0.5)
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    labels = numbers.under(operation.name.rsplit(".", 1)[-1], tensor.labels)
    return tensor.derive(domain=Domain.UNKNOWN, origin=operation.origin(axes.EACH), heads=(), labels=labels)


def _unknown_shape(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    return tensor.derive(shape=ANY_SHAPE, origin=operation.origin(), axis=None, heads=(), labels=None)


def _elementwise(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    return tensor.derive(domain=Domain.UNKNOWN, origin=operation.origin(axes.EACH), heads=(), labels=None)


_SYMBOLS = {"add": "+", "bias_add": "+", "subtract": "-", "multiply": "*", "elementwise": "*", "divide": "/"}


def _binary(machine: Machine, operation: Operation) -> Value:
    other = operation.arguments.get("other") or operation.arguments.get("y") or operation.arguments.get("bias")
    symbol = _SYMBOLS[operation.effect]
    if other is None:
        return _elementwise(machine, operation)
    return machine.state.distribute(
        [other], lambda one: calculate(machine, symbol, operation.main, one, operation.site)
    )


def _matmul(machine: Machine, operation: Operation) -> Value:
    other = next(
        (operation.arguments[name] for name in ("other", "b", "y", "weights") if name in operation.arguments), None
    )
    if other is None:
        return Unknown()
    if operation.name.endswith("bmm"):
        shares.note(machine, operation.site, operation.main, operation.arguments.get("other"))
    product = machine.state.distribute(
        [other], lambda one: _stacked_rows(operation, calculate(machine, "@", operation.main, one, operation.site))
    )
    return product


def _stacked_rows(operation: Operation, product: Value) -> Value:
    """``mm`` multiplies two matrices, ``bmm`` as many as there are samples."""
    rank = _RANKS.get(operation.name.rsplit(".", 1)[-1])
    if rank is None or not isinstance(product, Tensor):
        return product
    shape = product.shape if product.shape.rank == rank else Shape((*(None,) * (rank - 1), product.shape.last))
    return replace(product, shape=shape, origin=replace(product.origin, name=operation.name))


_RANKS = {"mm": 2, "spmm": 2, "smm": 2, "bmm": 3}


def _sparse_product(machine: Machine, operation: Operation) -> Value:
    """``spmm(adjacency, scores)``: what the neighbours of a node score, added up, are scores of the same classes."""
    product, rows = _matmul(machine, operation), operation.arguments.get("other")
    if not (isinstance(product, Tensor) and isinstance(rows, Tensor) and rows.domain is Domain.LINEAR):
        return product
    return replace(product, domain=Domain.LINEAR, shape=product.shape.with_last(rows.shape.units))


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
        operation.origin(),
        (tensor,),
        attached=not machine.without_gradient,
    )


def _clamp(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    least, most = (_bound(operation, names) for names in (_LEAST, _MOST))
    if tensor.domain in (Domain.LOG_SOFTMAX, Domain.LOG_SIGMOID) and isinstance(least, int | float) and least > 0:
        return tensor.derive(domain=Domain.UNKNOWN, origin=operation.origin("clamp"), heads=())
    open_bounds = (bound is None and operation.given(*names) for bound, names in ((least, _LEAST), (most, _MOST)))
    labels = numbers.clipped(tensor.labels, least, most)
    if labels is not None and any(open_bounds):
        labels = replace(labels, interval=None)
    return tensor.derive(guarded=True, origin=operation.origin("clamp"), labels=labels)


_LEAST = ("min", "a_min", "min_value", "clip_value_min", "y")
_MOST = ("max", "a_max", "max_value", "clip_value_max")


def _bound(operation: Operation, names: tuple[str, ...]) -> float | None:
    """The number that values are kept above or below, also as a tensor that is filled with it."""
    for value in (operation.arguments[name] for name in names if name in operation.arguments):
        match value:
            case Constant(int() | float() as number):
                return number
            case Tensor(labels=Labels(encoding="constant", interval=Interval() as interval)):
                return interval.low
    return None


def _dropout(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    return tensor.derive(origin=Origin("layer", operation.name, operation.site, note="dropout"))


def _reduce(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    sizes = shapes.sizes_of(machine, operation.arguments.get("dim"))
    keeps = bool(operation.constant("keepdim"))
    shape = shapes.reduced(tensor.shape, sizes, keeps) if operation.given("dim") else Shape(())
    by_hand.notice_cross_entropy(machine, operation, tensor)
    domain = Domain.LOSS if tensor.domain is Domain.LOSS else Domain.UNKNOWN
    if operation.effect == "mean" and tensor.domain is Domain.LINEAR and operation.given("dim"):
        domain = Domain.LINEAR
    axis = sizes[0] if sizes is not None and len(sizes) == 1 else None
    if operation.effect == "mean" and axis is not None:
        sequences.note_mean(machine, tensor, axis, operation.site)
    if mixtures.survives_mean(tensor, axis) if operation.effect == "mean" else mixtures.are_weighted_rows(tensor, axis):
        return mixtures.mixed(shape, (tensor,), operation.name, operation.site)
    origin = operation.origin(operation.effect)
    chosen = mixtures.chosen_by_rows(tensor, axis) if operation.effect == "sum" else None
    if chosen is not None:
        return chosen.derive(shape=shape, origin=operation.origin(mixtures.CHOSEN), axis=None, heads=())
    labels = numbers.reduced(tensor.labels) if operation.given("dim") else None
    left = axes.without(*axes.counted(tensor, axis) or (None,)) if not keeps else ()
    kept = axes.all_but(axis, tensor.shape.rank) if keeps else ()
    result = tensor.derive(
        domain=domain, shape=shape, origin=origin, axis=axis, heads=(), labels=labels, order=left, kept=kept
    )
    if (compared := by_hand.squared_error(machine, operation, tensor)) is not None:
        result = replace(result, domain=Domain.LOSS, labels=None)
        by_hand.note_squared_error(machine, operation, compared, result)
    return result


_COMPARISONS = {
    **dict.fromkeys(("gt", "greater"), ">"),
    **dict.fromkeys(("ge", "greater_equal"), ">="),
    **dict.fromkeys(("lt", "less"), "<"),
    **dict.fromkeys(("le", "less_equal"), "<="),
    **dict.fromkeys(("eq", "equal"), "=="),
}


def _distance(machine: Machine, operation: Operation) -> Value:
    """How far the rows of two tensors are from each other, or how much alike."""
    parts = [tensor_of(machine, operation.arguments.get(name, Unknown())) for name in ("x1", "x2")]
    known = tuple(part for part in parts if part is not None)
    if len(known) != len(parts):
        return Unknown()
    attached = any(part.attached for part in known) and not machine.without_gradient
    return Tensor(Domain.UNKNOWN, ANY_SHAPE, operation.origin("distance"), known, attached=attached)


def _compare_operation(machine: Machine, operation: Operation) -> Value:
    other = operation.arguments.get("other") or operation.arguments.get("y")
    symbol = _COMPARISONS.get(operation.name.rsplit(".", 1)[-1], "!=")
    if other is None or not isinstance(operation.main, Tensor | Unknown):
        return Unknown()
    return compare(machine, symbol, operation.main, other, operation.site)


def _power(machine: Machine, operation: Operation) -> Value:
    """``pow(x, exponent)``."""
    exponent = operation.arguments.get("exponent") or operation.arguments.get("other") or Unknown()
    if not isinstance(operation.main, Tensor):
        return Unknown()
    return calculate(machine, "**", operation.main, exponent, operation.site)


def _where(machine: Machine, operation: Operation) -> Value:
    """``where(condition, 1, 0)``: the condition's answers, written as two numbers."""
    condition = operation.main
    chosen = (operation.arguments.get("x"), operation.arguments.get("y"))
    match condition, chosen:
        case Tensor(domain=Domain.UNKNOWN | Domain.TARGET), (
            Constant(int() | float() as yes),
            Constant(int() | float() as no),
        ):
            labels = numbers.either(condition, float(yes), float(no), operation.site)
            origin = operation.origin("compare")
            return condition.derive(domain=Domain.UNKNOWN, origin=origin, labels=labels, attached=False)
        case Tensor() as tensor, _:
            return tensor.derive(origin=operation.origin(), labels=None)
        case _:
            return Unknown()


def _add_list(machine: Machine, operation: Operation) -> Value:
    from headlint.flow.python.iteration import known_items

    items = known_items(machine, operation.main)
    return add_all(machine, items or [], operation.name, operation.site)


def add_all(machine: Machine, items: Sequence[Value], name: str, site: Site) -> Value:
    """The sum of several tensors."""
    tensors = [part for item in items if (part := tensor_of(machine, machine.state.narrow(item))) is not None]
    if not tensors:
        return Tensor(origin=Origin("operation", name, site, note="add"))
    total: Value = tensors[0]
    for tensor in tensors[1:]:
        total = calculate(machine, "+", total, tensor, site)
    return total


def calculate(machine: Machine, symbol: str, left: Value, right: Value, site: Site) -> Value:
    """``left symbol right`` where one of them is a tensor."""
    first, second = tensor_of(machine, left), tensor_of(machine, right)
    if symbol == "@":
        return _product_with_weights(machine, left, right, site)
    if symbol in ("+", "*") and (found := _longer_list(first, second)) is not None:
        return found
    if first is not None and second is not None:
        return _two_tensors(machine, symbol, first, second, site)
    tensor, number = (first, right) if first is not None else (second, left)
    if tensor is None or number == Constant(None):
        return Unknown()  # nothing is calculated with None: that way is not taken
    return _with_number(machine, symbol, tensor, number, first is not None, site)


LISTED = "listed"
"""The note of a list of Python that was made of an array."""


def _longer_list(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    """Lists that are put behind each other, or a list several times: the numbers stay what they are."""
    lists = [one for one in (first, second) if one is not None and one.origin.note == LISTED]
    if not lists or (first is not None and second is not None and len(lists) < 2):
        return None
    longer = lists[0].derive(shape=shapes.with_size(lists[0].shape, 0, None), origin=lists[0].origin)
    return longer if len(lists) == 1 else longer.derive(labels=numbers.joined([one.labels for one in lists]))


_NOTES = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "@": "matmul"}


def _with_number(machine: Machine, symbol: str, tensor: Tensor, number: Value, tensor_first: bool, site: Site) -> Value:
    value = number.value if isinstance(number, Constant) else None
    if symbol == "/" and value == 1 and not tensor_first and (found := by_hand.reciprocal(machine, tensor, site)):
        return found
    origin = Origin("operation", symbol, site, note=_NOTES.get(symbol, "number"), factor=number)
    if tensor.domain is Domain.LOSS:
        return tensor.derive(origin=origin)
    if (
        tensor.labels is not None
        and tensor.labels.encoding != "values"
        and tensor.domain in (Domain.TARGET, Domain.UNKNOWN)
        and symbol == "/"
        and value in (255, 255.0)
    ):
        machine.emit(LabelsRescaled, site, labels=tensor.labels)
        return tensor.derive(origin=origin, labels=replace(tensor.labels, rescaled=True, dtype="float"))
    if isinstance(value, float) and symbol in "+" and 0 < value < numbers.SMALL:
        return tensor.derive(origin=origin, guarded=True)
    labels = None
    if tensor.labels is not None:
        plain = value if isinstance(value, int | float) else None
        labels = numbers.with_number(symbol, tensor.labels, plain, tensor_first)
    if tensor.domain is Domain.LINEAR and tensor_first and symbol in ("*", "/", "+", "-"):
        return tensor.derive(origin=origin)
    if tensor.domain in (Domain.TARGET, Domain.ONE_HOT):
        return tensor.derive(origin=origin, labels=labels, domain=Domain.UNKNOWN)
    result = tensor.derive(domain=Domain.UNKNOWN, origin=origin, heads=(), labels=labels)
    scaled = symbol == "*" or (symbol == "/" and tensor_first)
    return mixtures.weighted_sum(result, site) if scaled else result


def _two_tensors(machine: Machine, symbol: str, first: Tensor, second: Tensor, site: Site) -> Value:
    if symbol == "/" and (found := by_hand.quotient(machine, first, second, site)) is not None:
        return found
    origin = Origin("operation", symbol, site, note=_NOTES.get(symbol, ""))
    attached = first.attached or second.attached
    note_mixed_in(machine, (first, second), site)
    if Domain.LOSS in (first.domain, second.domain):
        return Tensor(Domain.LOSS, ANY_SHAPE, origin, (first, second), attached=attached)
    biased = symbol in ("+", "-") and (second.origin.role == "variable" or first.origin.role == "variable")
    if biased and Domain.LINEAR in (first.domain, second.domain):
        scores, bias = (first, second) if first.domain is Domain.LINEAR else (second, first)
        shape = shapes.biased(scores.shape, bias.shape)
    else:
        shape = _shape_beside_the_unknown(first, second) or shapes.broadcast(first.shape, second.shape)
    domain = Domain.UNKNOWN
    if symbol in ("+", "-") and Domain.LINEAR in (first.domain, second.domain):
        others = {first.domain, second.domain} - {Domain.LINEAR, Domain.UNKNOWN}
        domain = Domain.UNKNOWN if others else Domain.LINEAR
    labels = numbers.of_two(symbol, first, second) if domain is Domain.UNKNOWN else None
    result = Tensor(domain, shape, origin, (first, second), attached=attached, labels=labels)
    return mixtures.weighted_sum(result, site) if symbol in ("+", "/") else result


def _shape_beside_the_unknown(first: Tensor, second: Tensor) -> Shape | None:
    """Pictures and sequences that a layer gives keep their number of axes when something unknown is added to them."""
    for known, other in ((first, second), (second, first)):
        dims = known.shape.dims
        if dims is not None and len(dims) > 2 and other.shape.dims is None and comes_from_layer(known):
            return Shape(tuple(None if size == 1 else size for size in dims))
    return None


def _product_with_weights(machine: Machine, left: Value, right: Value, site: Site) -> Value:
    """``x @ W``: scores when W is a variable that is trained."""
    first, second = tensor_of(machine, left), tensor_of(machine, right)
    if first is None or second is None:
        return Unknown()
    shares.note_of_stacks(machine, site, first, second)
    if mixtures.shares_of_rows(first, second):
        return mixtures.mixed(first.shape.with_last(second.shape.units), (first, second), "matmul", site)
    trained = second.origin.role == "variable"
    shape = shapes.multiplied(first.shape, second.shape)
    if trained and shape == ANY_SHAPE and second.shape.rank in (None, 1, 2):
        shape = first.shape.with_last(second.shape.units if second.shape.rank == 2 else None)
    origin = Origin("operation", "matmul", site, note="matmul with variable" if trained else "matmul")
    domain = Domain.LINEAR if trained else Domain.UNKNOWN
    return Tensor(domain, shape, origin, (first, second), attached=not machine.without_gradient, symbolic=trained)


def negate(machine: Machine, tensor: Tensor, site: Site) -> Value:
    """``-tensor``."""
    domain = tensor.domain if tensor.domain in (Domain.LOSS, Domain.LINEAR) else Domain.UNKNOWN
    origin = Origin("operation", "-", site, note="negative")
    return tensor.derive(domain=domain, origin=origin, heads=(), labels=numbers.negated(tensor.labels))


def _negative(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    return negate(machine, tensor, operation.site) if tensor is not None else Unknown()


def compare(machine: Machine, symbol: str, left: Value, right: Value, site: Site) -> Value:
    """A comparison of tensors gives decisions."""
    tensor = left if isinstance(left, Tensor) else right
    other = right if tensor is left else left
    if not isinstance(tensor, Tensor):
        return Unknown()
    if isinstance(other, Constant) and isinstance(other.value, int | float) and symbol in (">", ">=", "<", "<="):
        machine.emit(PredictionUse, site, kind="threshold", tensor=tensor, threshold=float(other.value))
    if symbol == "==" and _is_data(other):
        machine.emit(PredictionUse, site, kind="equality", tensor=tensor)
    if symbol == "==" and isinstance(other, Tensor) and _is_data(tensor):
        machine.emit(PredictionUse, site, kind="equality", tensor=other)
    origin = Origin("operation", symbol, site, note="compare")
    if tensor.domain in (Domain.TARGET, Domain.ONE_HOT, Domain.UNKNOWN):
        shape, answers = tensor.shape, numbers.compared(tensor, "a comparison", site)
        if isinstance(other, Tensor):
            shape = shapes.broadcast(shape, other.shape)
        if (counted := _counting(left) or _counting(right)) is not None and not isinstance(other, Constant):
            shape, answers = _each_number(symbol, counted, other if counted is tensor else tensor, site)
        return tensor.derive(domain=Domain.UNKNOWN, shape=shape, origin=origin, labels=answers, attached=False)
    return tensor.derive(domain=Domain.HARD, origin=origin, attached=False, cut=site, heads=(), labels=None)


def _counting(value: Value) -> Tensor | None:
    """The numbers from 0 on, ``arange(n)``."""
    match value:
        case Tensor(labels=Labels(encoding="range")):
            return value
        case _:
            return None


def _each_number(symbol: str, counted: Tensor, other: Value, site: Site) -> tuple[Shape, Labels | None]:
    """``arange(n) == y[:, None]``: one-hot rows, where the labels stand in a column; else nothing is known."""
    if not isinstance(other, Tensor):
        return Shape(None, counted.shape.units), None
    shape = shapes.broadcast(counted.shape, other.shape)
    if symbol != "==" or other.shape.rank != 2 or other.shape.units != 1:
        return shape, None
    return shape, Labels("one_hot", counted.shape.units, "boolean", False, "arange(…) ==", exclusive=True, site=site)


def _is_data(value: Value) -> bool:
    """Whether a value is labels, or a part of a batch."""
    match value:
        case Tensor(domain=Domain.TARGET | Domain.ONE_HOT) | Tensor(origin=Origin(role="labels")):
            return True
        case Tensor(labels=Labels() as known):
            return known.encoding != "constant" and not comes_from_layer(value)
        case Unknown():
            return value.is_batch_item
        case _:
            return False


EFFECTS: dict[str, Callable[[Machine, Operation], Value]] = {
    **dict.fromkeys(("argmax", "round"), _decision),
    "max": _maximum,
    "log": _log,
    "exp": _exp,
    "unknown_shape": _unknown_shape,
    "elementwise": _binary,
    "multiply": _binary,
    "add": _binary,
    "bias_add": _binary,
    "subtract": _binary,
    "divide": _binary,
    "negative": _negative,
    "add_list": _add_list,
    "matmul": _matmul,
    "sparse_product": _sparse_product,
    "linear_function": _linear_function,
    "clamp": _clamp,
    "dropout": _dropout,
    "function": _function,
    "where": _where,
    "power": _power,
    "mean": _reduce,
    "sum": _reduce,
    "compare": _compare_operation,
    "distance": _distance,
}
"""The function for each effect of the tables in ``headlint.frameworks`` that is of this kind."""
