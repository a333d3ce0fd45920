"""What a format may know beside the report itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headlint.findings.finding import Finding, Place
from headlint.findings.measured import Measured
from headlint.version import __version__

if TYPE_CHECKING:
    from headlint.findings.heads import HeadPicture
    from headlint.runtime.confirm import Confirmation


@dataclass(frozen=True, slots=True)
class FixSummary:
    """What ``--fix`` would do about a finding: in a few words, whether it is safe, and why; ``diff`` is a unified diff
    where it was asked for."""

    title: str
    safe: bool
    reason: str = ""
    diff: str = ""


def no_source(path: str) -> str | None:
    """For reports whose files are not at hand."""
    return None


@dataclass(frozen=True, slots=True)
class Context:
    """How a report is to be shown.

    ``root`` is the folder that shown paths are relative to. ``width`` counts terminal columns. ``sources`` gives the
    text of a file as it was read, a notebook's joined code, or None when it is gone; ``cell_sources`` gives the text of
    one code cell of a notebook (1-based). ``draw`` draws the models of the files; ``confirmations`` are the models that
    were built.
    """

    root: Path
    colour: bool = False
    width: int = 120
    sources: Callable[[str], str | None] = no_source
    version: str = __version__
    fix_for: Callable[[Finding], FixSummary | None] | None = None
    verbose: bool = False
    cell_sources: Callable[[str, int], str | None] | None = None
    measured_for: Callable[[Finding], Measured | None] | None = None
    draw: Callable[[], Sequence[HeadPicture]] | None = None
    confirmations: Sequence[Confirmation] = ()

    def shown(self, path: str) -> str:
        """The path as people and reports get it: with forward slashes, relative to ``root`` when it is below it."""
        absolute = os.path.normpath(os.path.join(self.root, path))
        relative = os.path.relpath(absolute, self.root) if _same_drive(absolute, str(self.root)) else absolute
        return (absolute if relative.split(os.sep)[0] == os.pardir else relative).replace(os.sep, "/")

    def text_of(self, place: Place) -> str | None:
        """The text that the lines of ``place`` count in: its file, or its cell of a notebook."""
        if place.cell is None:
            return self.sources(place.path)
        return self.cell_sources(place.path, place.cell) if self.cell_sources else None

    def measured(self, finding: Finding) -> Measured | None:
        """What the built model says about the finding, or None where none was built."""
        return self.measured_for(finding) if self.measured_for else None

    def pictures(self) -> Sequence[HeadPicture]:
        """The models of the files, or none where nobody draws them."""
        return self.draw() if self.draw else ()

    def fix(self, finding: Finding) -> FixSummary | None:
        """What ``--fix`` would do about the finding, or None."""
        return self.fix_for(finding) if self.fix_for else None


def _same_drive(first: str, second: str) -> bool:
    return os.path.splitdrive(first)[0].lower() == os.path.splitdrive(second)[0].lower()
