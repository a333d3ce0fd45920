"""Checking the cells that were run, again and again, and remembering what was shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headlint.findings.finding import Finding, Report
from headlint.findings.fingerprint import fingerprints
from headlint.reporting.context import Context
from headlint.run.configuration import load_settings
from headlint.run.editing import Buffers, EditorLoader, Memory
from headlint.run.session import check_files
from headlint.settings import Settings
from headlint.source.document import Document

NAME = "notebook"
"""What the program of a notebook is called where a file has its name; imports are resolved beside it."""


class _CellsLoader(EditorLoader):
    """Reads as its base does, but knows which cells the program of the notebook has."""

    def __init__(self, memory: Memory, settings: Settings, document: Document) -> None:
        super().__init__(memory, settings, Buffers({Path(document.path): document.text}))
        self._document = document

    def read(self, file: Path) -> Document:
        """The text of a file, or the cells."""
        if str(file) != self._document.path:
            return super().read(file)
        self.documents[str(file)] = self._document
        return self._document


class Checker:
    """Checks versions of one program, of which little changes from one to the next."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._memory = Memory()
        self._shown: set[str] = set()

    def check(self, document: Document) -> tuple[Report, Context]:
        """All findings in the cells, and how to show them.

        Raises:
            ConfigurationError: the settings of the folder make no sense.
        """
        settings = load_settings(self.path.parent)
        loader = _CellsLoader(self._memory, settings, document)
        report = check_files([self.path], loader, settings)
        return report, Context(
            root=self.path.parent,
            width=100,
            sources=lambda path: document.text if path == document.path else _text(loader, path),
            cell_sources=lambda path, cell: document.cell_text(cell) if path == document.path else None,
        )

    def not_shown(self, findings: Sequence[Finding], context: Context) -> list[Finding]:
        """Those that were not given by this before, the worst first."""
        names = fingerprints(findings, context.shown, context.text_of)
        new = [finding for finding, name in zip(findings, names, strict=True) if name not in self._shown]
        self._shown.update(names)
        order = {"error": 0, "warning": 1, "advice": 2}
        return sorted(new, key=lambda finding: order[finding.severity.value])


def _text(loader: EditorLoader, path: str) -> str | None:
    document = loader.document(path)
    return document.text if document is not None else None
