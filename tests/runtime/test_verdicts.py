"""Verdicts are a function of what was measured: no framework is needed to test them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from headlint.findings.finding import Confidence, Finding, Place, Severity
from headlint.runtime.measurement import (
    Basis,
    Failure,
    LayerMeasured,
    LossMeasured,
    LossValue,
    Measurement,
    Output,
    Summary,
)
from headlint.runtime.verdicts import Outcome, judge

PLACE = Place("net.py", 3, 1, 3, 9)

SCORES = Summary(-2.1, 1.8, row_sum_error=3.0, log_row_sum_error=2.0, batch_sum_error=4.0, gradient=0.4)
SOFTMAX = Summary(0.02, 0.4, row_sum_error=1e-7, log_row_sum_error=2.3, batch_sum_error=0.3, gradient=0.1)
LOG_SOFTMAX = Summary(-3.9, -0.9, row_sum_error=24.0, log_row_sum_error=1e-7, batch_sum_error=9.0, gradient=0.5)
SIGMOID = Summary(0.2, 0.9, row_sum_error=1.9, log_row_sum_error=2.0, batch_sum_error=1.0, gradient=0.2)
ALWAYS_ONE = Summary(
    1.0, 1.0, row_sum_error=0.0, log_row_sum_error=1.0, constant=True, gradient=0.0, zero_gradient=True
)
OVER_BATCH = Summary(0.1, 0.3, row_sum_error=0.8, log_row_sum_error=2.0, batch_sum_error=1e-7, gradient=0.1)


def finding(code: str, **details: str | int | bool) -> Finding:
    return Finding(code, "rule", Severity.ERROR, Confidence.PROVED, "", "", PLACE, details=tuple(details.items()))


def measured(
    *draws: Summary, shape: tuple[int, ...] = (5, 10), activation: str = "", axis: int | None = None
) -> Measurement:
    return Measurement(
        "torch", Basis(draws=len(draws)), outputs=(Output("", shape, "float32", draws, draws, activation, axis),)
    )


@pytest.mark.parametrize(
    ("code", "fitting", "opposite"),
    [
        ("HL101", measured(*[SOFTMAX] * 3, activation="softmax"), measured(*[SCORES] * 3)),
        ("HL102", measured(*[LOG_SOFTMAX] * 3, activation="log_softmax"), measured(*[SCORES] * 3)),
        ("HL103", measured(*[SIGMOID] * 3, activation="sigmoid"), measured(*[SCORES] * 3)),
        ("HL104", measured(*[SIGMOID] * 3, activation="sigmoid"), measured(*[SCORES] * 3)),
        ("HL105", measured(*[SCORES] * 3), measured(*[SIGMOID] * 3, activation="sigmoid")),
        ("HL106", measured(*[SCORES] * 3), measured(*[SOFTMAX] * 3, activation="softmax")),
        ("HL107", measured(*[SOFTMAX] * 3, activation="softmax"), measured(*[SIGMOID] * 3, activation="sigmoid")),
        ("HL108", measured(*[SIGMOID] * 3, activation="sigmoid"), measured(*[SCORES] * 3)),
        ("HL109", measured(*[SOFTMAX] * 3, activation="softmax"), measured(*[LOG_SOFTMAX] * 3)),
        ("HL111", measured(*[SOFTMAX] * 3, activation="softmax"), measured(*[SCORES] * 3)),
        ("HL201", measured(*[ALWAYS_ONE] * 3, shape=(5, 1), activation="softmax", axis=1),
         measured(*[SOFTMAX] * 3, activation="softmax", axis=1)),
        ("HL202", measured(*[SCORES] * 3, shape=(5, 1)), measured(*[SCORES] * 3)),
        ("HL203", measured(*[SOFTMAX] * 3, shape=(5, 2), activation="softmax"), measured(*[SCORES] * 3, shape=(5, 2))),
        ("HL207", measured(*[SCORES] * 3, shape=(5, 24, 10)), measured(*[SCORES] * 3)),
        ("HL302", measured(*[OVER_BATCH] * 3), measured(*[SOFTMAX] * 3)),
        ("HL605", measured(*[SCORES] * 3), measured(*[SIGMOID] * 3, activation="sigmoid")),
    ],
)  # fmt: skip
def test_what_is_measured_confirms_and_its_opposite_refutes(
    code: str, fitting: Measurement, opposite: Measurement
) -> None:
    assert judge(finding(code), fitting).outcome is Outcome.CONFIRMED
    assert judge(finding(code), opposite).outcome is Outcome.REFUTED


def test_one_draw_against_the_others_decides_nothing() -> None:
    answer = judge(finding("HL101"), measured(SOFTMAX, SCORES, SOFTMAX))
    assert (answer.outcome, answer.reason) == (Outcome.UNKNOWN, "mixed")


def test_scores_inside_the_unit_interval_by_chance_decide_nothing() -> None:
    assert judge(finding("HL105"), measured(SIGMOID, SIGMOID, SIGMOID)).outcome is Outcome.UNKNOWN
    assert judge(finding("HL103"), measured(SIGMOID, SIGMOID, SIGMOID, activation="relu")).outcome is Outcome.UNKNOWN


def test_softmax_in_evaluation_only_is_no_mistake() -> None:
    facts = measured(SCORES, SCORES, SCORES)
    output = replace(facts.outputs[0], evaluation=(SOFTMAX,) * 3)
    answer = judge(finding("HL101"), replace(facts, outputs=(output,)))
    assert answer.outcome is Outcome.REFUTED
    assert "evaluation mode only" in answer.why


def test_a_guessed_width_confirms_no_rule_about_widths() -> None:
    guessed = replace(measured(*[SCORES] * 3, shape=(5, 1)), basis=Basis(assumed=("num_classes=1",)))
    assert judge(finding("HL202"), guessed).reason == "assumed"


def test_a_guessed_width_leaves_the_kind_of_values_what_it_is() -> None:
    guessed = replace(measured(*[SOFTMAX] * 3), basis=Basis(assumed=("num_classes=7", "size=(3, 32, 32)")))
    assert judge(finding("HL101"), guessed).outcome is Outcome.CONFIRMED


def test_a_guessed_switch_confirms_nothing() -> None:
    guessed = replace(measured(*[SOFTMAX] * 3), basis=Basis(assumed=("use_softmax=True",)))
    assert judge(finding("HL101"), guessed).reason == "assumed"


@pytest.mark.parametrize("basis", [Basis(assumed=("num_classes=7",)), Basis(stubs=("cv2 is not installed",))])
def test_nothing_guessed_or_replaced_refutes(basis: Basis) -> None:
    assert judge(finding("HL101"), replace(measured(*[SCORES] * 3), basis=basis)).reason == "assumed"


def test_shapes_alone_decide_rules_about_widths_only() -> None:
    shapes = Measurement("torch", Basis(), outputs=(Output("", (5, 1)),))
    assert judge(finding("HL202"), shapes).outcome is Outcome.CONFIRMED
    assert judge(finding("HL101"), shapes).reason == "device"


def test_the_reason_of_a_failure_is_handed_on() -> None:
    answer = judge(finding("HL101"), Failure("time", "it ran longer than 20 s"))
    assert (answer.outcome, answer.reason, answer.why) == (Outcome.UNKNOWN, "time", "it ran longer than 20 s")


def test_a_layer_that_cannot_be_made_confirms_an_impossible_layer() -> None:
    answer = judge(finding("HL206"), Failure("constructor", "ValueError: groups must divide"))
    assert answer.outcome is Outcome.CONFIRMED
    other = judge(finding("HL206"), Failure("constructor", "TypeError: 'int' object is not iterable"))
    assert (other.outcome, other.reason) == (Outcome.UNKNOWN, "constructor")


def test_what_is_said_of_two_values_is_what_they_are() -> None:
    layers = (LayerMeasured("fc", "Linear", (5, 2), 34, True), LayerMeasured("", "LogSoftmax", (5, 2), 0))
    for summary, said in (
        (SOFTMAX, "which sum to 1"),
        (LOG_SOFTMAX, "whose exponentials sum to 1"),
        (SCORES, "do not sum to 1"),
    ):
        facts = replace(measured(*[summary] * 3, shape=(5, 2)), layers=layers)
        why = judge(finding("HL203"), facts).why
        assert said in why
        assert "behind fc (Linear)" in why


def test_a_finding_without_a_model_and_a_rule_about_labels_stay_unknown() -> None:
    assert judge(finding("HL101"), None).reason == "no-model"
    assert judge(finding("HL601"), measured(*[SCORES] * 3)).reason == "not-measurable"


def test_the_cost_is_told_in_numbers() -> None:
    floor = math.log(1 + 9 / math.e)
    loss = LossMeasured("CrossEntropyLoss", (LossValue(2.3, 0.053),), (LossValue(2.3, 0.55),), "the raw scores", floor)
    why = judge(finding("HL101"), replace(measured(*[SOFTMAX] * 3), loss=loss)).why
    assert "cannot fall below 1.461" in why
    assert "0.053" in why
    assert "0.55" in why


def test_of_several_outputs_the_one_of_the_finding_is_read() -> None:
    outputs = (Output("a", (5, 4), train=(SCORES,) * 3), Output("b", (5, 9), train=(SOFTMAX,) * 3))
    facts = Measurement("keras", Basis(), outputs=outputs)
    assert judge(finding("HL111", units=9), facts).outcome is Outcome.CONFIRMED
    assert judge(finding("HL111", units=4), facts).outcome is Outcome.REFUTED


def test_the_last_layer_with_weights_tells_of_the_bias() -> None:
    hidden = LayerMeasured("hidden", "Linear", (5, 8), 80, bias=True)
    head = LayerMeasured("head", "Linear", (5, 3), 24, bias=False)
    facts = measured(*[SCORES] * 3, shape=(5, 3))
    assert judge(finding("HL401"), replace(facts, layers=(hidden, head))).outcome is Outcome.CONFIRMED
    assert judge(finding("HL401"), replace(facts, layers=(head, hidden))).outcome is Outcome.REFUTED


def test_a_logarithm_of_a_softmax_is_confirmed_where_it_gives_the_output() -> None:
    log = finding("HL113", head="softmax")
    assert judge(log, measured(*[LOG_SOFTMAX] * 3)).outcome is Outcome.CONFIRMED
    for other in (measured(*[LOG_SOFTMAX] * 3, activation="log_softmax"), measured(*[SCORES] * 3)):
        assert judge(log, other).outcome is Outcome.UNKNOWN
    assert judge(finding("HL113", head="sigmoid"), measured(*[LOG_SOFTMAX] * 3)).outcome is Outcome.UNKNOWN
