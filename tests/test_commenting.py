"""Where a comment that suppresses a finding goes."""

from __future__ import annotations

import pytest

from headlint.source.commenting import suppressing
from headlint.source.suppressions import Suppressions

NAME = "softmax-before-cross-entropy"
LONG = 'loss = f("""\nx""", # why\n    y)\n'
TEXTS = [
    ("loss = f(x)\n", (1, 1), "loss = f(x)  # headlint: ignore[{}]\n"),
    ("loss = f(x)", (1, 1), "loss = f(x)  # headlint: ignore[{}]"),
    ("loss = f(x)   \n", (1, 1), "loss = f(x)  # headlint: ignore[{}]   \n"),
    ("loss = f(x)  # why\n", (1, 1), "loss = f(x)  # why  # headlint: ignore[{}]\n"),
    ("loss = f(x)  # headlint: ignore[HL1]\n", (1, 1), "loss = f(x)  # headlint: ignore[HL1, {}]\n"),
    ('f("# headlint: ignore[HL1]")\n', (1, 1), 'f("# headlint: ignore[HL1]")  # headlint: ignore[{}]\n'),
    ("loss = f(\n    x)\n", (1, 2), "loss = f(  # headlint: ignore[{}]\n    x)\n"),
    ("loss = a + \\\n    f(x)\n", (1, 2), "loss = a + \\\n    f(x)  # headlint: ignore[{}]\n"),
    (LONG, (1, 3), LONG.replace("y)", "y)  # headlint: ignore[{}]")),
]


@pytest.mark.parametrize(("text", "lines", "expected"), TEXTS)
def test_the_comment_suppresses_and_changes_nothing_else(text: str, lines: tuple[int, int], expected: str) -> None:
    line, column, written = suppressing(text, NAME, lines)
    parts = text.split("\n")
    parts[line - 1] = parts[line - 1][: column - 1] + written + parts[line - 1][column - 1 :]
    commented = "\n".join(parts)
    assert commented == expected.format(NAME)
    assert Suppressions.of(commented).covers("HL101", NAME, *lines)


@pytest.mark.parametrize("text", ['x = """\n' * 2, "x = \\\n  1\n", "x = (\n"])
def test_no_comment_where_none_can_stand(text: str) -> None:
    assert suppressing(text, NAME, (1,)) is None or "(" in text
