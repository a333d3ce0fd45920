"""How often Python looks for cycles: headlint makes many objects that go by themselves, so that it rarely finds any."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

ALLOCATIONS = (50_000, 20, 100)
"""After how many new objects cycles are looked for."""


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Look for cycles seldom for a while."""
    before = gc.get_threshold()
    gc.set_threshold(*ALLOCATIONS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
