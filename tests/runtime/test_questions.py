"""The programs behind the questions that headlint was made for, confirmed by numbers that follow from mathematics.

Each has a twin that is right, of which nothing is confirmed.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hostility import needs_keras, needs_torch

from headlint.runtime.confirm import Confirmation, Workers, confirm_path
from headlint.runtime.measurement import Measurement
from headlint.runtime.options import Wanted
from headlint.runtime.verdicts import Outcome
from headlint.settings import Settings

QUESTIONS = Path(__file__).parent.parent.parent / "fixtures" / "questions"
DRAWS = 3
CLOSE = 1e-5
"""What single precision leaves of an equation."""


def confirmed(program: str, workers: Workers) -> Confirmation:
    (one,) = confirm_path(QUESTIONS / f"{program}.py", "", Settings(root=QUESTIONS), Wanted(), workers)
    assert isinstance(one, Confirmation)
    return one


def measured(program: str, code: str, workers: Workers) -> Measurement:
    """What was measured on a wrong program, its finding confirmed."""
    one = confirmed(program, workers)
    outcomes = {finding.code: verdict.outcome for finding, verdict in one.verdicts}
    assert outcomes[code] is Outcome.CONFIRMED, one.verdicts
    assert isinstance(one.outcome, Measurement)
    assert one.outcome.basis.draws == DRAWS
    assert not one.outcome.basis.assumed
    return one.outcome


@needs_torch
def test_1_the_loss_of_one_output_is_always_zero(workers: Workers) -> None:
    facts = measured("q1_output_size_bad", "HL202", workers)
    assert facts.loss is not None
    # log(exp(x) / exp(x)) is 0 whatever x is.
    assert [(one.value, one.gradient) for one in facts.loss.written] == [(0.0, 0.0)] * DRAWS
    assert all(one.gradient is not None and one.gradient > 0.01 for one in facts.loss.fixed)


@needs_torch
def test_1_a_softmax_in_the_model_keeps_the_loss_above_a_floor(workers: Workers) -> None:
    facts = measured("q1_softmax_in_the_model_bad", "HL101", workers)
    assert facts.loss is not None
    # Of three probabilities the right one is at most 1: -log(e / (e + 1 + 1)). At worst a wrong one is: 1 more.
    floor = math.log(1 + 2 / math.e)
    assert facts.loss.floor == pytest.approx(floor)
    assert all(floor <= one.value <= floor + 1 for one in facts.loss.written)
    for written, fixed in zip(facts.loss.written, facts.loss.fixed, strict=True):
        assert written.gradient is not None
        assert fixed.gradient is not None
        assert written.gradient < fixed.gradient
    assert all(one.rows_sum_to_one for one in facts.outputs[0].train)


@needs_keras
def test_2_a_softmax_over_one_value_gives_one_and_learns_nothing(workers: Workers) -> None:
    facts = measured("q2_softmax_in_regression_bad", "HL201", workers)
    for one in facts.outputs[0].train:
        assert (one.minimum, one.maximum, one.gradient) == (1.0, 1.0, 0.0)
        assert one.constant
        assert one.zero_gradient
    assert facts.loss is not None
    # The mean of (1 - y)²: no weight has a part in it, so that fresh weights give the same.
    assert len({one.value for one in facts.loss.written}) == 1
    assert {one.gradient for one in facts.loss.written} == {0.0}


@needs_torch
def test_3_the_head_without_a_bias_has_weights_only(workers: Workers) -> None:
    facts = measured("q3_torch_bias_bad", "HL401", workers)
    head = facts.layers[-1]
    assert (head.bias, head.parameters) == (False, 8 * 3)
    right = confirmed("q3_torch_bias_good", workers).measurement
    assert right is not None
    assert (right.layers[-1].bias, right.layers[-1].parameters) == (True, 8 * 3 + 3)


@needs_keras
def test_4_five_tasks_share_one_unit_of_probability(workers: Workers) -> None:
    facts = measured("q4_multi_task_softmax_bad", "HL107", workers)
    assert facts.outputs[0].shape[1:] == (5,)
    for one in facts.outputs[0].train:
        assert one.row_sum_error == pytest.approx(0.0, abs=CLOSE)
        # Five numbers whose sum is 1: the least is no more than their mean, the greatest no less.
        assert one.minimum <= 1 / 5 <= one.maximum
    right = confirmed("q4_multi_task_softmax_good", workers).measurement
    assert right is not None
    # Sigmoids of fresh weights are about a half each, so that five of them sum to well above 1.
    assert all(one.row_sum_error is not None and one.row_sum_error > 0.5 for one in right.outputs[0].train)


@needs_torch
def test_5_binary_prediction_with_one_score_and_cross_entropy_is_constant(workers: Workers) -> None:
    facts = measured("q5_binary_cross_entropy_bad", "HL202", workers)
    assert facts.loss is not None
    assert [(one.value, one.gradient, one.constant) for one in facts.loss.written] == [(0.0, 0.0, True)] * DRAWS
    assert all(one.value > 0.3 for one in facts.loss.fixed)


@needs_torch
def test_5_raw_scores_leave_what_a_binary_cross_entropy_takes(workers: Workers) -> None:
    facts = measured("q5_raw_output_bad", "HL105", workers)
    assert any(one.minimum < 0 for one in facts.outputs[0].train)
    assert facts.loss is not None
    assert "between 0 and 1" in facts.loss.error


@needs_keras
def test_6_sigmoids_of_classes_do_not_share_a_probability(workers: Workers) -> None:
    facts = measured("q6_sigmoid_outputs_bad", "HL108", workers)
    for one in facts.outputs[0].train:
        # 201 sigmoids of fresh weights are about a half each: their sum is about 100.5, which is 99.5 above 1.
        assert one.row_sum_error == pytest.approx(99.5, rel=0.2)
    assert facts.loss is not None
    # With nothing learned each of 201 classes is about as likely: log(201).
    assert all(one.value == pytest.approx(math.log(201), rel=0.1) for one in facts.loss.written)


@needs_torch
@needs_keras
@pytest.mark.parametrize("program", ["q6_sigmoid_outputs_bad", "q1_softmax_in_the_model_bad"])
def test_the_same_numbers_come_in_every_process(program: str, workers: Workers) -> None:
    """Also those of weights that the program draws while it is loaded."""
    with Workers(Wanted(seconds=60.0)) as others:
        replies = [confirmed(program, started).outcome for started in (workers, others)]
    assert all(isinstance(one, Measurement) for one in replies)
    first, second = ((one.outputs, one.loss) for one in replies if isinstance(one, Measurement))
    assert first == second


@needs_keras
def test_6_on_torch_keras_hides_nothing(keras_on_torch: Workers) -> None:
    facts = measured("q6_sigmoid_outputs_bad", "HL108", keras_on_torch)
    assert dict(facts.basis.versions).keys() == {"python", "keras", "torch"}
    assert facts.loss is not None
    assert not facts.loss.note
    assert facts.loss.written != facts.loss.fixed


TWINS = (
    "q1_output_size_good",
    "q1_softmax_in_the_model_good",
    "q2_softmax_in_regression_good",
    "q3_torch_bias_good",
    "q4_multi_task_softmax_good",
    "q5_binary_cross_entropy_good",
    "q5_raw_output_good",
    "q6_sigmoid_outputs_good",
)


@needs_torch
@needs_keras
@pytest.mark.parametrize("program", TWINS)
def test_nothing_is_confirmed_of_the_right_twin(program: str, workers: Workers) -> None:
    one = confirmed(program, workers)
    assert isinstance(one.outcome, Measurement), one.outcome
    assert not [verdict for _, verdict in one.verdicts if verdict.outcome is Outcome.CONFIRMED]
    assert not one.found


@needs_torch
@needs_keras
@pytest.mark.parametrize("program", ["q1_softmax_in_the_model_bad", "q2_several_probabilities_bad"])
def test_fitting_a_batch_both_ways_shows_what_the_mistake_costs(program: str, workers: Workers) -> None:
    wanted = Wanted(train_steps=15)
    (one,) = confirm_path(QUESTIONS / f"{program}.py", "", Settings(root=QUESTIONS), wanted, workers)
    assert isinstance(one, Confirmation)
    assert one.measurement is not None
    training = one.measurement.training
    assert training is not None
    # The loss before the first step and after each of fifteen.
    assert len(training.written) == len(training.fixed) == 16
    assert training.written[-1] < training.written[0]
    fallen = [curve[0] - curve[-1] for curve in (training.written, training.fixed)]
    assert fallen[1] > fallen[0], "the fixed loss falls further in as many steps"
