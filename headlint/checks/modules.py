"""HL5 and HL6: what a PyTorch module does with its own layers."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence, is_proved, short
from headlint.flow.values.facts import BuiltInForward, DropoutCall, PartsKept

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


def dropout_that_stays_on(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL609."""
    for call in evidence.of(DropoutCall):
        name = short(call.name)
        message = (
            f"F.{name} drops values in evaluation too: its argument training is True by default, whatever mode {call.module} "
            "is in, so the same input gives another answer at each call."
        )
        step = DiagnosticStep(call.site, f"{name} is on in every mode", "operation", call.name)
        advice = "Pass training=self.training."
        yield Diagnostic("HL609", call.site, message, advice, is_proved(call), (step,), subject=call)


def layer_built_in_forward(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL513, and HL609 for dropout."""
    for built in evidence.of(BuiltInForward):
        step = DiagnosticStep(built.site, f"a new {built.layer} at each call", "layer", built.layer)
        if built.drops:
            message = (
                f"A {built.layer} that is built in forward is in training mode, whatever mode {built.module} is in: it drops "
                "values in evaluation too, so the same input gives another answer at each call."
            )
            advice = f"Build it in __init__, as an attribute of {built.module}."
            yield Diagnostic("HL609", built.site, message, advice, is_proved(built), (step,), subject=built)
        else:
            method, init = ("forward", "__init__") if built.framework == "torch" else ("call", "__init__ or build")
            message = (
                f"{built.layer} is built in {method}, so each call of {built.module} has new weights: they are no part of the "
                "model, are never trained, and are different the next time."
            )
            advice = f"Build it in {init}, as an attribute of {built.module}."
            yield Diagnostic("HL513", built.site, message, advice, is_proved(built), (step,), subject=built)


RULES = (unregistered_layers, dropout_that_stays_on, layer_built_in_forward)
