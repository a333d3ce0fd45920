"""The fields of torchtext before 0.9: what a batch has under their names.

Sources: ``torchtext/data/field.py``, ``iterator.py`` and ``dataset.py`` (0.6; ``torchtext.legacy`` from 0.9 to 0.11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.data import labels
from headlint.flow.python import iteration
from headlint.flow.tensors.dtypes import requested
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.library_values import Dataset, FieldBatch
from headlint.flow.values.python_values import Constant, DictValue, ListValue, Site, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_LABEL = "a field of labels"
_CLASSES = {"IMDB": 2, "TREC": 6, "SST": 3, "SNLI": 3, "MultiNLI": 3}
"""The data sets that are split by fields, without their finer variants: how many classes each has."""
_FINER = ("fine_grained", "subtrees", "filter_pred", "train_subtrees")


def call(machine: Machine, path: str, arguments: Arguments, site: Site) -> Value | None:
    """A field, data set or iterator; None for any other name."""
    parts = path.split(".")
    name = parts[-1] if parts[-1] != "splits" else parts[-2]
    several = parts[-1] == "splits"
    match name:
        case "LabelField" | "Field":
            return _field(machine, name, arguments, site)
        case "BucketIterator" | "Iterator":
            return _iterated(machine, arguments.first("datasets" if several else "dataset"), several)
        case "TabularDataset" | "Dataset":
            fields = arguments.get("fields")
            return _some(_examples(machine, fields, site), several) if fields is not None else None
        case _ if name in _CLASSES and several:
            return _some(_of_catalogue(machine, name, arguments, site), several)
        case _:
            return None


def _field(machine: Machine, name: str, arguments: Arguments, site: Site) -> Value | None:
    """A field of labels: one number a sample, by default an integer; what reads texts is not followed."""
    if name == "Field" and arguments.get("sequential") != Constant(False):
        return None
    if arguments.get("preprocessing", "postprocessing", "tensor_type") is not None:
        return None
    dtype = requested(arguments.get("dtype"), "integer")
    encoding = "index" if name == "LabelField" and arguments.get("use_vocab") in (None, Constant(True)) else ""
    given = labels.target(encoding, None, dtype, f"{name}(…)", site, Shape((None,)), False)
    return Dataset(_LABEL, given) if dtype else None


def _of_catalogue(machine: Machine, name: str, arguments: Arguments, site: Site) -> Dataset:
    """``IMDB.splits(TEXT, LABEL)``."""
    bound = arguments.bind(("text_field", "label_field"))
    field = machine.state.narrow(bound.get("label_field") or Unknown())
    found: dict[str, Value] = {}
    if isinstance(field, Dataset) and field.name == _LABEL and isinstance(field.item, Tensor):
        known = field.item.labels
        coarse = not any(bound.get(one) not in (None, Constant(False)) for one in _FINER)
        count = _CLASSES[name] if coarse and known is not None and known.encoding == "index" else None
        encoding = "binary" if count == 2 else known.encoding if known is not None else ""
        dtype = known.dtype if known is not None else ""
        source = f"the labels of {name}, as a field of {dtype or 'number'}s"
        found["label"] = labels.target(encoding, count, dtype, source, site, Shape((None,)), False)
    return _data(found)


def _examples(machine: Machine, fields: Value, site: Site) -> Dataset:
    """``TabularDataset(fields=[("text", TEXT), ("label", LABEL)])``, or a dict of such pairs by column."""
    match machine.state.narrow(fields):
        case DictValue() as by_column:
            pairs = [value for _, value in iteration.entries(machine, by_column)]
        case listed:
            pairs = iteration.known_items(machine, listed) or []
    found: dict[str, Value] = {}
    for pair in pairs:
        match machine.state.narrow(pair):
            case TupleValue((Constant(str() as name), field)):
                known = machine.state.narrow(field)
                if isinstance(known, Dataset) and known.name == _LABEL:
                    found[name] = known.item
    return _data(found)


def _data(found: dict[str, Value]) -> Dataset:
    return Dataset("torchtext", FieldBatch(found))


def _some(data: Dataset, several: bool) -> Value:
    """One data set, or one for training, one for testing and perhaps another."""
    return ListValue((data,), approximate=True) if several else data


def _iterated(machine: Machine, given: Value | None, several: bool) -> Value | None:
    known = machine.state.narrow(given) if given is not None else None
    if several:
        parts = iteration.known_items(machine, known) if isinstance(known, TupleValue | ListValue) else None
        made = [_iterated(machine, part, False) for part in parts or ()]
        return TupleValue(tuple(one or Unknown() for one in made)) if made else None
    is_ours = isinstance(known, Dataset) and isinstance(known.item, FieldBatch)
    return Dataset("BucketIterator", known.item) if is_ours and isinstance(known, Dataset) else None


def method(dataset: Dataset, name: str) -> Value | None:
    """``data.split()``; None for any other method."""
    ours = isinstance(dataset.item, FieldBatch)
    return ListValue((dataset,), approximate=True) if ours and name == "split" else None
