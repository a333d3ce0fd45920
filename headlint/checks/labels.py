"""HL6: labels, metrics and predictions. HL7: what Keras no longer knows."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Aim, Evidence, is_judge, is_proved
from headlint.checks.tensors import (
    AMOUNTS,
    ancestors,
    assumptions_of,
    comes_from_weights,
    head_of,
    prediction,
    short,
    source_tensor,
    units,
    wants_logits,
)
from headlint.checks.trails import about_aim, trail_of
from headlint.flow.values.facts import (
    LabelsRescaled,
    LossUse,
    MetricUse,
    PredictionUse,
    RemovedCall,
    UnknownString,
)
from headlint.flow.values.intervals import UNIT
from headlint.flow.values.tensor_values import Domain, Tensor
from headlint.frameworks import keras, keras_losses
from headlint.spelling import nearest


def labels_do_not_fit_loss(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL601."""
    agreed = {id(aim) for aim in evidence.agreed_aims}
    for aim in evidence.aims:
        if aim.use.guards and id(aim) not in agreed:
            continue  # one option may choose the loss and the form of the labels, each in a place of its own
        before = ancestors(*aim.target.inputs) if aim.use.guards else ()
        if any(
            (aim.site, id(part)) in evidence.taken_as_targets for one in before for part in (one, one.origin.factor)
        ):
            continue  # nor does anyone convert labels in one case only who does not know for which loss
        yield from _wrong_labels(aim)
        if (not aim.labels.encoding or aim.labels.noise) and _is_column(aim):
            name = aim.use.loss.short_name
            message = f"{name} takes one class number for each sample, shape [N], but the labels have shape [N, 1]."
            advice = "Remove the last axis: labels.squeeze(1)."
            yield _about_labels(aim, message, advice, "squeeze(1).long()")
        if _compares_as_given(aim.use) and aim.use.loss.family in ("regression", "binary_cross_entropy"):
            yield from _broadcast(aim)


def _compares_as_given(use: LossUse) -> bool:
    """Whether a loss leaves both shapes as they are; those of Keras bring them to one."""
    return use.loss.framework == "torch" or use.loss.by_hand


def _is_column(aim: Aim) -> bool:
    """Whether class numbers stand in a column beside scores for several classes."""
    if not _is_typed(aim.use) or aim.use.loss.family not in ("cross_entropy", "nll"):
        return False
    width, shape = units(aim.use), aim.target.shape
    return shape.size(1) == 1 and shape.rank in (None, 2) and width is not None and width > 1


def _wrong_labels(aim: Aim) -> Iterator[Diagnostic]:
    loss, labels = aim.use.loss, aim.labels
    name = loss.short_name
    match loss.family, labels.encoding:
        case (("sparse_cross_entropy" | "nll"), "one_hot"):
            message = f"{name} takes one integer for each sample, but the labels are one-hot rows ({labels.source})."
            advice = "Use categorical_crossentropy, or leave the labels as integers."
            yield _about_labels(aim, message, advice if loss.framework == "keras" else "Pass the class numbers.")
        case "cross_entropy", _ if loss.framework != "torch" and _is_one_integer_a_sample(aim):
            if units(aim.use) != 1:
                message = (
                    f"{name} takes one-hot rows, but the labels are one integer for each sample ({labels.source})."
                )
                yield _about_labels(aim, message, _ONE_HOT_ROWS.get(loss.framework, _ONE_HOT_ROWS["keras"]))
        case "sparse_cross_entropy", _ if loss.framework == "keras" and _has_several_columns(aim):
            count = aim.columns or "several"
            message = (
                f"{name} takes one integer for each sample, but the labels have {count} columns ({labels.source})."
            )
            advice = "Use categorical_crossentropy for one-hot rows, or leave the labels as integers."
            yield _about_labels(aim, message, advice)
        case "nll", _ if _is_typed(aim.use) and labels.dtype == "float" and labels.encoding in ("", "index", "binary"):
            yield from _class_numbers(aim)
        case "cross_entropy", _ if _is_typed(aim.use) and labels.dtype == "integer" and _are_rows(aim):
            rows = "one-hot rows" if labels.encoding == "one_hot" else "rows"
            message = f"{name} takes rows of probabilities as floats, but these {rows} are integers ({labels.source})."
            yield _about_labels(aim, message, "Convert them, labels.float(), or pass the class numbers.", "float()")
        case "cross_entropy", ("index" | "binary") if _is_typed(aim.use) and _may_be_rows_of_shares(aim):
            pass
        case (("cross_entropy" | "nll"), ("index" | "binary")) if _is_typed(aim.use):
            yield from _class_numbers(aim)
        case (("cross_entropy" | "nll"), _) if _is_typed(aim.use) and (not labels.encoding or labels.noise):
            ranks = (2, None) if aim.target.batched else (2,)
            if labels.dtype == "float" and aim.target.shape.rank == 1 and prediction(aim.use).shape.rank in ranks:
                yield from _class_numbers(aim)
        case "binary_cross_entropy", _ if _is_typed(aim.use) and not loss.any_type:
            if labels.dtype in ("integer", "boolean") and aim.use.in_training:
                message = f"{name} takes labels as floats, but these are {labels.dtype}s ({labels.source})."
                yield _about_labels(aim, message, "Convert them: labels.float().", "float()")


def _are_rows(aim: Aim) -> bool:
    """Whether labels have a row for each sample, as probabilities do."""
    return aim.labels.encoding == "one_hot" or _has_several_columns(aim)


def _has_several_columns(aim: Aim) -> bool:
    """Whether each sample has a row of scores, and of labels too."""
    target = aim.target.shape
    several = (aim.columns or 1) > 1 or (target.rank == 2 and target.units is None and aim.labels.column is False)
    return several and prediction(aim.use).shape.rank == 2


def _is_one_integer_a_sample(aim: Aim) -> bool:
    """Whether the labels are class numbers, by what they are or because the head has a unit for each of them.

    Whole numbers in one row, and a column of a file, are one number a sample whatever they stand for.
    """
    labels, shape = aim.labels, aim.target.shape
    if _is_row_of_one_sample(aim):
        return False
    if labels.encoding in ("index", "binary") or (labels.dtype == "integer" and aim.may_number_classes):
        return shape.rank == 1 or shape.units == 1 or (shape.rank is None and labels.column is not None)
    whole = labels.encoding == "" and (labels.dtype in ("integer", "boolean") or _is_column_of_file(aim.target))
    answers = prediction(aim.use).shape
    each = aim.use.compiled and labels.encoding == "" and labels.dtype == "float" and answers.rank == 2
    return (whole or each) and shape.rank == 1 and answers.rank in (None, 2)


def _is_row_of_one_sample(aim: Aim) -> bool:
    """Whether as many numbers as there are outputs are compared with the outputs of a single sample."""
    outputs, numbers = prediction(aim.use).shape, aim.target.shape
    return numbers.rank == 1 and outputs.size(0) == 1 and numbers.size(0) == units(aim.use)


def _is_column_of_file(target: Tensor) -> bool:
    """Whether labels are a column as a reader of tables gave it, or some of its rows."""
    while target.inputs and target.labels is target.inputs[0].labels:
        target = target.inputs[0]
    return target.origin.role == "input" and target.origin.name.startswith("the column")


def _may_be_rows_of_shares(aim: Aim) -> bool:
    """Whether labels have a row of zeros and ones, or of shares, for each sample, as probabilities do."""
    shape = aim.target.shape
    return shape.rank == 2 and shape.units != 1 and prediction(aim.use).shape.rank in (None, 2)


def _is_typed(use: LossUse) -> bool:
    """Whether a loss asks for the type of its labels; a product that is written out takes integers as well."""
    return use.loss.framework == "torch" and not use.loss.by_hand


_ONE_HOT_ROWS = {
    "keras": "Use sparse_categorical_crossentropy, or to_categorical(labels).",
    "tensorflow": "Use the sparse form of the loss, or tf.one_hot(labels, depth).",
}


def _class_numbers(aim: Aim) -> Iterator[Diagnostic]:
    """Class numbers that PyTorch does not take: as floats, or in a column."""
    name, labels = aim.use.loss.short_name, aim.labels
    if labels.dtype == "float" and not labels.rescaled:
        message = f"{name} takes class numbers as integers, but these labels are floats ({labels.source})."
        yield _about_labels(aim, message, "Leave the labels as integers (torch.long).", "long()")
    elif labels.column:
        message = f"{name} takes one class number for each sample, shape [N], but the labels have shape [N, 1]."
        yield _about_labels(aim, message, "Remove the last axis: labels.squeeze(1).", "squeeze(1)")


def _about_labels(aim: Aim, message: str, advice: str, conversion: str = "") -> Diagnostic:
    use, labels = aim.use, aim.labels
    steps = list(trail_of(prediction(use)))
    if labels.site is not None:
        steps.append(DiagnosticStep(labels.site, f"the labels: {labels.source}", "label"))
    steps.append(DiagnosticStep(use.site, f"{use.loss.short_name} takes both", "loss", use.loss.name))
    if aim.fed_at is not None:
        steps.append(DiagnosticStep(aim.fed_at, "feed_dict brings the labels", "label"))
    details = (
        ("encoding", labels.encoding),
        ("framework", use.loss.framework),
        ("loss", use.loss.short_name),
        ("conversion", conversion),
    )
    return Diagnostic("HL601", aim.site, message, advice, aim.proved, tuple(steps), details=details, subject=use)


_REFUSING = frozenset({"BCELoss", "BCEWithLogitsLoss", "binary_cross_entropy", "binary_cross_entropy_with_logits"})
"""Losses of PyTorch that compare the two shapes themselves."""


def _broadcast(aim: Aim) -> Iterator[Diagnostic]:
    use = aim.use
    if aim.fed_at is not None and isinstance(use.target, Tensor) and use.target.shape.rank is not None:
        return  # its placeholder says so where it is compared
    shape, other = prediction(use).shape, aim.target.shape
    if {shape.rank, other.rank} != {1, 2} or (
        prediction(use).origin.layer is None and source_tensor(prediction(use)).origin.layer is None
    ):
        return
    column, flat = (shape, other) if shape.rank == 2 else (other, shape)
    if column.units == 1 and flat.size(0) != 1:
        what = "they are broadcast to [N, N], so every output is compared with every label."
        if use.loss.framework == "torch" and use.loss.short_name in _REFUSING:
            what = "PyTorch raises an error, because it wants both to have one shape."
        message = f"{use.loss.short_name} gets shapes [N, 1] and [N]: {what}"
        advice = "Give both the same shape: output.squeeze(1) or labels.unsqueeze(1)."
        yield _about_labels(aim, message, advice, "unsqueeze(1)" if flat is other else "squeeze(1)")


_UNBOUNDED = frozenset(
    {"elu", "selu", "leakyrelu", "prelu", "softplus", "swish", "silu", "gelu", "mish", "exponential"}
)


_OF_EXACT_MATCHES = frozenset({"Accuracy", "binary_accuracy", "BinaryAccuracy"})

_ACCURACIES = _OF_EXACT_MATCHES | {"accuracy", "acc", "categorical_accuracy", "CategoricalAccuracy"}


def accuracy_for_regression(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL602."""
    for fact in evidence.of(MetricUse):
        if fact.metric not in _ACCURACIES or fact.loss.family not in AMOUNTS:
            continue
        if (
            isinstance(fact.prediction, Tensor)
            and _gives_values(evidence, fact.prediction)
            and not _are_classes(evidence, fact.prediction)
            and not is_judge(evidence, fact.prediction)
        ):
            predicts = f"but the model predicts values with {fact.loss.short_name}"
            if fact.prediction.shape.units in (None, 1) or fact.metric in _OF_EXACT_MATCHES:
                says = f"counts exact matches, {predicts}: it is almost always 0, however good the model is."
            else:
                says = f"asks which output is the largest, {predicts}: it does not say how near they come."
            message = f"The metric {fact.metric!r} {says}"
            advice = "Use 'mae' or RootMeanSquaredError, or a classification head and loss if these are classes."
            yield _about_metric("HL602", fact, message, advice)


def equality_for_regression(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL602, where a program counts the right answers itself."""
    amounts = {
        _maker(prediction(use)): use
        for use in evidence.uses
        if use.loss.family in AMOUNTS and prediction(use).domain in (Domain.LINEAR, Domain.RECTIFIED)
    }
    for fact in evidence.of(PredictionUse):
        use = amounts.get(_maker(fact.tensor)) if fact.kind == "equality" else None
        if use is None or fact.tensor.domain is not prediction(use).domain or is_judge(evidence, prediction(use)):
            continue
        message = (
            f"The output is held for right where it equals the target, but it is an amount that {use.loss.short_name} "
            "trains: it is almost never exactly equal, however good the model is."
        )
        yield _about_prediction("HL602", fact, message, "Report the mean absolute or squared error instead.")


def _gives_values(evidence: Evidence, tensor: Tensor) -> bool:
    """Whether a head gives amounts: of a sigmoid or tanh only the targets can tell."""
    head = head_of(tensor)
    if tensor.domain is Domain.TANH and head is not None and _is_convolution(head):
        return True  # colours or coordinates of each place
    if tensor.domain in (Domain.SIGMOID, Domain.TANH):
        aims = [aim.labels for aim in evidence.aims if prediction(aim.use) is tensor]
        return any(labels.encoding == "values" and not labels.noise for labels in aims)
    return tensor.domain in (Domain.LINEAR, Domain.RECTIFIED) or _is_bent(tensor)


def _is_bent(tensor: Tensor) -> bool:
    """Whether a head has an activation that has no upper bound, as amounts have none."""
    name = short(tensor.origin.name).lower().replace("_", "") if tensor.origin.role == "activation" else ""
    return name in _UNBOUNDED and tensor.inputs[0].domain is Domain.LINEAR


def _are_classes(evidence: Evidence, tensor: Tensor) -> bool:
    """Whether all targets of an output are visibly classes, so that it is the loss that does not fit (HL115)."""
    kinds = [aim.labels.encoding for aim in evidence.aims if prediction(aim.use) is tensor and not aim.labels.noise]
    return bool(kinds) and all(kind in ("one_hot", "index", "binary") for kind in kinds)


def _is_convolution(head: Tensor) -> bool:
    return head.origin.layer is not None and head.origin.layer.kind.effect.startswith("conv")


def _about_metric(code: str, fact: MetricUse, message: str, advice: str) -> Diagnostic:
    assert isinstance(fact.prediction, Tensor)
    steps = (*trail_of(fact.prediction), DiagnosticStep(fact.site, f"{fact.metric} measures it", "metric", fact.metric))
    return Diagnostic(
        code,
        fact.site,
        message,
        advice,
        is_proved(fact),
        steps,
        assumptions=assumptions_of(fact.prediction),
        subject=(fact.site, fact.metric),
    )


def metric_does_not_fit_head(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL603."""
    for fact in evidence.of(MetricUse):
        problem = _metric_problem(fact) if isinstance(fact.prediction, Tensor) else None
        if problem is not None:
            yield _about_metric("HL603", fact, *problem)


def _metric_problem(fact: MetricUse) -> tuple[str, str] | None:
    assert isinstance(fact.prediction, Tensor)
    name = fact.metric.lower().replace("_", "")
    width, domain, family = fact.prediction.shape.units, fact.prediction.domain, fact.loss.family
    thresholded = name in ("binaryaccuracy", "precision", "recall", "auc") or (
        name in ("accuracy", "acc") and family == "binary_cross_entropy" and fact.metric != "Accuracy"
    )
    given = dict(fact.arguments).keys() - {"name", "dtype"}
    if name == "binaryaccuracy" and domain is Domain.SOFTMAX and width is not None and width >= 3:
        return (
            f"binary_accuracy counts each of the {width} outputs: most are correctly near 0, so it is high for a bad model too.",
            "Use 'accuracy' (or categorical_accuracy), which compares the most probable class.",
        )
    if thresholded and domain is Domain.LINEAR and family == "binary_cross_entropy" and fact.from_logits and not given:
        return (
            f"{fact.metric} expects probabilities (threshold 0.5), but the head gives raw scores (threshold 0).",
            "Use BinaryAccuracy(threshold=0.0) or AUC(from_logits=True), or a sigmoid head without from_logits.",
        )
    if name == "categoricalaccuracy" and family == "sparse_cross_entropy":
        return (
            "categorical_accuracy compares one-hot rows, but the loss says that the labels are integers.",
            "Use 'accuracy' or sparse_categorical_accuracy.",
        )
    if name == "sparsecategoricalaccuracy" and family == "cross_entropy" and fact.loss.framework == "keras":
        return (
            "sparse_categorical_accuracy expects integers, but the loss says that the labels are one-hot rows.",
            "Use 'accuracy' or categorical_accuracy.",
        )
    return None


def argmax_of_single_output(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL604."""
    for fact in evidence.of(PredictionUse):
        tensor = fact.tensor
        if (
            fact.guards
            or fact.kind != "argmax"
            or fact.axis not in (1, -1)
            or tensor.domain in (Domain.TARGET, Domain.ONE_HOT)
        ):
            continue
        rank = tensor.shape.rank
        over_one = tensor.shape.size(fact.axis) == 1 if rank is not None else tensor.shape.units == 1
        if over_one and rank in (None, 2) and _is_output(tensor):
            message = "argmax over a single output is always 0: every sample gets class 0."
            yield _about_prediction(
                "HL604", fact, message, "Compare the probability with 0.5 (or the raw score with 0)."
            )


def _is_output(tensor: Tensor) -> bool:
    return comes_from_weights(tensor) and tensor.domain is not Domain.UNKNOWN


def _about_prediction(code: str, fact: PredictionUse, message: str, advice: str) -> Diagnostic:
    steps = (*trail_of(fact.tensor), DiagnosticStep(fact.site, f"{fact.kind} decides", "prediction"))
    details = (("head", fact.tensor.domain.name.lower()),)
    return Diagnostic(
        code,
        fact.site,
        message,
        advice,
        is_proved(fact),
        steps,
        details=details,
        assumptions=assumptions_of(fact.tensor),
        subject=fact.tensor,
    )


def threshold_on_logits(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL605."""
    trained = {
        _maker(prediction(use))
        for use in evidence.uses
        if use.loss.family == "binary_cross_entropy" and wants_logits(use) and prediction(use).domain is Domain.LINEAR
    }
    for fact in evidence.of(PredictionUse):
        if fact.tensor.domain is not Domain.LINEAR or not (
            fact.kind == "round" or (fact.kind == "threshold" and fact.threshold == 0.5)
        ):
            continue
        if comes_from_weights(fact.tensor) and _maker(fact.tensor) in trained:
            message = "The model gives raw scores, whose threshold is 0, but here they are compared with 0.5."
            yield _about_prediction("HL605", fact, message, "Compare with 0, or apply a sigmoid first.")


def _maker(tensor: Tensor) -> int:
    """The identity of the layer that gave scores, or of the product with weights that they are."""
    source = source_tensor(tensor)
    return id(source.origin.layer or source)


def labels_rescaled(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL606."""
    for fact in evidence.of(LabelsRescaled):
        if fact.labels.encoding in ("index", "binary", "one_hot") and not fact.labels.noise:
            message = f"The labels ({fact.labels.source}) are divided by 255 as if they were pixels: classes become fractions."
            yield Diagnostic(
                "HL606",
                fact.site,
                message,
                "Scale the images only, not the labels.",
                is_proved(fact),
                subject=fact.site,
            )


def labels_out_of_reach(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL606, where the numbers of two classes are no 0 and 1."""
    for aim in evidence.agreed_aims:
        interval, loss = aim.labels.interval, aim.use.loss
        if loss.family != "binary_cross_entropy" or loss.by_hand or interval is None or interval in UNIT:
            continue
        if aim.labels.encoding or units(aim.use) not in (None, 1):
            continue
        message = (
            f"{loss.short_name} takes 0 and 1 for the two classes, but these labels lie between {interval.low:g} and "
            f"{interval.high:g} ({aim.labels.source}): the loss has no lower bound for them."
        )
        yield replace(about_aim("HL606", aim, message, "Number the two classes 0 and 1."), subject=aim.use)


def removed_prediction_api(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL701."""
    for fact in evidence.of(RemovedCall):
        domain = fact.output.domain if isinstance(fact.output, Tensor) else Domain.UNKNOWN
        width = fact.output.shape.units if isinstance(fact.output, Tensor) else None
        if fact.method == "predict_proba":
            advice = "Call model.predict(x): it gives the probabilities."
        elif domain is Domain.SIGMOID:
            advice = "Use (model.predict(x) > 0.5).astype('int32')."
        elif domain is Domain.SOFTMAX or (width or 0) > 1:
            advice = "Use numpy.argmax(model.predict(x), axis=-1)."
        else:
            advice = "Use numpy.argmax(model.predict(x), axis=-1), or model.predict(x) > 0.5 for one sigmoid unit."
        message = f"Keras removed {fact.method} in TensorFlow 2.6: this call fails."
        steps = trail_of(fact.output) if isinstance(fact.output, Tensor) else ()
        details = (("head", domain.name.lower()), ("method", fact.method), ("units", width or 0))
        yield Diagnostic(
            "HL701", fact.site, message, advice, is_proved(fact), steps, details=details, subject=fact.site
        )


def unknown_loss_or_activation(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL702."""
    known = {
        "loss": list(keras_losses.LOSS_STRINGS),
        "activation": list(keras.ACTIVATIONS),
        "metric": [*keras_losses.METRIC_STRINGS, *keras_losses.LOSS_STRINGS],
    }
    for fact in evidence.of(UnknownString):
        meant = nearest(fact.text, known[fact.kind])
        advice = f"Did you mean {meant!r}?" if meant else "Look the name up in the Keras documentation."
        details = (("nearest", meant), ("kind", fact.kind)) if meant else (("kind", fact.kind),)
        message = f"Keras knows no {fact.kind} named {fact.text!r}."
        yield Diagnostic("HL702", fact.site, message, advice, is_proved(fact), details=details, subject=fact.site)


RULES = (
    labels_do_not_fit_loss,
    accuracy_for_regression,
    equality_for_regression,
    metric_does_not_fit_head,
    argmax_of_single_output,
    threshold_on_logits,
    labels_rescaled,
    labels_out_of_reach,
    removed_prediction_api,
    unknown_loss_or_activation,
)
