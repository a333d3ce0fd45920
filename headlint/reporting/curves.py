"""Curves of a loss in block characters: how fitting one small batch goes, as the program is written and mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

SPARKS = "▁▂▃▄▅▆▇█"
WIDTH = 40
"""Characters of the longest curve."""


def curves(written: Sequence[float], mended: Sequence[float]) -> Iterator[str]:
    """A line for each curve, on one scale from 0 to the highest loss of both; no lines where nothing was trained."""
    top = max((*written, *mended), default=0.0)
    steps = len(written or mended)
    if steps > 1:
        yield f"  fitting one small batch for {steps} steps, the loss goes"
    for title, values in (("as written", written), ("mended", mended)):
        if values:
            yield f"    {title:<10}  {spark_line(values, top)}  {values[0]:.3g} → {values[-1]:.3g}"


def spark_line(values: Sequence[float], top: float) -> str:
    """A curve in one line, from 0 to ``top``."""
    step = max(1.0, len(values) / WIDTH)
    picked = [values[int(index * step)] for index in range(min(len(values), WIDTH))]
    scale = (len(SPARKS) - 1) / top if top > 0 else 0.0
    return "".join(SPARKS[max(0, min(len(SPARKS) - 1, round(value * scale)))] for value in picked)
