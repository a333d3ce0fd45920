"""What the server asks of its analyst, and the answers: plain values that travel between the two processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headlint.findings.finding import Finding, Place, Report
from headlint.settings import Settings

LineKey = tuple[str, int | None, int]
"""The path, the cell (None in a script) and the number of a line."""

Lines = Mapping[LineKey, str]
"""The lines that places begin and end on, as they were analysed: columns can be counted in other units only with them."""


@dataclass(frozen=True, slots=True)
class Check:
    """Look at one document. ``buffers`` holds the texts of all that are open; of a notebook the JSON."""

    path: Path
    settings: Settings
    buffers: Mapping[Path, str]
    relist: bool = False
    """Whether files may have come or gone since the last time."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What is to be said about a document, and the paths of all texts that this rests on."""

    report: Report
    lines: Lines = field(default_factory=dict)
    read: frozenset[Path] = frozenset()


@dataclass(frozen=True, slots=True)
class FixRequest:
    """Find out how some findings of a document can be fixed.

    With ``together``, only safe fixes that can all be made at once are wanted.
    """

    path: Path
    settings: Settings
    buffers: Mapping[Path, str]
    findings: tuple[Finding, ...]
    together: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What to write in the place of a stretch of text."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Remedy:
    """How a finding can be fixed, as ``headlint.fixes`` says it."""

    finding: Finding
    title: str
    safe: bool
    reason: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class FixAnswer:
    """The fixes that were tried and found to work, and for each finding the comment that would suppress it."""

    remedies: tuple[Remedy, ...] = ()
    comments: tuple[tuple[Finding, Change], ...] = ()
    lines: Lines = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """The request could not be answered: the settings ask for what cannot be had, or headlint itself failed."""

    message: str

    def __str__(self) -> str:
        return self.message


Request = Check | FixRequest
Answer = Checked | FixAnswer | Failed
