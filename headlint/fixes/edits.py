"""Changes of a text: single edits, and the fix of a finding that is made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headlint.findings.finding import Finding


@dataclass(frozen=True, order=True, slots=True)
class Edit:
    """A stretch of a file's text and what to write in its place.

    Lines and columns are 1-based and count characters; the end is exclusive. In a notebook ``cell`` is the number of
    the code cell and lines count within it. ``text`` ends its lines with a single newline.
    """

    path: str
    start_line: int
    start_column: int
    end_line: int
    end_column: int
    text: str
    cell: int | None = None

    @property
    def where(self) -> tuple[str, int]:
        """The text that it belongs to: a file, or a cell of a notebook."""
        return self.path, self.cell or 0

    @property
    def start(self) -> tuple[int, int]:
        """Line and column of its first character."""
        return self.start_line, self.start_column

    @property
    def end(self) -> tuple[int, int]:
        """Line and column behind its last character."""
        return self.end_line, self.end_column

    def clashes_with(self, other: Edit) -> bool:
        """Whether both cannot be made at once. Two edits that are equal are one edit."""
        if self == other or self.where != other.where:
            return False
        return self.start == other.start or (self.start < other.end and other.start < self.end)


@dataclass(frozen=True, slots=True)
class Fix:
    """How to fix a finding.

    A safe fix keeps what the program computes, or fixes a program that could not work at all; ``reason`` says so, or
    what changes with an unsafe one. ``title`` says in a few words what is done.
    """

    finding: Finding
    safe: bool
    reason: str
    edits: tuple[Edit, ...]
    title: str

    def clashes_with(self, others: Iterable[Edit]) -> bool:
        """Whether one of its edits cannot be made beside the others."""
        return any(edit.clashes_with(other) for other in others for edit in self.edits)


_LINE_END = re.compile(r"\r\n|\r|\n")


def line_starts(text: str) -> list[int]:
    """The offset at which each line begins, whatever ends the lines."""
    return [0, *(match.end() for match in _LINE_END.finditer(text))]


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """The text with the edits made; new lines end as the text's own do."""
    starts = line_starts(text)
    ending = _LINE_END.search(text)
    for edit in sorted(set(edits), reverse=True):
        start, end = _offset(text, starts, edit.start), _offset(text, starts, edit.end)
        text = text[:start] + edit.text.replace("\n", ending.group() if ending else "\n") + text[end:]
    return text


def _offset(text: str, starts: Sequence[int], position: tuple[int, int]) -> int:
    line, column = position
    return min(starts[line - 1] + column - 1, len(text)) if line <= len(starts) else len(text)
