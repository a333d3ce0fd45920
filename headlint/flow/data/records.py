"""Records of files that a program takes apart itself: lines of text with commas, and TensorFlow's own format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headlint.flow.data.torch_data import batch
from headlint.flow.python import iteration
from headlint.flow.tensors.dtypes import dtype_of, type_name
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.library_values import width_of
from headlint.flow.values.python_values import Constant, DictValue, ListValue, Site, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Labels, Origin, Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine
    from headlint.flow.machine.semantics import Call


def decoded_line(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``tf.io.decode_csv(line, defaults)``: one number or text for each default."""
    site = machine.site(at)
    given = arguments.bind(("records", "record_defaults")).get("record_defaults")
    defaults = machine.state.narrow(given) if given is not None else Unknown()
    known = iteration.known_items(machine, defaults) if isinstance(defaults, ListValue | TupleValue) else None
    if known is None:
        return ListValue((Unknown("a field"),), approximate=True)
    return ListValue(tuple(_like_default(machine, machine.state.narrow(one), site) for one in known))


def _like_default(machine: Machine, default: Value, site: Site) -> Value:
    """A field of a line: a number of the kind that its default is of."""
    match default:
        case ListValue() | TupleValue():
            first = iteration.known_items(machine, default)
            return _like_default(machine, machine.state.narrow(first[0]), site) if first else Unknown("a field")
        case Constant(bool() | int()):
            return _field("integer", Shape(()), site)
        case Constant(float()):
            return _field("float", Shape(()), site)
        case Tensor() if typed := dtype_of(default):
            return _field(typed, Shape(()), site)
        case value if typed := type_name(value):
            return _field(typed, Shape(()), site)
        case _:
            return Unknown("a field")


def described_field(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``FixedLenFeature(shape, dtype)``: what a record holds under a name, seen as the tensor that is read from it."""
    bound = arguments.bind(("shape", "dtype"))
    typed = type_name(bound.get("dtype"))
    if not typed:
        return Unknown("a field")
    given = machine.state.narrow(bound.get("shape", Unknown()))
    sizes = iteration.known_items(machine, given) if isinstance(given, ListValue | TupleValue) else None
    shape = Shape() if sizes is None else Shape(tuple(map(width_of, sizes)))
    return _field(typed, shape, machine.site(at))


def parsed_record(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``parse_single_example(record, features)``: a dict of what is described."""
    return _described(machine, arguments.bind(("serialized", "features")).get("features"))


def parsed_records(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``parse_example(records, features)``: the same for several records at once."""
    return batch(_described(machine, arguments.bind(("serialized", "features")).get("features")))


def _described(machine: Machine, features: Value | None) -> Value:
    match machine.state.narrow(features) if features is not None else None:
        case DictValue() as described:
            entries = iteration.entries(machine, described)
            return DictValue({name: machine.state.narrow(value) for name, value in entries}, described.complete)
        case _:
            return Unknown("a record")


def _field(dtype: str, shape: Shape, site: Site) -> Tensor:
    known = Labels("", None, dtype, False if shape.rank == 0 else None, "a field of a file", site=site)
    return Tensor(shape=shape, origin=Origin("input", "a field of a file", site), labels=known)


_BY_NAME: Mapping[str, Call] = {
    "decode_csv": decoded_line,
    "FixedLenFeature": described_field,
    "parse_single_example": parsed_record,
    "parse_example": parsed_records,
}

CALLS: Mapping[str, Call] = {
    f"tensorflow.{package}{name}": call for name, call in _BY_NAME.items() for package in ("", "io.")
}
