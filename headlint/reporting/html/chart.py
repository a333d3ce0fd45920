"""Two curves of a loss as points of an SVG drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 560, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 28
"""The margins in which the numbers of the axes stand."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve: the points as SVG writes them, and where it begins and ends."""

    title: str
    points: str
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Chart:
    """The curves as written and as fixed; ``ticks`` are heights with the loss they stand for."""

    curves: tuple[Curve, ...]
    ticks: tuple[tuple[float, str], ...]
    steps: int
    floor: float | None
    """The height of the loss that the program as written cannot go below."""
    floor_loss: float | None


def chart(written: Sequence[float], fixed: Sequence[float], floor: float | None) -> Chart | None:
    """The curves on one scale from 0, with the loss that the program as written cannot go below; None without curves."""
    written, fixed = _finite(written), _finite(fixed)
    if len(written) < 2 and len(fixed) < 2:
        return None
    top, step = _scale(max((*written, *fixed)))
    steps = max(len(written), len(fixed))

    def height(loss: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - loss / top), 1)

    def across(index: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * index / (steps - 1), 1)

    def curve(title: str, losses: Sequence[float]) -> Curve:
        points = " ".join(f"{across(index)},{height(loss)}" for index, loss in enumerate(losses))
        return Curve(title, points, losses[0], losses[-1])

    curves = [curve(title, losses) for title, losses in (("as written", written), ("fixed", fixed)) if losses]
    ticks = tuple((height(step * index), f"{step * index:g}") for index in range(round(top / step) + 1))
    floor = floor if floor is not None and 0 < floor < top else None
    return Chart(tuple(curves), ticks, steps, height(floor) if floor is not None else None, floor)


def _finite(losses: Sequence[float]) -> list[float]:
    """The losses up to the first that is no number."""
    end = next((index for index, loss in enumerate(losses) if not math.isfinite(loss)), len(losses))
    return [max(0.0, loss) for loss in losses[:end]]


def _scale(highest: float) -> tuple[float, float]:
    """The top of the axis and the distance of its ticks: 1, 2 or 5 times a power of ten, three to six of them."""
    if highest <= 0:
        return 1.0, 0.5
    rough = highest / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return step * math.ceil(highest / step), step
