"""HL502 for models of which nothing is known: their outputs are cut off before the only loss that trains them."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.training.holding import held_by, is_part_of
from headlint.checks.training.order import Run, is_plain
from headlint.flow.values.facts import Event, LossUse, TrainingEvent
from headlint.flow.values.python_values import Constant, Unknown, Value
from headlint.flow.values.tensor_values import Tensor

_CUTS = frozenset({"detach", "data", "numpy"})
"""Methods and attributes of a tensor that give it without its graph."""


def unread_output_is_cut(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL502."""
    for run in evidence.runs:
        for backward in run.of(Event.DIFFERENTIATED):
            if not is_plain(backward) or not isinstance(backward.subject, Tensor):
                continue
            for use in evidence.uses_by_result.get(id(backward.subject), ()):
                if _is_cut(use.prediction) and _is_read(use.target) and _is_only_way(evidence, run, backward, use):
                    yield Diagnostic(
                        "HL502",
                        use.site,
                        "The model's output is detached from the model before the loss is computed and differentiated: "
                        "no gradient reaches the weights.",
                        "Remove the detach (.item(), .data, .numpy(), torch.tensor(…), no_grad).",
                        False,
                        (
                            DiagnosticStep(use.site, "takes the output without its graph", "loss", use.loss.name),
                            DiagnosticStep(backward.site, "differentiates the loss", "event"),
                        ),
                        subject=use,
                    )


def _is_cut(prediction: Value) -> bool:
    return isinstance(prediction, Unknown) and any(part.key in _CUTS for part in prediction.outwards())


def _is_read(target: Value | None) -> bool:
    """Whether labels are data, which nothing computed."""
    match target:
        case Constant():
            return True
        case Unknown():
            return not target.is_computed
        case Tensor():
            return target.labels is not None or not target.attached
        case _:
            return False


def _is_only_way(evidence: Evidence, run: Run, backward: TrainingEvent, use: LossUse) -> bool:
    """Whether an optimizer steps with it, all of them hold the model that gave the output, and no other loss trains it."""
    output = use.prediction
    assert isinstance(output, Unknown)
    around = run.round_of(backward)
    steps = [held_by(event.subject) for event in around if event.event is Event.STEPPED]
    others = [event for event in around if event.event is Event.DIFFERENTIATED and event.subject is not use.result]
    return (
        bool(steps)
        and not others
        and len(evidence.uses_by_result[id(use.result)]) == 1
        and all(
            held is not None
            and bool(held.owners)
            and all(isinstance(owner, Unknown) and is_part_of(output, owner) for owner in held.owners)
            for held in steps
        )
    )


RULES = (unread_output_is_cut,)
