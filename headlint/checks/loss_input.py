"""HL1: what the loss receives."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence, is_proved
from headlint.checks.outputs import about_activation
from headlint.checks.tensors import (
    CROSS_ENTROPIES,
    PROBABILITIES,
    SCORES,
    are_picked,
    is_for_one_class,
    prediction,
    short,
    source_tensor,
    units,
    views,
    wants_logits,
    wants_probabilities,
)
from headlint.checks.trails import about_loss, trail_of
from headlint.flow.values.facts import Activation, HandWrittenLoss, LossUse
from headlint.flow.values.python_values import Constant, FrameworkName
from headlint.flow.values.tensor_values import Domain, Tensor

_AGAIN = {
    "torch": "Give the loss the raw scores: remove the {activation}. Apply it only where you show or use probabilities.",
    "keras": "Either remove the {activation} and keep from_logits=True, or keep it and use from_logits=False.",
}
_AGAIN_ELSEWHERE = "Give the loss the raw scores, from before the {activation}."


_MIXED = {
    "torch": "Mix the raw scores, or give NLLLoss the logarithm of the mixture: CrossEntropyLoss cannot take it.",
    "keras": "Use from_logits=False: what is mixed here are probabilities.",
}
_MIXED_ELSEWHERE = "Mix the raw scores, or take the logarithm of the mixture and write the cross entropy with it."


def _drop(use: LossUse) -> str:
    made = source_tensor(prediction(use)).origin
    if made.role == "mixture":
        return _MIXED.get(use.loss.framework, _MIXED_ELSEWHERE)
    if made.role == "layer" and made.layer is None:
        return f"Give the loss the raw scores: build {short(made.name)} without its activation."
    return _AGAIN.get(use.loss.framework, _AGAIN_ELSEWHERE).format(
        activation=short(source_tensor(prediction(use)).origin.name)
    )


def _noticed(use: LossUse) -> str:
    """What Keras makes of probabilities where it is told to expect scores.

    Source: ``_get_logits`` in keras/src/backend/tensorflow/nn.py; the other backends have nothing of the kind.
    """
    if use.loss.framework != "keras":
        return ""
    return " (Keras on TensorFlow notices, warns and uses the scores from before it; on other backends nothing does.)"


def softmax_before_cross_entropy(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL101."""
    for use in evidence.uses:
        applies_softmax = use.loss.family in (*CROSS_ENTROPIES, "ctc") or _overlap_of(use) == "multiclass"
        if applies_softmax and wants_logits(use) and prediction(use).domain is Domain.SOFTMAX:
            message = (
                f"{use.loss.short_name} applies softmax itself, but it is given probabilities: softmax is applied twice, "
                "so the loss can never come near 0 and the gradients are flattened."
            )
            yield about_loss("HL101", use, message + _noticed(use), _drop(use), evidence.other_uses(use))


def _overlap_of(use: LossUse) -> str | None:
    """The ``mode`` of a loss for the overlap of masks: ``binary``, ``multilabel`` or ``multiclass``."""
    match use.option("mode") if use.loss.family == "overlap" else None:
        case Constant(str() as mode):
            return mode
        case FrameworkName(path) if path.endswith("_MODE"):
            return path.rpartition(".")[2].removesuffix("_MODE").lower()
        case _:
            return None


def log_softmax_before_cross_entropy(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL102."""
    chosen = {(use.site, id(prediction(use))) for use in evidence.uses if use.loss.family == "nll"}
    for use in evidence.uses:
        if (use.site, id(prediction(use))) in chosen:
            continue  # whoever chooses between the two losses gives both what NLLLoss needs
        if use.loss.family in CROSS_ENTROPIES and wants_logits(use) and prediction(use).domain is Domain.LOG_SOFTMAX:
            message = (
                f"{use.loss.short_name} applies log-softmax itself: applying it before has no effect, "
                "but suggests that another loss was intended."
            )
            advice = "Remove the log-softmax, or keep it and use NLLLoss: both pairs compute the same."
            made = source_tensor(prediction(use))
            details = {
                "encoding": evidence.encoding_of(use),
                "over_classes": made.axis == 1 or (made.axis == -1 and made.shape.rank in (None, 2)),
            }
            yield about_loss("HL102", use, message, advice, evidence.other_uses(use), **details)


def sigmoid_before_cross_entropy(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL103."""
    for use in evidence.uses:
        if use.loss.family in CROSS_ENTROPIES and wants_logits(use) and prediction(use).domain is Domain.SIGMOID:
            message = (
                f"{use.loss.short_name} applies softmax to values that a sigmoid has mapped to 0…1: "
                "no class can become much more probable than another, so the loss stays high."
            )
            yield about_loss("HL103", use, message + _noticed(use), _drop(use), evidence.other_uses(use))


def probabilities_before_bce_with_logits(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL104."""
    for use in evidence.uses:
        applies_sigmoid = use.loss.family == "binary_cross_entropy" or _overlap_of(use) in ("binary", "multilabel")
        if applies_sigmoid and wants_logits(use) and prediction(use).domain in PROBABILITIES:
            name = use.loss.short_name
            message = (
                f"{name} applies the sigmoid itself, but it is given probabilities: "
                "a sigmoid of values between 0 and 1 lies between 0.5 and 0.73, so it can never say no."
            )
            yield about_loss("HL104", use, message + _noticed(use), _drop(use), evidence.other_uses(use))


def logits_into_binary_cross_entropy(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL105."""
    for use in evidence.uses:
        if use.loss.family != "binary_cross_entropy" or not wants_probabilities(use):
            continue
        if prediction(use).domain in (Domain.LOG_SOFTMAX, Domain.LOG_SIGMOID) and not use.loss.by_hand:
            yield _logarithms_into_binary_cross_entropy(use)
        elif prediction(use).domain in SCORES and not evidence.is_part_of_another(use):
            message = (
                f"{use.loss.short_name} takes the logarithm of probabilities, but it is given "
                f"{prediction(use).domain.value} that need not lie between 0 and 1."
            )
            if use.loss.by_hand:
                yield _logarithm_of_scores("HL105", use, "sigmoid")
                continue
            if use.loss.framework == "torch":
                advice = "Use BCEWithLogitsLoss (or binary_cross_entropy_with_logits), which takes raw scores, or add a sigmoid."
            else:
                advice = "Use BinaryCrossentropy(from_logits=True), or give the last layer activation='sigmoid'."
            yield about_loss("HL105", use, message, advice)


def _logarithms_into_binary_cross_entropy(use: LossUse) -> Diagnostic:
    message = (
        f"{use.loss.short_name} takes the logarithm of probabilities, but it is given their logarithms already: "
        "these are negative, and lie outside of 0 to 1."
    )
    kept, given = (
        ("sigmoid", "logsigmoid") if prediction(use).domain is Domain.LOG_SIGMOID else ("softmax", "log_softmax")
    )
    advice = f"Give it the {kept} instead of the {given}"
    if kept == "softmax":
        advice = "Use NLLLoss for one class out of several, or a sigmoid for independent labels"
    return about_loss("HL105", use, message, f"{advice}.")


def logits_into_categorical_cross_entropy(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL106."""
    for use in evidence.uses:
        of_classes = use.loss.family in (*CROSS_ENTROPIES, "ctc")
        if not of_classes or not wants_probabilities(use) or units(use) == 1:
            continue
        if use.loss.by_hand and prediction(use).domain in SCORES:
            yield _logarithm_of_scores("HL106", use, "softmax")
        elif prediction(use).domain is Domain.LINEAR:
            message = f"{use.loss.short_name} expects probabilities here, but it is given raw scores: "
            if use.loss.expects == "from_logits":
                message += "it only divides them by their sum and takes the logarithm, which is not a likelihood."
                advice = "Set from_logits=True on the loss, or give the last layer activation='softmax'."
            else:
                message += "what it computes of them is not a likelihood, and it has no from_logits."
                advice = "Give the last layer activation='softmax'."
            yield about_loss("HL106", use, message, advice)


def _logarithm_of_scores(code: str, use: LossUse, missing: str) -> Diagnostic:
    """A cross entropy that the program writes out, without the softmax or sigmoid that belongs before it."""
    message = (
        f"The cross entropy that is written here takes the logarithm of {prediction(use).domain.value}: "
        "it is NaN as soon as one of them is negative, and clipping them cuts off their gradient."
    )
    return about_loss(code, use, message, f"Use the framework's cross entropy on the raw scores, or add a {missing}.")


def softmax_with_binary_cross_entropy(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL107."""
    for use in evidence.uses:
        if use.loss.family != "binary_cross_entropy" or not wants_probabilities(use) or units(use) == 1:
            continue
        if prediction(use).domain is Domain.SOFTMAX and not are_picked(prediction(use)):
            message = (
                "Binary cross entropy treats every output as a separate yes/no question, but the outputs of a softmax "
                "sum to 1: only one of them can be near 1."
            )
            advice = "For one class out of several use a categorical cross entropy; for independent labels use sigmoid."
            yield about_loss("HL107", use, message, advice, encoding=evidence.encoding_of(use))


def sigmoid_with_categorical_cross_entropy(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL108."""
    for use in evidence.uses:
        if use.loss.family not in CROSS_ENTROPIES or not wants_probabilities(use) or units(use) == 1:
            continue
        if prediction(use).domain is Domain.SIGMOID and not is_for_one_class(use):
            message = (
                "A categorical cross entropy expects outputs that sum to 1, but sigmoids are independent: "
                "the output of the true class is pushed up, and nothing pushes the others down."
            )
            advice = (
                "Use activation='softmax' for one class out of several, or binary_crossentropy for independent labels."
            )
            yield about_loss("HL108", use, message, advice)


def nll_without_log_softmax(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL109."""
    for use in evidence.uses:
        if use.loss.family == "nll" and prediction(use).domain in (*PROBABILITIES, *SCORES):
            message = (
                f"{use.loss.short_name} only selects a number and negates it: it needs log-probabilities, "
                f"but it is given {prediction(use).domain.value}, so the loss is not a likelihood and may decrease without bound."
            )
            advice = "Apply log_softmax before it, or use CrossEntropyLoss on the raw scores."
            yield about_loss("HL109", use, message, advice, evidence.other_uses(use))
        elif (
            use.loss.family == "ctc"
            and use.loss.framework == "torch"
            and prediction(use).domain in (*PROBABILITIES, *SCORES)
        ):
            message = (
                f"{use.loss.short_name} adds up log-probabilities along every alignment, but it is given "
                f"{prediction(use).domain.value}: what it adds is not a likelihood, and the loss may become negative."
            )
            yield about_loss("HL109", use, message, "Give it log_softmax of the scores over the classes.")
        elif use.loss.family == "nll_of_probabilities" and prediction(use).domain in (*SCORES, Domain.LOG_SOFTMAX):
            message = (
                f"skorch takes the logarithm itself before NLLLoss, so it needs probabilities, but it is given "
                f"{prediction(use).domain.value}: the logarithm of a negative number is NaN."
            )
            advice = "Use criterion=nn.CrossEntropyLoss on raw scores, or end the module with a softmax."
            yield about_loss("HL109", use, message, advice)


def kl_div_without_log(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL110."""
    for use in evidence.uses:
        if use.loss.family != "kl_div":
            continue
        target = use.target.domain if isinstance(use.target, Tensor) else Domain.UNKNOWN
        log_target = use.option("log_target")
        expects_log = isinstance(log_target, Constant) and log_target.value is True
        if prediction(use).domain in (*PROBABILITIES, *SCORES):
            message = (
                f"{use.loss.short_name} expects its first argument as log-probabilities, "
                f"but it is given {prediction(use).domain.value}."
            )
            yield about_loss("HL110", use, message, "Pass F.log_softmax(scores, dim=1) as the input.")
        elif target is Domain.LOG_SOFTMAX and log_target is None:
            message = f"{use.loss.short_name} expects its target as probabilities, but it is given log-probabilities."
            yield about_loss("HL110", use, message, "Pass log_target=True, or give the target as probabilities.")
        elif target is Domain.SOFTMAX and expects_log:
            message = "With log_target=True the target must be log-probabilities, but it is given probabilities."
            yield about_loss("HL110", use, message, "Leave out log_target, or give the target as log-probabilities.")


def activation_on_logits(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL112."""
    for use in evidence.uses:
        if units(use) == 1 and use.loss.family in CROSS_ENTROPIES:
            continue
        tensor = prediction(use)
        direct = wants_logits(use) or (use.loss.family in CROSS_ENTROPIES and not use.loss.by_hand)
        if use.loss.family in (*CROSS_ENTROPIES, "binary_cross_entropy") and direct and _squashed_scores(tensor):
            yield _squashed(use, tensor)
        elif tensor.domain in (Domain.SOFTMAX, Domain.LOG_SOFTMAX, Domain.SIGMOID):
            source = source_tensor(tensor)
            if use.loss.family in (*CROSS_ENTROPIES, "nll", "binary_cross_entropy") and source.inputs:
                if _squashed_scores(source.inputs[0]):
                    yield _squashed(use, source.inputs[0])


def rectified_scores_of_a_distribution(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL112, where a distribution applies the softmax."""
    for fact in evidence.of(Activation):
        given = fact.input
        if fact.output.origin.name.startswith("torch.distributions.") and isinstance(given, Tensor):
            if given.domain is Domain.RECTIFIED and _squashed_scores(given):
                name, where = short(source_tensor(given).origin.name), short(fact.output.origin.name)
                message = (
                    f"{name} is applied to the raw scores before the softmax of {where}: negative scores become 0 "
                    "and pass no gradient, so choices cannot be ruled out."
                )
                advice = f"Remove the {name} from the last layer; keep it in hidden layers."
                yield about_activation("HL112", fact, message, advice)


def _squashed_scores(tensor: Tensor) -> bool:
    """Whether a relu or tanh was put directly on the scores of a dense layer, or on a map of scores as the loss takes it."""
    if tensor.domain not in (Domain.RECTIFIED, Domain.TANH):
        return False
    source = source_tensor(tensor)
    head = source.inputs[0] if source.origin.role == "activation" and source.inputs else None
    if head is None or head.domain is not Domain.LINEAR:
        return False
    made = list(views(head))[-1].origin
    effect = made.layer.kind.effect if made.layer is not None else None
    if effect == "convolution":
        return not _is_pooled(tensor)
    return effect in ("dense", "bilinear") or made.note == "matmul with variable"


def _is_pooled(tensor: Tensor) -> bool:
    """Whether scores of several places were put together to one, as SqueezeNet does with rectified ones."""
    source = source_tensor(tensor)
    while tensor is not source:
        if tensor.origin.note == "pool" or short(tensor.origin.name) not in _KEEPING_PLACES:
            return True
        tensor = tensor.inputs[0]
    return False


_KEEPING_PLACES = frozenset(
    {"squeeze", "unsqueeze", "view", "reshape", "flatten", "permute", "transpose", "contiguous", "float", "interpolate"}
)


def _squashed(use: LossUse, tensor: Tensor) -> Diagnostic:
    name = short(source_tensor(tensor).origin.name)
    cut = (
        "negative scores become 0 and pass no gradient"
        if tensor.domain is Domain.RECTIFIED
        else "no score leaves (-1, 1)"
    )
    message = f"{name} is applied to the raw scores before the loss: {cut}, so classes cannot be ruled out."
    advice = f"Remove the {name} from the last layer; keep it in hidden layers."
    return about_loss("HL112", use, message, advice)


def log_of_softmax(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL113."""
    for fact in evidence.of(Activation):
        if fact.effect != "log" or not isinstance(fact.input, Tensor):
            continue
        if not (fact.input.attached and fact.output.attached) or _is_known_number(fact.input):
            continue
        if fact.output.origin.name.startswith("numpy."):
            continue  # NumPy differentiates nothing
        if (
            fact.input.domain in PROBABILITIES
            and not fact.input.guarded
            and source_tensor(fact.input).origin.role == "activation"
        ):
            name = short(source_tensor(fact.input).origin.name)
            together = "log_softmax" if fact.input.domain is Domain.SOFTMAX else "logsigmoid"
            message = f"log({name}(x)) in two steps gives -inf as soon as a probability rounds to 0, and a loss of it is inf or NaN."
            yield _at_log("HL113", fact, message, f"Compute it in one step: {together}.", together)


def _is_known_number(tensor: Tensor) -> bool:
    """Whether it is the share of a tensor that is filled with one number: everybody knows how far it is from 0."""
    scores = source_tensor(tensor).inputs
    return bool(scores) and all(
        one.labels is not None and one.labels.encoding == "constant" and one.origin.role != "variable" for one in scores
    )


def _at_log(code: str, fact: Activation, message: str, advice: str, together: str) -> Diagnostic:
    tensor = fact.input
    assert isinstance(tensor, Tensor)
    steps = (
        *trail_of(tensor),
        DiagnosticStep(fact.site, "the logarithm is taken", "operation", fact.output.origin.name),
    )
    details = (("together", together), ("head", tensor.domain.name.lower()))
    return Diagnostic(code, fact.site, message, advice, is_proved(fact), steps, details=details, subject=fact.output)


def hand_written_cross_entropy(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL114."""
    for fact in evidence.of(HandWrittenLoss):
        probabilities = fact.log.inputs[0]
        if probabilities.guarded:
            continue
        message = "A cross entropy written by hand: where a probability rounds to 0 its logarithm is -inf and the loss becomes NaN."
        advice = "Use the framework's cross entropy on the raw scores, which is numerically stable."
        steps = (
            *trail_of(probabilities),
            DiagnosticStep(fact.site, "the logarithm is taken", "operation", fact.log.origin.name),
        )
        yield Diagnostic("HL114", fact.site, message, advice, is_proved(fact), steps, subject=fact.log)


def exclusive_classes_with_binary_loss(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL116."""
    known = {id(labels.prediction): labels.labels for labels in evidence.labels if labels.labels.exclusive}
    for use in evidence.uses:
        tensor = prediction(use)
        target = use.target.labels if isinstance(use.target, Tensor) else None
        labels = known.get(id(tensor)) or (target if target is not None and target.exclusive else None)
        if labels is None or use.loss.family != "binary_cross_entropy" or not wants_probabilities(use):
            continue
        if use.loss.name.startswith(("keras.ops.", "keras.backend.")):
            continue  # one number for each output, of which a focal loss is made too
        width = tensor.shape.units
        if (
            tensor.domain is Domain.SIGMOID
            and width is not None
            and width >= 2
            and labels.encoding in ("one_hot", "index")
        ):
            message = (
                f"The labels are one class out of several ({labels.source}), but {width} sigmoids with binary cross "
                "entropy answer independent questions: nothing makes them exclude each other."
            )
            advice = "Use softmax with categorical cross entropy."
            yield about_loss("HL116", use, message, advice, encoding=labels.encoding)


def separate_sigmoid_and_bce(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL117."""
    for use in evidence.uses:
        if use.loss.framework != "torch" or use.loss.family != "binary_cross_entropy" or not wants_probabilities(use):
            continue
        if prediction(use).domain is Domain.SIGMOID and source_tensor(prediction(use)).origin.role == "activation":
            message = (
                "A sigmoid followed by BCELoss is correct, but loses precision where the sigmoid is close to 0 or 1."
            )
            advice = "Remove the sigmoid and use BCEWithLogitsLoss, which is numerically stable."
            yield about_loss("HL117", use, message, advice, evidence.other_uses(use))


RULES = (
    softmax_before_cross_entropy,
    log_softmax_before_cross_entropy,
    sigmoid_before_cross_entropy,
    probabilities_before_bce_with_logits,
    logits_into_binary_cross_entropy,
    logits_into_categorical_cross_entropy,
    softmax_with_binary_cross_entropy,
    sigmoid_with_categorical_cross_entropy,
    nll_without_log_softmax,
    kl_div_without_log,
    activation_on_logits,
    rectified_scores_of_a_distribution,
    log_of_softmax,
    hand_written_cross_entropy,
    exclusive_classes_with_binary_loss,
    separate_sigmoid_and_bce,
)
