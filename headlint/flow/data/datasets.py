"""Data sets, and what is known of the labels that they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.python import iteration
from headlint.flow.tensors import shapes
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.library_values import Dataset
from headlint.flow.values.python_values import (
    Constant,
    DictValue,
    FrameworkMethod,
    Instance,
    ListValue,
    Site,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Labels, Origin, Shape, Tensor
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
        return _sklearn(machine, name, arguments, site)
    if path in ("pandas.get_dummies",):
        return one_hot(machine, arguments.first("data"), "get_dummies(…)", site)
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


def target(
    encoding: str,
    classes: int | None,
    dtype: str,
    source: str,
    site: Site,
    shape: Shape = ANY_SHAPE,
    column: bool | None = None,
) -> Tensor:
    """Labels of a known kind."""
    domain = Domain.ONE_HOT if encoding == "one_hot" else Domain.TARGET
    labels = Labels(encoding, classes, dtype, column, source, exclusive=encoding in ("index", "one_hot"), site=site)
    return Tensor(domain, shape, Origin("labels", source, site), labels=labels)


def _torchvision(name: str, arguments: Arguments, site: Site) -> Value:
    classes = data.TORCHVISION_CLASSES.get(name)
    if arguments.get("target_transform", "target_type") is not None:
        return Dataset(name, Unknown())
    if name in ("ImageFolder", "DatasetFolder") or classes is not None:
        item = (Tensor(), target("index", classes, "integer", f"{name}", site, Shape(())))
        return Dataset(name, TupleValue(item))
    return Dataset(name, Unknown())


def _keras(name: str, arguments: Arguments, site: Site) -> Value:
    source = f"the {name} data set"
    if name in keras.REGRESSION_DATASETS:
        labels = target("values", None, "float", source, site, Shape((None,)), False)
        images = Tensor()
    elif name in keras.DATASET_CLASSES:
        coarse = arguments.first("label_mode") == Constant("coarse")
        classes = 20 if coarse else keras.DATASET_CLASSES[name]
        column = name.startswith("cifar")
        encoding = "binary" if classes == 2 else "index"
        labels = target(encoding, classes, "integer", source, site, Shape((None, 1) if column else (None,)), column)
        dims = {
            "mnist": (None, 28, 28),
            "fashion_mnist": (None, 28, 28),
            "cifar10": (None, 32, 32, 3),
            "cifar100": (None, 32, 32, 3),
        }
        images = Tensor(Domain.UNKNOWN, Shape(dims.get(name)))
    else:
        return Unknown()
    return TupleValue((TupleValue((images, labels)), TupleValue((images, labels))))


def _sklearn(machine: Machine, name: str, arguments: Arguments, site: Site) -> Value | None:
    if name == "train_test_split":
        return TupleValue(
            tuple(part for value in arguments.positional for part in (_some_rows(value), _some_rows(value)))
        )
    if name in data.SKLEARN_CLASSES or name in data.SKLEARN_GENERATORS:
        classes = data.SKLEARN_CLASSES.get(name)
        if name in data.SKLEARN_GENERATORS:
            parameter, default = data.SKLEARN_GENERATORS[name]
            given = arguments.get(parameter)
            classes = (
                default
                if given is None
                else (given.value if isinstance(given, Constant) and isinstance(given.value, int) else None)
            )
        labels = target(
            "binary" if classes == 2 else "index", classes, "integer", f"{name}(…)", site, Shape((None,)), False
        )
        return _bunch(name, Tensor(), labels, arguments)
    if name in data.SKLEARN_REGRESSION:
        labels = target("values", None, "float", f"{name}(…)", site, Shape((None,)), False)
        return _bunch(name, Tensor(), labels, arguments)
    if name in ("LabelEncoder", "OneHotEncoder", "LabelBinarizer", "OrdinalEncoder"):
        return Dataset(name, Unknown())
    return None


def _bunch(name: str, features: Tensor, labels: Tensor, arguments: Arguments) -> Value:
    if name.startswith("make_") or arguments.get("return_X_y") == Constant(True):
        return TupleValue((features, labels))
    return DictValue({"data": features, "target": labels}, complete=False)


def _some_rows(value: Value) -> Value:
    match value:
        case Tensor() if value.shape.dims:
            return value.derive(shape=Shape((None, *value.shape.dims[1:])))
        case _:
            return value


def one_hot(machine: Machine, value: Value | None, source: str, site: Site) -> Tensor:
    """Labels as rows with a single one."""
    classes = value.labels.classes if isinstance(value, Tensor) and value.labels is not None else None
    return target("one_hot", classes, "float", source, site, Shape((None, classes)), False)


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
            return item.derive(shape=shapes.with_axis(item.shape, 0, None), inputs=item.inputs)
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
            labels: Value = target("index", None, "integer", "the folder's labels", site, Shape((None,)), False)
        case Constant("categorical"):
            labels = target("one_hot", None, "float", "class_mode='categorical'", site, Shape((None, None)), False)
        case Constant("binary"):
            labels = target("binary", 2, "float", "class_mode='binary'", site, Shape((None,)), False)
        case _:
            labels = Unknown()
    return Dataset("directory", TupleValue((Tensor(), labels)))


def call_method(machine: Machine, dataset: Dataset, name: str, arguments: Arguments, at: int) -> Value:
    """A method of a data set, a loader, a generator or an encoder of labels."""
    site = machine.site(at)
    match name:
        case "flow_from_directory" | "flow_from_dataframe":
            return _directory(arguments.get("class_mode") or Constant("categorical"), site)
        case "flow":
            bound = arguments.bind(("x", "y"))
            return Dataset(name, TupleValue((bound.get("x", Unknown()), bound.get("y", Unknown()))))
        case "fit_transform" | "transform" if dataset.name == "OneHotEncoder":
            return one_hot(machine, arguments.first("X"), "OneHotEncoder", site)
        case "fit_transform" | "transform" if dataset.name in ("LabelEncoder", "OrdinalEncoder"):
            return target(
                "index", None, "integer", dataset.name, site, Shape((None,)), dataset.name == "OrdinalEncoder"
            )
        case "fit_transform" | "transform" | "toarray":
            return Unknown()
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
        case (("targets" | "labels" | "train_labels"), TupleValue((_, Tensor() as labels))):
            return labels.derive(shape=Shape((None,)), inputs=())
        case (("data" | "train_data"), TupleValue((Tensor() as features, _))):
            return features
        case (("classes" | "class_indices" | "num_classes" | "samples" | "n" | "batch_size"), _):
            return machine.globals.child((dataset, name))
        case "dataset", _:
            return dataset
        case _:
            return FrameworkMethod(dataset, name)
