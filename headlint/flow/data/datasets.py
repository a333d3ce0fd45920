"""Data sets, and what is known of the labels that they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.data import labels, scikit_learn
from headlint.flow.python import iteration
from headlint.flow.tensors import shapes
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.library_values import Dataset
from headlint.flow.values.python_values import (
    Constant,
    FrameworkMethod,
    Instance,
    ListValue,
    Site,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Domain, Shape, Tensor
from headlint.frameworks import data, keras

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def call(machine: Machine, path: str, arguments: Arguments, at: int) -> Value | None:
    """Call something that makes or changes data; None when the name is none of these."""
    package, _, name = path.rpartition(".")
    site = machine.site(at)
    if package == "torchvision.datasets":
        return _torchvision(name, arguments, site)
    if package.startswith("keras.datasets") and name == "load_data":
        return _keras(package.rsplit(".", 1)[-1], arguments, site)
    if package.startswith("sklearn"):
        return scikit_learn.call(machine, name, arguments, site)
    if path in ("pandas.get_dummies",):
        return labels.one_hot(arguments.first("data"), "get_dummies(…)", site)
    if package == "torch.utils.data" or name in ("DataLoader", "random_split", "Subset", "ConcatDataset"):
        return _torch(machine, name, arguments)
    if name in ("image_dataset_from_directory", "text_dataset_from_directory"):
        return _directory(arguments.get("label_mode") or Constant("int"), site)
    if path == "keras.preprocessing.image.ImageDataGenerator" or name == "ImageDataGenerator":
        return Dataset("ImageDataGenerator", Unknown())
    if name == "from_tensor_slices":
        given = arguments.first("tensors")
        match machine.state.narrow(given) if given is not None else None:
            case TupleValue(items):
                return Dataset(name, TupleValue(tuple(iteration.element(machine, item) for item in items)))
            case _:
                return Dataset(name, Unknown())
    return None


def _torchvision(name: str, arguments: Arguments, site: Site) -> Value:
    classes = data.TORCHVISION_CLASSES.get(name)
    if arguments.get("target_transform", "target_type") is not None:
        return Dataset(name, Unknown())
    if name in ("ImageFolder", "DatasetFolder") or classes is not None:
        item = (Tensor(), labels.target("index", classes, "integer", name, site, Shape(())))
        return Dataset(name, TupleValue(item))
    return Dataset(name, Unknown())


def _keras(name: str, arguments: Arguments, site: Site) -> Value:
    source = f"the {name} data set"
    features = Tensor(Domain.UNKNOWN, Shape(keras.DATASET_SHAPES.get(name)))
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


def _torch(machine: Machine, name: str, arguments: Arguments) -> Value | None:
    given = arguments.first("dataset")
    match name:
        case "TensorDataset":
            return Dataset(name, TupleValue(tuple(iteration.element(machine, value) for value in arguments.positional)))
        case "Subset" | "ConcatDataset" if given is not None:
            return given
        case "random_split" if given is not None:
            return ListValue((given,), approximate=True)
        case "DataLoader" if given is not None:
            batched = arguments.get("collate_fn") is None
            return machine.state.distribute([given], lambda one: _loader(machine, one, batched))
        case _:
            return None


def _loader(machine: Machine, dataset: Value, batched: bool) -> Value:
    match dataset:
        case Dataset() | ListValue():
            item = iteration.element(machine, dataset)
        case Instance():
            item = iteration.element(machine, dataset)
        case _:
            return Dataset("DataLoader", Unknown("a batch"))
    loader = Dataset("DataLoader", _batch(item) if batched else Unknown("a batch"))
    loader.slots["dataset"] = dataset
    return loader


def _batch(item: Value) -> Value:
    match item:
        case Tensor():
            return item.derive(shape=shapes.with_axis(item.shape, 0, None), inputs=item.inputs, batched=True)
        case TupleValue(items):
            return TupleValue(tuple(_batch(one) for one in items))
        case ListValue():
            return item
        case Constant():
            return Unknown("a batch of numbers")
        case _:
            return item


def _directory(mode: Value, site: Site) -> Value:
    match mode:
        case Constant("int" | "sparse"):
            given: Value = labels.target("index", None, "integer", "the folder's labels", site, Shape((None,)), False)
        case Constant("categorical"):
            given = labels.target(
                "one_hot", None, "float", "class_mode='categorical'", site, Shape((None, None)), False
            )
        case Constant("binary"):
            given = labels.target("binary", 2, "float", "class_mode='binary'", site, Shape((None,)), False)
        case _:
            given = Unknown()
    return Dataset("directory", TupleValue((Tensor(), given)))


def call_method(machine: Machine, dataset: Dataset, name: str, arguments: Arguments, at: int) -> Value:
    """A method of a data set, a loader, a generator or an encoder of labels."""
    site = machine.site(at)
    prepared = scikit_learn.method(machine, dataset, name, arguments, site)
    if prepared is not None:
        return prepared
    match name:
        case "flow_from_directory" | "flow_from_dataframe":
            return _directory(arguments.get("class_mode") or Constant("categorical"), site)
        case "flow":
            bound = arguments.bind(("x", "y"))
            return Dataset(name, TupleValue((bound.get("x", Unknown()), bound.get("y", Unknown()))))
        case "batch" | "shuffle" | "prefetch" | "cache" | "repeat" | "take" | "skip" | "with_options":
            return dataset
        case "map":
            return Dataset("map", Unknown("an item that was mapped"))
        case "__iter__" | "as_numpy_iterator":
            return dataset
        case "next" | "__next__":
            return dataset.item
        case _:
            return Unknown()


def attribute(machine: Machine, dataset: Dataset, name: str) -> Value:
    """An attribute of a data set."""
    match name, dataset.item:
        case (("targets" | "labels" | "train_labels"), TupleValue((_, Tensor() as given))):
            return given.derive(shape=Shape((None,)), inputs=())
        case (("data" | "train_data"), TupleValue((Tensor() as features, _))):
            return features
        case (("classes" | "class_indices" | "num_classes" | "samples" | "n" | "batch_size"), _):
            return machine.globals.child((dataset, name))
        case "dataset", _:
            return dataset
        case _:
            return FrameworkMethod(dataset, name)
