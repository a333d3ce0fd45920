"""HL1: heads and losses for amounts, and targets that are none."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from msgspec.structs import replace

from headlint.checks.diagnostic import Diagnostic
from headlint.checks.evidence import Aim, Evidence, is_judge
from headlint.checks.tensors import AMOUNTS, CLASSIFYING, are_picked, head_of, prediction, short, source_tensor, units
from headlint.checks.trails import about_aim, about_loss
from headlint.flow.values.facts import LossUse, MetricUse
from headlint.flow.values.intervals import BOTH_SIGNS, NOT_NEGATIVE, UNIT, Interval
from headlint.flow.values.tensor_values import Domain, Labels, Origin, Tensor


def softmax_with_regression_loss(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL111."""
    for use in evidence.uses:
        if use.loss.family not in AMOUNTS or prediction(use).domain is not Domain.SOFTMAX or units(use) == 1:
            continue
        source = source_tensor(prediction(use))
        both_soft = isinstance(use.target, Tensor) and use.target.domain in (Domain.SOFTMAX, Domain.SIGMOID)
        if both_soft or are_picked(prediction(use)):
            continue
        if source.inputs and source.inputs[0].domain is Domain.LINEAR:
            yield about_loss("HL111", use, *_softmax_under(use))


def _softmax_under(use: LossUse) -> tuple[str, str]:
    name = use.loss.short_name
    if use.loss.family == "count":
        return (
            f"{name} is a loss for counts and rates, but it is given a softmax: the outputs are shares that sum to 1.",
            "For classes use a cross entropy; for counts use an output that can take any positive value.",
        )
    return (
        f"{name} on a softmax: the outputs sum to 1, and where "
        "the softmax is saturated the gradient of a squared error vanishes.",
        "For classes use a cross entropy; for values use a linear output (or a sigmoid for each value in 0…1).",
    )


def classification_with_regression_loss(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL115."""
    shown: dict[int, str] = {}
    for metric in evidence.of(MetricUse):
        if metric.metric in ("accuracy", "acc", "binary_accuracy", "categorical_accuracy"):
            if isinstance(metric.prediction, Tensor) and metric.prediction.shape.units == 1:
                shown[id(metric.prediction)] = f"the metric {metric.metric!r}"
    aims: dict[int, Labels] = {}
    for aim in evidence.agreed_aims:
        if aim.labels.encoding:
            aims[id(prediction(aim.use))] = aim.labels
    for use in evidence.uses:
        labels = aims.get(id(prediction(use)))
        if use.loss.family in AMOUNTS and _trains_a_dense_head(use):
            reason = _shows_classes(evidence, use, labels, shown.get(id(prediction(use)), ""))
            if reason:
                yield _classes_as_amounts(use, reason)


def _trains_a_dense_head(use: LossUse) -> bool:
    head = head_of(prediction(use))
    return head is not None and head.origin.layer is not None and head.origin.layer.kind.effect == "dense"


def _shows_classes(evidence: Evidence, use: LossUse, labels: Labels | None, metric: str) -> str:
    """What shows that the targets are classes: the labels themselves or, for a bounded head, an accuracy."""
    are_classes = labels is not None and labels.encoding in ("one_hot", "index", "binary")
    match prediction(use).domain:
        case Domain.SIGMOID | Domain.TANH:
            if labels is not None and are_classes and not labels.noise:
                return labels.source
            return metric if labels is None or labels.encoding != "values" or labels.noise else ""
        case Domain.LINEAR | Domain.RECTIFIED if labels is not None and are_classes and not labels.noise:
            return "" if is_judge(evidence, prediction(use)) else labels.source
        case _:
            return ""


def _classes_as_amounts(use: LossUse, reason: str) -> Diagnostic:
    tensor = prediction(use)
    name = use.loss.short_name
    if tensor.domain in (Domain.LINEAR, Domain.RECTIFIED):
        kind = "linear" if tensor.domain is Domain.LINEAR else short(source_tensor(tensor).origin.name)
        message = (
            f"{name} on a {kind} head, but the labels are classes ({reason}): it treats them as amounts, "
            "and punishes an output that is more certain than it had to be."
        )
    else:
        message = (
            f"{name} on a {short(source_tensor(tensor).origin.name)} head, but the labels are classes "
            f"({reason}): where the output is confidently wrong, the gradient almost vanishes."
        )
    return about_loss("HL115", use, message, "Use a binary or categorical cross entropy for classes.")


# HL118: what a head can reach

_RANGES: dict[str, Interval] = {
    **dict.fromkeys(("sigmoid", "hardsigmoid", "expit"), UNIT),
    **dict.fromkeys(("tanh", "hardtanh", "softsign"), BOTH_SIGNS),
    **dict.fromkeys(("relu", "softplus", "exponential"), NOT_NEGATIVE),
    "relu6": Interval(0, 6),
    "elu": Interval(-1, inf),
    "selu": Interval(-1.7581, inf),
}
"""What activations give, by their names in lower case without underscores."""

_KEEPS_VALUES = frozenset({"squeeze", "unsqueeze", "view", "reshape", "flatten", "ravel", "contiguous", "clone"})


def _reach(tensor: Tensor) -> tuple[str, Interval] | None:
    """The activation that gives a prediction, and the range of what it gives."""
    while tensor.origin.role == "operation" and short(tensor.origin.name) in _KEEPS_VALUES and tensor.inputs:
        tensor = tensor.inputs[0]
    source = source_tensor(tensor) if tensor.domain is not Domain.UNKNOWN else tensor
    if _is_recurrent(source.origin):
        return source.origin.layer.kind.short_name if source.origin.layer else "", BOTH_SIGNS
    if source.origin.role != "activation":
        return None
    name = short(source.origin.name).lower().replace("_", "")
    reach = _RANGES.get(name)
    return (short(source.origin.name), reach) if reach is not None else None


def _is_of_variables(tensor: Tensor) -> bool:
    """Whether an activation stands on a product with a variable, which is a layer that the program writes out."""
    made = source_tensor(tensor)
    scores = made.inputs[0] if made.origin.role == "activation" and made.inputs else made
    return source_tensor(scores).origin.note == "matmul with variable"


def _is_recurrent(origin: Origin) -> bool:
    """Whether a recurrent layer with its usual activation, a tanh, gives a value."""
    layer = origin.layer
    if origin.role != "layer" or layer is None or layer.kind.effect != "recurrent":
        return False
    return layer.kind.framework == "torch" or layer.constant("activation", "tanh") == "tanh"


def bounded_regression_head(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL118."""
    known: set[int] = set()
    for aim in evidence.aims:
        tensor = prediction(aim.use)
        reach = _reach(tensor)
        interval = aim.labels.interval
        if interval is not None:
            known.add(id(tensor))
        if reach is None or interval is None or aim.use.loss.family not in AMOUNTS:
            continue
        if head_of(tensor) is None and not _is_recurrent(tensor.origin) and not _is_of_variables(tensor):
            continue
        if aim.labels.noise or aim.labels.encoding in ("index", "binary", "one_hot", "multi_hot", "constant"):
            continue
        name, bounds = reach
        beyond = _beyond(interval, bounds)
        if beyond:
            message = (
                f"{name} gives values {_in_words(bounds)}, but targets of this model lie {beyond} "
                f"({aim.labels.source}): it can never reach them."
            )
            yield about_aim("HL118", aim, message, "Leave out the activation of the last layer, or scale the targets.")
    yield from _rectified_values(evidence, known)


def _rectified_values(evidence: Evidence, known: set[int]) -> Iterator[Diagnostic]:
    """A relu on a single value whose targets nobody sees: advice only."""
    for use in evidence.uses:
        tensor = prediction(use)
        if id(tensor) in known or not use.compiled or use.loss.family not in AMOUNTS or units(use) != 1:
            continue
        if tensor.domain is Domain.RECTIFIED and _trains_a_dense_head(use):
            name = short(source_tensor(tensor).origin.name)
            message = (
                f"{name} on the one output of a regression: it can give no negative value, "
                "and while the sum before it is negative it gives 0 and learns nothing."
            )
            advice = "Leave out the activation of the last layer; for values that are always positive use softplus."
            yield replace(about_loss("HL118", use, message, advice), advice_only=True)


def _beyond(interval: Interval, bounds: Interval) -> str:
    if interval.low < bounds.low and interval.high > bounds.high:
        return f"below {bounds.low:g} and above {bounds.high:g}"
    if interval.low < bounds.low:
        return f"below {bounds.low:g}"
    return f"above {bounds.high:g}" if interval.high > bounds.high else ""


def _in_words(bounds: Interval) -> str:
    return f"above {bounds.low:g}" if bounds.high == inf else f"between {bounds.low:g} and {bounds.high:g}"


# HL119


def regression_with_classification_loss(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL119."""
    for aim in evidence.agreed_aims:
        if aim.use.loss.family not in CLASSIFYING or aim.labels.encoding != "values" or aim.labels.noise:
            continue
        if aim.use.loss.by_hand:
            continue  # what the logarithm is multiplied with may be how good an action was, or how much a sample counts
        if _are_no_classes(aim) and not aim.may_number_classes:
            yield about_aim("HL119", aim, *_amounts_under(aim))


def _amounts_under(aim: Aim) -> tuple[str, str]:
    name, interval = aim.use.loss.short_name, aim.labels.interval
    if aim.use.loss.family == "binary_cross_entropy" and aim.columns != 1 and interval is not None:
        beyond = _beyond(interval, UNIT)
        return (
            f"{name} takes targets between 0 and 1, but these lie {beyond} ({aim.labels.source}): it has no lower bound.",
            "Scale the targets to 0…1, or use a regression loss on a linear head.",
        )
    return (
        f"{name} is a loss for classes, but the targets are amounts ({aim.labels.source}).",
        "Use a regression loss such as mean squared error on a linear head.",
    )


def _are_no_classes(aim: Aim) -> bool:
    """Whether the loss cannot take the targets, not even as probabilities."""
    interval = aim.labels.interval
    if interval is None:
        return False
    if interval not in UNIT:
        return True
    if aim.use.loss.family in ("sparse_cross_entropy", "nll"):
        return aim.labels.dtype == "float" and aim.columns == 1
    return aim.use.loss.family == "cross_entropy" and aim.columns == 1


RULES = (
    softmax_with_regression_loss,
    classification_with_regression_loss,
    bounded_regression_head,
    regression_with_classification_loss,
)
