"""What is known of a model's head: its last layers, what they give, and the losses that take it."""

from __future__ import annotations

from dataclasses import dataclass

from headlint.findings.finding import Place


@dataclass(frozen=True, slots=True)
class HeadLayer:
    """One of the last layers: how many units it gives, whether it has a bias, which activation it is.

    ``role`` is ``layer``, ``activation`` or ``operation``; ``applied`` is where that is called which is built at ``place``.
    """

    name: str
    place: Place
    units: int | None
    bias: bool | None
    activation: str
    note: str
    role: str = "layer"
    applied: Place | None = None


@dataclass(frozen=True, slots=True)
class HeadLoss:
    """A loss that takes the output. ``fits`` is None where it is not known; ``kind`` is its full name; ``expects`` says
    in words what it wants to be given, where that is known."""

    name: str
    place: Place
    fits: bool | None
    note: str
    kind: str = ""
    from_logits: bool | None = None
    expects: str = ""


@dataclass(frozen=True, slots=True)
class HeadPicture:
    """One output of one model. ``units`` is the size of its last axis, ``rank`` the number of its axes; ``given`` says
    that this is what the model itself gives, and not what the program made of it before the loss. ``way`` is all that
    is known to stand between the input and the loss, functions among it."""

    model: str
    place: Place
    framework: str
    layers: tuple[HeadLayer, ...]
    meaning: str
    losses: tuple[HeadLoss, ...]
    units: int | None = None
    rank: int | None = None
    given: bool = False
    way: tuple[HeadLayer, ...] = ()
