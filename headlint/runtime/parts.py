"""What is to be said about parts of a built model that do not do what they are there for: HL804 to HL807."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headlint.runtime.worker.measuring.suspects import Suspect, Suspects

CAUSES = {
    "HL302": frozenset({"softmax"}),
    "HL305": frozenset({"sequence", "sequence?"}),
    "HL306": frozenset({"layout", "sequence", "sequence?"}),
    "HL511": frozenset({"unregistered"}),
    "HL512": frozenset({"unused"}),
    "HL513": frozenset({"rebuilt"}),
    "HL520": frozenset({"cut"}),
    "HL609": frozenset({"dropout"}),
}
"""What is wrong with a part, for each rule that says so without running anything."""


ABOUT_PARTS = frozenset({"HL511", "HL512", "HL513", "HL520", "HL609"})
"""Rules about parts of the class in which the finding stands, whatever made the value that it speaks of."""

MOST_NAMES = 4


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding in the making: the rule, the words, and the part that it is about."""

    code: str
    message: str
    advice: str
    suspect: Suspect


def remarks(suspects: Suspects) -> Iterator[Remark]:
    """What is to be said about each part."""
    for one in suspects.without_gradient:
        message, advice = _without_gradient(one)
        yield Remark("HL804", message, advice, one)
    for one in suspects.mixed:
        if not one.cause.endswith("?"):
            message, advice = _mixed(one)
            yield Remark("HL805", message, advice, one)
    for one in suspects.ignored:
        message, advice = _ignored(one)
        yield Remark("HL807", message, advice, one)
    for one in suspects.unrepeatable:
        message, advice = _unrepeatable(one)
        yield Remark("HL806", message, advice, one)


def _without_gradient(one: Suspect) -> tuple[str, str]:
    sized = one.kind + (f", {one.count} parameter{'' if one.count == 1 else 's'}" if one.count else "")
    match one.cause:
        case "unused":
            return (
                f"{one.name} ({sized}) is to be trained, but nothing applies it: no loss gives it a gradient.",
                "Apply it, or remove it.",
            )
        case "unregistered":
            return (
                f"{one.name} ({sized}) is applied, but is not among the model's parameters: no optimizer trains it.",
                "Keep layers in nn.ModuleList or nn.ModuleDict, or as attributes.",
            )
        case "rebuilt":
            where = f" in {one.name}" if one.name else ""
            return (
                f"Each call makes a new layer{where} ({sized}): its weights are random each time and never learn.",
                "Make the layer once, in __init__.",
            )
        case "dead":
            return (
                f"The gradient that {one.name} ({sized}) is given is exactly zero, whatever the batch: it stays as it is "
                "initialised.",
                "Look behind it for a factor that is zero, an activation that is flat where its inputs lie, a clamp, or a "
                "softmax over one value.",
            )
        case "not a number below zero":
            return (
                f"Once {one.name} falls below zero, its gradient is not a number, though all that the model gives stays one: "
                f"this {one.kind} is computed there too, whatever a torch.where takes.",
                "Replace the values that have no root or logarithm before it is taken, not after.",
            )
        case "not a number":
            others = f" and of {one.count - 1} more parameter{'' if one.count == 2 else 's'}" if one.count > 1 else ""
            return (
                f"The gradient of {one.name}{others} is not a number, though all that the model gives is one: this "
                f"{one.kind} has no finite slope here.",
                "Keep its argument away from there: add a small number before a root or a division, and replace what a "
                "torch.where leaves out before it is computed, not after.",
            )
    return (
        f"No gradient leads back to {one.name} ({sized}): it stays as it is initialised.",
        "Look behind it for detach(), data, numpy(), a new tensor or a result that is not used; freeze it with "
        "requires_grad_(False) if it is to stay as it is.",
    )


def _ignored(one: Suspect) -> tuple[str, str]:
    if one.cause == "input":
        return (
            f"The input {one.name} has no effect on what the model gives, in training mode and in evaluation mode.",
            "Use it, or do not ask for it.",
        )
    return (
        f"Of the input {one.name}, {one.kind} (counted from 0) have no effect on what the model gives.",
        "Use them, or leave them out of the data.",
    )


def _mixed(one: Suspect) -> tuple[str, str]:
    gives = "In evaluation mode the output for one sample changes with another sample of the batch"
    match one.cause:
        case "softmax":
            return f"{gives}: this {one.kind} is taken over the batch.", "Take it over the axis of the classes."
        case "layout":
            return (
                f"{gives}: this {one.kind} puts values of several samples into one row.",
                "Keep the size of the batch as the first size, and swap axes with transpose or permute.",
            )
    return (
        f"{gives}: {one.name} ({one.kind}) takes the batch, which comes first, for time.",
        "Build it with batch_first=True.",
    )


def _unrepeatable(one: Suspect) -> tuple[str, str]:
    where = f" in {one.name}" if one.name else ""
    gives = f"In evaluation mode the model gives two answers to one input: {one.kind}{where} stays on"
    match one.kind:
        case "scaled_dot_product_attention":
            return f"{gives}, which knows no mode.", "Write dropout_p=p if self.training else 0.0."
        case kind if kind[0].isupper():
            return f"{gives}, because eval() does not reach it.", "Make it once, in __init__, as an attribute."
    return f"{gives}.", "Let it follow the mode: training=self.training in PyTorch, training=training in Keras."


def not_held(missing: tuple[str, ...], parameters: int) -> str:
    """What is to be said about an optimizer that does not hold all of a model's parameters."""
    names = ", ".join(missing[:MOST_NAMES]) + (
        f" and {len(missing) - MOST_NAMES} more" if len(missing) > MOST_NAMES else ""
    )
    return (
        f"The built optimizer does not hold {names}: {len(missing)} of {parameters} parameters that are to be trained."
    )


def about(suspects: Suspects, causes: frozenset[str], attribute: object, line: int) -> Suspect | None:
    """The part, for one of the causes, that a finding about an attribute or a line means."""
    for one in (*suspects.mixed, *(one for one in suspects.without_gradient if one.cause == "cut")):
        if one.cause in causes:  # the finding stands where the mistake is made, the part is what suffers from it
            return one
    for one in (*suspects.without_gradient, *suspects.unrepeatable):
        named = isinstance(attribute, str) and attribute in one.name.split(".")
        if one.cause in causes and (named or one.line == line):
            return one
    return None
