"""HL502: parts of a loss that are added without their graph."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.tensors import ancestors, attached_ancestors
from headlint.flow.values.facts import Event
from headlint.flow.values.python_values import Site
from headlint.flow.values.tensor_values import Domain, Tensor


def part_without_its_graph(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL502."""
    for run in evidence.runs:
        for backward in run.of(Event.DIFFERENTIATED) if run.whole else ():
            loss = backward.subject
            if backward.by is not None or not isinstance(loss, Tensor) or not loss.attached:
                continue
            for term in _terms(loss):
                cut = _cut_behind_a_loss(evidence, term)
                if cut is None:
                    continue
                yield Diagnostic(
                    "HL502",
                    cut,
                    "This part of the loss is added without its graph: it changes the number that is shown, and trains nothing.",
                    "Add the part itself; detach, .item() and .data are for reporting it.",
                    not backward.guards,
                    (
                        DiagnosticStep(cut, "takes the part without its graph", "operation", _operation(term)),
                        DiagnosticStep(backward.site, "computes no gradient of it", "event"),
                    ),
                    subject=term,
                )


def _terms(loss: Tensor, depth: int = 12) -> Iterator[Tensor]:
    """The summands of a loss; the loss itself where it is no sum."""
    if loss.origin.role == "operation" and loss.origin.name == "+" and depth > 0:
        for part in loss.inputs:
            yield from _terms(part, depth - 1)
    else:
        yield loss


def _cut_behind_a_loss(evidence: Evidence, term: Tensor) -> Site | None:
    """Where a summand lost the graph of a loss that nothing else differentiates."""
    if term.attached or term.domain is not Domain.LOSS or term.cut is None:
        return None
    behind = [part for part in ancestors(term) if part.attached and id(part) in evidence.uses_by_result]
    elsewhere = {
        id(part)
        for event in evidence.events_of(Event.DIFFERENTIATED)
        if isinstance(event.subject, Tensor)
        for part in attached_ancestors(event.subject)
    }
    learns = any(part.origin.layer is not None for one in behind for part in ancestors(one))
    return term.cut if behind and learns and not any(id(one) in elsewhere for one in behind) else None


def _operation(term: Tensor) -> str:
    """The name of what cut a summand off."""
    return next((part.origin.name for part in ancestors(term) if part.origin.site == term.cut), "")


RULES = (part_without_its_graph,)
