"""PyTorch's data sets and loaders, and those of torchvision and torchtext."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.data import labels, pixels
from headlint.flow.machine.state import join
from headlint.flow.python import iteration
from headlint.flow.tensors import shapes
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import LoaderInOrder
from headlint.flow.values.intervals import Interval
from headlint.flow.values.library_values import Dataset
from headlint.flow.values.python_values import (
    BATCH,
    STACKED,
    BoundMethod,
    Constant,
    DictValue,
    FunctionValue,
    Instance,
    ListValue,
    Site,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import ANY_SHAPE, Labels, Origin, Shape, Tensor
from headlint.frameworks import data

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def torchvision(name: str, arguments: Arguments, site: Site) -> Value:
    """A data set of torchvision: pairs of an image and a class number."""
    if arguments.get("target_transform", "target_type") is not None:
        return Dataset(name, Unknown())
    count = data.TORCHVISION_CLASSES.get(name)
    if name == "EMNIST":
        match arguments.get("split"):
            case Constant(str() as split) if split in data.EMNIST_CLASSES:
                count = data.EMNIST_CLASSES[split]
    if name in ("ImageFolder", "DatasetFolder", "FakeData", "EMNIST") or count is not None:
        given = labels.target("index", count, "integer", name, site, Shape(()))
        return Dataset(name, TupleValue((pixels.image(name, arguments, site), given)))
    return Dataset(name, Unknown())


def torchtext(name: str, arguments: Arguments, site: Site) -> Value | None:
    """A data set of torchtext: pairs of a class number, counted from 1, and a text."""
    count = data.TORCHTEXT_CLASSES.get(name)
    if count is None:
        return None
    given = labels.target("index", None, "integer", name, site, Shape(()), interval=Interval(1, count))
    one = Dataset(name, TupleValue((given, Unknown("a text"))))
    match arguments.get("split"):
        case Constant(str()):
            return one
        case TupleValue(items):
            return TupleValue((one,) * len(items))
        case _:
            return TupleValue((one, one))


def call(machine: Machine, name: str, arguments: Arguments, site: Site) -> Value | None:
    """Something of ``torch.utils.data``."""
    given = arguments.first("dataset")
    match name:
        case "TensorDataset":
            return Dataset(name, TupleValue(tuple(iteration.element(machine, value) for value in arguments.positional)))
        case "Subset" if given is not None:
            return _some_of(given)
        case "ConcatDataset" if (several := arguments.first("datasets")) is not None:
            return iteration.element(machine, several) if isinstance(several, ListValue | TupleValue) else several
        case "random_split" if given is not None:
            return ListValue((_some_of(given),), approximate=True)
        case "DataLoader" if given is not None:
            collate = arguments.get("collate_fn")
            loader = machine.state.distribute([given], lambda one: _loader(machine, one, collate))
            if isinstance(loader, Dataset) and _keeps_the_order_of_classes(given, arguments):
                machine.emit(LoaderInOrder, site, loader=loader)
            return loader
        case _:
            return None


def _some_of(dataset: Value) -> Value:
    """Some samples of a data set, in whatever order."""
    return Dataset("Subset", dataset.item) if isinstance(dataset, Dataset) else dataset


def _keeps_the_order_of_classes(dataset: Value, arguments: Arguments) -> bool:
    """Whether a loader gives all samples of one class, then all of the next."""
    bound = arguments.bind(("dataset", "batch_size", "shuffle", "sampler", "batch_sampler"))
    unshuffled = all(
        bound.get(name, Constant(None)) in (Constant(None), Constant(False))
        for name in ("shuffle", "sampler", "batch_sampler")
    )
    by_class = isinstance(dataset, Dataset) and dataset.name in data.CLASS_AFTER_CLASS
    return by_class and unshuffled and arguments.complete


def _loader(machine: Machine, dataset: Value, collate: Value | None) -> Value:
    match dataset:
        case Dataset() | ListValue() | TupleValue() | Instance():
            item = iteration.element(machine, dataset)
        case _:
            item = Unknown("an item")
    loader = Dataset("DataLoader", _collated(machine, item, collate))
    loader.slots["dataset"] = dataset
    return loader


def _collated(machine: Machine, item: Value, collate: Value | None) -> Value:
    """What a loader makes of a list of items."""
    match collate:
        case None | Constant(None):
            return batch(item)
        case FunctionValue() | BoundMethod():
            return machine.call_with(collate, ListValue((item,), approximate=True))
        case _:
            return Unknown(BATCH)


def _of_any_shape(value: Value) -> Value:
    """What is batched of samples that differ: they may not all have the shape of one of them."""
    match value:
        case Tensor():
            return value.derive(shape=ANY_SHAPE, inputs=value.inputs, batched=True)
        case TupleValue(items):
            return TupleValue(tuple(map(_of_any_shape, items)))
        case _:
            return value


def _numbers(dtype: str) -> Tensor:
    """One number for each sample of a batch."""
    known = Labels("", None, dtype, False, "the numbers of a batch")
    return Tensor(shape=Shape((None,)), origin=Origin("input", "a batch of numbers"), labels=known)


def batch(item: Value) -> Value:
    """Several items put together: a further axis in front."""
    match item:
        case Tensor():
            return item.derive(shape=shapes.with_axis(item.shape, 0, None), inputs=item.inputs, batched=True)
        case TupleValue(items):
            return TupleValue(tuple(batch(one) for one in items))
        case DictValue():
            return DictValue({key: batch(value) for key, value in item.slots.items()}, item.complete)
        case ListValue():
            return item
        case Choice(options):
            batches = [(option.guards, batch(option.value)) for option in options]
            alike = len({one.shape if isinstance(one, Tensor) else None for _, one in batches}) == 1
            return join((guards, one if alike else _of_any_shape(one)) for guards, one in batches)
        case Constant(bool() | int() | float() as number):
            return _numbers("float" if isinstance(number, float) else "integer")
        case Unknown(is_whole_number=True):
            return _numbers("integer")
        case Unknown(key="float"):
            return _numbers("float")
        case Constant():
            return Unknown("a batch of texts")
        case Unknown():
            return Unknown(STACKED)
        case _:
            return item
