"""From what was measured on a live model to findings. What is not known stays silent."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.findings.finding import Confidence, Finding, Place, Step
from headlint.findings.rulebook import find_rule
from headlint.inspection.facts import SQUASHING, Facts, LossTaken, Values
from headlint.inspection.places import line_place
from headlint.runtime.parts import remarks

CROSS_ENTROPIES = ("cross_entropy", "sparse_cross_entropy")
ORDER = {"error": 0, "warning": 1, "advice": 2}
MOST_NAMES = 5


def verdicts(facts: Facts) -> tuple[Finding, ...]:
    """The findings, the worst first, each once."""
    found: dict[tuple[str, Place], Finding] = {}
    for finding in (*_losses(facts), *_whole(facts)):
        if finding is not None:
            found.setdefault((finding.code, finding.place), finding)
    return tuple(sorted(found.values(), key=lambda one: ORDER[one.severity.value]))


def _losses(facts: Facts) -> Iterator[Finding | None]:
    for taken in facts.losses:
        about = list(_about_loss(facts, taken))
        yield from about
        if not about and not taken.prediction.finite:
            yield _finding(
                facts, "HL803", taken.place, f"{taken.name} is given values that are not numbers (NaN or infinite).",
                "Look for a division by zero, a logarithm of zero, or inputs that were not scaled.", taken,
            )  # fmt: skip


def _about_loss(facts: Facts, taken: LossTaken) -> Iterator[Finding | None]:
    """What the loss takes beside what it is given. At most one finding is about the values."""
    given, name = taken.prediction, taken.name
    if given.single:
        yield _finding(
            facts, "HL201", given.place or taken.place,
            f"The {_words(given.activation)}{_in(given)} is taken over one value, so its result is always the same.",
            "Use one unit with sigmoid and binary cross entropy, or one unit for each class.", taken,
        )  # fmt: skip
        return
    if taken.family in (*CROSS_ENTROPIES, "nll") and given.classes == 1 and len(given.shape) > 1:
        yield _finding(
            facts, "HL202", taken.place,
            f"{name} is given one value for each sample: over one class the loss is 0 whatever the model gives.",
            "Use BCEWithLogitsLoss or binary cross entropy for two classes, or one unit for each class.", taken,
        )  # fmt: skip
        return
    yield from _labels(facts, taken)
    if given.activation == "softmax" and given.axis == 0 and len(given.shape) > 1:
        yield _finding(
            facts, "HL302", given.place or taken.place,
            f"The softmax{_in(given)} is taken over the batch: each sample's values depend on the other samples.",
            "Take it over the axis of the classes.", taken,
        )  # fmt: skip
        return
    yield _values(facts, taken)


def _labels(facts: Facts, taken: LossTaken) -> Iterator[Finding | None]:
    labels, given = taken.labels, taken.prediction
    if labels is None:
        return
    indices = taken.family == "sparse_cross_entropy" or (
        labels.integer and taken.family in ("cross_entropy", "nll") and len(labels.shape) < len(given.shape)
    )
    if facts.framework == "keras":
        one_hot = labels.shape == given.shape and given.classes > 1
        if taken.family == "sparse_cross_entropy" and one_hot:
            yield _finding(
                facts, "HL601", taken.place, f"{taken.name} takes the numbers of the classes, but is given one-hot labels.",
                "Use CategoricalCrossentropy, or labels.argmax(-1).", taken,
            )  # fmt: skip
            return
        if taken.family == "cross_entropy" and given.classes > 1 and labels.shape[-1:] != given.shape[-1:]:
            yield _finding(
                facts, "HL601", taken.place,
                f"{taken.name} takes one-hot labels {given.shape}, but is given labels {labels.shape}.",
                "Use SparseCategoricalCrossentropy, or keras.utils.to_categorical.", taken,
            )  # fmt: skip
            return
    if indices and len(given.shape) > 1 and labels.largest >= given.classes:
        if len(given.shape) == 3 and given.shape[:2] == labels.shape and labels.largest < given.shape[-1]:
            yield _finding(
                facts, "HL304", taken.place,
                f"{name_and_shape(taken)}: it looks for the classes on axis 1, but they are on the last axis.",
                "Give it scores.transpose(1, 2), or flatten the first two axes of both.", taken,
            )  # fmt: skip
            return
        yield _finding(
            facts, "HL204", taken.place,
            f"The model gives {given.classes} scores, but the labels go up to {labels.largest:.0f}: "
            f"there are at least {labels.largest + 1:.0f} classes.",
            f"Give the last layer {labels.largest + 1:.0f} units, or count the labels from 0.", taken,
        )  # fmt: skip
    elementwise = taken.family in ("regression", "binary_cross_entropy")
    if facts.framework == "torch" and elementwise and _broadcast(given.shape, labels.shape):
        yield _finding(
            facts, "HL601", taken.place,
            f"{taken.name} compares {given.shape} with labels {labels.shape}: each value is compared with every label.",
            "Give both the same shape: labels.unsqueeze(1), or output.squeeze(1).", taken,
        )  # fmt: skip


def name_and_shape(taken: LossTaken) -> str:
    """The loss and the shape it is given."""
    return f"{taken.name} is given {taken.prediction.shape}"


def _broadcast(given: tuple[int, ...], labels: tuple[int, ...]) -> bool:
    """Whether [N, 1] meets [N] or the other way round, which no error reports."""
    short, long = sorted((given, labels), key=len)
    return len(short) == 1 and short[0] > 1 and long == (*short, 1)


def _values(facts: Facts, taken: LossTaken) -> Finding | None:
    given, name, made = taken.prediction, taken.name, taken.prediction.activation
    place = given.place or taken.place
    softmax = made == "softmax" or (not made and given.sums_to_one and given.classes > 1)
    several = given.classes > 1
    if not given.differentiable or not given.finite:
        return None
    match taken.family, taken.expects:
        case (("cross_entropy" | "sparse_cross_entropy"), "logits"):
            if softmax and several:
                return _finding(
                    facts, "HL101", place,
                    f"{name} applies softmax itself, but is given probabilities: each row sums to 1 already"
                    f"{_made(given)}.", f"Give {name} the raw scores, without the softmax.", taken,
                )  # fmt: skip
            if made == "log_softmax":
                return _finding(
                    facts, "HL102", place,
                    f"{name} applies log-softmax itself, but is given log-probabilities{_in(given)}.",
                    "Give it the raw scores, or use NLLLoss.", taken,
                )  # fmt: skip
            if made == "sigmoid":
                return _finding(
                    facts, "HL103", place, f"{name} takes raw scores, but is given the result of a sigmoid{_in(given)}.",
                    "Give it the raw scores, without the sigmoid.", taken,
                )  # fmt: skip
            if made in SQUASHING:
                return _finding(
                    facts, "HL112", place, f"{name} takes raw scores, but {made}{_in(given)} squashes them first.",
                    f"Remove the {made} behind the last layer.", taken,
                )  # fmt: skip
        case "binary_cross_entropy", "logits" if made == "sigmoid" or softmax:
            return _finding(
                facts, "HL104", place,
                f"{name} applies sigmoid itself, but is given probabilities{_made(given)}.", "Give it the raw scores.", taken,
            )  # fmt: skip
        case "binary_cross_entropy", "probabilities":
            if not given.in_unit_interval:
                return _finding(
                    facts, "HL105", taken.place, f"{name} takes probabilities, but is given values {given.extent}.",
                    "Use the loss that takes raw scores (BCEWithLogitsLoss, from_logits=True), or a sigmoid first.",
                    taken,
                )  # fmt: skip
            if made == "softmax" and several:
                return _finding(
                    facts, "HL107", place, f"{name} looks at each value alone, but softmax{_in(given)} ties them together.",
                    "Use cross entropy for one class of several, or sigmoid for several labels.", taken,
                )  # fmt: skip
        case (("cross_entropy" | "sparse_cross_entropy"), "probabilities"):
            if not given.in_unit_interval or made in SQUASHING:
                return _finding(
                    facts, "HL106", taken.place, f"{name} takes probabilities, but is given values {given.extent}.",
                    "Add softmax to the last layer, or write from_logits=True.", taken,
                )  # fmt: skip
            if made == "sigmoid" and several:
                return _finding(
                    facts, "HL108", place, f"{name} takes one distribution over {given.classes} classes, but is given "
                    f"{given.classes} sigmoids{_in(given)}.", "Use softmax, or binary cross entropy.", taken,
                )  # fmt: skip
        case "nll", _ if not given.log_probabilities and given.maximum > 0:
            return _finding(
                facts, "HL109", taken.place, f"{name} takes log-probabilities, but is given values {given.extent}.",
                "Apply log_softmax first, or use CrossEntropyLoss on the raw scores.", taken,
            )  # fmt: skip
        case "kl_div", _ if given.in_unit_interval and given.sums_to_one:
            return _finding(
                facts, "HL110", taken.place, f"{name} takes log-probabilities, but is given probabilities.",
                "Give it log_softmax of the scores.", taken,
            )  # fmt: skip
        case "regression", _ if made == "softmax" and several:
            return _finding(
                facts, "HL111", place, f"{name} is given the result of a softmax{_in(given)}.",
                "Use cross entropy on the raw scores for classes, or no softmax for numbers.", taken,
            )  # fmt: skip
    return None


def _whole(facts: Facts) -> Iterator[Finding | None]:
    """What the model shows as a whole."""
    constant_already = any(one.prediction.single or one.prediction.classes == 1 for one in facts.losses)
    if facts.loss is not None and not facts.loss_differentiable and facts.trainable:
        yield _finding(
            facts, "HL502", facts.place, "No gradient leads from the loss back to any parameter.",
            "Look for detach(), item(), numpy(), argmax or no_grad between the model and the loss.",
        )  # fmt: skip
    elif not constant_already and facts.zero_gradient:
        yield _finding(
            facts, "HL802", facts.place, "The gradient of the loss is zero for every parameter: the model cannot learn.",
            "Look for an activation that is flat where its inputs lie.",
        )  # fmt: skip
    elif not constant_already and facts.constant:
        yield _finding(
            facts, "HL802", facts.place, "The model gives the same output for every sample.",
            "Look for a softmax over one value, an input that is never used, or weights that are all zero.",
        )  # fmt: skip
    over_batch = any(one.prediction.activation == "softmax" and one.prediction.axis == 0 for one in facts.losses)
    for one in remarks(facts.suspects):
        if one.code == "HL805" and over_batch:
            continue  # HL302 says it already
        place = line_place(one.suspect.path, one.suspect.line) if one.suspect.line else facts.place
        yield _finding(facts, one.code, place, one.message, one.advice)
    if facts.not_in_optimizer:
        yield _finding(
            facts, "HL510", facts.place, f"The optimizer does not hold {_list(facts.not_in_optimizer)}.",
            "Build the optimizer after the model is complete, or freeze what is not to be trained.",
        )  # fmt: skip


def _list(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _words(activation: str) -> str:
    return activation.replace("_", "-")


def _made(given: Values) -> str:
    return f" after the {_words(given.activation)}{_in(given)}" if given.activation else ""


def _in(given: Values) -> str:
    return f" in layer {given.layer}" if given.layer else ""


def _finding(
    facts: Facts, code: str, place: Place, message: str, advice: str, taken: LossTaken | None = None
) -> Finding | None:
    rule = find_rule(code)
    if rule is None:
        return None
    trail: list[Step] = []
    if taken is not None:
        given = taken.prediction
        if given.place is not None:
            made = _words(given.activation) or "the last layer"
            trail.append(Step(given.place, f"{made}{_in(given)} gives {given.extent}", "activation"))
        trail.append(Step(taken.place, f"{taken.name} takes it", "loss"))
    return Finding(code, rule.name, rule.severity, Confidence.PROVED, message, advice, place, tuple(trail), facts.model)
