"""Curves of a loss in block characters: how fitting one small batch goes, as the program is written and fixed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

SPARKS = "▁▂▃▄▅▆▇█"
WIDTH = 40
"""Characters of the longest curve."""


def curves(written: Sequence[float], fixed: Sequence[float], steps: int = 0) -> Iterator[str]:
    """A line for each curve, both on the scale from the lowest to the highest loss of either.

    ``steps`` is how many were asked for; a curve is shorter where the time was up or a step failed.
    """
    values = [*written, *fixed]
    if len(written) < 2 and len(fixed) < 2:
        return
    done = max(len(written), len(fixed)) - 1
    took = f"{done} steps" if done >= steps else f"{done} of {steps} steps, then the time was up"
    yield f"  fitting one small batch for {took}; each curve from {min(values):.3g} (▁) to {max(values):.3g} (█)"
    for title, curve in (("as written", written), ("fixed", fixed)):
        if curve:
            yield f"    {title:<10}  {spark_line(curve, min(values), max(values))}  {curve[0]:.3g} → {curve[-1]:.3g}"


def spark_line(values: Sequence[float], bottom: float, top: float) -> str:
    """A curve in one line; a curve that never moves lies at the bottom."""
    count = min(len(values), WIDTH)
    last = max(1, count - 1)
    picked = [values[round(index * (len(values) - 1) / last)] for index in range(count)]
    scale = (len(SPARKS) - 1) / (top - bottom) if top > bottom else 0.0
    return "".join(SPARKS[round((value - bottom) * scale)] for value in picked)
