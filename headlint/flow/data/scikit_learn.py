"""scikit-learn: data sets and their labels, what splits them, and what encodes and scales them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.data import labels
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.facts import PredictionUse
from headlint.flow.values.intervals import BELOW_ZERO, BOTH_SIGNS, STANDARDISED, UNIT, Interval
from headlint.flow.values.library_values import Dataset, Table
from headlint.flow.values.python_values import (
    Constant,
    DictValue,
    ListValue,
    Site,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Labels, Origin, Shape, Tensor
from headlint.frameworks import data

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

FITTED = "fitted on"
"""The slot of an encoder or scaler that holds what it was fitted on."""


def call(machine: Machine, name: str, arguments: Arguments, site: Site) -> Value | None:
    """A function or class of scikit-learn; None where it says nothing of labels."""
    match name:
        case "train_test_split":
            given = [machine.state.narrow(value) for value in arguments.positional]
            return TupleValue(tuple(part for value in given for part in (some_rows(value), some_rows(value))))
        case "shuffle" | "resample" if arguments.positional:
            several = tuple(arguments.positional)
            return several[0] if len(several) == 1 else TupleValue(several)
        case "KFold" | "StratifiedKFold" | "ShuffleSplit" | "StratifiedShuffleSplit" | "TimeSeriesSplit":
            return Dataset(name, Unknown())
        case "accuracy_score":
            _note_accuracy(machine, arguments, site)
            return None
        case "label_binarize":
            return labels.one_hot(arguments.first("y"), "label_binarize(…)", site)
        case "scale" | "minmax_scale" | "maxabs_scale" | "robust_scale":
            scaler = {"scale": "StandardScaler", "minmax_scale": "MinMaxScaler", "robust_scale": "RobustScaler"}
            return _scaled(machine, Dataset(scaler.get(name, name), Unknown()), arguments.first("X"), site)
    if name in _ENCODERS or name in _SCALERS:
        made = Dataset(name, Unknown())
        made.slots.update(
            {("argument", key): value for key, value in arguments.bind(_PARAMETERS.get(name, ())).items()}
        )
        return made
    found = _labels_of(name, arguments, site)
    return _bunch(machine, name, Tensor(shape=Shape((None, None))), found, arguments) if found is not None else None


def _note_accuracy(machine: Machine, arguments: Arguments, site: Site) -> None:
    """``accuracy_score(true, predicted)`` counts the answers that are equal to the labels."""
    predicted = arguments.bind(("y_true", "y_pred")).get("y_pred")
    for option in machine.state.alternatives(predicted) if predicted is not None else ():
        if isinstance(option.value, Tensor):
            machine.emit(PredictionUse, site, kind="equality", tensor=option.value)


def _labels_of(name: str, arguments: Arguments, site: Site) -> Tensor | None:
    """The labels that a data set or a generator of scikit-learn gives."""
    source = f"{name}(…)"
    if name == "make_multilabel_classification":
        count = _integer(arguments, "n_classes", 2, 5)
        return labels.target("multi_hot", count, "integer", source, site, Shape((None, count)), False, UNIT)
    if name == "fetch_openml":
        return _of_openml(arguments, source, site)
    if name in data.SKLEARN_GENERATORS:
        parameter, default = data.SKLEARN_GENERATORS[name]
        return labels.classes(_integer(arguments, parameter, None, default), source, site)
    if name in data.SKLEARN_CLASSES:
        return labels.classes(_integer(arguments, "n_class", None, data.SKLEARN_CLASSES[name]), source, site)
    if name in data.SKLEARN_REGRESSION:
        low, high = data.SKLEARN_REGRESSION[name]
        columns = _integer(arguments, "n_targets", 3, 1) if name == "make_regression" else 1
        return labels.amounts(low, high, source, site, 3 if name == "load_linnerud" else columns)
    return None


def _of_openml(arguments: Arguments, source: str, site: Site) -> Tensor | None:
    """``fetch_openml("mnist_784")`` gives the names of classes, as texts."""
    match arguments.first("name"):
        case Constant(str() as known) if known in data.OPENML_CLASSES:
            return labels.classes(data.OPENML_CLASSES[known], source, site, dtype="")
        case _:
            return None


def _integer(arguments: Arguments, name: str, position: int | None, default: int | None) -> int | None:
    """An argument, by its name or place; the default where it is not given, None where it is not known."""
    value = arguments.get(name) if name else None
    if value is None and position is not None and len(arguments.positional) > position:
        value = arguments.positional[position]
    match value:
        case None:
            return default
        case Constant(int() as number) if not isinstance(number, bool):
            return number
        case _:
            return None


def _bunch(machine: Machine, name: str, features: Tensor, found: Tensor, arguments: Arguments) -> Value:
    if name.startswith("make_") or arguments.get("return_X_y") == Constant(True):
        return TupleValue((features, found))
    return DictValue({"data": features, "target": found}, complete=False)


def some_rows(value: Value) -> Value:
    """Some of the rows of an array or list."""
    match value:
        case Tensor() if value.shape.dims:
            return value.derive(shape=Shape((None, *value.shape.dims[1:])))
        case ListValue():
            return ListValue(value.items, approximate=True)
        case _:
            return value


# Encoders and scalers

_ENCODERS = frozenset(
    {"LabelEncoder", "OrdinalEncoder", "OneHotEncoder", "LabelBinarizer", "MultiLabelBinarizer", "KBinsDiscretizer"}
)
_SCALERS: dict[str, Interval | None] = {
    "MinMaxScaler": UNIT,
    "StandardScaler": STANDARDISED,
    "RobustScaler": Interval(BELOW_ZERO, -BELOW_ZERO),
    "PowerTransformer": STANDARDISED,
    "QuantileTransformer": UNIT,
    "MaxAbsScaler": None,
    "Normalizer": None,
}
"""How far the numbers reach that a scaler gives."""

_PARAMETERS = {
    "MinMaxScaler": ("feature_range",),
    "StandardScaler": ("copy", "with_mean"),
    "KBinsDiscretizer": ("n_bins", "encode"),
}


def method(machine: Machine, preparer: Dataset, name: str, arguments: Arguments, site: Site) -> Value | None:
    """``fit``, ``transform``, ``fit_transform``, ``split`` …; None for what is no encoder, scaler or splitter."""
    if preparer.name in _ENCODERS or preparer.name in _SCALERS:
        given = arguments.first("X", "y")
        match name:
            case "fit":
                machine.state.write(preparer, FITTED, given or Unknown())
                return preparer
            case "fit_transform" | "transform" if preparer.name in _SCALERS:
                return _scaled(machine, preparer, given, site)
            case "fit_transform" | "transform":
                return _encoded(machine, preparer, given, site)
            case _:
                return Unknown()
    return None


def _encoded(machine: Machine, encoder: Dataset, value: Value | None, site: Site) -> Value:
    known = machine.state.narrow(value) if value is not None else None
    fitted = machine.read(encoder, FITTED)
    count = _classes_of(known) or _classes_of(machine.state.narrow(fitted) if fitted is not None else None)
    match encoder.name:
        case "OneHotEncoder":
            return labels.one_hot(known, "OneHotEncoder", site)
        case "LabelBinarizer" if count is not None and count > 2:
            return labels.target("one_hot", count, "integer", "LabelBinarizer", site, Shape((None, count)), False)
        case "LabelBinarizer":
            if count == 2:
                return labels.target("binary", 2, "integer", "LabelBinarizer", site, Shape((None, 1)), True)
            return Tensor(origin=Origin("labels", "LabelBinarizer", site))
        case "MultiLabelBinarizer":
            return labels.target("multi_hot", None, "integer", "MultiLabelBinarizer", site, Shape((None, None)), False)
        case "KBinsDiscretizer":
            return _binned(machine, encoder, known, site)
        case "OrdinalEncoder":
            column = _is_column(known)
            return labels.target(
                "index", None, "float", "OrdinalEncoder", site, Shape((None, 1 if column else None)), column
            )
        case _:
            return labels.target("index", count, "integer", "LabelEncoder", site, Shape((None,)), False)


def _is_column(value: Value | None) -> bool | None:
    """Whether an array or a table has one column; None where that is not known."""
    match value:
        case Table(complete=True):
            return len(value.slots) == 1
        case Tensor() if value.shape.rank == 2:
            return value.shape.units == 1 or None
        case _:
            return None


def _binned(machine: Machine, binner: Dataset, column: Value | None, site: Site) -> Tensor:
    """One column in bins: the number of the bin, or a row for the bins with a single one."""
    source, bins = "KBinsDiscretizer", machine.read(binner, ("argument", "n_bins"))
    given = bins.value if isinstance(bins, Constant) and isinstance(bins.value, int) else None
    count = 5 if bins is None else given
    match machine.read(binner, ("argument", "encode")):
        case Constant("ordinal"):
            return labels.target("index", count, "float", source, site, Shape((None, None)))
        case None | Constant("onehot" | "onehot-dense") if isinstance(column, Tensor) and column.shape.size(1) == 1:
            return labels.target("one_hot", count, "float", source, site, Shape((None, count)), False)
        case _:
            return Tensor(origin=Origin("labels", source, site))


def _classes_of(value: Value | None) -> int | None:
    return value.labels.classes if isinstance(value, Tensor) and value.labels is not None else None


def _scaled(machine: Machine, scaler: Dataset, value: Value | None, site: Site) -> Value:
    known = machine.state.narrow(value) if value is not None else None
    shape = known.shape if isinstance(known, Tensor) else ANY_SHAPE
    before = known.labels if isinstance(known, Tensor) else None
    if before is not None and before.encoding in ("one_hot", "multi_hot", "binary", "index"):
        return Tensor(shape=shape, origin=Origin("labels", scaler.name, site))
    column = shape.rank == 2 and shape.units == 1 if shape.rank is not None else None
    source = f"{before.source}, scaled by {scaler.name}" if before is not None and before.source else scaler.name
    found = Labels("values", None, "float", column, source, site=site, interval=_range(machine, scaler))
    inputs = (known,) if isinstance(known, Tensor) else ()
    return Tensor(Domain.UNKNOWN, shape, Origin("labels", scaler.name, site), inputs, labels=found)


def _range(machine: Machine, scaler: Dataset) -> Interval | None:
    if machine.read(scaler, ("argument", "with_mean")) == Constant(False):
        return None
    if scaler.name == "QuantileTransformer":
        given = machine.read(scaler, ("argument", "output_distribution"))
        return UNIT if given in (None, Constant("uniform")) else STANDARDISED
    match machine.read(scaler, ("argument", "feature_range")):
        case None:
            return _SCALERS[scaler.name]
        case TupleValue((Constant(int() | float() as low), Constant(int() | float() as high))):
            return BOTH_SIGNS if (low, high) == (-1, 1) else Interval(low, high)
        case _:
            return None
