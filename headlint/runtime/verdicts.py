"""From what was measured on the built model to a verdict about a finding. Pure: no framework, no files.

CONFIRMED needs the fact in training mode in every draw of the weights, resting on nothing guessed that the rule tests.
REFUTED needs the opposite, resting on no guess and no stand-in at all. Everything else is UNKNOWN, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from headlint.findings.finding import Finding
from headlint.runtime.measurement import Failure, Measurement, Output, Summary
from headlint.runtime.parts import CAUSES, about, not_held, remarks


class Outcome(str, Enum):
    """What the built model says about a finding."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome with the measured reason in words. ``reason`` is the worker's code for an UNKNOWN."""

    outcome: Outcome
    why: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one rule reads from the measurement: None where it does not show; ``sizes`` where widths decide."""

    holds: bool | None
    why: str
    sizes: bool = False


_IMPOSSIBLE = re.compile(
    r"divi[ds]|multiple of|positive|negative|\bzero\b|non-?zero|between 0|[\[(]0, ?1|greater than|at least|probability",
    re.I,
)
"""What layers say of arguments that cannot be: a constructor may fail for a guess, too."""

_MOST_TOLD = 4

_NOT_MEASURABLE = "the model alone does not show what this rule is about"


def judge(finding: Finding, outcome: Measurement | Failure | None) -> Verdict:
    """The verdict about a finding; None stands for a finding whose model is not known."""
    match outcome:
        case None:
            return _unknown("no-model", "no model that could be built stands behind this finding")
        case Failure(reason, detail):
            if finding.code == "HL206" and reason == "constructor" and _IMPOSSIBLE.search(detail):
                return Verdict(Outcome.CONFIRMED, f"Building the model fails: {detail}.")
            return _unknown(reason, detail)
    if finding.code not in _RULES:
        return _unknown("not-measurable", _NOT_MEASURABLE)
    output = relevant_output(outcome, finding)
    if output is None:
        return _unknown("output", "the model gives no tensor")
    if finding.code not in _BY_SHAPE and not output.train:
        return _unknown("device", "only shapes were computed")
    return _judged(_RULES[finding.code](output, outcome, finding), outcome)


def _judged(answer: _Answer, measured: Measurement) -> Verdict:
    basis = measured.basis
    if answer.holds is None:
        return _unknown("mixed", answer.why)
    if answer.holds:
        guesses = [guess for guess in basis.assumed if answer.sizes or not _is_size(guess)]
        if guesses:
            return _unknown("assumed", f"it rests on a guess: {_some(guesses)}. {answer.why}")
        return Verdict(Outcome.CONFIRMED, answer.why)
    if basis.assumed or basis.stubs:
        return _unknown("assumed", f"it rests on a guess: {_some([*basis.assumed, *basis.stubs])}. {answer.why}")
    return Verdict(Outcome.REFUTED, answer.why)


def _some(guesses: list[str]) -> str:
    more = len(guesses) - _MOST_TOLD
    return ", ".join(guesses[:_MOST_TOLD]) + (f" and {more} more" if more > 0 else "")


def _is_size(guess: str) -> bool:
    """Whether what was guessed is a number: how wide a model is does not decide what its last function is."""
    return re.fullmatch(r"[\w.\[\]]+=[\d.e, ()\[\]-]+", guess) is not None


def _unknown(reason: str, why: str) -> Verdict:
    return Verdict(Outcome.UNKNOWN, why, reason)


def relevant_output(measured: Measurement, finding: Finding) -> Output | None:
    """The output that the finding is about: the only one, or the one as wide as the finding says."""
    outputs = measured.outputs
    if len(outputs) > 1:
        units = finding.detail("units")
        fitting = [output for output in outputs if output.shape and output.shape[-1] == units]
        return fitting[0] if fitting else outputs[0]
    return outputs[0] if outputs else None


def _all(output: Output, test: Callable[[Summary], bool]) -> bool | None:
    """True or False where all draws agree, else None."""
    results = {test(summary) for summary in output.train}
    return results.pop() if len(results) == 1 else None


def width(output: Output) -> int:
    """How many values the output has for each sample on its class axis; one where the batch is its only axis."""
    if len(output.shape) < 2:
        return 1
    return output.shape[output.axis if output.axis is not None else -1]


def _behind(measured: Measurement) -> str:
    """The last layer with weights, by its name in the model."""
    weighted = [layer for layer in measured.layers if layer.bias is not None]
    return f" behind {weighted[-1].name} ({weighted[-1].kind})" if weighted and weighted[-1].name else ""


def _gives_softmax(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    holds = _all(output, lambda one: one.rows_sum_to_one)
    if holds:
        return _Answer(True, f"In training mode every row of the output{_behind(measured)} sums to 1.{cost(measured)}")
    if holds is None:
        return _Answer(None, "Some draws of the weights give rows that sum to 1, others do not.")
    if output.evaluation and all(one.rows_sum_to_one for one in output.evaluation):
        return _Answer(
            False, "Rows sum to 1 in evaluation mode only; in training mode, which the loss sees, they do not."
        )
    return _Answer(False, f"The rows of the output do not sum to 1: values from {_range(output)}.")


def _gives_log_softmax(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    holds = _all(output, lambda one: one.log_probabilities)
    if holds:
        return _Answer(True, f"In training mode the output{_behind(measured)} is log-probabilities.{cost(measured)}")
    return _Answer(holds, f"The exponentials of the rows do not sum to 1: values from {_range(output)}.")


def _lacks_log_softmax(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    answer = _gives_log_softmax(output, measured, finding)
    if answer.holds:
        return _Answer(False, "In training mode the output is log-probabilities, as the loss wants them.")
    if answer.holds is None:
        return answer
    return _Answer(True, f"The output is not log-probabilities: values from {_range(output)}.{cost(measured)}")


def _gives_sigmoid(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    inside = _all(output, lambda one: one.in_unit_interval)
    if inside is False:
        return _Answer(False, f"The output leaves [0, 1]: values from {_range(output)}.")
    if inside and output.activation == "sigmoid":
        return _Answer(True, f"In training mode a sigmoid{_behind(measured)} gives the output.{cost(measured)}")
    return _Answer(None, f"The values lie from {_range(output)}, but no sigmoid was seen to give them.")


def _gives_probabilities(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    if _all(output, lambda one: one.rows_sum_to_one) and width(output) > 1:
        return _gives_softmax(output, measured, finding)
    return _gives_sigmoid(output, measured, finding)


def _gives_scores(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    # One value outside shows that nothing confines them; scores near 0 may all lie inside by chance. No sigmoid and no
    # softmax ever gives less than 0, however little.
    if any(one.minimum < 0 or not one.in_unit_interval for one in output.train):
        return _Answer(True, f"The output is not confined to [0, 1]: values from {_range(output)}.{cost(measured)}")
    if output.activation in ("sigmoid", "softmax"):
        return _Answer(False, f"A {output.activation} keeps the output in [0, 1].")
    return _Answer(None, f"The values lie from {_range(output)}: too few to tell.")


def _squashed(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    if output.activation in ("relu", "tanh", "leaky_relu", "elu", "gelu", "selu", "softplus", "relu6"):
        return _Answer(
            True,
            f"A {output.activation}{_behind(measured)} gives the output: values from {_range(output)}.{cost(measured)}",
        )
    return _Answer(None, "No such function was seen to give the output itself.")


def _log_in_two_steps(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    if finding.detail("head") != "softmax" or not _all(output, lambda one: one.log_probabilities):
        return _Answer(None, "The logarithm does not give the model's output, so the output does not show it.")
    if output.activation == "log_softmax":
        return _Answer(None, "A log_softmax gives the model's output; the logarithm stands elsewhere.")
    told = "In training mode the output is log-probabilities, and no log_softmax gives them"
    return _Answer(True, f"{told}: where a probability rounds to 0 they are -inf.")


def _single_softmax(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    if output.activation not in ("softmax", "log_softmax"):
        return _Answer(None, "The softmax does not give the model's output, so the output does not show it.")
    constant = _all(output, lambda one: one.constant and one.zero_gradient)
    always = "0" if output.activation == "log_softmax" else "1"
    if width(output) == 1 and constant:
        why = f"The output is {always} for every input, and its gradient is exactly 0.{cost(measured)}"
        return _Answer(True, why, sizes=True)
    return _Answer(False if width(output) > 1 else None, f"The softmax runs over {width(output)} values.", sizes=True)


def _single_unit(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    if width(output) != 1:
        return _Answer(False, f"The output has {width(output)} values for each sample.", sizes=True)
    loss = measured.loss
    constant = loss is not None and bool(loss.written) and all(one.constant for one in loss.written)
    told = " The loss is the same whatever the input is." if constant else ""
    return _Answer(True, f"The output has one value for each sample.{told}{cost(measured)}", sizes=True)


def _two_units(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    softmax = _all(output, lambda one: one.rows_sum_to_one or one.log_probabilities)
    holds = softmax and width(output) == 2 if softmax is not None else None
    logs = softmax and not _all(output, lambda one: one.rows_sum_to_one)
    which = "whose exponentials sum to 1" if logs else "which sum to 1" if softmax else "which do not sum to 1"
    why = f"The output{_behind(measured)} has {width(output)} values for each sample, {which}."
    return _Answer(holds, why, sizes=True)


def _wrong_classes(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    classes = finding.detail("classes")
    why = f"The output has {width(output)} values for each sample, the labels show {classes} classes."
    return _Answer(width(output) != classes, why, sizes=True)


def _not_flattened(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    shape = "x".join(map(str, output.shape))
    return _Answer(len(output.shape) > 2, f"The output's shape is {shape} (batch first).")


def _softmax_over_batch(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    shown = _part_shows(output, measured, finding)
    if shown.holds:
        return shown
    over_batch = _all(output, lambda one: one.batch_sums_to_one and not one.rows_sum_to_one)
    if over_batch:
        return _Answer(True, "The values of each class sum to 1 over the samples of the batch, not over the classes.")
    if _all(output, lambda one: one.rows_sum_to_one and not one.batch_sums_to_one):
        return _Answer(False, "The values sum to 1 over the classes of each sample.")
    return _Answer(None, "The sums over the batch do not decide it.")


def _one_softmax_for_all(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    units = finding.detail("units")
    holds = _all(output, lambda one: one.rows_sum_to_one or one.log_probabilities)
    if holds and width(output) == units:
        return _Answer(True, f"All {units} outputs of the tasks together sum to 1.", sizes=True)
    return _Answer(None, "The output itself does not show the softmax.")


def _head_without_bias(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    weighted = [layer for layer in measured.layers if layer.bias is not None]
    if not weighted:
        return _Answer(None, "No layer with weights was seen.")
    head = weighted[-1]
    return _Answer(not head.bias, f"The last layer with weights ({head.kind}) has {'a' if head.bias else 'no'} bias.")


def _layer_without_bias(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    without = [layer for layer in measured.layers if layer.bias is False]
    return _Answer(
        bool(without), f"{len(without)} layer{'' if len(without) == 1 else 's'} with weights without a bias."
    )


def _not_differentiable(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    cut = _all(output, lambda one: not one.differentiable)
    if cut:
        return _Answer(True, "No gradient comes back through the value that the loss takes.")
    return _Answer(None, "A gradient comes back through the model's own output; what the loss takes was not measured.")


def _dropout_last(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    if not measured.layers:
        return _Answer(None, "No layers were seen.")
    last = measured.layers[-1].kind
    return _Answer("Dropout" in last or "BatchNorm" in last or None, f"The last layer is {last}.")


def _part_shows(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    if measured.suspects is None:
        return _Answer(None, "The parts of the model were not measured.")
    part = about(measured.suspects, CAUSES[finding.code], finding.detail("attribute"), finding.place.line)
    if part is None:
        return _Answer(None, "The built model does not show it on the inputs that it was given.")
    said = next((one.message for one in remarks(measured.suspects) if one.suspect is part), "")
    return _Answer(True, said or "The output for one sample changes with another sample of the batch.")


def _optimizer_misses(output: Output, measured: Measurement, finding: Finding) -> _Answer:
    for one in measured.optimizers:
        if one.line == finding.place.line and one.missing and one.whole:
            return _Answer(True, not_held(one.missing, one.parameters))
        if one.line == finding.place.line:
            return _Answer(None, "The built optimizer holds every parameter of the model that it was given.")
    return _Answer(None, "The optimizer could not be built.")


_RULES: dict[str, Callable[[Output, Measurement, Finding], _Answer]] = {
    **dict.fromkeys(CAUSES, _part_shows),
    "HL101": _gives_softmax,
    "HL102": _gives_log_softmax,
    "HL103": _gives_sigmoid,
    "HL104": _gives_probabilities,
    "HL105": _gives_scores,
    "HL106": _gives_scores,
    "HL107": _gives_softmax,
    "HL108": _gives_sigmoid,
    "HL109": _lacks_log_softmax,
    "HL110": _lacks_log_softmax,
    "HL111": _gives_softmax,
    "HL112": _squashed,
    "HL113": _log_in_two_steps,
    "HL201": _single_softmax,
    "HL202": _single_unit,
    "HL203": _two_units,
    "HL204": _wrong_classes,
    "HL207": _not_flattened,
    "HL302": _softmax_over_batch,
    "HL303": _one_softmax_for_all,
    "HL401": _head_without_bias,
    "HL402": _layer_without_bias,
    "HL501": _not_differentiable,
    "HL502": _not_differentiable,
    "HL504": _dropout_last,
    "HL510": _optimizer_misses,
    "HL604": _single_unit,
    "HL605": _gives_scores,
}
_BY_SHAPE = frozenset({"HL202", "HL204", "HL207", "HL401", "HL402", "HL504", "HL604"})
"""Rules that need shapes and layers only, as ``meta`` gives them too."""


def cost(measured: Measurement) -> str:
    """What the mistake costs, in numbers of the loss; empty where no loss was measured."""
    loss = measured.loss
    if loss is None or not loss.written:
        return ""
    text = f" {loss.name} as written is {_mean([one.value for one in loss.written]):.4g}"
    if loss.floor is not None and loss.floor > 0:
        text += f" and cannot fall below {loss.floor:.4g}, however right the answers are"
    gradients = [one.gradient for one in loss.written if one.gradient is not None]
    fixed = [one.gradient for one in loss.fixed if one.gradient is not None]
    if gradients and fixed:
        text += f"; a gradient of {_mean(gradients):.3g} comes back to the last layer, {_mean(fixed):.3g} when fixed"
    elif gradients:
        text += f"; a gradient of {_mean(gradients):.3g} comes back to the last layer"
    return text + (f" ({loss.note})." if loss.note else ".")


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _range(output: Output) -> str:
    low = min(one.minimum for one in output.train)
    high = max(one.maximum for one in output.train)
    return f"{low:.3g} to {high:.3g}"
