"""What is known of the numbers in arrays of data: how far they reach, and whether they are classes or amounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, exp, expm1, floor, log, log1p, log2, log10, pi, sin, sqrt, tanh

from msgspec.structs import replace

from headlint.flow.values.intervals import BELOW_ZERO, STANDARDISED, UNIT, Interval, spanned
from headlint.flow.values.python_values import Site
from headlint.flow.values.tensor_values import Labels, Tensor

MOST_CLASSES = 50
"""A list of numbers with more different ones than this is hardly one of classes."""

SMALL = 0.01
"""Numbers that are added so that nothing is divided by zero are smaller than this."""

LARGEST = 1e30
"""Arrays are not reckoned with beyond this: infinities, what is no number, and marks for "none"."""

HIGHEST_POWER = 8


def amounts(
    source: str, site: Site | None, low: float | None, high: float | None, dtype: str = "float", noise: bool = False
) -> Labels:
    """Numbers that are no classes, between two bounds if these are known."""
    interval = Interval(low, high) if low is not None and high is not None else None
    return Labels("values", None, dtype, None, source, site=site, interval=interval, noise=noise)


def written_out(rows: Sequence[Sequence[float]], column: bool | None, dtype: str, source: str, site: Site) -> Labels:
    """Labels whose numbers stand in the program, as rows of the last axis (a plain list is one of rows of one)."""
    numbers = [number for row in rows for number in row]
    if not all(abs(number) < LARGEST for number in numbers):
        return Labels("", None, dtype, column, source, site=site)
    interval = spanned([float(number) for number in numbers])
    encoding, classes = _kind_of(rows, numbers)
    counting = encoding == "index" and len(numbers) == classes
    return Labels(encoding, classes, dtype, column, source, False, encoding == "one_hot", site, interval, counting)


def _kind_of(rows: Sequence[Sequence[float]], numbers: Sequence[float]) -> tuple[str, int | None]:
    distinct = set(numbers)
    width = len(rows[0])
    if any(number != floor(number) for number in distinct):
        return "values", None
    if width > 1:
        if distinct != {0, 1} or len(rows) < 2:
            return "values" if _far_apart(distinct) else "", None
        single = all(sum(row) == 1 for row in rows)
        return ("one_hot", width) if single and len(set(map(tuple, rows))) > 1 else ("multi_hot", None)
    if distinct == {0, 1}:
        return "binary", 2
    if distinct == set(range(len(distinct))) and 1 < len(distinct) <= MOST_CLASSES:
        return "index", len(distinct)
    return "values" if _far_apart(distinct) else "", None


_IGNORED = -100
"""Losses leave out the samples with this label, unless they are given another ``ignore_index``."""


def _far_apart(distinct: set[float]) -> bool:
    """Whether integers are too far apart, or too low, to be the numbers of classes: 7 and 12 are none."""
    if _IGNORED in distinct:
        return False
    return min(distinct) < -1 or max(distinct) >= 2 * len(distinct) > 2


# Arithmetic


def with_number(symbol: str, labels: Labels, number: float | None, labels_first: bool) -> Labels | None:
    """What arithmetic with a plain number makes of labels."""
    if symbol == "%" and labels_first:
        return _remainder(labels, number)
    if number is None or labels.encoding in ("one_hot", "multi_hot"):
        return replace(labels, interval=None) if labels.encoding == "values" else None
    interval = _interval_with_number(symbol, labels.interval, number, labels_first)
    becomes_float = symbol == "/" or isinstance(number, float)
    dtype = "float" if becomes_float else labels.dtype
    moved = (symbol, number) not in (("*", 1), ("+", 0), ("-", 0), ("/", 1))
    if symbol in ("+", "-") and labels_first and labels.encoding == "index" and isinstance(number, int):
        return _counted_from_elsewhere(labels, interval)
    encoding = labels.encoding
    if encoding == "values" and dtype == "integer" and moved and symbol in ("+", "-"):
        encoding = ""  # 5, 6 and 7 are the classes 0, 1 and 2 once 5 is taken from them
    if encoding in ("index", "binary", "range"):
        encoding = "values" if encoding == "range" and becomes_float else "range" if encoding == "range" else ""
    return replace(
        labels, encoding=encoding, classes=None, dtype=dtype, interval=interval, noise=labels.noise and not moved
    )


def _counted_from_elsewhere(labels: Labels, interval: Interval | None) -> Labels:
    """Class numbers that start at another number, as when they are counted from 1."""
    if interval is None or interval.low < 0:
        return replace(
            labels, classes=None, interval=interval, encoding="" if interval is not None else labels.encoding
        )
    return replace(labels, classes=int(interval.high) + 1, interval=interval)


def _remainder(labels: Labels, number: float | None) -> Labels | None:
    if labels.dtype != "integer" or not isinstance(number, int) or not 1 < number <= MOST_CLASSES:
        return None
    encoding = "binary" if number == 2 else "index"
    return replace(labels, encoding=encoding, classes=number, interval=Interval(0, number - 1))


def _interval_with_number(symbol: str, interval: Interval | None, number: float, labels_first: bool) -> Interval | None:
    if interval is None or not abs(number) < LARGEST:
        return None
    found = _moved_or_scaled(symbol, interval, float(number), labels_first)
    return found if found is not None and max(abs(found.low), abs(found.high)) < LARGEST else None


def _moved_or_scaled(symbol: str, interval: Interval, number: float, labels_first: bool) -> Interval | None:
    match symbol, labels_first:
        case "+", _:
            return interval.moved(number)
        case "*", _:
            return interval.scaled(number)
        case "-", True:
            return interval.moved(-number)
        case "-", False:
            return (-interval).moved(number)
        case "/", True if number != 0:
            return interval.scaled(1 / number)
        case "**", True:
            return _power(interval, number)
        case _:
            return None


def _power(interval: Interval, exponent: float) -> Interval | None:
    if not 0 < exponent <= HIGHEST_POWER or max(abs(interval.low), abs(interval.high)) >= LARGEST:
        return None
    if exponent == floor(exponent):
        ends = sorted((interval.low**exponent, interval.high**exponent))
        through_zero = exponent % 2 == 0 and interval.low < 0 < interval.high
        return Interval(0 if through_zero else ends[0], ends[1])
    if interval.low >= 0:
        return Interval(interval.low**exponent, interval.high**exponent)
    return None


def of_two(symbol: str, first: Tensor, second: Tensor) -> Labels | None:
    """What arithmetic with another array makes of labels."""
    scaled = _rescaled(symbol, first, second)
    if scaled is not None:
        return scaled
    one, two = first.labels, second.labels
    if one is None or two is None or not {one.encoding, two.encoding} <= {"values", "range", "index", "binary", ""}:
        return None
    interval = None
    if one.interval is not None and two.interval is not None and first is not second:
        if symbol == "+":
            interval = one.interval.plus(two.interval)
        elif symbol == "-":
            interval = one.interval.plus(-two.interval)
    larger = one if not one.noise else two
    dtype = "float" if "float" in (one.dtype, two.dtype) or symbol == "/" else one.dtype
    encoding = "values" if dtype == "float" else "range"
    if not {one.encoding, two.encoding} <= {"values", "range"}:
        encoding = ""
    return replace(larger, encoding=encoding, classes=None, dtype=dtype, interval=interval, noise=False)


def _rescaled(symbol: str, first: Tensor, second: Tensor) -> Labels | None:
    """Numbers brought to a known range: by their least and largest, by mean and deviation, or by the mean alone."""
    before = first.labels or (first.inputs[0].labels if first.inputs else None)
    if before is not None and before.encoding not in ("values", "range", ""):
        return None
    source = before.source if before is not None and before.source else "the scaled values"
    divisor = _without_small_number(second)
    if symbol == "/" and first.origin.note == "subtract" and len(first.inputs) == 2:
        taken_off = first.inputs[1]
        if _is(taken_off, _LEAST) and _spread(divisor):
            return amounts(source, None, UNIT.low, UNIT.high)
        if _is(taken_off, _MEAN) and _is(divisor, _DEVIATION):
            return amounts(source, None, STANDARDISED.low, STANDARDISED.high)
    if symbol == "/" and _is(divisor, _LARGEST) and before is not None and before.interval is not None:
        low, high = before.interval.low, before.interval.high
        return amounts(source, None, low / high, 1) if low >= 0 < high else amounts(source, None, None, None)
    if symbol == "-" and _is(second, _MEAN) and second.inputs[0] is first and before is not None:
        return replace(
            before, encoding="values", dtype="float", interval=Interval(BELOW_ZERO, -BELOW_ZERO), noise=False
        )
    return None


_LEAST = frozenset({"min", "amin", "nanmin"})
_LARGEST = frozenset({"max", "amax", "nanmax"})
_MEAN = frozenset({"mean", "average", "nanmean", "reduce_mean"})
_DEVIATION = frozenset({"std", "nanstd", "reduce_std"})


def _is(tensor: Tensor, names: frozenset[str]) -> bool:
    """Whether a tensor is what one of these functions made of another."""
    return (
        tensor.origin.role == "operation" and tensor.origin.name.rsplit(".", 1)[-1] in names and len(tensor.inputs) == 1
    )


def _spread(tensor: Tensor) -> bool:
    """The largest less the least, or ``ptp``."""
    if _is(tensor, frozenset({"ptp"})):
        return True
    if tensor.origin.note != "subtract" or len(tensor.inputs) != 2:
        return False
    largest, least = tensor.inputs
    return _is(largest, _LARGEST) and _is(least, _LEAST)


def _without_small_number(tensor: Tensor) -> Tensor:
    """What a small number was added to, so that nothing is divided by zero."""
    added = tensor.origin.note == "add" and len(tensor.inputs) == 1
    return tensor.inputs[0] if added else tensor


def negated(labels: Labels | None) -> Labels | None:
    """Labels with the other sign."""
    if labels is None or labels.encoding not in ("values", "range"):
        return None
    return replace(labels, interval=-labels.interval if labels.interval is not None else None)


def compared(tensor: Tensor, source: str, site: Site) -> Labels | None:
    """The answers, yes or no, that a comparison of data gives."""
    if tensor.labels is None:
        return None
    known = tensor.labels
    if known.encoding == "binary" and known.dtype == "boolean":
        return known
    named = f"{known.source}, compared" if known.source else source
    rank, width = tensor.shape.rank or 0, tensor.shape.units
    if rank > 2 or (rank == 2 and width != 1 and (width is not None or known.column is False)):
        return Labels("multi_hot", None, "boolean", False, named, site=site, interval=UNIT, noise=known.noise)
    return Labels("binary", 2, "boolean", known.column, named, site=site, interval=UNIT, noise=known.noise)


def either(condition: Tensor, yes: float, no: float, site: Site) -> Labels | None:
    """The answers of a comparison, written as two numbers."""
    answers = compared(condition, "where(…)", site)
    if answers is None:
        return None
    interval = Interval(min(yes, no), max(yes, no))
    if {yes, no} == {0, 1}:
        return replace(answers, dtype="integer", interval=interval)
    return replace(answers, encoding="", classes=None, dtype="", interval=interval)


# Functions of one number

_MONOTONE: dict[str, tuple[float, Callable[[float], float]]] = {
    # from where on the function is defined
    "exp": (-700, exp),
    "expm1": (-700, expm1),
    "sqrt": (0, sqrt),
    "log": (1e-300, log),
    "log2": (1e-300, log2),
    "log10": (1e-300, log10),
    "log1p": (-1 + 1e-12, log1p),
    "tanh": (-1e300, tanh),
}
_STEPS = 64


def under(name: str, labels: Labels | None) -> Labels | None:
    """What a function that is applied to each number makes of labels."""
    if labels is None or labels.encoding not in ("values", "range", ""):
        return None
    return replace(labels, encoding="values", dtype="float", interval=_image(name, labels.interval))


def _image(name: str, interval: Interval | None) -> Interval | None:
    if interval is None or interval.high > 700:
        return None
    if name in ("sin", "cos"):
        function = sin if name == "sin" else cos
        if interval.high - interval.low >= 2 * pi:
            return Interval(-1, 1)
        step = (interval.high - interval.low) / _STEPS
        return spanned([function(interval.low + step * index) for index in range(_STEPS + 1)])
    if name in ("abs", "absolute", "fabs"):
        return spanned([abs(interval.low), abs(interval.high)])
    if name == "square":
        return _power(interval, 2)
    start, monotone = _MONOTONE.get(name, (1.0, abs))
    if name not in _MONOTONE or interval.low < start:
        return None
    return Interval(monotone(interval.low), monotone(interval.high))


def clipped(labels: Labels | None, low: object, high: object) -> Labels | None:
    """Labels whose numbers are kept between bounds."""
    if labels is None or labels.interval is None:
        return labels
    bottom = low if isinstance(low, int | float) else -1e300
    top = high if isinstance(high, int | float) else 1e300
    return replace(labels, interval=labels.interval.clipped(float(bottom), float(top)))


def reduced(labels: Labels | None) -> Labels | None:
    """Sums or means over an axis: amounts, how far they reach depends on how the numbers meet."""
    if labels is None or labels.encoding not in ("values", "range"):
        return None
    return replace(labels, encoding="values", interval=None)


# Putting together


def joined(parts: Sequence[Labels | None]) -> Labels | None:
    """The labels of arrays that are put behind each other."""
    known = [part for part in parts if part is not None]
    if not known or len(known) != len(parts):
        return None
    first = known[0]
    dtype = first.dtype if all(part.dtype == first.dtype for part in known) else ""
    bounds = [part.interval for part in known if part.interval is not None]
    interval = None
    if len(bounds) == len(known):
        interval = spanned([end for bound in bounds for end in (bound.low, bound.high)])
    encodings = {part.encoding for part in known}
    if encodings == {"constant"}:
        return _of_constants(known, dtype, interval)
    if len(encodings) != 1:
        return None
    classes = first.classes if all(part.classes == first.classes for part in known) else None
    noise = all(part.noise for part in known)
    return replace(first, dtype=dtype, interval=interval, classes=classes, noise=noise)


def _of_constants(known: Sequence[Labels], dtype: str, interval: Interval | None) -> Labels:
    """Zeros behind ones behind twos: the classes of what stands beside them; or real and made up, for an adversary."""
    distinct = {part.interval.low for part in known if part.interval is not None}
    first = known[0]
    if len(distinct) > 1 and distinct == set(range(len(distinct))):
        encoding = "binary" if len(distinct) == 2 else "index"
        return replace(first, encoding=encoding, classes=len(distinct), dtype=dtype, interval=interval, noise=True)
    return replace(first, dtype=dtype, interval=interval, encoding="constant" if len(distinct) == 1 else "")


def overwritten(labels: Labels, number: float | None) -> Labels:
    """The labels of an array in which a number, or something unknown, is put in some places."""
    if labels.encoding == "constant" and number is not None and labels.interval is not None:
        if {labels.interval.low, number} == {0, 1}:
            return replace(labels, encoding="binary", classes=2, interval=Interval(0, 1))
        return replace(labels, encoding="", interval=None)
    encoding = labels.encoding if labels.encoding in ("index", "binary") else ""
    return replace(labels, encoding=encoding, classes=None, interval=None, exclusive=False)
