"""Lines of notebooks that are no Python, and lines that only look so."""

from __future__ import annotations

import pytest

from headlint.source.notebook import without_magics


@pytest.mark.parametrize(
    ("source", "harmless"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("  %autoreload 2", "  pass"),
        ("print('%d of %d'\n      %(step, steps))", "print('%d of %d'\n      %(step, steps))"),
        ("print('%d of %d'\n      % (step, steps))", "print('%d of %d'\n      % (step, steps))"),
    ],
)
def test_only_magics_are_taken_out(source: str, harmless: str) -> None:
    assert without_magics(source) == harmless
