"""Lines of notebooks that are no Python, and lines that only look so."""

from __future__ import annotations

import pytest

from headlint.source.notebook import without_magics


@pytest.mark.parametrize(
    ("source", "harmless"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("for x in y:\n  %autoreload 2", "for x in y:\n  pass"),
        ("\n  x = 1\n  if x:\n      y = 2\nz = 3", "\nx = 1\nif x:\n    y = 2\nz = 3"),
        ("print('%d of %d'\n      %(step, steps))", "print('%d of %d'\n      %(step, steps))"),
        ("print('%d of %d'\n      % (step, steps))", "print('%d of %d'\n      % (step, steps))"),
    ],
)
def test_only_magics_are_taken_out(source: str, harmless: str) -> None:
    assert without_magics(source) == harmless
