"""HL3: which axis a softmax runs over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from headlint.checks.axes import (
    are_of_steps,
    axis_within,
    classes_are_last,
    holds_samples,
    holds_steps,
    is_time_first,
    rank_is_guessed,
    stacks_matrices,
)
from headlint.checks.counted_alike import selects_from_axis_1
from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence, is_proved
from headlint.checks.outputs import SOFTMAXES, about_activation, softmax_axis
from headlint.checks.tensors import head_of, prediction, short, source_tensor
from headlint.checks.trails import about_loss
from headlint.flow.tensors.axes import way_of
from headlint.flow.values.facts import (
    Activation,
    AxesReordered,
    LayerBuilt,
    LossUse,
    MatricesOfShares,
    PredictionUse,
    RowsShifted,
    ShapeRestored,
)
from headlint.flow.values.python_values import Constant, Site, Unknown, Value
from headlint.flow.values.sizes import axes_of
from headlint.flow.values.tensor_values import Domain, Tensor

_WITH_DIM = ("torch.nn.Softmax", "torch.nn.LogSoftmax", "torch.nn.Softmin")


def softmax_without_dim(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL301."""
    advice = "Say which axis the classes are on: dim=1 for (batch, classes), dim=-1 for the last axis."
    for built in evidence.of(LayerBuilt):
        layer = built.layer
        implicit = layer.arguments.get("dim", Constant(None)) == Constant(None)
        if implicit and layer.kind.name in _WITH_DIM and not _one_of_several(evidence, built):
            name = layer.kind.short_name
            step = DiagnosticStep(layer.site, f"{name} is built without dim", "activation", layer.kind.name)
            yield Diagnostic("HL301", built.site, _message(name), advice, is_proved(built), (step,), subject=layer)
    for fact in evidence.of(Activation):
        origin = fact.output.origin
        functional = origin.layer is None and origin.name.startswith("torch.")
        if fact.effect in SOFTMAXES and not fact.axis_given and functional:
            yield about_activation("HL301", fact, _message(short(origin.name)), advice)


def _one_of_several(evidence: Evidence, built: LayerBuilt) -> bool:
    """Whether an option picks the layer's class among several: the call gives what suits the others."""
    return bool(built.guards) and any(
        other.site == built.site and other.layer.kind.name not in _WITH_DIM for other in evidence.of(LayerBuilt)
    )


def _message(name: str) -> str:
    return (
        f"{name} without dim guesses the axis from the number of axes (0 for one or three, 1 otherwise): "
        "deprecated, and wrong as soon as the shape changes."
    )


def softmax_over_batch(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL302."""
    for fact in evidence.of(Activation):
        if fact.effect not in SOFTMAXES or not isinstance(fact.input, Tensor) or fact.input.domain is not Domain.LINEAR:
            continue
        over_batch = _is_over_batch(evidence, fact, fact.input) or _is_decided_along_another_axis(evidence, fact)
        if fact.axis_given and fact.input.shape.units != 1 and over_batch:
            message = (
                f"{short(fact.output.origin.name)} over axis {fact.output.axis} normalises over the samples of a batch "
                "instead of the classes, so an answer depends on the other samples."
            )
            advice = "Use the axis of the classes: 1 for (batch, classes), or -1."
            yield about_activation("HL302", fact, message, advice)


def softmax_over_samples(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL302, of shares that are no head's: those of attention, or of several branches that are stacked."""
    of_matrices = {id(fact.shares) for fact in evidence.of(MatricesOfShares)}
    for fact in evidence.of(Activation):
        tensor, axis = fact.input, fact.output.axis
        if fact.effect not in SOFTMAXES or not isinstance(tensor, Tensor) or not fact.axis_given or axis is None:
            continue
        if tensor.domain is Domain.LINEAR and _is_over_batch(evidence, fact, tensor):
            continue
        decided = tensor.domain is not Domain.LINEAR and _is_decided_along_another_axis(evidence, fact)
        if _shares_among_samples(tensor, axis) or id(fact.output) in of_matrices or decided:
            message = (
                f"{short(fact.output.origin.name)} over axis {axis} normalises over the samples of a batch, so what one "
                "sample gets depends on the others, and a batch of one gets 1 everywhere."
            )
            advice = "Use the axis of what is to be compared: -1 for the keys of attention scores."
            yield about_activation("HL302", fact, message, advice)


def _shares_among_samples(scores: Tensor, axis: int) -> bool:
    """Whether shares are taken over samples; rows beside each other may be compared with those of other samples."""
    rank = scores.shape.rank
    if rank is None and axis == 0:
        return stacks_matrices(scores)
    if rank is None or rank < 2 or not -rank <= axis < rank or scores.shape.size(axis) == 1:
        return False
    joined = scores.merged[0] if scores.merged else ()
    beside_steps = axis % rank == 0 and (len(joined) > 1 or are_of_steps(scores))
    return (rank > 2 or beside_steps) and holds_samples(scores, axis % rank)


def _is_over_batch(evidence: Evidence, fact: Activation, scores: Tensor) -> bool:
    """Whether a softmax compares samples; one score a row, compared over the rows, is attention and was left out."""
    axis, rank = softmax_axis(fact), scores.shape.rank
    if rank == 1:
        return False
    if axis is not None and axis < 0 and rank is not None:
        axis += rank
    taken = evidence.reaches_loss(fact)
    if axis == 0 and (holds_steps(scores) or _is_one_score_a_row(scores)):
        return False
    if axis == 0:
        return rank == 2 or taken or fact.output.origin.name.startswith("keras")
    return axis == 1 and rank == 3 and is_time_first(scores) and (taken or id(fact.output) in evidence.answers)


def _is_decided_along_another_axis(evidence: Evidence, fact: Activation) -> bool:
    """Whether the class is looked for on another axis than the first, over which the probabilities sum to one."""
    decisions = (use for use in evidence.of(PredictionUse) if use.kind == "argmax" and use.tensor is fact.output)
    return softmax_axis(fact) == 0 and any(use.axis is not None and use.axis > 0 for use in decisions)


def _is_one_score_a_row(scores: Tensor) -> bool:
    """Whether a layer gives one score for each row, and the rows were put into a table: what is to be compared is theirs."""
    head = head_of(scores)
    return head is not None and head is not scores and head.shape.units == 1


def softmax_across_tasks(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL303."""
    advice = "Give each task its own output: a sigmoid for each yes-or-no task, or one softmax for each task's classes."
    for fact in evidence.of(Activation):
        tensor = fact.input
        if fact.effect not in SOFTMAXES or not isinstance(tensor, Tensor) or len(tensor.heads) < 2:
            continue
        if _taken_apart(evidence, fact.output):
            message = (
                f"One softmax over {len(tensor.heads)} concatenated heads: the outputs of all tasks sum to 1, "
                "so a confident answer to one lowers the others."
            )
            yield about_activation("HL303", fact, message, advice)
    reshaped = {id(wide.inputs[0]): wide for use in evidence.uses for wide in _wide(prediction(use))}
    for fact in evidence.of(Activation):
        wide = reshaped.get(id(fact.output))
        if fact.effect in SOFTMAXES and wide is not None and wide.shape.dims is not None:
            tasks, classes = wide.shape.dims[-2:]
            message = (
                f"The softmax runs over all {fact.output.shape.units} outputs, which are split into "
                f"{tasks} × {classes} only afterwards: the outputs of all tasks sum to 1."
            )
            yield about_activation("HL303", fact, message, advice)


def _taken_apart(evidence: Evidence, probabilities: Tensor) -> bool:
    """Whether losses take parts of it, one for each task, or treat every output as a question of its own."""
    for use in evidence.uses:
        tensor, apart = prediction(use), use.loss.family == "binary_cross_entropy"
        for _ in range(16):
            if tensor is probabilities:
                if apart:
                    return True
                break
            apart = apart or tensor.origin.note == "index" or short(tensor.origin.name) in ("chunk", "split")
            if not tensor.inputs:
                break
            tensor = tensor.inputs[0]
    return False


def _wide(tensor: Tensor) -> Iterator[Tensor]:
    """The places on a tensor's way where a flat softmax is split into rows."""
    for _ in range(16):
        if not tensor.inputs:
            return
        before = tensor.inputs[0]
        if (
            before.domain in (Domain.SOFTMAX, Domain.LOG_SOFTMAX)
            and before.shape.rank == 2
            and before.origin.role == "activation"
        ):
            dims = tensor.shape.dims
            if (
                dims is not None
                and len(dims) == 3
                and None not in dims[1:]
                and 1 not in dims[1:]
                and before.shape.units == (dims[1] or 0) * (dims[2] or 0)
            ):
                yield tensor
        tensor = before


def classes_on_wrong_axis(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL304."""
    for use in evidence.uses:
        if _takes_classes_last(use):
            rank = prediction(use).shape.rank
            message = (
                f"{use.loss.short_name} expects the classes on axis 1, but the classes of these {rank} axes are the last: "
                "another axis is compared as if it held the classes."
            )
            advice = (
                "Move the classes to axis 1 (scores.movedim(-1, 1)), or flatten scores and labels to one row a label."
            )
            yield about_loss("HL304", use, message, advice)


def _takes_classes_last(use: LossUse) -> bool:
    """Whether a loss that selects from axis 1 is given the classes on the last of three or more axes."""
    tensor = prediction(use)
    return (
        selects_from_axis_1(use)
        and (tensor.shape.rank or 0) >= 3
        and classes_are_last(tensor)
        and not _has_a_share_for_each_class(use.target, tensor)
    )


def _has_a_share_for_each_class(target: Value | None, scores: Tensor) -> bool:
    """Whether a target of two axes has one number for each class: the scores have no more axes than that."""
    return (
        isinstance(target, Tensor)
        and target.shape.rank == 2
        and target.shape.units is not None
        and target.shape.units == scores.shape.units
    )


def normalised_over_another_axis(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL304, of a log-softmax over another axis than the one on which the loss looks for the classes."""
    normalised = {id(fact.output): fact for fact in evidence.of(Activation) if fact.effect == "log_softmax"}
    reported: set[int] = set()
    for use in evidence.uses:
        if not selects_from_axis_1(use) or (prediction(use).shape.rank or 0) < 2:
            continue
        output = source_tensor(prediction(use))
        fact = normalised.get(id(output))
        if fact is None or id(output) in reported or not fact.axis_given or not isinstance(fact.input, Tensor):
            continue
        classes, axis = axis_within(prediction(use), 1, output), softmax_axis(fact)
        rank, head = output.shape.rank, head_of(output)
        if classes is None or axis is None or rank is None or head is None or rank_is_guessed(head):
            continue
        if classes == axis % rank or _takes_classes_last(use) or _is_over_batch(evidence, fact, fact.input):
            continue
        reported.add(id(output))
        message = (
            f"{short(output.origin.name)} runs over axis {axis}, but the classes that {use.loss.short_name} selects from are "
            f"on axis {classes}: the numbers of one label's classes are no log-probabilities of it."
        )
        last = classes == rank - 1
        advice = f"Use the axis of the classes: {'-1' if last else classes}."
        yield about_activation("HL304", fact, message, advice, classes=-1 if last else classes)


def view_instead_of_transpose(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL306."""
    shifted = {fact.reshaped_at for fact in evidence.of(RowsShifted)}
    restored = {id(fact.of) for fact in evidence.of(ShapeRestored)}
    reordered = evidence.of(AxesReordered)
    ones = set(_axes_of_one_item(evidence)) if reordered else set()
    for fact in reordered:
        if fact.site in shifted or (id(fact.input) in restored and _keeps_the_last(fact)) or _rests_on_sizes(fact):
            continue
        if fact.input.origin.note == "array":
            continue  # numbers that are written out are an example of what a reshape does
        if _is_in_order([axis for place, axis in enumerate(fact.order) if (fact.site, place) not in ones]):
            continue
        name = short(fact.name)
        moved = [axis for axis, behind in pairwise(fact.order) if axis > behind]
        named = f"{'a part of ' if fact.by_part else ''}axis {moved[0]}"
        message = (
            f"{name} names {named} before axis {min(fact.order[fact.order.index(moved[0]) :])}, but moves no number: "
            "it reads the same numbers in the same order, so the values of several rows are mixed, not swapped."
        )
        whole = fact.order if len(fact.order) == fact.sizes == fact.input.shape.rank or _is_whole(fact) else ()
        step = DiagnosticStep(fact.site, f"{name} keeps the order in memory", "operation", fact.name)
        details = (("order", ",".join(map(str, whole if fact.of_torch else ()))),)
        advice = "Use transpose or permute to change the order of axes."
        yield Diagnostic("HL306", fact.site, message, advice, is_proved(fact), (step,), details, subject=fact)


def _axes_of_one_item(evidence: Evidence) -> Iterator[tuple[Site | None, int]]:
    """The places where a tensor was made whose axis has one item, because a layer takes one feature there."""
    for applied in evidence.applications():
        layer, rank = applied.layer, applied.input.shape.rank
        if layer.kind.features and layer.constant(layer.kind.features) == 1 and rank is not None:
            axis = 1 if layer.kind.effect == "convolution" else rank - 1
            yield from ((one.origin.site, at) for one, at in way_of(applied.input, axis))


def _is_in_order(order: Sequence[int]) -> bool:
    return list(order) == sorted(order)


def _rests_on_sizes(fact: AxesReordered) -> bool:
    """Whether a test compares sizes of axes on the way: which is which may be another there."""
    subjects = [guard.condition.subject for guard in fact.guards]
    sides = [side for subject in subjects for side in (subject if isinstance(subject, tuple) else (subject,))]
    return any(isinstance(side, Unknown) and axes_of(side, lambda _: fact.input) for side in sides)


def _keeps_the_last(fact: AxesReordered) -> bool:
    """Whether the last axis stays the last one: whatever goes along it may be done to rows in any order."""
    return fact.order[-1] == max(fact.order) == (fact.input.shape.rank or len(fact.order)) - 1


def _is_whole(fact: AxesReordered) -> bool:
    """Whether every axis is named once, as far as the number of axes is known."""
    return fact.input.shape.rank is None and sorted(fact.order) == list(range(fact.sizes)) and fact.sizes > 1


RULES = (
    softmax_without_dim,
    softmax_over_batch,
    softmax_over_samples,
    softmax_across_tasks,
    classes_on_wrong_axis,
    normalised_over_another_axis,
    view_instead_of_transpose,
)
