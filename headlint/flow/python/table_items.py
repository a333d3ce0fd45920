"""``table[key]`` and ``table[key] = value``, for a table of pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.python import iteration
from headlint.flow.values.library_values import Table
from headlint.flow.values.python_values import Constant, ListValue, SliceValue, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Domain, Labels, Origin, Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def read(machine: Machine, table: Table, key: Value) -> Value:
    """A column, some of the columns, or some of the rows; ``loc[rows, columns]`` too."""
    if table.of is not None:
        return value_of(machine, table.of, key)
    match key:
        case Unknown(is_item_number=True) | Unknown(is_range_number=True):
            return one_row(table)
        case TupleValue(((Unknown(is_item_number=True) | Unknown(is_range_number=True)), Constant(str()) as name)):
            return value_of(machine, table, name)
        case Constant(str() | int() as name):
            return machine.read(table, name) or table.column(name)
        case ListValue():
            return _some_columns(machine, table, key)
        case TupleValue((_, SliceValue(Constant(str() as first), Constant(str() as last)))) if first != last:
            return Table(table.site, wide=True)
        case TupleValue((_, SliceValue(lower, upper))) if table.dummies is not None:
            return _cut(table, table.dummies, lower, upper)
        case TupleValue((_, columns)):
            return table if isinstance(columns, SliceValue | Unknown) else read(machine, table, columns)
        case _:
            return table


def one_row(table: Table) -> Table:
    """One row of a table, whichever."""
    row = Table(table.site)
    row.of = table
    return row


def value_of(machine: Machine, table: Table, key: Value) -> Value:
    """What a row of a table has in a column; of several columns nothing is known but that they are numbers."""
    match key:
        case Constant(str()):
            column = read(machine, table, key)
            return machine.tensors.row(machine, column) if isinstance(column, Tensor) else Unknown()
        case _:
            return Tensor()


def _some_columns(machine: Machine, table: Table, names: ListValue) -> Value:
    known = iteration.known_items(machine, names)
    chosen = Table(site=table.site, columns=table.columns)
    if known is None or not all(isinstance(name, Constant) for name in known):
        return chosen
    for name in known:
        if isinstance(name, Constant):
            chosen.slots[name.value] = read(machine, table, name)
    chosen.complete = len(chosen.slots) == len(known)
    return chosen


def _cut(table: Table, dummies: Tensor, lower: Value, upper: Value) -> Value:
    """The last columns, counted from behind or from where the features have been cut off, are those of ``get_dummies``."""
    match lower, upper:
        case Constant(None | 0), Constant(int() as end):
            table.cuts.add(end)
        case Constant(int() as first), Constant(None) if first < 0 and dummies.labels is not None:
            return replace(dummies, shape=Shape((None, -first)), labels=replace(dummies.labels, classes=-first))
        case Constant(first), Constant(None) if first in table.cuts:
            return dummies
        case _:
            pass
    return table


def write(machine: Machine, table: Table, key: Value, value: Value) -> None:
    """A column is replaced or added; where rows are chosen, nobody knows what the column holds then."""
    match key:
        case Constant(str() | int() as name):
            known = value if isinstance(value, Tensor) else Tensor()
            machine.state.write(table, name, known)
        case TupleValue((_, Constant(str() | int() as name))):
            machine.state.write(table, name, Tensor())
        case _:
            table.complete = False


def matrix(machine: Machine, table: Table) -> Tensor:
    """The values of a table as an array."""
    columns = [value for _, value in iteration.entries_of_object(machine, table)]
    width = len(columns) if table.complete else None
    origin = Origin("input", "the values of a table", table.site)
    alone = columns[0] if width == 1 else None
    several = False if table.wide or (width or 0) > 1 else None
    rows = Labels(column=several, source="the values of a table", site=table.site)
    known = alone.labels if isinstance(alone, Tensor) else rows
    return Tensor(Domain.UNKNOWN, Shape((None, width)), origin, labels=known)
