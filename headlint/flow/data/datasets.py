"""Data sets, and what is known of the labels that they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.data import hugging_face, pixels, scikit_learn, tables, tensorflow_data, torch_data, torchtext
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.library_values import Dataset, Rows, Table
from headlint.flow.values.python_values import Constant, FrameworkMethod, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def call(machine: Machine, path: str, arguments: Arguments, at: int) -> Value | None:
    """Call something that makes or changes data; None when the name is none of these."""
    package, _, name = path.rpartition(".")
    site = machine.site(at)
    if package == "torchvision.datasets":
        return torch_data.torchvision(name, arguments, site)
    if package.startswith("torchvision.transforms"):
        return pixels.transform(machine, name, arguments)
    if package.startswith("torchtext") and (fields := torchtext.call(machine, path, arguments, site)) is not None:
        return fields
    if package == "torchtext.datasets":
        return torch_data.torchtext(name, arguments, site)
    if package.startswith("keras.datasets") and name == "load_data":
        return tensorflow_data.keras_arrays(package.rsplit(".", 1)[-1], arguments, site)
    if package.startswith("sklearn"):
        return scikit_learn.call(machine, name, arguments, site)
    if package.startswith("pandas") or path in tables.ARRAYS_OF_FILES:
        return tables.call(machine, path, arguments, site)
    if package == "torch.utils.data" or name in ("DataLoader", "random_split", "Subset", "ConcatDataset"):
        return torch_data.call(machine, name, arguments, site)
    if name in ("image_dataset_from_directory", "text_dataset_from_directory"):
        mode, names = arguments.get("label_mode") or Constant("int"), arguments.get("class_names")
        return tensorflow_data.directory(machine, mode, names, site)
    if name in ("TimeseriesGenerator", "timeseries_dataset_from_array"):
        return tensorflow_data.windows(machine, name, arguments)
    if path == "keras.preprocessing.image.ImageDataGenerator" or name == "ImageDataGenerator":
        return Dataset("ImageDataGenerator", Unknown())
    if path.startswith("tensorflow.data."):
        return tensorflow_data.pipeline(machine, name, arguments, site)
    if name == "read_data_sets":
        return tensorflow_data.examples_of_tutorial(arguments, site)
    if path == "datasets.load_dataset":
        return hugging_face.load(arguments, site)
    if path == "tensorflow_datasets.load":
        return tensorflow_data.catalogue(arguments, site)
    return None


def call_method(machine: Machine, dataset: Dataset, name: str, arguments: Arguments, at: int) -> Value:
    """A method of a data set, a loader, a generator or an encoder of labels."""
    site = machine.site(at)
    if isinstance(dataset, Table):
        return tables.method(machine, dataset, name, arguments)
    if isinstance(dataset, Rows):
        return hugging_face.method(machine, dataset, name, arguments)
    if (parts := torchtext.method(dataset, name)) is not None:
        return parts
    prepared = scikit_learn.method(machine, dataset, name, arguments, site)
    if prepared is not None:
        return prepared
    passed_on = tensorflow_data.method(machine, dataset, name, arguments)
    if passed_on is not None:
        return passed_on
    match name:
        case "flow_from_directory" | "flow_from_dataframe":
            mode = arguments.get("class_mode") or Constant("categorical")
            return tensorflow_data.directory(machine, mode, arguments.get("classes"), site)
        case "flow":
            bound = arguments.bind(("x", "y"))
            return Dataset(name, TupleValue((bound.get("x", Unknown()), bound.get("y", Unknown()))))
        case "__iter__" | "as_numpy_iterator":
            return dataset
        case "next" | "__next__":
            return dataset.item
        case _:
            return Unknown()


def attribute(machine: Machine, dataset: Dataset, name: str) -> Value:
    """An attribute of a data set."""
    if isinstance(dataset, Table):
        return tables.attribute(machine, dataset, name)
    if isinstance(dataset, Rows) and name == "features":
        return hugging_face.features(machine, dataset)
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
