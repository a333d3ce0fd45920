"""The data sets of Keras and TensorFlow: arrays, folders of files, and pipelines."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from headlint.flow.data import labels
from headlint.flow.data.torch_data import batch
from headlint.flow.python import iteration
from headlint.flow.tensors import literals
from headlint.flow.tensors.creation import typed
from headlint.flow.tensors.dtypes import requested
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.intervals import Interval
from headlint.flow.values.library_values import Dataset, Table
from headlint.flow.values.python_values import (
    BoundMethod,
    Constant,
    DictValue,
    FunctionValue,
    ListValue,
    Partial,
    Site,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Domain, Labels, Origin, Shape, Tensor
from headlint.frameworks import data, keras

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_SAME = frozenset(
    {"shuffle", "prefetch", "cache", "repeat", "take", "skip", "with_options", "apply", "shard", "filter"}
    | {"make_one_shot_iterator", "make_initializable_iterator", "concatenate", "snapshot", "rebatch"}
)
"""Methods of a pipeline after which its items are the same."""


def keras_arrays(name: str, arguments: Arguments, site: Site) -> Value:
    """``load_data()`` of a data set of Keras."""
    source = f"the {name} data set"
    features = Tensor(Domain.UNKNOWN, Shape(keras.DATASET_SHAPES.get(name)), labels=_pixels(name, site))
    if name in keras.REGRESSION_DATASETS:
        given = labels.amounts(*keras.REGRESSION_DATASETS[name], source, site)
    elif name in keras.DATASET_CLASSES:
        coarse = arguments.first("label_mode") == Constant("coarse")
        count = 20 if coarse else keras.DATASET_CLASSES[name]
        column = name.startswith("cifar")
        encoding = "binary" if count == 2 else "index"
        shape = Shape((None, 1) if column else (None,))
        given = labels.target(encoding, count, "integer", source, site, shape, column)
    else:
        return Unknown()
    return TupleValue((TupleValue((features, given)), TupleValue((features, given))))


def _pixels(name: str, site: Site) -> Labels | None:
    """The numbers of images as they are read, before a program divides them."""
    if name not in keras.IMAGES:
        return None
    return Labels("values", None, "integer", False, f"the pixels of {name}", site=site, interval=Interval(0, 255))


def windows(machine: Machine, name: str, arguments: Arguments) -> Value:
    """Batches of windows of a series, each beside the target that belongs to it."""
    targets = arguments.bind(("data", "targets")).get("targets")
    one = iteration.element(machine, targets) if targets not in (None, Constant(None)) else None
    return Dataset(name, TupleValue((Unknown("windows"), batch(one))) if one is not None else Unknown("windows"))


def directory(machine: Machine, mode: Value, names: Value | None, site: Site) -> Value:
    """The files of a folder for each class, in batches; ``names`` lists the classes, where the program does."""
    given_names = machine.state.narrow(names) if names is not None else None
    listed = iteration.known_items(machine, given_names) if isinstance(given_names, ListValue | TupleValue) else None
    count = len(listed) if listed else None
    match mode:
        case Constant("int" | "sparse"):
            given: Value = labels.target("index", count, "integer", "the folder's labels", site, Shape((None,)), False)
        case Constant("categorical"):
            source, shape = "class_mode='categorical'", Shape((None, count))
            given = labels.target("one_hot", count, "float", source, site, shape, False)
        case Constant("binary"):
            given = labels.target("binary", 2, "float", "class_mode='binary'", site, Shape((None,)), False)
        case _:
            given = Unknown()
    return Dataset("directory", TupleValue((Tensor(), given)))


def examples_of_tutorial(arguments: Arguments, site: Site) -> Value:
    """``input_data.read_data_sets(…)``: the digits as TensorFlow's first tutorials read them."""
    images = Tensor(Domain.UNKNOWN, Shape((None, 784)), Origin("input", "MNIST"))
    match arguments.get("one_hot"):
        case Constant(True):
            given: Value = labels.target("one_hot", 10, "float", "one_hot=True", site, Shape((None, 10)), False)
        case None | Constant(False):
            given = labels.classes(10, "read_data_sets(…)", site)
        case _:
            given = Unknown()
    part = Dataset("digits", TupleValue((images, given)))
    part.slots.update({"images": images, "labels": given})
    whole = Dataset("read_data_sets", Unknown())
    whole.slots.update(dict.fromkeys(("train", "test", "validation"), part))
    return whole


def catalogue(arguments: Arguments, site: Site) -> Value:
    """``tfds.load(name, as_supervised=True)``."""
    match arguments.first("name"):
        case Constant(str() as text):
            name = text.split(":")[0]
        case _:
            return Unknown()
    count = data.TFDS_CLASSES.get(name, data.TFDS_CLASSES.get(name.split("/")[0]))
    given: Value = Unknown()
    if count is not None:
        given = labels.target("binary" if count == 2 else "index", count, "integer", name, site, Shape(()))
    supervised = arguments.get("as_supervised") == Constant(True)
    item = TupleValue((Tensor(), given)) if supervised else DictValue({"label": given}, complete=False)
    batched = batch(item) if arguments.get("batch_size") is not None else item
    one = Dataset(f"tfds {name}", batched)
    match arguments.get("split") or (arguments.positional[1] if len(arguments.positional) > 1 else None):
        case Constant(str()):
            found: Value = one
        case ListValue() | TupleValue() as several:
            found = TupleValue((one,) * len(several.items))
        case None:
            found = DictValue({"train": one, "test": one, "validation": one}, complete=False)
        case _:
            found = one
    if arguments.get("with_info") == Constant(True):
        return TupleValue((found, _info(count)))
    return found


def _info(count: int | None) -> Value:
    classes: Value = Constant(count) if count is not None else Unknown()
    label = Dataset("feature", Unknown())
    label.slots["num_classes"] = classes
    info = Dataset("info", Unknown())
    info.slots["features"] = DictValue({"label": label}, complete=False)
    return info


def pipeline(machine: Machine, name: str, arguments: Arguments, site: Site) -> Value | None:
    """The beginning of a pipeline: arrays, a generator, files; None for what is none."""
    match name:
        case "from_tensor_slices":
            return _slices(machine, arguments.first("tensors"))
        case "from_generator":
            return _generated(machine, arguments, site)
        case "zip":
            return _zipped(machine, arguments)
        case "TextLineDataset" | "TFRecordDataset" | "list_files":
            return Dataset(name, Unknown("a record"))
        case "make_csv_dataset":
            return _of_columns(arguments, site)
        case _:
            return None


def _of_columns(arguments: Arguments, site: Site) -> Dataset:
    """``make_csv_dataset``: batches of columns by name, beside the column that is named as the label."""
    match arguments.get("label_name"):
        case Constant(str() as column):
            table = Table(site=site)
            return Dataset("make_csv_dataset", TupleValue((table, table.column(column))))
        case None:
            return Dataset("make_csv_dataset", Table(site=site))
        case _:
            return Dataset("make_csv_dataset", Unknown("a batch"))


def _slices(machine: Machine, given: Value | None) -> Value:
    """``from_tensor_slices``: the items of one or several arrays."""
    return Dataset("from_tensor_slices", _slice(machine, machine.state.narrow(given)) if given else Unknown())


def _slice(machine: Machine, given: Value) -> Value:
    match given:
        case TupleValue(items):
            return TupleValue(tuple(_slice(machine, machine.state.narrow(item)) for item in items))
        case ListValue():
            made = literals.array(machine, given, None, Origin("operation", "from_tensor_slices"))
            return iteration.element(machine, made)
        case DictValue():
            return DictValue({key: _slice(machine, value) for key, value in given.slots.items()}, given.complete)
        case _:
            return iteration.element(machine, given)


def _generated(machine: Machine, arguments: Arguments, site: Site) -> Value:
    """``from_generator``: what a generator gives, one item after the other, and what is said of the parts of each."""
    given = arguments.bind(("generator", "output_types", "output_shapes"))
    generator = given.get("generator")
    made = machine.call_with(generator) if generator is not None else Unknown()
    item = made.item if isinstance(made, Dataset) else Unknown("an item")
    match machine.state.narrow(item), given.get("output_types"), given.get("output_shapes"):
        case TupleValue(parts), TupleValue(types), TupleValue(sizes) if len(parts) == len(types) == len(sizes):
            item = TupleValue(tuple(map(partial(_declared, machine, site), parts, types, sizes)))
    return Dataset("from_generator", item)


def _declared(machine: Machine, site: Site, part: Value, dtype: Value, sizes: Value) -> Value:
    """A part of an item that is not followed, and that is said to be a single whole number."""
    if not isinstance(part, Unknown) or sizes != TupleValue(()) or requested(dtype, "") != "integer":
        return part
    return typed(machine, part, "integer", "output_types", site).derive(shape=Shape(()), inputs=())


def _zipped(machine: Machine, arguments: Arguments) -> Value:
    """``zip``: the items of several pipelines side by side."""
    match [machine.state.narrow(value) for value in arguments.positional]:
        case [TupleValue(items)]:
            parts = list(items)
        case [ListValue() as several]:
            parts = list(iteration.known_items(machine, several) or ())
        case parts:
            pass
    return Dataset("zip", TupleValue(tuple(iteration.element(machine, part) for part in parts)))


def method(machine: Machine, dataset: Dataset, name: str, arguments: Arguments) -> Value | None:
    """A method of a pipeline; None for any other."""
    match name:
        case "batch" | "padded_batch":
            return Dataset(dataset.name, batch(dataset.item))
        case "map":
            return Dataset("map", _mapped(machine, dataset.item, arguments.first("map_func", "function")))
        case "interleave" | "flat_map":
            return _mapped(machine, dataset.item, arguments.first("map_func"))
        case "next_batch" | "get_next":
            return dataset.item
        case _ if name in _SAME:
            return dataset
        case _:
            return None


def _mapped(machine: Machine, item: Value, function: Value | None) -> Value:
    """What a function makes of an item; a pair is passed as two arguments."""
    match function:
        case FunctionValue() | BoundMethod() | Partial():
            return (
                machine.call_with(function, *item.items)
                if isinstance(item, TupleValue)
                else machine.call_with(function, item)
            )
        case _:
            return Unknown("an item that was mapped")
