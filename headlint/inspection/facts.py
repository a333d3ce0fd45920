"""What is measured on a live model, whatever its framework."""

from __future__ import annotations

from dataclasses import dataclass, field

from headlint.findings.finding import Place
from headlint.runtime.worker.measuring.suspects import Suspects

SQUASHING = frozenset({"relu", "tanh", "relu6", "hardtanh", "softplus"})
"""Activations that have no place between the last layer and a cross entropy."""


@dataclass(frozen=True, slots=True)
class Values:
    """A tensor that a loss takes, or that the model gives.

    ``activation`` is the function that made it and ``layer`` the layer in which that ran. ``classes`` is the size of
    the axis on which the loss looks for the classes. ``single`` says that a softmax was taken over one value.
    """

    shape: tuple[int, ...]
    minimum: float
    maximum: float
    finite: bool
    classes: int
    sums_to_one: bool = False
    log_probabilities: bool = False
    activation: str = ""
    axis: int | None = None
    single: bool = False
    layer: str = ""
    place: Place | None = None
    differentiable: bool = True

    @property
    def in_unit_interval(self) -> bool:
        """Whether every value lies in [0, 1]."""
        return self.finite and self.minimum >= 0 and self.maximum <= 1

    @property
    def extent(self) -> str:
        """The least and the largest value, in words."""
        return f"from {self.minimum:.3g} to {self.maximum:.3g}"


@dataclass(frozen=True, slots=True)
class Labels:
    """What the loss compares with: ``largest`` is the largest number in it."""

    shape: tuple[int, ...]
    integer: bool
    smallest: float
    largest: float


@dataclass(frozen=True, slots=True)
class LossTaken:
    """A loss of the framework, with what it was really given. ``family`` and ``expects`` are those of the rules."""

    name: str
    family: str
    expects: str
    prediction: Values
    labels: Labels | None
    place: Place


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was measured. ``loss`` is the value on the batch in training mode, None where there is no loss;
    ``error`` is what the loss raised. ``without_gradient`` names every parameter that gets none,
    ``suspects`` the parts of which that is not meant. ``written`` and ``fixed`` are the losses of fitting this one batch."""

    framework: str
    model: str
    place: Place
    outputs: tuple[Values, ...]
    losses: tuple[LossTaken, ...] = ()
    loss: float | None = None
    loss_differentiable: bool = True
    error: str = ""
    constant: bool = False
    zero_gradient: bool = False
    without_gradient: tuple[str, ...] = ()
    suspects: Suspects = field(default_factory=Suspects)
    not_in_optimizer: tuple[str, ...] = ()
    trainable: int = 0
    written: tuple[float, ...] = ()
    fixed: tuple[float, ...] = ()
    seconds: float = 0.0
