"""Which modules a loss depends on."""

from __future__ import annotations

from headlint.checks.evidence import Evidence
from headlint.checks.training.holding import held_by
from headlint.flow.values.facts import LossUse
from headlint.flow.values.library_values import Backbone, Layer
from headlint.flow.values.python_values import Constant, Site, Value
from headlint.flow.values.tensor_values import COMPUTED, Tensor
from headlint.flow.values.training_values import Parameters


def modules_behind(evidence: Evidence, loss: Value) -> Parameters:
    """The layers, ready-made models (by their sites) and weights that a loss depends on and gives gradients to."""
    members: set[Value | Site] = set()
    complete = isinstance(loss, Tensor)
    seen: set[int] = set()
    stack = [loss] if isinstance(loss, Tensor) else []
    targets = {
        id(use.result): use for use in evidence.of(LossUse) if use.result is not None
    }  # what a loss compares with may learn as well
    while stack:
        tensor = stack.pop()
        if id(tensor) in seen or not tensor.attached:
            continue
        seen.add(id(tensor))
        stack.extend(tensor.inputs)
        use = targets.get(id(tensor))
        if use is not None and isinstance(use.target, Tensor):
            stack.append(use.target)
        elif use is not None and use.target is not None and not isinstance(use.target, Constant):
            complete = complete and not getattr(use.target, "is_computed", True)
        origin = tensor.origin
        match origin.role:
            case "layer" if origin.layer is not None:
                members.add(origin.layer)
            case "layer" if origin.built_at is not None:
                members.add(origin.built_at)
            case "variable":
                members.add(tensor)
            case "loss" if not isinstance(use.prediction if use else None, Tensor):
                complete = False
            case "input" if origin.note == COMPUTED:
                complete = False
            case "layer":
                complete = False
    return Parameters(frozenset(members), complete)  # type: ignore[arg-type]


def may_reach(evidence: Evidence, loss: Value, optimizer: Value) -> bool:
    """Whether a loss may depend on a parameter that an optimizer holds."""
    held = held_by(optimizer)
    if held is None or not held.complete:
        return True
    behind = modules_behind(evidence, loss)
    return not behind.complete or any(
        (member.site if isinstance(member, Backbone) else member) in behind.members for member in held.members
    )


def weights_of(parameters: Parameters) -> frozenset[Value]:
    """The members that have weights."""
    without = ("activation", "dropout", "flatten", "pool", "identity")
    return frozenset(one for one in parameters.members if not (isinstance(one, Layer) and one.kind.effect in without))
