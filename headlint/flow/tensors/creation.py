"""Tensors that a program makes from data, and changes of their type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from headlint.flow.tensors import shapes
from headlint.flow.tensors.operation import Operation, tensor_of
from headlint.flow.values.python_values import Constant, FrameworkName, ListValue, Site, TupleValue, Value
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Labels, Origin, Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def _new_tensor(machine: Machine, operation: Operation) -> Value:
    """``torch.tensor(data)`` copies the numbers and knows nothing of where they came from."""
    match operation.main:
        case Tensor() as tensor if tensor.domain not in (Domain.TARGET, Domain.ONE_HOT):
            copy = tensor.derive(attached=False, cut=operation.site, origin=operation.origin("new tensor"))
            return as_type(copy, _TYPED.get(operation.name, "") or type_name(operation.arguments.get("dtype")))
        case other:
            made = _converted(machine, operation, other)
            return as_type(made, _TYPED.get(operation.name, "")) if isinstance(made, Tensor) else made


_TYPED = {"torch.Tensor": "float", "torch.FloatTensor": "float", "torch.LongTensor": "integer"}


def _convert(machine: Machine, operation: Operation) -> Value:
    return _converted(machine, operation, operation.main)


def _converted(machine: Machine, operation: Operation, data: Value) -> Value:
    match data:
        case Tensor() as tensor:
            return as_type(tensor, type_name(operation.arguments.get("dtype")))
        case ListValue() | TupleValue():
            return _literal_array(machine, operation, data)
        case _:
            return data


def _literal_array(machine: Machine, operation: Operation, data: Value) -> Value:
    """An array written out: short ones of small integers or of rows may be labels, and their shape is known."""
    from headlint.flow.python.iteration import known_items

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
        return Tensor(origin=operation.origin("array"))
    numbers = _numbers(machine, data)
    return Tensor(
        Domain.UNKNOWN,
        Shape(tuple(dims)),
        operation.origin("array"),
        labels=_labels_of_numbers(numbers, dims, operation),
    )


def literal_array(machine: Machine, data: Value, arguments: dict[str, Value], site: Site) -> Value:
    """A list of numbers where a library takes a tensor."""
    return _literal_array(machine, Operation("convert", "array", data, arguments, site), data)


def _numbers(machine: Machine, data: Value) -> list[object]:
    from headlint.flow.python.iteration import known_items

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
    if min(distinct) < 0 or not 1 <= max(distinct) < 50 or len(distinct) < max(distinct) + 1:
        return None
    dtype = type_name(operation.arguments.get("dtype")) or "integer"
    encoding = "binary" if distinct == {0, 1} else "index"
    return Labels(encoding, len(distinct), dtype, column, "the array of labels")


def type_name(value: Value | None) -> str:
    """The kind of numbers that a type stands for: ``float``, ``integer``, or nothing where it is not known."""
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


def as_type(tensor: Tensor, dtype: str) -> Tensor:
    """The tensor with labels of another kind of numbers."""
    if not dtype or tensor.labels is None:
        return tensor
    return tensor.derive(labels=replace(tensor.labels, dtype=dtype))


def _astype(machine: Machine, operation: Operation) -> Value:
    match operation.main:
        case Tensor() as tensor:
            dtype = type_name(operation.arguments.get("dtype"))
            if dtype == "integer" and tensor.domain in (Domain.SIGMOID, Domain.SOFTMAX, Domain.LINEAR):
                return tensor.derive(attached=False, domain=Domain.HARD, origin=operation.origin(), cut=operation.site)
            return as_type(tensor, dtype)
        case other:
            return other


def _to_float(machine: Machine, operation: Operation) -> Value:
    return as_type(operation.main, "float") if isinstance(operation.main, Tensor) else operation.main


def _to_integer(machine: Machine, operation: Operation) -> Value:
    match operation.main:
        case Tensor() as tensor if tensor.domain in (Domain.SIGMOID, Domain.SOFTMAX, Domain.LINEAR):
            return tensor.derive(attached=False, domain=Domain.HARD, origin=operation.origin(), cut=operation.site)
        case Tensor() as tensor:
            return as_type(tensor, "integer")
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
        squeezed = operation.name == "keras.utils.to_categorical" and rank == 2
        dims = ((tensor.shape.dims or (None,))[0], classes) if squeezed else None
    return Tensor(Domain.ONE_HOT, Shape(dims, classes), operation.origin(), (tensor,), labels=labels)


def _identity_matrix(machine: Machine, operation: Operation) -> Value:
    size = (
        operation.main.value if isinstance(operation.main, Constant) and isinstance(operation.main.value, int) else None
    )
    return Tensor(Domain.UNKNOWN, Shape((size, size)), operation.origin("identity matrix"))


def _fresh(machine: Machine, operation: Operation) -> Value:
    sizes = shapes.sizes_of(machine, operation.arguments.get("size"))
    return Tensor(Domain.UNKNOWN, Shape(sizes) if sizes else ANY_SHAPE, operation.origin("fresh"))


def _fresh_sized(machine: Machine, operation: Operation) -> Value:
    sizes = shapes.sizes_of(machine, operation.main)
    return Tensor(Domain.UNKNOWN, Shape(sizes) if sizes else ANY_SHAPE, operation.origin("fresh"))


def _fresh_named(machine: Machine, operation: Operation) -> Value:
    sizes = shapes.sizes_of(machine, operation.arguments.get("shape"))
    return Tensor(
        Domain.UNKNOWN, Shape(sizes) if sizes else ANY_SHAPE, Origin("variable", operation.name, operation.site)
    )


def _variable(machine: Machine, operation: Operation) -> Value:
    shape = operation.main.shape if isinstance(operation.main, Tensor) else ANY_SHAPE
    return Tensor(Domain.UNKNOWN, shape, Origin("variable", operation.name, operation.site))


def _placeholder(machine: Machine, operation: Operation) -> Value:
    sizes = shapes.sizes_of(machine, operation.arguments.get("shape"))
    return Tensor(
        Domain.UNKNOWN,
        Shape(sizes) if sizes else ANY_SHAPE,
        Origin("input", operation.name, operation.site),
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
        return Tensor(Domain.UNKNOWN, Shape(sizes) if sizes else ANY_SHAPE, operation.origin("fresh"))
    column = bool(sizes) and len(sizes or ()) == 2 and (sizes or ())[-1] == 1
    encoding = "binary" if high.value == 2 else "index"
    labels = Labels(encoding, high.value, "integer", column, f"{operation.name.rsplit('.', 1)[-1]}(…, {high.value}, …)")
    return Tensor(Domain.TARGET, Shape(sizes) if sizes else ANY_SHAPE, operation.origin("fresh"), labels=labels)


def _fresh_like(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    return Tensor(Domain.UNKNOWN, tensor.shape if tensor else ANY_SHAPE, operation.origin("fresh"))


EFFECTS: dict[str, Callable[[Machine, Operation], Value]] = {
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
}
"""The function for each effect of the tables in ``headlint.frameworks`` that is of this kind."""
