"""The source behind a finding: the lines that its trail names, with their surroundings, and the rest folded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from markupsafe import Markup, escape

from headlint.findings.finding import Finding, Place, Step
from headlint.reporting.context import Context

AROUND = 2
"""Lines shown before and after a line that is marked."""

MOST_FOLDED = 40
"""Lines that may be unfolded between two that are shown; of longer stretches only the number is reported."""

LONGEST_LINE = 300
MOST_MARKED_LINES = 12
"""Lines beyond which only the first line of a place is marked: it is a whole function, or a whole model."""

LineMaker = Callable[[int], "Line"]
"""Makes the line of a number."""

_DEFINITION = re.compile(r"\s*(?:async\s+def|def|class)\b")


@dataclass(frozen=True, slots=True)
class Note:
    """What happens at a line: the step's number on the way of the value, in words, and whether the finding is here."""

    number: int
    text: str
    here: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line of source as HTML, and the steps that end on it."""

    number: int
    code: Markup
    notes: tuple[Note, ...] = ()
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines next to each other: shown, folded (``lines`` can be unfolded) or left out (only their ``count`` is reported)."""

    kind: Literal["shown", "folded", "left out"]
    count: int
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is shown of one file, or of one cell of a notebook; ``gone`` where its text is no longer at hand."""

    path: str
    cell: int | None
    stretches: tuple[Stretch, ...]
    gone: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class _Mark:
    """A stretch of one line that a step names; columns count from 0 and the end is exclusive."""

    line: int
    start: int
    end: int
    here: bool


def excerpts(finding: Finding, context: Context) -> tuple[Excerpt, ...]:
    """The trail of a finding, its files in the order in which the value goes through them, a notebook's cells in theirs."""
    steps = _steps(finding)
    texts: dict[tuple[str, int | None], list[tuple[int, Step]]] = {}
    for number, step in enumerate(steps, 1):
        texts.setdefault((context.shown(step.place.path), step.place.cell), []).append((number, step))
    files = list(dict.fromkeys(path for path, _ in texts))
    ordered = sorted(texts.items(), key=lambda item: (files.index(item[0][0]), item[0][1] or 0))
    return tuple(_excerpt(path, cell, own, finding.place, context) for (path, cell), own in ordered)


def _steps(finding: Finding) -> Sequence[Step]:
    """The trail; a finding that stands nowhere on it comes last, and says so where there is more than it."""
    if any(step.place == finding.place for step in finding.trail):
        return finding.trail
    return (*finding.trail, Step(finding.place, "here" if finding.trail else "", "finding"))


def _excerpt(path: str, cell: int | None, steps: Sequence[tuple[int, Step]], here: Place, context: Context) -> Excerpt:
    text = context.text_of(steps[0][1].place)
    lines = text.split("\n") if text is not None else []
    known = [(number, step) for number, step in steps if 0 < step.place.line <= len(lines)]
    gone = [Note(number, step.note, step.place == here) for number, step in steps if (number, step) not in known]
    marks: list[_Mark] = []
    notes: dict[int, list[Note]] = {}
    for number, step in known:
        own = list(_marks(step.place, lines, step.place == here))
        marks += own
        if step.note:
            notes.setdefault(own[-1].line, []).append(Note(number, step.note, step.place == here))
    wanted = _wanted({mark.line for mark in marks}, lines)
    code = _painted(text) if text is not None and known else ()

    def line(number: int) -> Line:
        own = [mark for mark in marks if mark.line == number]
        return Line(number, _code(code[number - 1], own), tuple(notes.get(number, ())), bool(own))

    return Excerpt(path, cell, tuple(_stretches(wanted, line)), tuple(gone))


def _marks(place: Place, lines: Sequence[str], here: bool) -> Iterator[_Mark]:
    """What a place covers on each of its lines, without the indentation."""
    last = min(place.end_line, len(lines))
    if last - place.line >= MOST_MARKED_LINES:
        last = place.line
    for number in range(place.line, last + 1):
        text = lines[number - 1].rstrip()
        start = place.column - 1 if number == place.line else len(text) - len(text.lstrip())
        end = place.end_column - 1 if number == place.end_line else len(text)
        if start < end or number == place.line:
            yield _Mark(number, start, max(end, start + 1), here)


def _wanted(marked: Iterable[int], lines: Sequence[str]) -> list[int]:
    """The numbers of the lines to show: those marked, some around each, and the definitions they stand in."""
    wanted: set[int] = set()
    for number in marked:
        wanted.update(range(max(1, number - AROUND), min(len(lines), number + AROUND) + 1))
        wanted.update(_definitions_around(number, lines))
    while wanted and not lines[max(wanted) - 1].strip():
        wanted.discard(max(wanted))
    while wanted and not lines[min(wanted) - 1].strip():
        wanted.discard(min(wanted))
    return sorted(wanted)


def _definitions_around(number: int, lines: Sequence[str]) -> Iterator[int]:
    indentation = _indentation(lines[number - 1])
    for above in range(number - 1, 0, -1):
        text = lines[above - 1]
        if indentation == 0:
            return
        if text.strip() and _indentation(text) < indentation:
            indentation = _indentation(text)
            if _DEFINITION.match(text):
                yield above


def _indentation(text: str) -> int:
    return len(text) - len(text.lstrip())


def _stretches(wanted: Sequence[int], line: LineMaker) -> Iterator[Stretch]:
    shown: list[Line] = []
    for number in wanted:
        between = number - shown[-1].number - 1 if shown else 0
        if between == 1:
            shown.append(line(number - 1))
        elif between > 1:
            yield Stretch("shown", len(shown), tuple(shown))
            yield _between(shown[-1].number + 1, number, line)
            shown = []
        shown.append(line(number))
    if shown:
        yield Stretch("shown", len(shown), tuple(shown))


def _between(first: int, end: int, line: LineMaker) -> Stretch:
    if end - first > MOST_FOLDED:
        return Stretch("left out", end - first)
    return Stretch("folded", end - first, tuple(line(number) for number in range(first, end)))


# A line as HTML: what the lexer makes of it, and what is marked

Piece = tuple[str, str]
"""A kind of token (a class of the page's style, or nothing) and its text."""

_KINDS = {"Comment": "c", "String": "s", "Number": "n", "Keyword": "k"}


@lru_cache(maxsize=32)
def _painted(text: str) -> tuple[tuple[Piece, ...], ...]:
    """The lines of a program, each as pieces of one kind."""
    from pygments.lexers.python import PythonLexer

    lines: list[list[Piece]] = [[]]
    for token, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        kind = next((_KINDS[part] for part in token if part in _KINDS), "")
        first, *others = value.split("\n")
        if first:
            lines[-1].append((kind, first))
        lines += [[(kind, other)] if other else [] for other in others]
    return tuple(map(tuple, lines))


def _code(pieces: Sequence[Piece], marks: Sequence[_Mark]) -> Markup:
    """A line with its marks; where one lies within another the inner one counts. A very long line is cut."""
    length = sum(len(text) for _, text in pieces)
    start = max(0, min((mark.start for mark in marks), default=0) - LONGEST_LINE // 3) if length > LONGEST_LINE else 0
    end = min(length, start + LONGEST_LINE)
    html: list[Markup] = [Markup("…")] if start else []
    open_mark: _Mark | None = None
    for kind, text, mark in _parts(pieces, marks, start, end):
        if mark != open_mark:
            html.append(Markup("</mark>") if open_mark else Markup(""))
            html.append(Markup('<mark class="here">' if mark.here else "<mark>") if mark else Markup(""))
            open_mark = mark
        html.append(Markup('<i class="{}">{}</i>').format(kind, text) if kind else escape(text))
    html.append(Markup("</mark>") if open_mark else Markup(""))
    return Markup("").join([*html, Markup("…")] if end < length else html)


def _parts(
    pieces: Sequence[Piece], marks: Sequence[_Mark], start: int, end: int
) -> Iterator[tuple[str, str, _Mark | None]]:
    borders = {start, end} | {border for mark in marks for border in (mark.start, mark.end)}
    at = 0
    for kind, text in pieces:
        cuts = sorted({at, at + len(text)} | {border for border in borders if at < border < at + len(text)})
        for left, right in pairwise(cuts):
            if start <= left and right <= end:
                covering = [mark for mark in marks if mark.start <= left < mark.end]
                inner = min(covering, key=lambda mark: mark.end - mark.start, default=None)
                yield kind, text[left - at : right - at], inner
        at += len(text)
