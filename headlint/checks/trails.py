"""The trail of a finding: the steps from the layer to the loss, in words, and the findings that are made of them."""

from __future__ import annotations

from msgspec.structs import replace

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Aim, is_proved
from headlint.checks.tensors import (
    activation_site,
    assumptions_of,
    prediction,
    short,
    units,
)
from headlint.flow.values.facts import (
    LossUse,
)
from headlint.flow.values.python_values import Site
from headlint.flow.values.tensor_values import Domain, Tensor

_ACTIVATION_NOTES = {
    Domain.SOFTMAX: "turns the scores into probabilities that sum to 1",
    Domain.LOG_SOFTMAX: "turns the scores into log-probabilities",
    Domain.SIGMOID: "maps each score to a probability between 0 and 1",
    Domain.LOG_SIGMOID: "gives the logarithm of a sigmoid",
    Domain.RECTIFIED: "sets everything below 0 to 0",
    Domain.TANH: "maps the values to (-1, 1)",
}


def layer_step(tensor: Tensor) -> DiagnosticStep | None:
    """The step that tells of a layer with weights."""
    layer = tensor.origin.layer
    if layer is None:
        return None
    width = (
        tensor.shape.size(1)
        if layer.kind.effect == "convolution" and layer.kind.framework == "torch"
        else tensor.shape.units
    )
    what = f"{width} raw score{'s' if width != 1 else ''}" if width is not None else "raw scores"
    return DiagnosticStep(layer.site, f"{layer.kind.short_name} gives {what}", "layer", layer.kind.name)


_OPERATION_NOTES = {
    "detach": "cuts it off from the gradient",
    "new tensor": "copies the values, without their gradient",
    "leaf": "copies the values, without their gradient",
    "concatenate": "joins several outputs",
    "compare": "makes a decision",
}
"""What an operation on the trail does, in words."""


def trail_of(tensor: Tensor) -> tuple[DiagnosticStep, ...]:
    """The steps from the last layer with weights to a tensor."""
    steps: list[DiagnosticStep] = []
    for _ in range(32):
        origin = tensor.origin
        if origin.role == "mixture" and origin.site is not None:
            steps.append(DiagnosticStep(origin.site, "mixes several probabilities", "operation", origin.name))
            break  # nothing can take the activation of one of them away
        if origin.role == "activation" and (site := activation_site(origin)) is not None:
            note = _ACTIVATION_NOTES.get(tensor.domain, "is applied")
            steps.append(DiagnosticStep(site, f"{short(origin.name)} {note}", "activation", origin.name))
        elif origin.role == "layer":
            step = layer_step(tensor)
            if step is not None:
                steps.append(step)
            if origin.layer is None or origin.layer.kind.effect in (
                "dense",
                "convolution",
                "bilinear",
                "recurrent",
                "embedding",
            ):
                break
        elif origin.role == "operation" and origin.site is not None and origin.note in _OPERATION_NOTES:
            note = _OPERATION_NOTES[origin.note]
            steps.append(DiagnosticStep(origin.site, f"{short(origin.name)} {note}", "operation", origin.name))
        elif origin.role == "operation" and origin.site is not None and tensor.domain is Domain.HARD:
            steps.append(
                DiagnosticStep(origin.site, f"{short(origin.name)} makes a decision", "operation", origin.name)
            )
        elif origin.role in ("labels", "input"):
            if origin.role == "labels" and origin.site is not None:
                steps.append(DiagnosticStep(origin.site, f"{origin.name} gives the labels", "label", origin.name))
            break
        if not tensor.inputs:
            break
        tensor = tensor.inputs[0]
    return tuple(_once(steps[::-1]))


def _once(steps: list[DiagnosticStep]) -> list[DiagnosticStep]:
    return [step for index, step in enumerate(steps) if step not in steps[:index]]


def loss_steps(use: LossUse) -> tuple[DiagnosticStep, ...]:
    """The steps that tell of a loss: where it is built and where it takes its prediction."""
    name = use.loss.name
    taken = DiagnosticStep(use.site, f"{use.loss.short_name} takes it", "loss", name)
    if use.loss_site is None or use.loss_site == use.site:
        return (taken,)
    return (DiagnosticStep(use.loss_site, f"{use.loss.short_name} is chosen here", "loss", name), taken)


def about_loss(
    code: str,
    use: LossUse,
    message: str,
    advice: str,
    other_uses: tuple[Site, ...] = (),
    **details: str | int | bool | None,
) -> Diagnostic:
    """A finding about a value and the loss that takes it."""
    tensor = prediction(use)
    known = {
        "loss": use.loss.short_name,
        "framework": use.loss.framework,
        "units": units(use),
        "rank": tensor.shape.rank,
        "from_logits": use.from_logits,
        "head": tensor.domain.name.lower(),
        **details,
    }
    return Diagnostic(
        code,
        use.site,
        message,
        advice,
        is_proved(use),
        (*trail_of(tensor), *loss_steps(use)),
        tuple((key, value) for key, value in known.items() if value is not None),
        assumptions_of(tensor),
        use,
        other_uses,
    )


def about_aim(code: str, aim: Aim, message: str, advice: str) -> Diagnostic:
    """A finding about a prediction and the targets that a loss holds it against."""
    found = about_loss(code, aim.use, message, advice)
    *before, taken = found.trail
    site = aim.labels.site
    given = (DiagnosticStep(site, f"the targets: {aim.labels.source}", "label"),) if site is not None else ()
    return replace(found, proved=aim.proved, trail=(*before, *given, taken))
