"""One tiny batch fitted both ways, so that people see what a mistake costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

LEARNING_RATE = 1e-2
"""Of Adam: high enough to show a difference within some dozens of steps on a small batch."""

Fit = Callable[[bool], Iterator[float]]
"""Endless steps from the same weights on the same batch, as written or as fixed: each gives the loss before it."""


def fitted_both_ways(fit: Fit, has_fix: bool, steps: int, seconds: float) -> dict[str, Any]:
    """The losses by step, as written and as fixed, in so many seconds."""
    share = seconds / 2 if has_fix else seconds
    return {
        "steps": steps,
        "written": curve(fit(False), steps, share),
        "fixed": curve(fit(True), steps, share) if has_fix else None,
    }


def curve(losses: Iterator[float], steps: int, seconds: float) -> list[float]:
    """The loss before the first step and after each; fewer where a step raises or the time is up."""
    end = time.monotonic() + seconds
    found: list[float] = []
    with suppress(RuntimeError, ValueError, TypeError):
        while len(found) <= steps and time.monotonic() < end:
            found.append(next(losses))
    return found
