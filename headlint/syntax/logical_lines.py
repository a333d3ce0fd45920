"""A text cut into lines that each hold a statement or the head of one, as good as it goes where brackets never close."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

MOST_OPEN = 40
"""Brackets that never close, after which each line of the text is taken for itself."""

COMPOUND = re.compile(r"(?:if|for|while|with|try|def|class|async|match|elif|else|except|finally)\b")
"""What the head of a statement with a block begins with."""

_CLAUSE = re.compile(r"(?:elif|else|except|finally)\b")
_MERGE = re.compile(r"(<{7}|\|{7}|={7}|>{7})(?: |$)")
_TOKEN = re.compile(
    r"""
    \#[^\n]* | \\\n
    | \"{3}(?:\\.|[^\\])*?\"{3} | '{3}(?:\\.|[^\\])*?'{3} | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
    | (?P<opening> [\[({] ) | (?P<closing> [\])}] ) | (?P<end> \n )
    """,
    re.DOTALL | re.VERBOSE,
)
"""What tells where a line ends: strings, comments and brackets, and the ends themselves."""


class LogicalLine(Struct, frozen=True):
    """One statement, or the head of one, from its first to its last line (from 0)."""

    first: int
    last: int
    indent: int
    compound: bool = False
    continues: bool = False
    """Whether it begins with ``else`` and the like."""
    decorates: bool = False


def logical_lines(lines: Sequence[str]) -> list[LogicalLine]:
    """The logical lines of a text; blank ones and comments are none."""
    return [_line(lines, first, last) for first, last in _extents(lines) if _has_code(lines[first])]


def _line(lines: Sequence[str], first: int, last: int) -> LogicalLine:
    code = lines[first].lstrip()
    compound, continues = COMPOUND.match(code) is not None, _CLAUSE.match(code) is not None
    return LogicalLine(first, last, width(lines[first]), compound, continues, code.startswith("@"))


def _has_code(line: str) -> bool:
    text = line.strip()
    return bool(text) and not text.startswith("#")


def _extents(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The first and the last line of each logical line."""
    begin = 0
    for _ in range(MOST_OPEN):
        open_from = begin
        for first, last in _closed(lines, begin):
            yield first, last
            open_from = last + 1
        if open_from >= len(lines):
            return
        begin = _line_after(lines, open_from)
        yield open_from, begin - 1
    yield from ((number, number) for number in range(begin, len(lines)))


def _closed(lines: Sequence[str], begin: int) -> Iterator[tuple[int, int]]:
    """The logical lines from one on, up to one whose brackets never close."""
    depth, first, number = 0, begin, begin
    for token in _TOKEN.finditer("".join(f"{line}\n" for line in lines[begin:])):
        match token.lastgroup:
            case "opening":
                depth += 1
            case "closing":
                depth = max(0, depth - 1)
            case "end":
                if not depth:
                    yield first, number
                    first = number + 1
                number += 1
            case _:
                number += token.group().count("\n")


def _line_after(lines: Sequence[str], first: int) -> int:
    """The line below one that leaves a bracket open: what stands no further right and closes nothing, or the block."""
    if COMPOUND.match(lines[first].lstrip()) and lines[first].rstrip().endswith(":"):
        return first + 1
    for number in range(first + 1, len(lines)):
        text = lines[number].strip()
        if text and text[0] not in "#)]}" and width(lines[number]) <= width(lines[first]):
            return number
    return len(lines)


def margin_of(line: str) -> str:
    """The white space that a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t\f"))]


def width(line: str) -> int:
    """How far right a line begins, as Python counts tabs."""
    return len(margin_of(line).expandtabs(8))


def without_merge_marks(lines: Sequence[str]) -> list[str]:
    """The lines of the first of the versions that a merge could not join, the others emptied."""
    kept: list[str] = []
    within = ""
    for line in lines:
        mark = _MERGE.match(line)
        if mark is not None and (within or line.startswith("<")):
            within = mark.group(1)[0].replace(">", "")
            kept.append("")
        else:
            kept.append("" if within in ("|", "=") and within else line)
    return list(lines) if within else kept
