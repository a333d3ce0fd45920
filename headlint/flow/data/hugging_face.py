"""Data sets of Hugging Face: rows that are dicts, their columns, and what keeps, renames or adds some of these."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.data import labels
from headlint.flow.data.torch_data import batch
from headlint.flow.python import iteration
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.library_values import Dataset, Rows
from headlint.flow.values.python_values import (
    BoundMethod,
    Constant,
    DictValue,
    FunctionValue,
    ListValue,
    Site,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Labels, Shape, Tensor
from headlint.frameworks import data

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_SAME_COLUMNS = frozenset(
    {"shuffle", "select", "with_format", "set_format", "shard", "sort", "flatten_indices", "skip", "take"}
    | {"cast", "cast_column", "prepare_for_task", "repeat", "with_transform", "set_transform"}
)


def load(arguments: Arguments, site: Site) -> Value:
    """``load_dataset(name, configuration, split=…)``."""
    bound = arguments.bind(("path", "name"))
    match bound.get("path"), bound.get("name"):
        case Constant(str() as path), Constant(str() as configuration):
            known = data.HUGGING_FACE_CLASSES.get(f"{path}/{configuration}", data.HUGGING_FACE_CLASSES.get(path))
        case Constant(str() as path), _:
            known = data.HUGGING_FACE_CLASSES.get(path.rsplit("/", 1)[-1])
        case _:
            known = None
    entries: dict[str, Value] = {}
    if known is not None:
        column, count = known
        entries[column] = labels.target("index", count, "integer", f"load_dataset(…)[{column!r}]", site, Shape(()))
    match arguments.get("split"):
        case None | Constant(None):
            return _splits(_rows(entries))
        case ListValue() | TupleValue() as several:
            return TupleValue((_rows(entries),) * len(several.items))
        case _:
            return _rows(entries)


def _rows(entries: dict[str, Value]) -> Rows:
    rows = Rows(DictValue(dict(entries.items()), complete=False))
    rows.slots.update({name: batch(value) for name, value in entries.items()})
    return rows


def _splits(part: Rows) -> Rows:
    return Rows(Unknown("the name of a split"), part)


def _entries(machine: Machine, rows: Rows) -> dict[str, Value]:
    item = rows.item
    return {str(key): value for key, value in iteration.entries(machine, item)} if isinstance(item, DictValue) else {}


def method(machine: Machine, rows: Rows, name: str, arguments: Arguments) -> Value:
    """A method of a data set, or of several, which does the same to each of them."""
    if rows.part is not None:
        changed = method(machine, rows.part, name, arguments)
        return _splits(changed) if isinstance(changed, Rows) and changed.part is None else changed
    entries = _entries(machine, rows)
    match name:
        case _ if name in _SAME_COLUMNS:
            return rows
        case "filter":
            return _rows({key: _some_of(value) for key, value in entries.items()})
        case "train_test_split":
            return _splits(rows)
        case "map":
            return _mapped(machine, entries, arguments)
        case "rename_column" | "rename_columns":
            return _rows(_renamed(machine, entries, arguments))
        case "remove_columns" | "select_columns":
            gone = {*_names(machine, arguments.first("column_names"))}
            kept = name == "select_columns"
            return _rows({key: value for key, value in entries.items() if (key in gone) is kept})
        case "class_encode_column":
            return _rows({key: value for key, value in entries.items() if key != _name(arguments.first("column"))})
        case "to_tf_dataset":
            return _pipeline(machine, rows, arguments)
        case _:
            return Unknown()


def _mapped(machine: Machine, entries: dict[str, Value], arguments: Arguments) -> Value:
    """The columns there were, with those that a function gives; one that cannot be followed may change them all."""
    function = arguments.first("function")
    if not isinstance(function, FunctionValue | BoundMethod):
        return _rows({})
    in_batches = arguments.get("batched") == Constant(True)
    given = DictValue({key: batch(value) if in_batches else value for key, value in entries.items()}, complete=False)
    result = machine.state.narrow(machine.call_with(function, given))
    written = result if isinstance(result, DictValue) else given
    new = {str(key): value for key, value in iteration.entries(machine, written)}
    kept = {key: value for key, value in entries.items() if key not in new or new[key] is given.slots.get(key)}
    gone = {*_names(machine, arguments.get("remove_columns"))}
    rest = {key: value for key, value in new.items() if key not in kept and _is_plain(value) and not in_batches}
    return _rows({key: value for key, value in {**kept, **rest}.items() if key not in gone})


def _some_of(value: Value) -> Value:
    """The values of some rows: which classes are left is not known."""
    if isinstance(value, Tensor) and value.labels is not None:
        return value.derive(labels=replace(value.labels, classes=None, interval=None), inputs=())
    return value


def _is_plain(value: Value) -> bool:
    return isinstance(value, Tensor) and isinstance(value.labels, Labels)


def _renamed(machine: Machine, entries: dict[str, Value], arguments: Arguments) -> dict[str, Value]:
    bound = arguments.bind(("original_column_name", "new_column_name"))
    match bound.get("original_column_name"), bound.get("new_column_name"):
        case Constant(str() as old), Constant(str() as new):
            return {new if key == old else key: value for key, value in entries.items()}
        case DictValue() as mapping, _:
            names = {key: _name(value) for key, value in iteration.entries(machine, mapping)}
            return {names.get(key, key): value for key, value in entries.items()}
        case _:
            return {}


def _names(machine: Machine, given: Value | None) -> list[str]:
    match given:
        case Constant(str() as name):
            return [name]
        case ListValue() | TupleValue():
            return [_name(one) for one in iteration.known_items(machine, given) or ()]
        case _:
            return []


def _name(value: Value | None) -> str:
    return value.value if isinstance(value, Constant) and isinstance(value.value, str) else ""


def _pipeline(machine: Machine, rows: Rows, arguments: Arguments) -> Value:
    """``to_tf_dataset(columns=…, label_cols=…)``: pairs of features and labels, in batches."""
    chosen = _names(machine, arguments.get("label_cols"))
    found = machine.read(rows, chosen[0]) if len(chosen) == 1 else None
    return Dataset("to_tf_dataset", TupleValue((Unknown("features"), found or Unknown("labels"))))


def features(machine: Machine, rows: Rows) -> Value:
    """``data_set.features``: what is known of each column."""
    part = rows.part or rows
    described: dict[Hashable, Value] = {}
    for name, value in _entries(machine, part).items():
        feature = Dataset("feature", Unknown())
        known = value.labels if isinstance(value, Tensor) else None
        if known is not None and known.classes is not None:
            feature.slots["num_classes"] = Constant(known.classes)
        described[name] = feature
    return DictValue(described, complete=False)
