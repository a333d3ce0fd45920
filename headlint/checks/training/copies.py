"""HL502 and HL514: losses whose numbers are copied, so that nothing behind them gets a gradient."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.gradient import MODEL_OUTPUTS
from headlint.checks.tensors import ancestors, attached_ancestors
from headlint.checks.training.holding import called
from headlint.checks.training.order import Run
from headlint.flow.values.facts import Event, LossCopied, TrainingEvent
from headlint.flow.values.python_values import Constant, Instance, Site, Unknown, Value
from headlint.flow.values.tensor_values import COMPUTED, Domain, Tensor


def loss_is_copied(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL502."""
    differentiated = [event.subject for event in evidence.events_of(Event.DIFFERENTIATED)]
    whole = {id(part) for loss in differentiated if isinstance(loss, Tensor) for part in attached_ancestors(loss)}
    copies = {part.cut for loss in differentiated if isinstance(loss, Tensor) for part in ancestors(loss)}
    for fact in evidence.of(LossCopied):
        if id(fact.copied) in whole or fact.site in copies:
            continue
        yield Diagnostic(
            "HL502",
            fact.site,
            "This copies the number of the loss and asks for a gradient of the copy: backward() ends there, and no gradient "
            "reaches the model.",
            "Use the loss itself, which has its graph already.",
            not fact.guards,
            (DiagnosticStep(fact.site, "takes the loss without its graph", "operation", fact.by),),
            subject=fact,
        )


def only_copies_behind(evidence: Evidence, run: Run, backward: TrainingEvent) -> Site | None:
    """Where a model's output lost its graph, when a loss is computed from nothing that has one."""
    loss = backward.subject
    if not isinstance(loss, Tensor):
        return None
    if loss.origin.note == "leaf" or _is_scaled_leaf(loss):
        return loss.cut if not _has_its_own_gradient_used(evidence, loss) else None
    if _has_its_own_gradient_used(evidence, loss):
        return None
    copies = copies_behind(evidence, loss) or []
    stepped = any(event.event is Event.STEPPED for event in run.round_of(backward))
    found = next((copy.cut for copy in copies if is_of_a_model(copy, or_unknown=stepped)), None)
    return found if found is None or not _may_be_another(evidence, run, backward) else None


def _may_be_another(evidence: Evidence, run: Run, backward: TrainingEvent) -> bool:
    """Whether what is differentiated here may also have been computed from something that learns."""
    return any(
        event.site == backward.site
        and isinstance(event.subject, Tensor)
        and copies_behind(evidence, event.subject) is None
        for event in run.of(Event.DIFFERENTIATED)
        if event is not backward
    )


def _is_scaled_leaf(loss: Tensor) -> bool:
    """Whether a loss is a single copied number, times or plus other numbers."""
    seen = loss
    while (
        seen.origin.role == "operation" and seen.origin.name in ("*", "/", "+", "mul", "div") and len(seen.inputs) == 1
    ):
        if isinstance(seen.origin.factor, Unknown) and not isinstance(seen.origin.factor, Constant):
            return False
        seen = seen.inputs[0]
    return seen is not loss and seen.origin.note == "leaf"


def copies_behind(evidence: Evidence, loss: Tensor) -> list[Tensor] | None:
    """The copies that a loss is computed from; None where anything else that may learn is behind it."""
    found: list[Tensor] = []
    stack, seen = [loss], set[int]()
    while stack:
        one = stack.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if one.domain is Domain.HARD or _is_cut_by_a_decision(one):
            return None  # that is what HL501 says
        if not one.attached and one.cut is not None:
            if _meets_the_unknown(one):
                return None
            found.append(one)
            continue
        if may_learn(one):
            return None
        for use in evidence.uses_by_result.get(id(one), ()):
            if not _is_known(use.prediction) or not _is_known(use.target):
                return None
            if (
                isinstance(use.prediction, Tensor)
                and not use.prediction.attached
                and (use.prediction.domain in MODEL_OUTPUTS)
            ):
                return None  # that is what HL502 says of the prediction
            stack.extend(value for value in (use.prediction, use.target) if isinstance(value, Tensor))
        stack.extend(one.inputs)
    return found


def _meets_the_unknown(copy: Tensor) -> bool:
    """Whether something unknown is put together with a copy, which may be a parameter: the logarithm of a temperature."""
    return any(isinstance(part.origin.factor, Unknown) for part in ancestors(copy) if part.cut == copy.cut)


def _is_cut_by_a_decision(tensor: Tensor) -> bool:
    return tensor.cut is not None and any(
        part.domain is Domain.HARD and part.origin.site == tensor.cut for part in ancestors(tensor)
    )


_JOINS = re.compile(r"\.(h|v)?(cat|concat|concatenate|stack)$")
"""The functions that put tensors side by side; of a list that is not followed nothing but their name is known."""

_CHOOSING = ("torch.where", "torch.gather", "torch.index_select", "torch.masked_select", "torch.take_along_dim")
"""Functions of PyTorch that pass on the gradient of what they choose."""


def may_learn(tensor: Tensor) -> bool:
    """Whether a layer, a variable or something that is not followed stands behind a tensor, and gets a gradient."""
    origin = tensor.origin
    if not tensor.attached:
        return False
    match origin.role:
        case "layer" | "variable" | "call" | "mixture":
            return True
        case "input" if isinstance(origin.factor, Unknown):
            computed = origin.note == COMPUTED or origin.factor.is_computed or _is_of_a_framework(origin.factor)
            return (computed and not _is_bare_number(origin.factor)) or _is_of_an_object(origin.factor)
        case "input":
            return origin.note == COMPUTED
        case "operation" if (origin.note == "add" or _JOINS.search(origin.name)) and not tensor.inputs:
            return True  # the sum of a list that is not followed, or its items side by side
        case "operation":
            return origin.note != "fresh" and isinstance(origin.factor, Unknown) and not _is_known(origin.factor)
        case _:
            return False


def _is_of_an_object(value: Unknown) -> bool:
    """Whether a value is an attribute that nothing which is seen gives an object: its base may make it a parameter."""
    match value.key:
        case (Instance(), str()):
            return True
        case _:
            return False


def _is_of_a_framework(value: Unknown) -> bool:
    """Whether a function of a framework that is not followed gave a value, as ``tf.add_n``; not one that reads data."""
    match value.key:
        case (str() as path, Site()):
            return path.startswith(("tensorflow.", "keras.", *_CHOOSING)) and not path.startswith(
                ("tensorflow.data.", "tensorflow.io.")
            )
        case _:
            return False


def _is_known(value: Value | None) -> bool:
    """Whether a value is followed, or has no gradient to give."""
    match value:
        case None | Tensor() | Constant():
            return True
        case Unknown():
            return not value.is_computed or _is_bare_number(value)
        case _:
            return False


def _is_bare_number(value: Unknown) -> bool:
    """Whether something unknown was taken without its graph, or from a loader, or is made of such a thing."""
    return any(
        part.key in ("detach", "data", "item", "numpy", "tolist")
        or (part.key == "element" and part.parent is not None and _LOADER.search(called(part.parent)))
        for part in value.outwards()
    )


_LOADER = re.compile(r"load|data|batch", re.I)


def is_of_a_model(copy: Tensor, or_unknown: bool) -> bool:
    """Whether a model computed what was copied; ``or_unknown``: or something that is not followed."""
    return any(
        part.origin.role in ("layer", "loss") or (or_unknown and part.origin.note == COMPUTED)
        for part in ancestors(*copy.inputs)
    )


def _has_its_own_gradient_used(evidence: Evidence, loss: Tensor) -> bool:
    """Whether the program reads the gradient of a copy, hangs a hook on it, or trains the copy itself."""
    parts = set(ancestors(loss))
    used = any(event.subject in parts for event in evidence.events_of(Event.READ, Event.WRITTEN))
    given = (one for event in evidence.events_of(Event.HANDED_OVER) for one in event.given)
    trained = (one for optimizer in evidence.optimizers for one in optimizer.held.members)
    return (
        used
        or any(isinstance(one, Tensor) and one in parts for one in given)
        or any(isinstance(one, Tensor) and (one in parts or parts.intersection(ancestors(one))) for one in trained)
    )


RULES = (loss_is_copied,)
