"""What a report shows beside its findings, found out when it is shown: texts, fixes, pictures of models."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headlint.findings.finding import Finding
from headlint.reporting.context import FixSummary
from headlint.settings import Settings
from headlint.source.document import Document, UnreadableError, read_document

if TYPE_CHECKING:
    from headlint.findings.heads import HeadPicture
    from headlint.fixes import Programs


def drawer(paths: Iterable[Path | str], settings: Settings) -> Callable[[], Sequence[HeadPicture]]:
    """Draws the models of files and of everything below folders."""

    def draw() -> Sequence[HeadPicture]:
        from headlint.run.heads import find_heads

        return find_heads(paths, settings)[0]

    return draw


class Sources:
    """Texts by path; those given stand for themselves, the rest is read from disk once."""

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        self._documents: dict[str, Document | None] = {
            os.path.abspath(path): Document(path, text) for path, text in (given or {}).items()
        }
        self._programs: tuple[str, Programs] | None = None

    def text(self, path: str) -> str | None:
        """The text of a file (a notebook's code cells joined), or None when it is gone."""
        document = self._document(path)
        return document.text if document is not None else None

    def raw(self, path: str) -> str | None:
        """The text as it is on disk: of a notebook the JSON."""
        if not path.endswith(".ipynb"):
            return self.text(path)
        try:
            return Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def cell(self, path: str, number: int) -> str | None:
        """The text of one code cell of a notebook."""
        document = self._document(path)
        known = document is not None and number in dict(document.cells)
        return document.cell_text(number) if document is not None and known else None

    def fix(self, finding: Finding) -> FixSummary | None:
        """What ``--fix`` would do about a finding."""
        from headlint.fixes import Programs, diff_of, fix_for

        path = finding.place.path
        if self._programs is None or self._programs[0] != path:
            self._programs = path, Programs(self.raw)  # parsed programs are large: those of one file at a time
        fix = fix_for(finding, self._programs[1])
        return FixSummary(fix.title, fix.safe, fix.reason, diff_of(fix, Path.cwd())) if fix is not None else None

    def _document(self, path: str) -> Document | None:
        name = os.path.abspath(path)
        if name not in self._documents:
            try:
                self._documents[name] = read_document(Path(path))
            except (OSError, UnreadableError):
                self._documents[name] = None
        return self._documents[name]
