"""What confirm shows: no framework is needed to render what was measured."""

from __future__ import annotations

import json
import math
from pathlib import Path

import jsonschema

from headlint.reporting.confirmation import render_json, render_text
from headlint.reporting.context import Context
from headlint.reporting.curves import curves
from headlint.runtime.confirm import Confirmation
from headlint.runtime.measurement import (
    GUARDS,
    Basis,
    Failure,
    LossMeasured,
    LossValue,
    Measurement,
    OptimizerMeasured,
    Output,
    Summary,
)
from headlint.runtime.targets import Target
from headlint.runtime.worker.measuring.starts import OwnFunction, Slopes, Step

SCHEMA = json.loads((Path(__file__).parents[2] / "headlint/reporting/confirmation.schema.json").read_text())
CONTEXT = Context(root=Path("/project"))
TARGET = Target(Path("/project/net.py"), "Net", "torch")


def test_both_curves_are_on_one_scale() -> None:
    title, written, fixed = curves((1.0, 0.8, 0.65), (1.0, 0.5, 0.3), 2)
    assert title == "  fitting one small batch for 2 steps; each curve from 0.3 (▁) to 1 (█)"
    assert written == "    as written  █▆▅  1 → 0.65"
    assert fixed == "    fixed       █▃▁  1 → 0.3"


def test_a_loss_that_never_moves_lies_flat() -> None:
    assert list(curves((0.0,) * 4, (), 3))[1:] == ["    as written  ▁▁▁▁  0 → 0"]


def test_a_long_curve_keeps_its_ends() -> None:
    _, line = curves([float(step) for step in range(200, 0, -1)], (), 199)
    drawn = line.split()[2]
    assert (len(drawn), drawn[0], drawn[-1]) == (40, "█", "▁")


def test_a_curve_that_was_cut_says_so() -> None:
    assert next(iter(curves((2.0, 1.0), (2.0,), 50))).startswith(
        "  fitting one small batch for 1 of 50 steps, then the time was up;"
    )
    assert list(curves((), (), 50)) == []


def test_what_a_failing_model_printed_is_shown_from_its_end() -> None:
    printed = "".join(f"line {number}\n" for number in range(30))
    failed = Confirmation(TARGET, Failure("constructor", "ValueError: no settings", printed))
    lines = render_text([failed], CONTEXT).splitlines()
    assert lines[:3] == [
        "net.py::Net",
        "  could not be measured: constructor: ValueError: no settings",
        "  it printed last:",
    ]
    assert lines[3:] == [f"    | line {number}" for number in range(20, 30)]


def test_a_guard_that_is_missing_is_told_and_none_otherwise() -> None:
    held = ("time", "output", *GUARDS)
    assert "unguarded" not in render_text([Confirmation(TARGET, Measurement("torch", Basis(guards=held)))], CONTEXT)
    lacking = Basis(guards=("time", "output", "memory", "processes", "network (TCP only)"))
    text = render_text([Confirmation(TARGET, Measurement("torch", lacking))], CONTEXT)
    assert "  unguarded here: files, network, signals" in text.splitlines()


def test_what_an_environment_lacks_is_no_model_s_failure() -> None:
    lacking = Confirmation(TARGET, Failure("framework", "torch cannot be imported"))
    assert render_text([lacking], CONTEXT) == ""
    assert json.loads(render_json([lacking], CONTEXT))["models"][0]["failure"]["reason"] == "framework"


def test_numbers_that_json_does_not_have_become_null() -> None:
    broken = Output("", (5, 3), train=(Summary(math.nan, math.inf, finite=False),))
    basis = Basis("Net", versions=(("torch", "2.13.0"),))
    text = render_json([Confirmation(TARGET, Measurement("torch", basis, outputs=(broken,)))], CONTEXT)
    told = json.loads(text, parse_constant=lambda name: 1 / 0)
    jsonschema.validate(told, SCHEMA)
    (summary,) = told["models"][0]["measured"]["outputs"][0]["train"]
    assert (summary["minimum"], summary["maximum"], summary["finite"]) == (None, None, False)
    assert told["models"][0]["measured"]["basis"]["versions"] == {"torch": "2.13.0"}


def test_how_training_starts_is_shown() -> None:
    step = Step("SGD", 0.1, 1, ("a.bias",), ("body.weight",), "CrossEntropyLoss", 9.0, 8.0, finite=False)
    slopes = Slopes(
        "CrossEntropyLoss", 2.0, ("a.weight", 1e-12), ("b.weight", 0.5), 3.0, (OwnFunction("Round", 7, False),)
    )
    measured = Measurement(
        "torch",
        loss=LossMeasured("CrossEntropyLoss", (LossValue(9.0),), chance=2.303),
        slopes=slopes,
        optimizers=(OptimizerMeasured(4, (), 2, True, step),),
    )
    confirmations = [Confirmation(TARGET, measured)]
    text = render_text(confirmations, CONTEXT)
    assert "CrossEntropyLoss as written: 9 (far above 2.303, that of a classifier that knows nothing yet)" in text
    assert "from 1e-12 (a.weight) to 0.5 (b.weight): it vanishes on the way" in text
    assert "Round (line 7) is not the derivative of what its forward computes" in text
    assert "SGD (line 4, learning rate 0.1) moves 1 of 2 parameters with a gradient, not a.bias" in text
    assert "the frozen body.weight changed too; CrossEntropyLoss 9 to 8 on the same batch" in text
    jsonschema.validate(json.loads(render_json(confirmations, CONTEXT)), SCHEMA)
