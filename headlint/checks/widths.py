"""HL204: the outputs of a head against the classes, and the columns, of its targets."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Aim, Evidence
from headlint.checks.tensors import (
    AMOUNTS,
    CLASSIFYING,
    assumptions_of,
    head_of,
    prediction,
    short,
    source_tensor,
    units,
)
from headlint.checks.trails import layer_step, trail_of
from headlint.flow.values.tensor_values import Domain


def outputs_do_not_match_classes(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL204."""
    for aim in evidence.agreed_aims:
        width = units(aim.use)
        if width is None or _maker(aim) is None:
            continue
        found = _against_classes(aim, width) or _against_columns(aim, width)
        if found is not None:
            wanted, message, advice = found
            yield _about_width(aim, width, wanted, message, advice)


Found = tuple[int | None, str, str]
"""How many units are wanted, if that is known, what is wrong, and what to do."""


def _maker(aim: Aim) -> DiagnosticStep | None:
    """The last layer with weights, or the ready-made model, that gives the outputs."""
    tensor = prediction(aim.use)
    head, made = head_of(tensor), source_tensor(tensor).origin
    if head is not None:
        return layer_step(head)
    if made.role != "layer" or made.layer is not None or made.built_at is None:
        return None
    return DiagnosticStep(made.built_at, f"{short(made.name)} is built", "layer", made.name)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _against_classes(aim: Aim, width: int) -> Found | None:
    family, labels = aim.use.loss.family, aim.labels
    has = f"The last layer has {_counted(width, 'output')}"
    if family not in CLASSIFYING or (width == 1 and (labels.classes == 2 or family != "binary_cross_entropy")):
        return None
    match labels.encoding:
        case "one_hot" if labels.classes is None and width == 1:
            return (
                None,
                f"{has}, but the labels are rows with a column for each class ({labels.source}).",
                "Give the last layer one unit for each class, or use labels of 0 and 1 (class_mode='binary').",
            )
        case "one_hot" if labels.classes is not None and width != labels.classes:
            wanted = labels.classes
        case "index" if labels.classes is not None and width < labels.classes:
            wanted = labels.classes
        case _:
            return _against_numbers(aim, width, has)
    return (
        wanted,
        f"{has}, but the labels show {wanted} classes ({labels.source}).",
        f"Give the last layer {wanted} units.",
    )


def _against_numbers(aim: Aim, width: int, has: str) -> Found | None:
    """Class numbers that are larger than any output's."""
    labels, family = aim.labels, aim.use.loss.family
    takes_numbers = family in ("sparse_cross_entropy", "nll") or (
        family == "cross_entropy" and aim.use.loss.framework == "torch"
    )
    largest = labels.interval.high if labels.interval is not None else 0
    if not takes_numbers or labels.dtype != "integer" or width < 2 or not width <= largest or not isfinite(largest):
        return None
    if labels.encoding not in ("index", "", "range"):
        return None
    wanted = int(largest) + 1
    return (
        wanted,
        f"{has}, for classes 0 to {width - 1}, but the labels go up to {int(largest)} ({labels.source}).",
        f"Give the last layer {wanted} units, or count the classes from 0.",
    )


def _against_columns(aim: Aim, width: int) -> Found | None:
    """Another number of values for a sample than the head gives, under a loss that compares value by value."""
    tensor, columns, labels = prediction(aim.use), aim.columns, aim.labels
    rank = tensor.shape.rank
    if aim.use.loss.family not in (*AMOUNTS, "binary_cross_entropy") or tensor.domain is Domain.SOFTMAX:
        return None
    if (labels.noise and columns == 1) or labels.encoding in ("constant", "range"):
        return None
    if columns is None or width == columns or rank not in (None, 2) or (rank is None and width == 1):
        return None
    source = f" ({labels.source})" if labels.source else ""
    return (
        columns,
        f"The last layer has {_counted(width, 'output')}, "
        f"but the targets have {_counted(columns, 'value')} for each sample{source}.",
        f"Give the last layer {_counted(columns, 'unit')}, or give targets of {width}.",
    )


def _about_width(aim: Aim, width: int, wanted: int | None, message: str, advice: str) -> Diagnostic:
    tensor = prediction(aim.use)
    step = _maker(aim)
    assert step is not None
    known = {"units": width, "classes": wanted, "framework": aim.use.loss.framework}
    details = tuple((key, value) for key, value in known.items() if value is not None)
    return Diagnostic(
        "HL204", step.site, message, advice, aim.proved, trail_of(tensor), details=details,
        assumptions=assumptions_of(tensor), subject=aim.use,
    )  # fmt: skip


RULES = (outputs_do_not_match_classes,)
