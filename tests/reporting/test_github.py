"""Annotations for GitHub: the commands and the characters they escape."""

from __future__ import annotations

from pathlib import Path

from headlint.findings.finding import Confidence, Finding, Place, Problem, Report, Severity
from headlint.reporting import render
from headlint.reporting.context import Context


def finding(cell: int | None = None, end_line: int = 3) -> Finding:
    place = Place("src/a,b:c.py" if cell is None else "n.ipynb", 3, 5, end_line, 9, cell)
    return Finding("HL301", "softmax-without-dim", Severity.ADVICE, Confidence.PROVED, "50%\nof it:", "Say dim.", place)


def test_annotation() -> None:
    text = render("github", Report((finding(),)), Context(root=Path("/nowhere")))
    assert text == (
        "::notice file=src/a%2Cb%3Ac.py,line=3,endLine=3,col=5,endColumn=9,title=HL301 softmax-without-dim"
        "::50%25%0Aof it: Say dim.\n"
    )


def test_columns_are_told_within_one_line_only() -> None:
    text = render("github", Report((finding(end_line=4),)), Context(root=Path("/nowhere")))
    assert text.startswith("::notice file=src/a%2Cb%3Ac.py,line=3,endLine=4,title=HL301 softmax-without-dim::")


def test_a_cell_is_told_in_words() -> None:
    text = render("github", Report((finding(cell=2),)), Context(root=Path("/nowhere")))
    assert text == "::notice file=n.ipynb,title=HL301 softmax-without-dim::cell 2, line 3: 50%25%0Aof it: Say dim.\n"


def test_problem() -> None:
    text = render(
        "github", Report(problems=(Problem("x.py", "invalid syntax", "HL900", 7),)), Context(root=Path("/nowhere"))
    )
    assert text == "::error file=x.py,title=HL900,line=7::invalid syntax\n"
