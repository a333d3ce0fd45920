"""Tensors that a program makes from data, and changes of their type."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.tensors import literals, ranges, shapes
from headlint.flow.tensors.dtypes import as_type, dtype_of, requested, type_name, with_type
from headlint.flow.tensors.operation import ZEROS, Operation, tensor_of
from headlint.flow.values.facts import LossCopied
from headlint.flow.values.library_values import width_of
from headlint.flow.values.python_values import (
    Constant,
    FrameworkName,
    ListValue,
    Site,
    SliceValue,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Labels, Origin, Shape, Tensor, comes_from_layer

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def _new_tensor(machine: Machine, operation: Operation) -> Value:
    """``torch.tensor(data)`` copies the numbers and knows nothing of where they came from."""
    match operation.main:
        case first if operation.name in _TYPED and shapes.sizes_of(machine, operation.arguments.get("sizes")):
            return _uninitialised(machine, operation, first)
        case Tensor() as tensor if tensor.domain not in (Domain.TARGET, Domain.ONE_HOT):
            _note_copied_loss(machine, operation, tensor)
            copy = tensor.derive(attached=False, cut=operation.site, origin=operation.origin(_note_of(operation)))
            return with_type(
                copy, _type_given(operation) or requested(operation.arguments.get("dtype"), dtype_of(copy))
            )
        case Constant(int()) as first if operation.name in _TYPED:
            return _uninitialised(machine, operation, first)
        case Unknown() as unknown if _is_leaf(operation):
            return _leaf_of(machine, operation, unknown)
        case Constant() if _is_leaf(operation):
            return Tensor(shape=Shape(()), origin=operation.origin("array"))
        case other:
            made = _converted(machine, operation, other)
            typed_as = as_type(made, _type_given(operation)) if isinstance(made, Tensor) else made
            return _without_graph(typed_as, operation) if isinstance(typed_as, Tensor) else typed_as


def _type_given(operation: Operation) -> str:
    """The type that the name of a constructor says; ``torch.Tensor`` leaves a tensor, as against an array, as it is.

    Source: ``BASE_CTOR`` in torch/csrc/utils/tensor_new.cpp.
    """
    match operation.main:
        case Tensor() as data if operation.name == "torch.Tensor" and _is_of_torch(data):
            return ""
        case _:
            return _TYPED.get(operation.name, "")


def _is_of_torch(tensor: Tensor) -> bool:
    """Whether a tensor is surely no array of NumPy: a loader gave it, or PyTorch made it."""
    while tensor.inputs and not tensor.batched and tensor.origin.name in _METHODS_OF_BOTH:
        tensor = tensor.inputs[0]
    return tensor.batched or (tensor.origin.name.startswith("torch.") and tensor.origin.name not in _METHODS_OF_BOTH)


_METHODS_OF_BOTH = frozenset(
    f"torch.Tensor.{name}"
    for name in ("reshape", "transpose", "squeeze", "swapaxes", "flatten", "ravel", "repeat", "T", "clip", "round")
)
"""What an array of NumPy and a tensor of PyTorch both have, and which is the latter's where it is not known whose it is."""


def _note_of(operation: Operation) -> str:
    return "leaf" if _is_leaf(operation) else "new tensor"


def _is_leaf(operation: Operation) -> bool:
    return operation.constant("requires_grad") is True


def _leaf_of(machine: Machine, operation: Operation, data: Unknown) -> Tensor:
    """A tensor that is asked for its own gradient, made of numbers that are not known."""
    return machine.tensor_of(data).derive(attached=False, cut=operation.site, origin=operation.origin("leaf"))


def _without_graph(made: Tensor, operation: Operation) -> Tensor:
    """An array that is filled with the numbers of tensors has no part in their graph."""
    computed = any(part.domain not in (Domain.TARGET, Domain.ONE_HOT) for part in made.inputs)
    return replace(made, attached=False, cut=operation.site) if computed else made


def _note_copied_loss(machine: Machine, operation: Operation, tensor: Tensor) -> None:
    if _is_leaf(operation) and tensor.attached and tensor.domain is Domain.LOSS:
        machine.emit(LossCopied, operation.site, copied=tensor, by=operation.name)


def _variable_of(machine: Machine, operation: Operation) -> Value:
    """``Variable(data)`` is the data itself; of what a model computed it is a copy without the graph."""
    match operation.main:
        case Tensor(attached=True, origin=Origin(role="layer" | "loss")) as tensor:
            _note_copied_loss(machine, operation, tensor)
            return tensor.derive(attached=False, cut=operation.site, origin=operation.origin(_note_of(operation)))
        case Tensor(attached=True) as tensor if _is_leaf(operation) and comes_from_layer(tensor):
            _note_copied_loss(machine, operation, tensor)
            return tensor.derive(attached=False, cut=operation.site, origin=operation.origin("leaf"))
        case Unknown() as unknown if _is_leaf(operation):
            return _leaf_of(machine, operation, unknown)
        case other:
            return other


def _uninitialised(machine: Machine, operation: Operation, first: Value) -> Tensor:
    """Sizes, and whatever stands in memory: for a script, a place to load each batch into, of whatever sizes that has."""
    dims = (width_of(first), *(shapes.sizes_of(machine, operation.arguments.get("sizes")) or ()))
    known = dims if machine.frame.scope.kind != "module" else (None,) * len(dims)
    return Tensor(shape=Shape(known), origin=operation.origin("fresh"))


_TYPED = {
    **{"torch.Tensor": "float", "torch.FloatTensor": "float", "torch.LongTensor": "integer"},
    **dict.fromkeys(("numpy.float32", "numpy.float64"), "float"),
    **dict.fromkeys(("numpy.int32", "numpy.int64", "numpy.uint8"), "integer"),
}
"""The numbers that functions make of what they are given, whatever that holds."""

_NAMED: dict[str, Value] = {"torch.LongTensor": FrameworkName("torch.int64")}
"""The type that is asked for by a name."""


def _convert(machine: Machine, operation: Operation) -> Value:
    return _converted(machine, operation, operation.main)


def _converted(machine: Machine, operation: Operation, data: Value) -> Value:
    dtype = operation.arguments.get("dtype")
    match data:
        case Tensor() as tensor:
            return with_type(tensor, _type_given(operation) or requested(dtype, dtype_of(tensor)))
        case ListValue() | TupleValue():
            return literals.array(machine, data, _NAMED.get(operation.name, dtype), operation.origin("array"))
        case Unknown() if typed := _TYPED.get(operation.name) or requested(dtype, ""):
            return _typed(machine, operation, data, typed)
        case _:
            return data


def _typed(machine: Machine, operation: Operation, data: Unknown, dtype: str) -> Tensor:
    """Numbers of which only the type is known."""
    return typed(machine, data, dtype, f"{operation.name.rsplit('.', 1)[-1]}(…)", operation.site)


def typed(machine: Machine, data: Unknown, dtype: str, source: str, site: Site) -> Tensor:
    """What is not followed, as numbers of a type."""
    single = False if data.is_converted or data.is_whole_number else None
    made = machine.tensor_of(data).derive(labels=Labels("", None, dtype, single, source, site=site), inputs=())
    return made if single is None else made.derive(shape=Shape(()), inputs=())


def literal_array(machine: Machine, data: Value, arguments: dict[str, Value], site: Site) -> Value:
    """A list of numbers where a library takes a tensor."""
    return literals.array(machine, data, arguments.get("dtype"), Origin("operation", "array", site, note="array"))


def _astype(machine: Machine, operation: Operation) -> Value:
    match operation.main:
        case Tensor() as tensor:
            dtype = type_name(operation.arguments.get("dtype"))
            if dtype == "integer" and tensor.domain in (Domain.SIGMOID, Domain.SOFTMAX, Domain.LINEAR):
                return tensor.derive(attached=False, domain=Domain.HARD, origin=operation.origin(), cut=operation.site)
            if tensor.labels is None and dtype and tensor.domain is Domain.UNKNOWN and not tensor.inputs:
                return tensor.derive(labels=Labels("", None, dtype, source="astype(…)", site=operation.site), inputs=())
            return with_type(tensor, dtype)
        case other:
            return other


def _type_as(machine: Machine, operation: Operation) -> Value:
    other = operation.arguments.get("other")
    match operation.main:
        case Tensor() as tensor:
            return with_type(tensor, dtype_of(other) if isinstance(other, Tensor) else "")
        case unknown:
            return unknown


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
    given = operation.main
    if isinstance(given, ListValue | TupleValue):
        given = literals.array(machine, given, None, operation.origin("array"))
    tensor = tensor_of(machine, given) or Tensor()
    classes = operation.integer("num_classes", "depth", "nb_classes")
    before = tensor.labels
    known = classes or (_classes_of(before) if before else None)
    dtype = "integer" if operation.name.startswith("torch.") else "float"
    labels = Labels(
        "one_hot", known, dtype, False, f"{operation.name.rsplit('.', 1)[-1]}(…)", exclusive=True, site=operation.site
    )
    rank = tensor.shape.rank
    counting = operation.name == "keras.utils.to_categorical"  # as many columns as the largest number asks for
    width = known if counting else classes
    dims: tuple[int | None, ...] | None = None if rank is None else (*(tensor.shape.dims or ())[:rank], width)
    if before is not None and before.column:
        dims = ((tensor.shape.dims or (None,))[0], width) if counting and rank == 2 else None
    return Tensor(Domain.ONE_HOT, Shape(dims, width), operation.origin(), (tensor,), labels=labels)


def _classes_of(labels: Labels) -> int | None:
    """How many columns one-hot rows get: one more than the largest number."""
    if labels.classes is None and labels.dtype == "integer" and labels.interval is not None and not labels.noise:
        return int(labels.interval.high) + 1
    return labels.classes


def _identity_matrix(machine: Machine, operation: Operation) -> Value:
    size = (
        operation.main.value if isinstance(operation.main, Constant) and isinstance(operation.main.value, int) else None
    )
    rows = Labels("one_hot", size, "float", False, "an identity matrix", exclusive=True, site=operation.site)
    return Tensor(Domain.UNKNOWN, Shape((size, size)), operation.origin("identity matrix"), labels=rows)


def _fresh(machine: Machine, operation: Operation) -> Value:
    return _filled(machine, operation, operation.arguments.get("size"))


def _fresh_beside(machine: Machine, operation: Operation) -> Value:
    """An array of a given size, with numbers of the same type as those of a tensor."""
    tensor = tensor_of(machine, operation.main)
    return _filled(machine, operation, operation.arguments.get("size"), dtype_of(tensor) if tensor is not None else "")


def _fresh_sized(machine: Machine, operation: Operation) -> Value:
    return _filled(machine, operation, operation.main)


def _filled(machine: Machine, operation: Operation, size: Value | None, default: str = "float") -> Tensor:
    """An array of a given size: filled with noise, with one number, or with nothing that is known."""
    sizes = shapes.sizes_of(machine, size)
    if isinstance(size, Unknown) and ranges.counts(size):
        sizes = (None,)
    shape = Shape(sizes) if sizes else ANY_SHAPE
    dtype = requested(operation.arguments.get("dtype"), default)
    origin = replace(operation.origin("fresh"), factor=_some_axes(size) or shapes.as_written(machine, size))
    return Tensor(Domain.UNKNOWN, shape, origin, labels=ranges.fresh(operation, dtype, shape))


def _some_axes(size: Value | None) -> Value | None:
    """``other.shape[:2]``, where nothing is known of the sizes."""
    match size:
        case Unknown(key=("item", SliceValue())):
            return size
        case TupleValue((Unknown() as only,)) | ListValue(items=(Unknown() as only,)):
            return _some_axes(only)
        case _:
            return None


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


def _fresh_like(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    shape = tensor.shape if tensor else ANY_SHAPE
    dtype = requested(operation.arguments.get("dtype"), dtype_of(tensor) if tensor else "")
    return Tensor(Domain.UNKNOWN, shape, operation.origin("fresh"), labels=ranges.fresh(operation, dtype, shape))


def _scatter(machine: Machine, operation: Operation) -> Value:
    """``zeros(…).scatter(dim, labels, 1)`` writes one-hot rows; what else is scattered is not known."""
    tensor = tensor_of(machine, operation.main)
    if tensor is None:
        return Unknown()
    labels, value = operation.arguments.get("index"), operation.arguments.get("value", operation.arguments.get("src"))
    empty = tensor.origin.note == "fresh" and tensor.origin.name.endswith(ZEROS)
    several = isinstance(labels, Tensor) and labels.shape.rank == 2 and labels.shape.units not in (None, 1)
    one_hot = empty and not several and isinstance(value, Constant) and value.value == 1
    domain = Domain.ONE_HOT if one_hot else Domain.UNKNOWN
    single = one_hot and isinstance(labels, Tensor) and labels.shape.units == 1
    source, dtype = "scatter(…)", dtype_of(tensor)
    rows = Labels("one_hot", tensor.shape.units, dtype, False, source, exclusive=True, site=operation.site)
    return Tensor(domain, tensor.shape, operation.origin("scatter"), (tensor,), labels=rows if single else None)


EFFECTS: dict[str, Callable[[Machine, Operation], Value]] = {
    "new_tensor": _new_tensor,
    "variable_of": _variable_of,
    "convert": _convert,
    "astype": _astype,
    "to_float": _to_float,
    "to_integer": _to_integer,
    "one_hot": _one_hot,
    "identity_matrix": _identity_matrix,
    "fresh": _fresh,
    "fresh_beside": _fresh_beside,
    "fresh_sized": _fresh_sized,
    "fresh_named": _fresh_named,
    "fresh_like": _fresh_like,
    "scatter": _scatter,
    "variable": _variable,
    "placeholder": _placeholder,
    "type_as": _type_as,
    "random_integers": ranges.random_integers,
    "range": ranges.counted,
    "permutation": ranges.permuted,
    "linspace": ranges.spaced,
    "uniform": ranges.uniform,
    "uniform_of_type": ranges.uniform_of_type,
    "normal": ranges.normal,
    "choice": ranges.choice,
    "bernoulli": ranges.bernoulli,
    "fill_random": ranges.fill_random,
}
"""The function for each effect of the tables in ``headlint.frameworks`` that is of this kind."""
