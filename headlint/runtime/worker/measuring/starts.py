"""How training starts: the gradient at the first step, the program's own derivatives, and a step of its own optimizer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

VANISHING = 1e-7
"""Part of the largest gradient below which the smallest one of a trained weight moves nothing beside it."""

EXPLODING = 1e3
"""How many times a weight's own norm a gradient may be."""


@dataclass(frozen=True)
class OwnFunction:
    """An ``autograd.Function`` of the program: whether its backward is the derivative of its forward."""

    name: str
    line: int
    agrees: bool


@dataclass(frozen=True)
class Slopes:
    """The gradient that training starts with, of a loss or (``of`` is empty) of a random sum of the outputs.

    ``least`` and ``most`` are the typical sizes for one number of a weight, with the weight's name. ``times`` is the
    largest gradient of a weight beside the norm of that weight.
    """

    of: str
    norm: float
    least: tuple[str, float]
    most: tuple[str, float]
    times: float = 0.0
    functions: tuple[OwnFunction, ...] = ()

    @property
    def vanishes(self) -> bool:
        """Whether some weight hardly moves beside another one."""
        return self.least[1] < VANISHING * self.most[1]

    @property
    def explodes(self) -> bool:
        """Whether the loss would throw a weight far off at the first step."""
        return bool(self.of) and self.times > EXPLODING

    def reply(self) -> dict[str, Any]:
        """The part of the facts."""
        return asdict(self)


@dataclass(frozen=True)
class Step:
    """One step of an optimizer of the program: the parameters with a gradient that it holds and leaves as they are, and
    frozen ones that are not the same afterwards. ``before`` and ``after`` are the loss, ``finite`` says whether everything that
    the model gives is a number afterwards."""

    kind: str
    rate: float | None
    moved: int
    unmoved: tuple[str, ...]
    frozen_moved: tuple[str, ...]
    of: str = ""
    before: float = 0.0
    after: float = 0.0
    finite: bool = True
