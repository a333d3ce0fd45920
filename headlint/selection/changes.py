"""The lines that were changed since a revision, and the findings on them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path

from msgspec import Struct

from headlint.findings.finding import Finding, Place
from headlint.loading.loader import ProjectLoader
from headlint.settings import ConfigurationError
from headlint.source.document import UnreadableError, read_document
from headlint.source.git import GitError, Revision


class ChangedLines(Struct, frozen=True):
    """Stretches of lines (from 0, the end exclusive) that are new or other than they were.

    A stretch without lines stands where lines were taken out.
    """

    stretches: tuple[tuple[int, int], ...] = ()

    @classmethod
    def between(cls, before: str, after: str) -> ChangedLines:
        """The lines of ``after`` that are not those of ``before``."""
        old, new = before.split("\n"), after.split("\n")
        # Empty lines are alike everywhere: they say nothing about which stretches belong together.
        matcher = SequenceMatcher(lambda line: not line.strip(), old, new)
        return cls(tuple((first, last) for tag, _, _, first, last in matcher.get_opcodes() if tag != "equal"))

    def touch(self, line: int, end_line: int) -> bool:
        """Whether one of some lines (from 1, both ends inclusive) was changed, or one between them was taken out."""
        return any(first < end_line and last > line - 1 for first, last in self.stretches)


EVERYTHING = ChangedLines(((0, sys.maxsize),))


class Changes:
    """What was changed since a revision, as the real git says it."""

    def __init__(self, revision: str, paths: Sequence[Path]) -> None:
        """Compare with the revision of that name in the repository of the paths.

        Raises:
            ConfigurationError: there is no git, no repository, or no such revision.
        """
        self._lines: dict[str, ChangedLines] = {}
        try:
            self._revision = Revision.of(revision, paths)
        except GitError as error:
            raise ConfigurationError(f"--diff-base: {error}") from None

    def touch(self, finding: Finding, loader: ProjectLoader) -> bool:
        """Whether a finding lies on changed lines: its place, or any step of the way that the value takes.

        The layer that was changed yesterday may be wrong for a loss that was written years ago.

        Raises:
            ConfigurationError: git does not give out what a file held.
        """
        places = (finding.place, *(step.place for step in finding.trail))
        try:
            return any(self._touch(place, loader) for place in places)
        except GitError as error:
            raise ConfigurationError(f"--diff-base: {error}") from None

    def _touch(self, place: Place, loader: ProjectLoader) -> bool:
        if place.path not in self._lines:
            self._lines[place.path] = self._changed(place.path, loader)
        return self._lines[place.path].touch(*loader.lines_of(place))

    def _changed(self, path: str, loader: ProjectLoader) -> ChangedLines:
        file = Path(path)
        before, after = self._revision.before(file), loader.document(path)
        if before is None or after is None:
            return EVERYTHING
        try:
            return ChangedLines.between(read_document(file, before).text, after.text)
        except UnreadableError:
            return EVERYTHING
