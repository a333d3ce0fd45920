"""Arrays that are filled with one number, with a range of numbers, or with random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.python import iteration
from headlint.flow.tensors import literals, numbers, shapes
from headlint.flow.tensors.dtypes import requested
from headlint.flow.tensors.operation import Operation
from headlint.flow.values.intervals import UNIT, Interval
from headlint.flow.values.python_values import Constant, ListValue, TupleValue, Unknown, Value
from headlint.flow.values.sizes import is_size
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Labels, Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_UNIFORM = frozenset({"rand", "random", "random_sample", "ranf", "sample", "rand_like", "random_uniform"})
_NORMAL = frozenset({"randn", "standard_normal", "randn_like", "random_normal", "truncated_normal"})
_CONSTANT = {"zeros": 0.0, "zeros_like": 0.0, "ones": 1.0, "ones_like": 1.0}
DEVIATIONS = 1.5
"""How many standard deviations normal noise goes from its mean, in even a small array."""


def short_name(operation: Operation) -> str:
    """The name of the function as it is written."""
    return operation.name.rsplit(".", 1)[-1]


def fresh(operation: Operation, dtype: str, shape: Shape) -> Labels | None:
    """The numbers of an array that a constructor fills."""
    name = short_name(operation)
    source, site = f"{name}(…)", operation.site
    if name in _UNIFORM:
        return numbers.amounts(source, site, 0, 1, dtype, noise=True)
    if name in _NORMAL:
        return numbers.amounts(source, site, -DEVIATIONS, DEVIATIONS, dtype, noise=True)
    filled = _CONSTANT.get(name)
    if filled is None and name in ("full", "full_like"):
        filled = _number(operation.arguments.get("fill_value"))
    if filled is None:
        return Labels("", None, dtype, source=source, site=site) if dtype else None
    return Labels("constant", None, dtype, _is_column(shape), source, site=site, interval=Interval(filled, filled))


def _is_column(shape: Shape) -> bool | None:
    return shape.rank == 2 and shape.units == 1 if shape.rank is not None else None


def _number(value: Value | None) -> float | None:
    match value:
        case Constant(int() | float() as number):
            return float(number)
        case _:
            return None


def _made(machine: Machine, operation: Operation, size: Value | None, labels: Labels | None, domain: Domain) -> Tensor:
    sizes = shapes.sizes_of(machine, size)
    if size is None and operation.effect in ("random_integers", "choice"):
        return Tensor(domain, Shape(()), operation.origin("fresh"), labels=labels)
    return Tensor(domain, Shape(sizes) if sizes else ANY_SHAPE, operation.origin("fresh"), labels=labels)


def random_integers(machine: Machine, operation: Operation) -> Value:
    """Random integers; those from 0 to a small number stand for classes: ``torch.randint(0, 3, (16,))``."""
    low, high, size = operation.arguments.get("low"), operation.arguments.get("high"), operation.arguments.get("size")
    if isinstance(high, TupleValue | ListValue) or (high in (None, Constant(None)) and low is not None):
        low, high, size = Constant(0), low, size or high
    dtype = requested(operation.arguments.get("dtype"), "integer")
    source, site = f"{short_name(operation)}(…)", operation.site
    match low, high:
        case Constant(0), Constant(int() as classes):
            sizes = shapes.sizes_of(machine, size) or ()
            encoding = "binary" if classes == 2 else "index"
            column = len(sizes) == 2 and sizes[-1] == 1
            source = f"{short_name(operation)}(…, {classes}, …)"
            interval = Interval(0, classes - 1)
            labels = Labels(encoding, classes, dtype, column, source, site=site, interval=interval, noise=True)
            return _made(machine, operation, size, labels, Domain.TARGET)
        case Constant(int() as least), Constant(int() as end):
            labels = Labels("", None, dtype, source=source, site=site, interval=Interval(least, end - 1))
        case _:
            labels = Labels("", None, dtype, source=source, site=site)
    return _made(machine, operation, size, labels, Domain.UNKNOWN)


def counted(machine: Machine, operation: Operation) -> Value:
    """``arange``: numbers one after the other."""
    start, stop, step = (operation.arguments.get(name) for name in ("start", "stop", "step"))
    if stop in (None, Constant(None)):
        start, stop = Constant(0), start
    first, end, width = _number(start), _number(stop), _number(step) if step is not None else 1.0
    fractional = any(isinstance(one, Constant) and isinstance(one.value, float) for one in (start, stop, step))
    dtype = requested(operation.arguments.get("dtype"), "float" if fractional else "integer")
    interval, size = None, None
    if first is not None and end is not None and width:
        size = max(0, int((end - first) / width))
        last = first + max(0, size - 1) * width
        interval = Interval(min(first, last), max(first, last))
    labels = Labels("range", None, dtype, False, "arange(…)", site=operation.site, interval=interval)
    return Tensor(Domain.UNKNOWN, Shape((size,)), operation.origin("fresh"), labels=labels)


def permuted(machine: Machine, operation: Operation) -> Value:
    """``randperm(n)`` and ``permutation(n)``: the numbers below ``n`` in any order; of data its rows in any order."""
    size = None
    match operation.main:
        case Constant(int() as number):
            size = number
        case Unknown() as number if counts(number) or operation.name == "torch.randperm":
            pass
        case rows:
            return rows
    source = f"{short_name(operation)}(…)"
    labels = Labels("", None, "integer", False, source, site=operation.site)
    return Tensor(Domain.UNKNOWN, Shape((size,)), operation.origin("fresh"), labels=labels)


def counts(value: Unknown) -> bool:
    """Whether something is a single whole number: a length, a size, what ``int`` gave."""
    return value.is_converted or value.is_whole_number or is_size(value)


def spaced(machine: Machine, operation: Operation) -> Value:
    """``linspace``: numbers from one bound to the other."""
    first, last = _number(operation.arguments.get("start")), _number(operation.arguments.get("stop"))
    count = operation.integer("num") if operation.given("num") else None
    low, high = (min(first, last), max(first, last)) if first is not None and last is not None else (None, None)
    labels = numbers.amounts("linspace(…)", operation.site, low, high)
    return Tensor(Domain.UNKNOWN, Shape((count,)), operation.origin("fresh"), labels=labels)


def uniform(machine: Machine, operation: Operation) -> Value:
    """``np.random.uniform(low, high, size)``."""
    low = _number(operation.arguments.get("low", Constant(0.0)))
    high = _number(operation.arguments.get("high", Constant(1.0)))
    labels = numbers.amounts("uniform(…)", operation.site, low, high, noise=(low, high) == (0, 1))
    return _made(machine, operation, operation.arguments.get("size"), labels, Domain.UNKNOWN)


def uniform_of_type(machine: Machine, operation: Operation) -> Value:
    """``tf.random.uniform(shape, minval, maxval, dtype)``, which draws whole numbers where it is asked for them."""
    given = operation.arguments
    low, high = given.get("minval", Constant(0)), given.get("maxval", Constant(1.0))
    integers = requested(given.get("dtype"), "float") == "integer"
    size = given.get("shape", Unknown())
    renamed = Operation(
        operation.effect, operation.name, size, {**given, "low": low, "high": high, "size": size}, operation.site
    )
    return (random_integers if integers else uniform)(machine, renamed)


def normal(machine: Machine, operation: Operation) -> Value:
    """``np.random.normal(mean, deviation, size)``."""
    mean = _number(operation.arguments.get("loc", Constant(0.0)))
    deviation = _number(operation.arguments.get("scale", Constant(1.0)))
    low, high = None, None
    if mean is not None and deviation is not None:
        low, high = mean - DEVIATIONS * deviation, mean + DEVIATIONS * deviation
    labels = numbers.amounts("normal(…)", operation.site, low, high, noise=(mean, deviation) == (0, 1))
    return _made(machine, operation, operation.arguments.get("size"), labels, Domain.UNKNOWN)


def choice(machine: Machine, operation: Operation) -> Value:
    """``np.random.choice(values, size)``."""
    source, site = "choice(…)", operation.site
    labels: Labels | None = None
    if (objects := _objects_among(machine, operation.main)) is not None:
        return ListValue((objects,), approximate=True) if "size" in operation.arguments else objects
    match operation.main:
        case Constant(int() as end):
            labels = Labels(
                "index", end, "integer", False, source, site=site, interval=Interval(0, end - 1), noise=True
            )
        case ListValue() | TupleValue():
            drawn = literals.array(machine, operation.main, None, operation.origin())
            labels = drawn.labels if isinstance(drawn, Tensor) else None
        case Tensor() as tensor:
            labels = tensor.labels
    return _made(machine, operation, operation.arguments.get("size"), labels, Domain.UNKNOWN)


def _objects_among(machine: Machine, drawn_from: Value) -> Value | None:
    """Any of the objects of a list, where it holds no numbers: the clients of a round of federated learning."""
    if not isinstance(drawn_from, ListValue):
        return None
    drawn = iteration.element(machine, drawn_from)
    return drawn if iteration.is_object(drawn) else None


def bernoulli(machine: Machine, operation: Operation) -> Value:
    """Zeros and ones: ``torch.bernoulli(p)``, ``np.random.binomial(1, p, size)``."""
    name = short_name(operation)
    size = operation.arguments.get("size")
    if name == "binomial" and operation.integer("n") != 1:
        return _made(machine, operation, size, None, Domain.UNKNOWN)
    dtype = "integer" if name == "binomial" else "float"
    labels = Labels("binary", 2, dtype, None, f"{name}(…)", site=operation.site, interval=UNIT, noise=True)
    made = _made(machine, operation, size, labels, Domain.UNKNOWN)
    return made.derive(shape=operation.main.shape, inputs=()) if isinstance(operation.main, Tensor) else made


def fill_random(machine: Machine, operation: Operation) -> Value:
    """``tensor.random_(2)``, ``tensor.normal_()``, ``tensor.uniform_()``: filled anew, of the same type."""
    if not isinstance(operation.main, Tensor):
        return operation.main
    tensor = operation.main
    dtype = tensor.labels.dtype if tensor.labels is not None else ""
    name, source = short_name(operation), f"{short_name(operation)}(…)"
    if name == "random_":
        labels = _random_classes(operation, dtype, source)
    elif operation.given("low"):
        labels = numbers.amounts(source, operation.site, None, None, dtype)
    else:
        low, high = (0.0, 1.0) if name == "uniform_" else (-DEVIATIONS, DEVIATIONS)
        labels = numbers.amounts(source, operation.site, low, high, dtype, noise=True)
    return tensor.derive(labels=labels, origin=operation.origin("fresh"), domain=Domain.UNKNOWN, inputs=())


def _random_classes(operation: Operation, dtype: str, source: str) -> Labels:
    first, end = operation.integer("low"), operation.integer("to")
    if not operation.given("to"):
        first, end = 0, first
    if first != 0 or end is None:
        return Labels("", None, dtype, source=source, site=operation.site)
    encoding = "binary" if end == 2 else "index"
    interval = Interval(0, end - 1)
    return Labels(encoding, end, dtype, None, source, site=operation.site, interval=interval, noise=True)
