"""HL5 and HL6: what a PyTorch module does with its own layers."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence, is_proved
from headlint.flow.values.facts import PartsKept

_REGISTERING = {"list": "nn.ModuleList", "tuple": "nn.ModuleList", "dict": "nn.ModuleDict"}


def unregistered_layers(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL511."""
    for kept in evidence.of(PartsKept):
        if kept.registered:
            continue
        message = (
            f"The layers in self.{kept.attribute}, a plain {kept.holder}, are no part of {kept.module}: they are not in "
            "parameters(), so no optimizer trains them, to() leaves them where they are, and state_dict() does not save them."
        )
        advice = f"Keep them in {_REGISTERING[kept.holder]}."
        step = DiagnosticStep(kept.site, f"a {kept.holder} holds {kept.member} and is no module", "layer", kept.member)
        details = (("holder", kept.holder), ("attribute", kept.attribute), ("plain", kept.plain))
        yield Diagnostic("HL511", kept.site, message, advice, is_proved(kept), (step,), details, subject=kept)


RULES = (unregistered_layers,)
