"""What a built model says about a finding."""

from __future__ import annotations

from msgspec import Struct


class Measured(Struct, frozen=True):
    """What the built model says about a finding: ``confirmed`` or ``unknown``, why, and the loss after each step of
    fitting one small batch, as written and as fixed, where that was asked for. ``floor`` is the loss that the program
    as written cannot go below."""

    outcome: str
    why: str
    written: tuple[float, ...] = ()
    fixed: tuple[float, ...] = ()
    floor: float | None = None
