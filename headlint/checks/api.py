"""HL703, HL704: layers and modules that are not used as the library wants them to be."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence, is_proved
from headlint.checks.trails import trail_of
from headlint.flow.values.facts import LayerGivenTensor, NothingReturned


def layer_given_a_tensor(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL703."""
    for fact in evidence.of(LayerGivenTensor):
        name = fact.layer.short_name
        message = (
            f"{name} is a class: called with a tensor it builds a layer and takes the tensor for an option, "
            "so nothing is computed."
        )
        step = DiagnosticStep(fact.site, f"{name} is built here", "layer", fact.layer.name)
        yield Diagnostic(
            "HL703",
            fact.site,
            message,
            f"Build the layer in the constructor and apply it, or write {name}(…)(tensor).",
            is_proved(fact),
            (*trail_of(fact.tensor), step),
            details=(("position", fact.position), ("framework", fact.layer.framework)),
            assumptions=fact.assumptions,
            subject=fact,
        )


def forward_returns_nothing(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL704."""
    for fact in evidence.of(NothingReturned):
        message = f"{fact.owner}.{fact.method} computes an output, but no path of it returns a value: it gives None."
        yield Diagnostic(
            "HL704",
            fact.site,
            message,
            f"Return the output at the end of {fact.method}.",
            is_proved(fact),
            trail_of(fact.computed),
            subject=fact,
        )


RULES = (layer_given_a_tensor, forward_returns_nothing)
