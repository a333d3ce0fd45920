"""pandas: tables, their columns, and what makes labels of columns. Arrays that are read from files of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.data import labels
from headlint.flow.python import iteration, table_items
from headlint.flow.tensors.dtypes import requested
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.library_values import Dataset, Table
from headlint.flow.values.python_values import (
    Constant,
    DictValue,
    FrameworkMethod,
    ListValue,
    Site,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Domain, Labels, Origin, Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

ARRAYS_OF_FILES = frozenset({"numpy.loadtxt", "numpy.genfromtxt"})

_READERS = ("read_csv", "read_excel", "read_table", "read_json", "read_parquet", "read_pickle", "read_sql", "read_hdf")
_SAME_ROWS = frozenset(
    {"dropna", "fillna", "sample", "copy", "reset_index", "set_index", "sort_values", "sort_index", "head", "tail"}
    | {"astype", "drop_duplicates", "query", "replace", "interpolate", "infer_objects", "convert_dtypes", "round"}
)
"""Methods after which the columns are what they were."""

_METHODS = _SAME_ROWS | {
    *("drop", "pop", "to_numpy", "as_matrix", "get", "apply", "groupby", "merge", "join", "assign", "rename"),
    *("iterrows", "itertuples", "describe", "info", "corr", "mean", "std", "min", "max", "isnull", "isna", "applymap"),
    *("append", "melt", "pivot", "to_csv", "to_dict", "transpose", "plot", "hist", "nunique", "value_counts", "count"),
    *("sum", "abs", "select_dtypes", "items", "keys", "insert", "filter", "agg", "map", "shift", "rolling", "diff"),
}


def call(machine: Machine, path: str, arguments: Arguments, site: Site) -> Value | None:
    """A function or class of pandas, or a reader of files of text; None where nothing is known of what it gives."""
    name = path.rsplit(".", 1)[-1]
    if path in ARRAYS_OF_FILES:
        return _numbers_of_a_file(arguments, name, site)
    match name:
        case _ if name in _READERS:
            return Table(site=site)
        case "DataFrame":
            return _frame(machine, arguments, site)
        case "concat" | "merge":
            return Table(site=site)
        case "Series" | "to_numeric":
            given = machine.state.narrow(arguments.first("data", "arg") or Unknown())
            return given if isinstance(given, Tensor) else column(name, site)
        case "get_dummies":
            return _dummies(machine, arguments, site)
        case "factorize":
            return TupleValue(
                (labels.target("index", None, "integer", "factorize(…)", site, Shape((None,)), False), Unknown())
            )
        case "cut" | "qcut" if arguments.get("labels") == Constant(False):
            return labels.target("index", None, "integer", f"{name}(…)", site, Shape((None,)), False)
        case "cut" | "qcut" if (bins := _numbered_bins(machine, arguments)) is not None:
            return labels.target("index", bins, "integer", f"{name}(…)", site, Shape((None,)), False)
        case _:
            return None


def _numbered_bins(machine: Machine, arguments: Arguments) -> int | None:
    """How many bins there are, where these are named by the numbers from 0 on."""
    given = machine.state.narrow(arguments.get("labels") or Unknown())
    names = iteration.known_items(machine, given) if isinstance(given, ListValue) else None
    return len(names) if names and names == [Constant(number) for number in range(len(names))] else None


def _numbers_of_a_file(arguments: Arguments, name: str, site: Site) -> Tensor:
    """A matrix of the numbers in a file of text; of one column alone, or with names, it is none."""
    plain = arguments.get("unpack", "names") is None and not isinstance(arguments.get("usecols"), Constant)
    dtype = requested(arguments.get("dtype"), "float")
    shape = Shape((None, None)) if plain and dtype else Shape()
    return Tensor(
        shape=shape, origin=Origin("input", name, site), labels=Labels("", None, dtype, source=name, site=site)
    )


def column(name: str, site: Site | None) -> Tensor:
    """A column of which nothing is known but that it has one value for each row."""
    return Tensor(
        Domain.UNKNOWN, Shape((None,)), Origin("input", name, site), labels=Labels("", source=f"the column {name}")
    )


def _frame(machine: Machine, arguments: Arguments, site: Site) -> Value:
    match machine.state.narrow(arguments.first("data") or Unknown()):
        case DictValue() as entries:
            table = Table(site=site)
            table.slots.update(iteration.entries(machine, entries))
            table.complete = entries.complete
            return table
        case Table() as table:
            return table
        case Tensor(shape=Shape(rank=1)) as only:
            return _of_one_column(machine, only, arguments.get("columns"), site)
        case _:
            return Table(site=site)


def _of_one_column(machine: Machine, column: Tensor, names: Value | None, site: Site) -> Table:
    """``DataFrame(labels)``: without a name the column is number 0."""
    table = Table(site=site)
    match iteration.known_items(machine, names) if isinstance(names, ListValue) else None:
        case [Constant(name)]:
            table.slots[name] = column
        case None if names is None:
            table.slots[0] = column
        case _:
            return table
    table.complete = True
    return table


def _dummies(machine: Machine, arguments: Arguments, site: Site) -> Value:
    given = machine.state.narrow(arguments.first("data") or Unknown())
    whole = arguments.get("drop_first") in (None, Constant(False))
    if isinstance(given, Table):
        return _with_dummies(machine, given, arguments.get("columns"), site) if whole else Table(site=site)
    if arguments.get("columns") is not None:
        return Table(site=site)
    return (
        labels.one_hot(given, "get_dummies(…)", site) if whole else Tensor(origin=Origin("labels", "get_dummies", site))
    )


def _with_dummies(machine: Machine, table: Table, columns: Value | None, site: Site) -> Value:
    """A table whose last columns stand for one that it had: alone they are rows with a single one."""
    match iteration.known_items(machine, columns) if isinstance(columns, ListValue) else None:
        case [Constant(name)]:
            row = labels.one_hot(machine.item(table, Constant(name), 0), "get_dummies(…)", site)
            if table.complete and set(table.slots) == {name}:
                return row
            changed = _copy(machine, table)
            changed.slots.pop(name, None)
            changed.complete = False
            changed.dummies = row
            return changed
        case _:
            return Table(site=site)


def attribute(machine: Machine, table: Table, name: str) -> Value:
    """``table.name``."""
    match name:
        case "iloc" if table.dummies is not None:
            return table
        case "values" if table.of is not None:
            return Tensor(shape=Shape((None,)), origin=Origin("input", "a row of a table", table.site))
        case "iloc":
            rows = table_items.matrix(machine, table)
            return replace(rows, origin=replace(rows.origin, factor=table))
        case "values" | "iat":
            return table_items.matrix(machine, table)
        case "loc" | "at":
            return table
        case "columns" | "index" | "dtypes" | "size" | "empty" | "ndim":
            return machine.globals.child((table, name))
        case "shape":
            width = Constant(len(table.slots)) if table.complete else Unknown("a size")
            return TupleValue((Unknown("a size"), width))
        case "T":
            return Tensor()
        case _ if name in _METHODS:
            return FrameworkMethod(table, name)
        case _:
            return machine.item(table, Constant(name), 0)


def method(machine: Machine, table: Table, name: str, arguments: Arguments) -> Value:
    """``table.name(…)``."""
    match name:
        case "pop" | "get" if isinstance(key := arguments.first("item", "key"), Constant):
            return machine.item(table, key, 0)
        case "iterrows":
            return Dataset(name, TupleValue((Unknown(), table_items.one_row(table))))
        case "to_numpy" | "as_matrix":
            return table_items.matrix(machine, table)
        case "drop":
            return _without(machine, table, arguments)
        case "assign":
            changed = _copy(machine, table)
            changed.slots.update(arguments.named)
            return changed
        case _ if name in _SAME_ROWS:
            return _copy(machine, table)
        case _:
            return Unknown()


def _copy(machine: Machine, table: Table) -> Table:
    copied = Table(site=table.site, columns=table.columns)
    copied.dummies = table.dummies
    copied.slots.update(iteration.entries_of_object(machine, table))
    copied.complete = table.complete
    return copied


def _without(machine: Machine, table: Table, arguments: Arguments) -> Value:
    copied = _copy(machine, table)
    given = arguments.get("columns") or arguments.first("labels") or Unknown()
    gone = [given] if isinstance(given, Constant) else iteration.known_items(machine, given)
    if gone is None or not isinstance(given, Constant | ListValue):
        copied.complete = False
        return copied
    for one in gone:
        if isinstance(one, Constant):
            copied.slots.pop(one.value, None)
    return copied
