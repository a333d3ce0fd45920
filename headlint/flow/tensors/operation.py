"""One application of an operation to a tensor, and what every kind of operation needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headlint.flow.values.arguments import constant_among
from headlint.flow.values.facts import Activation, MixedIn
from headlint.flow.values.library_values import Layer, Part
from headlint.flow.values.python_values import Constant, Site, Unknown, Value
from headlint.flow.values.tensor_values import Domain, Origin, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

DOMAINS = {
    "softmax": Domain.SOFTMAX,
    "softmax2d": Domain.SOFTMAX,
    "log_softmax": Domain.LOG_SOFTMAX,
    "sigmoid": Domain.SIGMOID,
    "log_sigmoid": Domain.LOG_SIGMOID,
    "relu": Domain.RECTIFIED,
    "tanh": Domain.TANH,
    "nonlinear": Domain.UNKNOWN,
}

PROBABILITIES = (Domain.SOFTMAX, Domain.SIGMOID)

KEEPS_SCORES = (Domain.LINEAR, Domain.TARGET, Domain.ONE_HOT)

ZEROS = ("zeros", "zeros_like", "zero_")
"""Ends of the names of what makes a tensor of zeros."""


def activate(
    machine: Machine,
    tensor: Tensor,
    effect: str,
    site: Site,
    name: str,
    axis: int | None = None,
    axis_given: bool = False,
    built_at: Site | None = None,
    layer: Layer | None = None,
) -> Tensor:
    """Apply an activation."""
    if effect == "linear":
        return tensor
    if effect == "softmax2d":
        axis, axis_given = -3, True
    output = tensor.derive(
        domain=DOMAINS[effect],
        axis=axis,
        axis_given=axis_given,
        origin=Origin("activation", name, site, built_at, layer),
        guarded=False,
        heads=(),
        labels=None,
        attached=tensor.attached and not machine.without_gradient,
    )
    machine.emit(Activation, built_at or site, effect=effect, input=tensor, output=output, axis_given=axis_given)
    return output


class Operation:
    """One application of an operation."""

    __slots__ = ("arguments", "effect", "main", "name", "site")

    def __init__(self, effect: str, name: str, main: Value, arguments: dict[str, Value], site: Site) -> None:
        self.effect = effect
        self.name = name
        self.main = main
        self.arguments = arguments
        self.site = site

    def constant(self, *names: str) -> object:
        """A constant argument, or None."""
        return constant_among(self.arguments, *names)

    def integer(self, *names: str) -> int | None:
        """An integer argument, or None."""
        value = self.constant(*names)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def given(self, *names: str) -> bool:
        """Whether one of the arguments is passed, and not None."""
        return any(name in self.arguments and self.arguments[name] != Constant(None) for name in names)

    def origin(self, note: str = "") -> Origin:
        """The maker of its result."""
        return Origin("operation", self.name, self.site, note=note)


def tensor_of(machine: Machine, value: Value) -> Tensor | None:
    """The value as a tensor: something unknown counts as a tensor about which nothing is known."""
    match value:
        case Tensor():
            return value
        case Unknown():
            return machine.tensor_of(value)
        case Part(steps=(*_, "output")):
            return Tensor(origin=Origin("layer", ""), symbolic=True)  # of a layer inside a ready-made model
        case _:
            return None


def note_mixed_in(machine: Machine, parts: Sequence[Tensor], site: Site) -> None:
    """Several tensors become one: note those that a dense layer made of probabilities."""
    for part in parts if len(parts) > 1 else ():
        while part.origin.note in ("dropout", "norm") and part.inputs:
            part = part.inputs[0]
        if part.origin.role == "layer" and part.inputs and part.inputs[0].domain is Domain.SOFTMAX:
            machine.emit(MixedIn, site, output=part)


def is_made_of(tensor: Tensor, source: Tensor, depth: int) -> bool:
    """Whether a tensor was computed from another, or from what the same lines made on another branch."""
    if _is_alike(tensor, source):
        return False
    return depth > 0 and any(_is_alike(part, source) or is_made_of(part, source, depth - 1) for part in tensor.inputs)


def adds_a_layer(tensor: Tensor, source: Tensor, depth: int = 4) -> bool:
    """Whether a tensor was computed from another by a layer with weights, and perhaps more."""
    layer = tensor.origin.layer if tensor.origin.role == "layer" else None
    if layer is not None and layer.has_weights:
        return any(_is_alike(part, source) or is_made_of(part, source, depth) for part in tensor.inputs)
    return depth > 0 and any(adds_a_layer(part, source, depth - 1) for part in tensor.inputs)


def _is_alike(tensor: Tensor, source: Tensor) -> bool:
    return tensor is source or (tensor.origin == source.origin and tensor.domain is source.domain)


def comes_from(tensor: Tensor, source: Tensor, depth: int = 12) -> bool:
    """Whether a tensor is another or was computed from it."""
    if tensor is source:
        return True
    return depth > 0 and any(comes_from(part, source, depth - 1) for part in tensor.inputs)
