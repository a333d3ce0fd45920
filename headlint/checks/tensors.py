"""Ways from a value back to what made it, and what a loss asks of what it takes."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.flow.tensors.mixtures import CHOSEN
from headlint.flow.values.arguments import constant_among
from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.conditions import Guard
from headlint.flow.values.facts import LabelsUse, LossUse
from headlint.flow.values.library_values import Layer
from headlint.flow.values.python_values import Site, Unknown
from headlint.flow.values.tensor_values import Domain, Origin, Tensor

CROSS_ENTROPIES = ("cross_entropy", "sparse_cross_entropy")
PROBABILITIES = (Domain.SOFTMAX, Domain.SIGMOID)
SCORES = (Domain.LINEAR, Domain.RECTIFIED, Domain.TANH)
CLASSIFYING = (*CROSS_ENTROPIES, "nll", "binary_cross_entropy")
AMOUNTS = ("regression", "count")
"""Losses for values, and those for counts and rates."""


def prediction(use: LossUse | LabelsUse) -> Tensor:
    """The tensor that a loss takes."""
    assert isinstance(use.prediction, Tensor)
    return use.prediction


def units(use: LossUse | LabelsUse) -> int | None:
    """How many classes a prediction has room for."""
    tensor = prediction(use)
    if use.loss.framework == "torch" and tensor.shape.rank is not None and tensor.shape.rank > 2:
        return tensor.shape.size(1)
    return tensor.shape.units


def wants_logits(use: LossUse) -> bool:
    """Whether a loss applies the softmax or sigmoid itself."""
    return use.loss.expects == "logits" or (use.loss.expects == "from_logits" and use.from_logits is True)


def wants_probabilities(use: LossUse) -> bool:
    """Whether a loss takes probabilities."""
    return use.loss.expects == "probabilities" or (use.loss.expects == "from_logits" and use.from_logits is False)


def views(tensor: Tensor) -> Iterator[Tensor]:
    """The tensor and those it came from without its numbers changing their meaning."""
    while True:
        yield tensor
        if (
            not tensor.inputs
            or tensor.origin.role not in ("operation", "call")
            or tensor.inputs[0].domain is not tensor.domain
        ):
            return
        tensor = tensor.inputs[0]


_PICKING = frozenset({"masked_select", "boolean_mask", "gather_nd", "batch_gather"})


def are_picked(tensor: Tensor) -> bool:
    """Whether single probabilities were taken out of rows of them: each may be that of the class which its sample has."""
    return any(
        view.origin.note == CHOSEN or (view.shape.rank in (None, 1) and short(view.origin.name) in _PICKING)
        for view in views(tensor)
    )


def is_for_one_class(use: LossUse) -> bool:
    """Whether a loss gets its output on the path for a single class, of a number that nobody sees.

    A head of its own was made for it, and the program may well never take that path to a loss over several.
    """
    return any(map(_says_one_class, use.guards))


def _says_one_class(guard: Guard) -> bool:
    condition = guard.condition
    if not isinstance(condition.operand, int) or isinstance(condition.operand, bool):
        return False
    match condition.operator, condition.operand, guard.outcome:
        case ("==", 1, True) | ("!=", 1, False) | ("<", 2, True) | (">=", 2, False) | ("<=", 1, True) | (">", 1, False):
            return isinstance(condition.subject, Unknown)
        case _:
            return False


def source_tensor(tensor: Tensor) -> Tensor:
    """The tensor whose maker gave the numbers the meaning they have: behind reshapes, dropout and the like."""
    for _ in range(64):
        passes_on = tensor.origin.role in ("operation", "call") or tensor.origin.note in (
            "dropout",
            "norm",
            "flatten",
            "pool",
        )
        if not (passes_on and tensor.inputs and tensor.inputs[0].domain is tensor.domain):
            break
        tensor = tensor.inputs[0]
    return tensor


def comes_from_weights(tensor: Tensor) -> bool:
    """Whether a layer or an activation made a tensor, or a product with a variable that is trained."""
    made = source_tensor(tensor).origin
    return made.role in ("layer", "activation") or made.note == "matmul with variable"


def head_of(tensor: Tensor) -> Tensor | None:
    """The output of the last layer with weights that a tensor comes from, through activations and reshapes only."""
    for _ in range(64):
        layer = tensor.origin.layer
        if (
            tensor.origin.role == "layer"
            and layer is not None
            and layer.kind.effect in ("dense", "convolution", "bilinear")
        ):
            return tensor
        if len(tensor.inputs) != 1:
            return None
        tensor = tensor.inputs[0]
    return None


def ancestors(*tensors: Tensor) -> Iterator[Tensor]:
    """Tensors and everything they were computed from, each once."""
    seen: set[int] = set()
    stack = [*tensors]
    while stack:
        current = stack.pop()
        if id(current) not in seen:
            seen.add(id(current))
            yield current
            stack.extend(current.inputs)


def attached_ancestors(tensor: Tensor) -> Iterator[Tensor]:
    """A tensor and everything that it passes its gradient to, each once."""
    seen: set[int] = set()
    stack = [tensor]
    while stack:
        current = stack.pop()
        if current.attached and id(current) not in seen:
            seen.add(id(current))
            yield current
            stack.extend(current.inputs)


def assumptions_of(tensor: Tensor) -> frozenset[Assumption]:
    """The defaults that a tensor's meaning or width rests on."""
    found: frozenset[Assumption] = frozenset()
    for part in (tensor, source_tensor(tensor), head_of(tensor)):
        if part is not None:
            found |= part.assumptions
    return found


def activation_site(origin: Origin) -> Site | None:
    """Where an activation is written: its keyword, its constructor, or its call."""
    if origin.layer is not None and origin.layer.kind.effect != "activation":
        return origin.layer.sites.get("activation", origin.layer.sites.get("activation_fn", origin.built_at))
    return origin.built_at or origin.site


def constant(layer: Layer, *names: str) -> object:
    """A constant argument of a layer under any of the names, or None."""
    return constant_among(layer.arguments, *names)


def short(name: str) -> str:
    """The last part of a dotted name."""
    return name.rsplit(".", 1)[-1]
