"""Columns: what pandas offers on one, and what an array of lists has in one place of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.python import iteration
from headlint.flow.tensors import literals, numbers
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.library_values import Table
from headlint.flow.values.python_values import (
    BoundMethod,
    Constant,
    DictValue,
    FunctionValue,
    ListValue,
    Site,
    SliceValue,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Domain, Labels, Origin, Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

SAME = frozenset({"iloc", "loc", "cat", "values", "index", "array"})
"""Attributes that are the column itself, or another view of it."""

_SAME_ROWS = frozenset(
    {"to_numpy", "to_list", "copy", "shift", "dropna", "fillna", "reset_index", "sort_index", "sort_values", "sample"}
    | {"head", "tail", "reindex", "infer_objects", "toarray", "todense", "ffill", "bfill"}
)


def attribute(tensor: Tensor, name: str, site: Site) -> Tensor | None:
    """An attribute of a column; None for any other."""
    if name in SAME:
        return tensor
    if name == "codes":
        return _categories(tensor, "the codes of categories", site)
    return None


def method(machine: Machine, tensor: Tensor, name: str, arguments: Arguments, site: Site) -> Value | None:
    """A method of a column; None for any other."""
    match name:
        case "map" | "replace":
            return _exchanged(machine, tensor, arguments.first("arg", "to_replace"), name, site)
        case "apply":
            return _exchanged(machine, tensor, arguments.first("func"), name, site)
        case "factorize":
            return TupleValue((_categories(tensor, "factorize()", site), Unknown()))
        case "pct_change" | "diff":
            changes = numbers.amounts(f"{name}()", site, None, None)
            return tensor.derive(domain=Domain.UNKNOWN, labels=changes, origin=Origin("operation", name, site))
        case "to_frame":
            return tensor.derive(shape=Shape((None, 1)))
        case _ if name in _SAME_ROWS:
            return tensor
        case _:
            return None


def _categories(tensor: Tensor, source: str, site: Site) -> Tensor:
    known = Labels("index", None, "integer", False, source, exclusive=True, site=site)
    return tensor.derive(domain=Domain.TARGET, labels=known, origin=Origin("labels", source, site))


def _exchanged(machine: Machine, tensor: Tensor, by: Value | None, name: str, site: Site) -> Value:
    """The column with other values, which a dict lists or a function gives."""
    match by:
        case DictValue() as entries:
            given = [machine.read(entries, key) or Unknown() for key in entries.slots]
            known = given if entries.complete else []
        case FunctionValue() | BoundMethod():
            result = machine.call_with(by, Unknown("a value of a column"))
            known = [option.value for option in machine.state.alternatives(result)]
        case _:
            known = []
    found = _labels(known, f"{name}(…)", site)
    return tensor.derive(domain=Domain.UNKNOWN, labels=found, origin=Origin("operation", name, site))


def _labels(values: list[Value], source: str, site: Site) -> Labels | None:
    """Labels that take these values; those of a dict are classes if there are several."""
    plain = [value.value for value in values if isinstance(value, Constant) and isinstance(value.value, int | float)]
    if len(plain) != len(values) or len(set(plain)) < 2:
        return None
    dtype = "float" if any(isinstance(number, float) for number in plain) else "integer"
    twice = [*plain, *plain]
    return numbers.written_out([[number] for number in twice], False, dtype, source, site)


def of_lists(machine: Machine, tensor: Tensor, key: Value, site: Site) -> Value | None:
    """``np.array(samples)[:, 1]``, where each sample is a list of things that differ: what each has in one place."""
    match tensor.origin.factor, key:
        case ListValue() as rows, TupleValue((SliceValue(Constant(None), Constant(None)), Constant(int()) as place)):
            found = [machine.item(row, place, 0) for row in iteration.representatives(machine, rows) or ()]
            column = ListValue(tuple(found), approximate=True)
            if all(isinstance(one, ListValue | TupleValue) for one in found):
                return column
            return literals.array(machine, column, None, Origin("operation", "[…]", site, note="array"))
        case _:
            return None


def row_of(tensor: Tensor) -> Table | None:
    """The table of which a tensor is one row: ``table.iloc[number]``."""
    match tensor:
        case Tensor(shape=Shape(rank=1), inputs=(Tensor(origin=Origin(factor=Table() as table)),)):
            return table
        case _:
            return None
