"""HL607: models of which nothing is known but that a program trains them, and judges them in the mode of training."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.training.holding import held_by, is_part_of
from headlint.checks.training.judging import goes_through_data
from headlint.checks.training.order import Run, always_with, together
from headlint.checks.training.reach import depends_on
from headlint.checks.training.switching import applies, leaves_its_mode, may_be_switched_by, mode_of
from headlint.flow.values.facts import Event, LossUse, PredictionUse, TrainingEvent
from headlint.flow.values.library_values import Dataset
from headlint.flow.values.python_values import Site, Unknown, Value


def unread_model_judged_in_training_mode(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL607."""
    reported: set[Site] = set()
    for run in evidence.runs if all(run.whole for run in evidence.runs) else ():
        for switch in run.of(Event.MODE_SET):
            model = switch.subject
            if (
                not isinstance(model, Unknown)
                or mode_of(switch) is not True
                or not _is_only_trained(evidence, switch, model)
            ):
                continue
            judged = next(_judged_behind(evidence, run, switch, model), None) or next(
                _judged_apart(evidence, run, switch, model), None
            )
            if judged is None or judged.site in reported:
                continue
            reported.add(judged.site)
            yield Diagnostic(
                "HL607",
                judged.site,
                "The model is judged in training mode: dropout still drops units, and batch norm uses, and changes by, the "
                "statistics of this batch.",
                "Call model.eval() before the evaluation, and model.train() before the next epoch.",
                False,
                (
                    DiagnosticStep(switch.site, "puts it into training mode", "event"),
                    DiagnosticStep(judged.site, "judges it in that mode", "event"),
                ),
                (("beside_training", False),),
                subject=judged,
            )


def _is_only_trained(evidence: Evidence, switch: TrainingEvent, model: Unknown) -> bool:
    """Whether every switch of a mode in a run is that of one model to training, and nothing else may switch it."""
    switches = [
        event for event in evidence.events_of(Event.MODE_SET) if (event.root == switch.root or event.subject is model)
    ]
    if any(mode_of(event) is not True for event in switches):
        return False
    return not any(may_be_switched_by(event, model) and not leaves_its_mode(event, model) for event in evidence.events)


def _judged_behind(evidence: Evidence, run: Run, switch: TrainingEvent, model: Unknown) -> Iterator[TrainingEvent]:
    """Where what a loss trained is applied without a gradient behind the switch, and what it gives is judged."""
    applied = [event for event in run.of(Event.HANDED_OVER) if applies(event, model)]
    losses = [event.subject for event in run.of(Event.DIFFERENTIATED)]
    seen = _seen_to_be_trained(evidence, run, model)
    trained = seen or [event for event in applied if _is_stepped_with(run, event, model)]
    for event in applied if trained and run.of(Event.STEPPED) else ():
        behind = run.place(switch) < run.place(event) and together(switch, event) and always_with(switch, event)
        used = any(depends_on(evidence, loss, _output(event), with_targets=True) for loss in losses)
        if not behind or ((used or not seen) and not event.without_gradient):
            continue
        beside = any(one.event in (Event.DIFFERENTIATED, Event.STEPPED) for one in run.round_of(event))
        if beside:
            found = not used and _is_of_other_data(run, event, trained) and _is_compared(evidence, _output(event))
        else:
            found = goes_through_data(event) and (_is_judged(evidence, _output(event)) or _is_summed_up(run, event))
        if found:
            yield event


def _seen_to_be_trained(evidence: Evidence, run: Run, model: Unknown) -> list[TrainingEvent]:
    """The applications of a model on which a loss depends that is differentiated."""
    losses = [event.subject for event in run.of(Event.DIFFERENTIATED)]
    return [
        event
        for event in run.of(Event.HANDED_OVER)
        if applies(event, model) and any(depends_on(evidence, loss, _output(event)) for loss in losses)
    ]


def _judged_apart(evidence: Evidence, run: Run, switch: TrainingEvent, model: Unknown) -> Iterator[TrainingEvent]:
    """Where another method of an object that was given a model judges it, beside one that trains it in a loop of its own."""
    steps = [event for event in run.of(Event.STEPPED) if event.rounds]
    if not model.is_parameter or not steps or not _seen_to_be_trained(evidence, run, model):
        return
    for other in evidence.runs:
        if other is run or other.of(Event.DIFFERENTIATED, Event.STEPPED, Event.MODE_SET):
            continue
        for event in other.of(Event.HANDED_OVER):
            if applies(event, model) and goes_through_data(event):
                judged, kept = _is_judged(evidence, _output(event)), _is_summed_up(other, event)
                if (judged and kept) or (event.without_gradient and (judged or kept)):
                    yield event


def _is_stepped_with(run: Run, applied: TrainingEvent, model: Unknown) -> bool:
    """Whether an optimizer over a model, or over parts of it, steps in the round that applies it with gradients."""
    steps = [event for event in run.round_of(applied) if event.event is Event.STEPPED]
    held = [parameters for step in steps if (parameters := held_by(step.subject)) is not None]
    return not applied.without_gradient and any(
        isinstance(owner, Unknown) and is_part_of(owner, model) for parameters in held for owner in parameters.owners
    )


def _is_of_other_data(run: Run, applied: TrainingEvent, trained: list[TrainingEvent]) -> bool:
    """Whether all data at once are judged behind a step of the same round, without a gradient, and others are trained with."""
    around = run.round_of(applied)
    data = applied.given[:1]
    return (
        applied.without_gradient
        and all(one in around and one.rounds == applied.rounds for one in trained)
        and any(one.event is Event.STEPPED and run.place(one) < run.place(applied) for one in around)
        and not any(value is other for value in data for one in trained for other in one.given)
        and not any(one.loop.over is not None and not _counts(one.loop.over) for one in applied.rounds)
    )


def _counts(over: Value) -> bool:
    """Whether a loop only counts, as over epochs."""
    return isinstance(over, Dataset) and over.name == "range"


def _output(applied: TrainingEvent) -> Value:
    assert isinstance(applied.subject, Unknown)
    return applied.subject.child(("call", applied.site))


def _is_summed_up(run: Run, applied: TrainingEvent) -> bool:
    """Whether a loop over data keeps something of each round."""
    return any(event.event is Event.KEPT and run.place(event) > run.place(applied) for event in run.round_of(applied))


def _is_judged(evidence: Evidence, output: Value) -> bool:
    """Whether a decision is made upon an output, or it is compared with labels."""
    decided = (fact.tensor for fact in evidence.of(PredictionUse))
    return _is_compared(evidence, output) or any(depends_on(evidence, value, output) for value in decided)


def _is_compared(evidence: Evidence, output: Value) -> bool:
    return any(depends_on(evidence, use.prediction, output) for use in evidence.of(LossUse))


RULES = (unread_model_judged_in_training_mode,)
