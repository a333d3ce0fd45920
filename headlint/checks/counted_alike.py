"""HL304: scores whose axis 1 is one that the labels count too, so that the classes stand elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.axes import classes_are_last
from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence, is_proved
from headlint.flow.values.facts import LossUse
from headlint.flow.values.python_values import Constant, SliceValue, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Origin, Tensor

_SELECTING = ("CrossEntropyLoss", "cross_entropy", "NLLLoss", "nll_loss")


def selects_from_axis_1(use: LossUse) -> bool:
    """Whether a loss looks for the classes on axis 1."""
    return use.loss.framework == "torch" and use.loss.short_name in _SELECTING


def classes_behind_what_labels_count(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL304."""
    for use in evidence.of(LossUse):
        if not selects_from_axis_1(use) or use.target is None or use.compiled:
            continue
        scores = use.prediction
        if isinstance(scores, Tensor) and (scores.shape.rank in (1, 2) or classes_are_last(scores)):
            continue
        if (
            _are_as_many(scores, use.target)
            or _are_shifted(scores, use.target)
            or _has_an_axis_more(scores, use.target)
        ):
            name = use.loss.short_name
            yield Diagnostic(
                "HL304",
                use.site,
                f"{name} expects the classes on axis 1, but axis 1 of these scores is one that the labels have too, so the "
                "classes are behind it: another axis is compared as if it held the classes.",
                "Move the classes to axis 1 (scores.movedim(-1, 1)), or flatten scores and labels to one row a label.",
                is_proved(use),
                (DiagnosticStep(use.site, f"{name} looks for the classes on axis 1", "loss", use.loss.name),),
                subject=use,
            )


def _are_as_many(scores: Value, labels: Value) -> bool:
    """Whether labels were made with the sizes of the first two axes of the scores: ``zeros(scores.shape[:2])``."""
    match _before_changes(labels):
        case Tensor(
            origin=Origin(note="fresh" | "collected", factor=Unknown(key=("item", SliceValue() as part), parent=whole))
        ):
            first_two = part.lower in (None, Constant(None), Constant(0)) and part.upper == Constant(2)
            return first_two and whole is not None and _is_shape_of(whole, scores)
        case _:
            return False


def _is_shape_of(shape: Unknown, scores: Value) -> bool:
    match shape:
        case Unknown(key="shape", parent=owner):
            return owner is scores or (isinstance(scores, Tensor) and scores.origin.factor is owner)
        case Unknown(key=("shape", tensor)):
            return tensor is scores
        case _:
            return False


def _before_changes(labels: Value) -> Value:
    while isinstance(labels, Tensor) and labels.origin.note == "overwritten" and labels.inputs:
        labels = labels.inputs[0]
    return labels


def _are_shifted(scores: Value, labels: Value) -> bool:
    """Whether axis 1 of the scores ends one step early, and that of the labels begins one step late."""
    match _slice_of_axis_1(scores), _slice_of_axis_1(labels):
        case SliceValue(upper=Constant(-1)) as early, SliceValue(lower=Constant(1)) as late:
            return early.lower in (None, Constant(None)) and late.upper in (None, Constant(None))
        case _:
            return False


def _slice_of_axis_1(value: Value) -> Value | None:
    """What was taken of axis 1 last."""
    match _before_copies(value):
        case Unknown(key=("item", TupleValue(items))) | Tensor(origin=Origin(note="index", factor=TupleValue(items))):
            whole = len(items) > 1 and isinstance(items[0], SliceValue)
            return items[1] if whole else None
        case _:
            return None


_COPYING = frozenset({"contiguous", "clone", "float", "long", "to", "cuda"})


def _before_copies(value: Value) -> Value:
    match value:
        case Unknown(key=("call", _), parent=Unknown(key=str() as method, parent=Unknown() as owner)):
            return _before_copies(owner) if method in _COPYING else value
        case Tensor(origin=Origin(role="input", factor=Unknown() as unknown)):
            return _before_copies(unknown)
        case _:
            return value


def _has_an_axis_more(scores: Value, labels: Value) -> bool:
    """Whether a dense layer gives scores for class numbers that have two axes or more: its classes are the last axis."""
    match scores, labels:
        case Tensor(origin=Origin(role="layer")) as tensor, Tensor() as numbers if tensor.origin.layer is not None:
            dims, known = numbers.shape.dims, numbers.labels
            integers = known is not None and (known.encoding == "index" or known.dtype == "integer")
            several = dims is not None and len(dims) > 1 and 1 not in dims
            return tensor.origin.layer.kind.effect == "dense" and tensor.shape.rank is None and several and integers
        case _:
            return False


RULES = (classes_behind_what_labels_count,)
