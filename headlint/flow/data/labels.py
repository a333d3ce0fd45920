"""Labels of a known kind, as data sets and encoders give them."""

from __future__ import annotations

from headlint.flow.values.intervals import UNIT, Interval
from headlint.flow.values.python_values import Site, Value
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Labels, Origin, Shape, Tensor


def target(
    encoding: str,
    classes: int | None,
    dtype: str,
    source: str,
    site: Site,
    shape: Shape = ANY_SHAPE,
    column: bool | None = None,
    interval: Interval | None = None,
) -> Tensor:
    """Labels of a known kind."""
    domain = Domain.ONE_HOT if encoding == "one_hot" else Domain.TARGET
    exclusive = encoding in ("index", "one_hot")
    if column is None and shape.rank in (0, 1):
        column = False
    if interval is None and encoding in ("one_hot", "binary"):
        interval = UNIT
    elif interval is None and encoding == "index" and classes is not None:
        interval = Interval(0, classes - 1)
    labels = Labels(encoding, classes, dtype, column, source, exclusive=exclusive, site=site, interval=interval)
    return Tensor(domain, shape, Origin("labels", source, site), labels=labels)


def classes(count: int | None, source: str, site: Site, dtype: str = "integer") -> Tensor:
    """One class number for each sample."""
    encoding = "binary" if count == 2 else "index"
    return target(encoding, count, dtype, source, site, Shape((None,)), False)


def amounts(low: float | None, high: float | None, source: str, site: Site, columns: int | None = 1) -> Tensor:
    """One amount for each sample, or several."""
    interval = Interval(low, high) if low is not None and high is not None else None
    shape = Shape((None,)) if columns == 1 else Shape((None, columns))
    return target("values", None, "float", source, site, shape, False, interval)


def one_hot(value: Value | None, source: str, site: Site) -> Tensor:
    """Labels as rows with a single one."""
    known = value.labels.classes if isinstance(value, Tensor) and value.labels is not None else None
    return target("one_hot", known, "float", source, site, Shape((None, known)), False)
