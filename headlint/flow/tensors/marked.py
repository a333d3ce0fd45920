"""Ones that a program puts into zeros at the places of the classes: one-hot rows."""

from __future__ import annotations

from headlint.flow.values.intervals import Interval
from headlint.flow.values.library_values import Dataset
from headlint.flow.values.python_values import Constant, Site, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Domain, Labels, Origin, Tensor


def marked(tensor: Tensor, key: Value, value: Value, site: Site, item: Value | None) -> Tensor | None:
    """Zeros with a one at the place of a class, in each row; None where it is not known to be one a row.

    ``item`` is what the innermost loop goes through, where the zeros were there before its round.
    """
    labels = tensor.labels
    zeros = labels is not None and labels.encoding == "constant" and labels.interval == Interval(0, 0)
    if not zeros or not isinstance(value, Constant) or value.value not in (1, True):
        return None
    match key, tensor.shape.rank:
        case TupleValue(items=(counted, Tensor() as place)), 2 if _counts_rows(counted, place):
            return _one_hot(tensor, "a one in each row", site)
        case TupleValue(items=(counted, Unknown(is_whole_number=True))), 2 if _is_counted_by(counted, item):
            return _one_hot(tensor, "a one in each row", site)
        case (Unknown(is_whole_number=True) | Tensor()) as place, 1 if item is None and _is_single(place):
            return _one_hot(tensor, "a one among zeros", site)
        case _:
            return None


def _one_hot(zeros: Tensor, source: str, site: Site) -> Tensor:
    known = Labels("one_hot", zeros.shape.units, "float", False, source, exclusive=True, site=site)
    return zeros.derive(domain=Domain.ONE_HOT, labels=known, origin=Origin("operation", "[…] =", site))


def _is_single(place: Value) -> bool:
    """Whether an index is a single number."""
    return not isinstance(place, Tensor) or (place.shape.rank == 0 and place.domain is not Domain.ONE_HOT)


def _is_counted_by(counted: Value, item: Value | None) -> bool:
    """Whether an index is the number that the innermost loop counts: there is one place for each."""
    match item:
        case TupleValue(items=(number, *_)):
            return counted is number
        case Unknown(is_whole_number=True):
            return counted is item
        case _:
            return False


def _counts_rows(counted: Value, place: Tensor) -> bool:
    """Whether an index goes through the rows, beside one number for each of them."""
    match counted:
        case Tensor(labels=Labels(encoding="range")) | Dataset(name="range"):
            return True
        case Unknown(is_whole_number=True):
            several = place.inputs[0] if place.inputs else place
            in_rows = any(part.shape.rank != 1 for part in several.inputs)  # then each row may have several
            return place.shape.rank == 0 and several.shape.rank == 1 and not in_rows
        case _:
            return False
