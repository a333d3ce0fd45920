"""What came of building models, for people and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from headlint.findings.finding import Finding
from headlint.reporting.concise import position
from headlint.reporting.context import Context
from headlint.reporting.curves import curves

if TYPE_CHECKING:
    from headlint.runtime.confirm import Confirmation
    from headlint.runtime.measurement import Failure, LossMeasured, Measurement, Output
    from headlint.runtime.worker.measuring.starts import OwnFunction, Slopes, Step

VERSION = 1
"""Of the JSON: changes when a field changes its meaning or goes; new fields may come at any time."""

MOST_LAYERS = 60
MOST_LEFT_OUT = 5
MOST_NAMES = 4
FAR = 2.0
"""Times that a first loss may be larger or smaller than that of equal probabilities for all classes."""

_COLOURS = {"confirmed": "\033[1;31m", "refuted": "\033[1;32m", "unknown": "\033[2m"}
_BOLD, _RESET = "\033[1m", "\033[0m"


def render_text(confirmations: Sequence[Confirmation], context: Context) -> str:
    """A block for each model; what an environment lacks to build any at all is reported once, as a problem."""
    return "\n".join("\n".join(_block(one, context)) + "\n" for one in confirmations if not one.refused)


def _block(confirmation: Confirmation, context: Context) -> Iterator[str]:
    target = confirmation.target
    title = f"{context.shown(str(target.path))}{f'::{target.name}' if target.name else ''}"
    yield f"{_BOLD}{title}{_RESET}" if context.colour else title
    if confirmation.failure is not None:
        yield from _failure(confirmation.failure)
    if confirmation.measurement is not None:
        yield from _measurement(confirmation.measurement, context)
    for finding, verdict in confirmation.verdicts:
        word = verdict.outcome.value.upper()
        shown = f"{_COLOURS[verdict.outcome.value]}{word}{_RESET}" if context.colour else word
        yield f"  {shown} {finding.code} {finding.name} ({position(finding.place, context)})"
        reason = f"{verdict.reason}: " if verdict.reason else ""
        yield f"    {reason}{verdict.why}"
    for finding in confirmation.found:
        yield f"  FOUND {finding.code} {finding.name} ({position(finding.place, context)})"
        yield f"    {finding.message} {finding.advice}"


def refutations(confirmations: Sequence[Confirmation], context: Context) -> str:
    """What the static side said and the built models do not show, a block for each finding."""
    lines: list[str] = []
    for finding, verdict in (pair for one in confirmations for pair in one.verdicts):
        if verdict.outcome.value == "refuted":
            where = position(finding.place, context)
            lines += [f"{where}  refuted {finding.code} {finding.name}", f"  built model: {verdict.why}", ""]
    return "".join(f"{line}\n" for line in lines)


def _failure(failure: Failure) -> Iterator[str]:
    yield f"  could not be measured: {failure.reason}: {failure.detail}"
    if failure.printed.strip():
        yield "  it printed last:"
        yield from (f"    | {line}" for line in failure.printed.strip().splitlines()[-10:])


def _measurement(measured: Measurement, context: Context) -> Iterator[str]:
    for label, text in measured_facts(measured, context):
        yield f"  {label:<8} {text}"
        if label == "layers":
            yield from _layer_table(measured)
    if measured.training is not None:
        training = measured.training
        yield from curves(training.written, training.fixed, training.steps)


def measured_facts(measured: Measurement, context: Context) -> Iterator[tuple[str, str]]:
    """What was measured and what that rests on, each with a label."""
    basis = measured.basis
    versions = ", ".join(f"{name} {version}" for name, version in basis.versions)
    yield "built", f"{basis.init or basis.name} ({basis.origin}) on {_device(basis.device)}, {versions}"
    if basis.inputs:
        yield "input", f"{'; '.join(basis.inputs)} ({basis.input_origin})"
    for output in measured.outputs:
        yield "output", _output(output)
    if measured.layers:
        yield "layers", f"{len(measured.layers)}, {measured.parameters:,} parameters"
    if basis.assumed:
        yield "assumed", ", ".join(basis.assumed)
    if basis.stubs:
        yield "replaced", "; ".join(basis.stubs)
    if basis.left_out:
        more = len(basis.left_out) - MOST_LEFT_OUT
        yield "left out", f"{'; '.join(basis.left_out[:MOST_LEFT_OUT])}{f'; and {more} more' if more > 0 else ''}"
    if basis.missing_guards:
        yield "unguarded", f"here: {', '.join(basis.missing_guards)}"
    if context.verbose:
        yield "guards", ", ".join(basis.guards) or "none"
        times = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in measured.seconds.items())
        yield "took", f"{times}, at most {measured.peak_bytes / 2**20:.0f} MiB beside the framework"
    if measured.loss is not None:
        yield from (("loss", line) for line in _loss(measured.loss))
    if measured.slopes is not None:
        yield "gradient", _gradient(measured.slopes)
        yield from (("backward", _own_function(one)) for one in measured.slopes.functions)
    for optimizer in measured.optimizers:
        if optimizer.step is not None:
            yield "step", _step(optimizer.line, optimizer.step)


def _device(device: str) -> str:
    return "meta (shapes only)" if device == "meta" else device


def _output(output: Output) -> str:
    name = f"{output.name}: " if output.name else ""
    text = f"{name}{_shape(output.shape)} {output.dtype}"
    if output.activation:
        axis = f" over axis {output.axis}" if output.axis is not None else ""
        text += f", from {output.activation}{axis}"
    if output.train:
        low, high = min(one.minimum for one in output.train), max(one.maximum for one in output.train)
        text += f", values {low:.3g} to {high:.3g}"
        if all(one.rows_sum_to_one for one in output.train):
            text += ", every row sums to 1"
    return text


def _shape(shape: Sequence[int]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def layer_rows(measured: Measurement) -> list[tuple[str, str, str, str]]:
    """The first layers in the order in which they were called: name, kind, shape of the output, parameters."""
    return [
        (layer.name, layer.kind, _shape(layer.output) if layer.output is not None else "?", f"{layer.parameters:,}")
        for layer in measured.layers[:MOST_LAYERS]
    ]


def _layer_table(measured: Measurement) -> Iterator[str]:
    rows = layer_rows(measured)
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for name, kind, shape, parameters in rows:
        yield f"    {name:<{widths[0]}}  {kind:<{widths[1]}}  {shape:<{widths[2]}}  {parameters:>{widths[3]}}"
    if len(measured.layers) > MOST_LAYERS:
        yield f"    … and {len(measured.layers) - MOST_LAYERS} more"


def _loss(loss: LossMeasured) -> Iterator[str]:
    if loss.error:
        yield f"{loss.name} fails: {loss.error}"
    for title, values in (("as written", loss.written), (f"fixed ({loss.fixed_as})", loss.fixed)):
        if values:
            value = sum(one.value for one in values) / len(values)
            gradients = [one.gradient for one in values if one.gradient is not None]
            slope = f", gradient at the head {sum(gradients) / len(gradients):.3g}" if gradients else ""
            floor = f", cannot fall below {loss.floor:.4g}" if values is loss.written and loss.floor else ""
            chance = _chance(value, loss.chance) if values is loss.written and loss.chance else ""
            yield f"{loss.name} {title}: {value:.4g}{chance}{floor}{slope}"


def _chance(value: float, equal: float) -> str:
    """The loss of an untrained classifier, where the one measured is far from it."""
    if equal / FAR <= value <= equal * FAR:
        return ""
    return f" (far {'above' if value > equal else 'below'} {equal:.4g}, that of a classifier that knows nothing yet)"


def _gradient(slopes: Slopes) -> str:
    name, least = slopes.least
    first = f"{slopes.norm:.3g} of {slopes.of}" if slopes.of else "of a random sum of the outputs"
    text = f"{first}; for each number of a weight from {least:.2g} ({name}) to {slopes.most[1]:.2g} ({slopes.most[0]})"
    if slopes.vanishes:
        return f"{text}: it vanishes on the way"
    return f"{text}: it explodes, {slopes.times:.2g} times the weight itself" if slopes.explodes else text


def _own_function(function: OwnFunction) -> str:
    says = "agrees with" if function.agrees else "is not the derivative of"
    return f"{function.name} (line {function.line}) {says} what its forward computes"


def _step(line: int, step: Step) -> str:
    rate = f", learning rate {step.rate:.3g}" if step.rate is not None else ""
    text = f"{step.kind} (line {line}{rate}) moves {step.moved} of {step.moved + len(step.unmoved)} parameters with a gradient"
    if step.unmoved:
        text += f", not {_some(step.unmoved)}"
    if step.frozen_moved:
        text += f"; the frozen {_some(step.frozen_moved)} changed too"
    if step.of:
        text += f"; {step.of} {step.before:.4g} to {step.after:.4g} on the same batch"
    return text if step.finite else f"{text}; the output is not a number afterwards"


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def render_json(confirmations: Sequence[Confirmation], context: Context) -> str:
    """The models as JSON; ``confirmation.schema.json`` beside this file describes it."""
    content = [
        {
            "path": context.shown(str(one.target.path)),
            "name": one.target.name,
            "verdicts": [
                {**_finding(finding, context), **asdict(verdict), "outcome": verdict.outcome.value}
                for finding, verdict in one.verdicts
            ],
            "found": [
                {**_finding(finding, context), "message": finding.message, "advice": finding.advice}
                for finding in one.found
            ],
            "failure": asdict(one.failure) if one.failure is not None else None,
            "measured": _measured(one.measurement) if one.measurement is not None else None,
        }
        for one in confirmations
    ]
    return json.dumps({"version": VERSION, "models": content}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _measured(measurement: Measurement) -> object:
    content = asdict(measurement)
    content["basis"]["versions"] = dict(measurement.basis.versions)
    content["seconds"] = dict(measurement.seconds)
    return _finite(content)


def _finite(value: object) -> object:
    """The same without NaN and infinity, which JSON does not have: they become null."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _finite(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_finite(inner) for inner in value]
        case _:
            return value


def _finding(finding: Finding, context: Context) -> dict[str, object]:
    place = finding.place
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "place": {"path": context.shown(place.path), "cell": place.cell, "line": place.line, "column": place.column},
    }
