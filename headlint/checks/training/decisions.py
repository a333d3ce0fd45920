"""HL501 where no loss of a library stands between a decision and the gradient: ``minimize(1 - accuracy)``, also of a model's
own loss."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.gradient import comes_from_a_model
from headlint.checks.tensors import short
from headlint.checks.training.copies import may_learn
from headlint.flow.values.facts import Event, OwnLoss
from headlint.flow.values.tensor_values import Domain, Tensor


def decisions_are_differentiated(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL501."""
    differentiated = ((event, event.subject) for event in evidence.events_of(Event.DIFFERENTIATED))
    for fact, loss in (*differentiated, *((fact, fact.result) for fact in evidence.of(OwnLoss))):
        decision = _all_that_is_behind(evidence, loss) if isinstance(loss, Tensor) else None
        if decision is None or decision.origin.site is None:
            continue
        name = short(decision.origin.name)
        yield Diagnostic(
            "HL501",
            fact.site,
            f"What is differentiated is computed from decisions alone ({name}): the gradient of a step is 0, so the network "
            "learns nothing.",
            "Differentiate a loss of the raw scores; count right answers only to report them.",
            not fact.guards,
            (
                DiagnosticStep(decision.origin.site, f"{name} decides", "decision"),
                DiagnosticStep(fact.site, "differentiates what comes of it", "event"),
            ),
            subject=fact,
        )


def _all_that_is_behind(evidence: Evidence, loss: Tensor) -> Tensor | None:
    """The decision of a model that a number is computed from; None where anything else that may learn is behind it."""
    found: Tensor | None = None
    stack, seen = [loss], set[int]()
    while stack:
        one = stack.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if id(one) in evidence.uses_by_result:
            return None  # that is what is said of the loss itself
        if one.domain is Domain.HARD:
            found = one if comes_from_a_model(one) else found
        elif one.cut is not None and one.cut == one.origin.site:
            return None  # a copy without its graph
        elif may_learn(one):
            return None
        else:
            stack.extend(one.inputs)
    return found


RULES = (decisions_are_differentiated,)
