"""What only the built model shows: another shape than was derived, a constant output, values that the loss does not take.

These are the findings HL801 to HL807. None is told where it would rest on a guess.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from headlint.findings.finding import Confidence, Finding, Place, Step
from headlint.findings.rulebook import find_rule
from headlint.frameworks.torch import drops_by_design
from headlint.runtime.inputs import Shape
from headlint.runtime.measurement import Measurement, Output, Summary
from headlint.runtime.parts import CAUSES, not_held, remarks
from headlint.runtime.targets import Target, assigned_line, definition_lines, is_made_in_one_way
from headlint.runtime.verdicts import cost, width

ABOUT_CONSTANTS = frozenset({"HL201", "HL202"})
"""Findings that already say that nothing can be learned."""

ABOUT_AXES = frozenset({"HL302", "HL305", "HL306"})
"""Findings that already say that the batch is taken for another axis."""

ABOUT_VALUES = ("HL1", "HL2", "HL3", "HL5")
"""Families of findings that already say what is wrong with the values that the loss gets."""


def discoveries(target: Target, measured: Measurement, declared: Shape | None = None) -> Iterator[Finding]:
    """The findings of one built model; ``declared`` is the output shape that the user expects."""
    if measured.basis.assumed or measured.basis.stubs or not measured.outputs:
        return
    yield from _shape_differs(target, measured, declared)
    known = {finding.code for finding in target.findings}
    yield from _parts(target, measured)
    yield from _optimizers(target, measured)
    yield from _thrown_off(target, measured)
    if len(measured.outputs) == 1 and (target.named or target.loss is not None) and not known & ABOUT_CONSTANTS:
        yield from _constant(target, measured.outputs[0])
    if len(measured.outputs) == 1 and target.loss is not None and not any(code[:3] in ABOUT_VALUES for code in known):
        yield from _out_of_range(target, measured)


def _shape_differs(target: Target, measured: Measurement, declared: Shape | None) -> Iterator[Finding]:
    if declared is not None:
        shapes = [output.shape for output in measured.outputs]
        if not any(_matches(shape, declared) for shape in shapes):
            given = ", ".join(_text(shape) for shape in shapes)
            yield _finding(
                "HL801", target, f"The output's shape is {given}, not {_text(declared)} as you said.",
                "Look at the table of layers for the first shape that you did not expect.",
            )  # fmt: skip
        return
    if len(measured.outputs) != 1 or len(target.heads) != 1 or not target.heads[0].given or target.after:
        return
    if not is_made_in_one_way(target.path, target.name):
        return
    shape, head = measured.outputs[0].shape, target.heads[0]
    wrong_rank = head.rank is not None and head.rank != len(shape)
    if wrong_rank and measured.basis.input_origin == "search":
        return  # an input of fewer or more axes than the program's own may be what makes the difference
    # The size of the batch says nothing about the model: it may be the only axis, or the last as well (distances of all pairs).
    wrong_units = head.units is not None and len(shape) > 1 and shape[-1] not in (head.units, shape[0])
    if wrong_rank or wrong_units:
        derived = f"{head.units} values on its last axis" if wrong_units else f"{head.rank} axes"
        yield _finding(
            "HL801", target, f"The code reads as if the output had {derived}, but the built model gives {_text(shape)}.",
            "Look at the table of layers; if the model is right, please report it: headlint read it wrongly.",
        )  # fmt: skip


def _matches(shape: tuple[int, ...], declared: Shape) -> bool:
    return len(shape) == len(declared) and all(
        wanted in (None, size) for size, wanted in zip(shape, declared, strict=True)
    )


def _parts(target: Target, measured: Measurement) -> Iterator[Finding]:
    """What its parts show, but for what a finding says already."""
    told = {finding.place.line for finding in target.findings if finding.code in CAUSES}
    known = {finding.code for finding in target.findings}
    for one in remarks(measured.suspects) if measured.suspects is not None else ():
        place = Place(one.suspect.path, one.suspect.line, 1, one.suspect.line, 1) if one.suspect.line else None
        answered = (one.code == "HL805" and bool(known & ABOUT_AXES)) or (
            one.suspect.cause == "cut" and "HL520" in known
        )
        drops = one.code == "HL806" and drops_by_design(f"{target.name}.{one.suspect.name}")
        if not answered and not drops and (place is None or place.line not in told):
            yield _finding(one.code, target, one.message, one.advice, place)


def _optimizers(target: Target, measured: Measurement) -> Iterator[Finding]:
    """The optimizers that were given the parameters of the model and do not hold all of them."""
    told = {finding.place.line for finding in target.findings if finding.code == "HL510"}
    for one in measured.optimizers:
        if one.whole and one.missing and one.line not in told:
            yield _finding(
                "HL510", target, not_held(one.missing, one.parameters),
                "Build the optimizer after the last change of the model.", Place(str(target.path), one.line, 1, one.line, 1),
            )  # fmt: skip


def _constant(target: Target, output: Output) -> Iterator[Finding]:
    if output.train and all(one.differentiable and one.zero_gradient for one in output.train):
        yield _finding(
            "HL802", target, "The gradient of the output is zero everywhere: the model cannot learn.",
            "Look for an activation that is flat where its inputs lie, such as a second softmax or a relu on the scores.",
        )  # fmt: skip
    elif output.train and all(_never_changes(one) for one in output.train):
        yield _finding(
            "HL802", target, "The model gives the same output whatever its input is.",
            "Look for a softmax over one value, an input that is never used, or weights that are all zero.",
        )  # fmt: skip


def _never_changes(summary: Summary) -> bool:
    """Whether the output is the same whatever the input is, and will stay so.

    Decisions (argmax, round) may be alike by chance, and a head whose weights start at zero gives zeros until its first
    step: its gradient is not zero.
    """
    starts_at_zero = summary.minimum == summary.maximum == 0.0 and bool(summary.gradient)
    return summary.finite and summary.constant and summary.differentiable and not starts_at_zero


def _out_of_range(target: Target, measured: Measurement) -> Iterator[Finding]:
    output, loss = measured.outputs[0], target.loss
    assert loss is not None
    if not output.train:
        return
    name = loss.name.rpartition(".")[2]
    if not all(one.finite for one in output.train):
        message = f"The output holds values that are not numbers (NaN or infinite) before {name} takes it."
    elif loss.expects == "logits" and width(output) > 1 and all(one.rows_sum_to_one for one in output.train):
        message = f"{name} takes raw scores, but each row of the output sums to 1.{cost(measured)}"
    elif loss.expects == "probabilities" and not any(one.in_unit_interval for one in output.train):
        message = f"{name} takes probabilities, but the output runs from {_extent(output.train)}.{cost(measured)}"
    elif loss.expects == "log_probabilities" and not any(one.log_probabilities for one in output.train):
        message = f"{name} takes log-probabilities, but the output runs from {_extent(output.train)}.{cost(measured)}"
    else:
        return
    yield _finding("HL803", target, message, "Give the loss what it takes, or choose the loss that takes this output.")


def _thrown_off(target: Target, measured: Measurement) -> Iterator[Finding]:
    """The optimizers of the program one step of which leaves a model whose output is not a number."""
    if not all(one.finite for output in measured.outputs for one in output.train):
        return
    for one in measured.optimizers:
        if one.step is not None and one.step.of and math.isfinite(one.step.before) and not one.step.finite:
            yield _finding(
                "HL803", target, f"After one step of {one.step.kind} the output holds values that are not numbers.",
                "Look for a gradient that is not a number, or a learning rate that is far too large.",
                Place(str(target.path), one.line, 1, one.line, 1),
            )  # fmt: skip


def _extent(summaries: tuple[Summary, ...]) -> str:
    return f"{min(one.minimum for one in summaries):.3g} to {max(one.maximum for one in summaries):.3g}"


def _text(shape: Shape) -> str:
    return f"({', '.join('any' if size is None else str(size) for size in shape)})"


def _finding(code: str, target: Target, message: str, advice: str, place: Place | None = None) -> Finding:
    rule = find_rule(code)
    assert rule is not None, code
    head = target.heads[0] if target.heads else None
    trail = (
        [Step(layer.place, layer.note or f"{layer.name} stands here", "layer", layer.name) for layer in head.layers]
        if head is not None
        else []
    )
    if place is not None:
        trail = [Step(place, target.name, "layer")]
    else:
        place = head.place if head is not None else _definition(target)
    return Finding(code, rule.name, rule.severity, Confidence.PROVED, message, advice, place, tuple(trail), target.name)


def _definition(target: Target) -> Place:
    lines = definition_lines(target.path, target.name)
    line = lines[0] if lines is not None else assigned_line(target.path, target.name) or 1
    return Place(str(target.path), line, 1, line, 1)
