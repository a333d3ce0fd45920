"""HL5 and HL6: what a PyTorch module does with its own layers."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence, is_proved
from headlint.checks.tensors import short
from headlint.flow.values.facts import BuiltInForward, DropoutCall, GradientCut, LayerUnused, ParameterLoose, PartsKept
from headlint.frameworks import torch

_REGISTERING = {"list": "nn.ModuleList", "tuple": "nn.ModuleList", "dict": "nn.ModuleDict"}


def unregistered_layers(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL511."""
    for kept in evidence.of(PartsKept):
        if kept.registered:
            continue
        message = f"The layers in self.{kept.attribute}, a plain {kept.holder}, are no part of {kept.module}: " + (
            "eval() does not reach them, so they drop values at test time as well."
            if kept.only_drops
            else "they are not in parameters(), so no optimizer trains them, to() leaves them where they are, and "
            "state_dict() does not save them."
        )
        advice = f"Keep them in {_REGISTERING[kept.holder]}."
        step = DiagnosticStep(kept.site, f"a {kept.holder} holds {kept.member} and is no module", "layer", kept.member)
        details = (("holder", kept.holder), ("attribute", kept.attribute), ("plain", kept.plain))
        yield Diagnostic("HL511", kept.site, message, advice, is_proved(kept), (step,), details, subject=kept)


def unregistered_parameters(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL511."""
    for loose in evidence.of(ParameterLoose):
        if loose.holder == "leaf":
            message = (
                f"self.{loose.attribute} asks for a gradient (requires_grad=True) but is a plain tensor, and no parameter of "
                f"{loose.module}: parameters() does not give it, so no optimizer trains it, and state_dict() does not save it."
            )
            advice = "Make it an nn.Parameter."
        elif loose.holder == "moved":
            message = (
                f"self.{loose.attribute} is a copy of a parameter on another device or of another type, and no parameter "
                "itself: parameters() does not give it, so no optimizer trains it, and state_dict() does not save it."
            )
            advice = "Assign the nn.Parameter, and move the module: its to() and cuda() move its parameters."
        else:
            message = (
                f"The parameters in self.{loose.attribute}, a plain {loose.holder}, are none of {loose.module}'s: "
                "parameters() does not give them, so no optimizer trains them, and state_dict() does not save them."
            )
            advice = f"Keep them in nn.Parameter{loose.holder.capitalize()}."
        yield Diagnostic(
            "HL511",
            loose.site,
            message,
            advice,
            is_proved(loose),
            (DiagnosticStep(loose.site, "is not registered as a parameter", "layer", "Parameter"),),
            (("plain", False), ("holder", loose.holder), ("attribute", loose.attribute)),
            subject=loose,
        )


def dropout_that_stays_on(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL609."""
    for call in evidence.of(DropoutCall):
        name = short(call.name)
        attention = call.name == torch.ATTENTION_THAT_DROPS
        because = "it drops as many as dropout_p says" if attention else "its argument training is True by default"
        message = (
            f"F.{name} drops values in evaluation too: {because}, whatever mode {call.module} is in, so the same input gives "
            "another answer at each call."
        )
        step = DiagnosticStep(call.site, f"{name} is on in every mode", "operation", call.name)
        advice = "Pass dropout_p=… if self.training else 0.0." if attention else "Pass training=self.training."
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


def gradient_cut_in_the_model(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL520."""
    for cut in evidence.of(GradientCut):
        names = sorted({layer.kind.short_name for layer in cut.lost})
        lost = sorted(cut.lost, key=lambda layer: (layer.site.path, layer.site.at))
        what = f"the {names[0]}" if len(cut.lost) == 1 else f"{len(cut.lost)} layers ({', '.join(names)})"
        where, learn = "beside" if cut.beside else "behind", "learns" if len(cut.lost) == 1 else "learn"
        message = (
            f"{cut.by} cuts the gradient inside {cut.module}: {what} before it never {learn}, "
            f"while the {cut.trained.kind.short_name} {where} it does."
        )
        steps = (
            *(
                DiagnosticStep(layer.site, f"{layer.kind.short_name} gets no gradient", "layer", layer.kind.name)
                for layer in lost[:3]
            ),
            DiagnosticStep(cut.site, f"{cut.by} cuts it off", "operation", cut.by),
        )
        advice = (
            f"Remove the {cut.by}, or freeze the layers before it (requires_grad_(False)) if they are not to learn."
        )
        yield Diagnostic("HL520", cut.site, message, advice, is_proved(cut), steps, subject=cut)


def unused_layer(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL512."""
    for unused in evidence.of(LayerUnused):
        if unused.replaced:
            yield _replaced(unused)
            continue
        message = (
            f"self.{unused.attribute} ({unused.layer}) is built and never applied: no method of {unused.module}, no subclass and "
            "no other code of the project mentions it."
        )
        advice = f"Apply it in {unused.method}, or remove it: its weights are counted and saved, but never trained."
        step = DiagnosticStep(unused.site, f"{unused.layer} is built and never applied", "layer", unused.layer)
        yield Diagnostic("HL512", unused.site, message, advice, is_proved(unused), (step,), subject=unused)


def _replaced(unused: LayerUnused) -> Diagnostic:
    message = (
        f"self.{unused.attribute} ({unused.layer}) is built, and replaced by another layer of the same name before anything "
        "applies it: where two layers are meant, the second does the work of both."
    )
    advice = "Give each of the two layers a name of its own, or remove this one."
    step = DiagnosticStep(unused.site, f"{unused.layer} is built and replaced", "layer", unused.layer)
    return Diagnostic("HL512", unused.site, message, advice, is_proved(unused), (step,), subject=unused)


RULES = (
    unregistered_layers,
    unregistered_parameters,
    dropout_that_stays_on,
    layer_built_in_forward,
    gradient_cut_in_the_model,
    unused_layer,
)
