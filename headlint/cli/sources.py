"""The texts that a report shows, read when they are shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from headlint.source.document import Document, UnreadableError, read_document


class Sources:
    """Texts by path; those given stand for themselves, the rest is read from disk once."""

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        self._documents: dict[str, Document | None] = {
            os.path.abspath(path): Document(path, text) for path, text in (given or {}).items()
        }

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

    def _document(self, path: str) -> Document | None:
        name = os.path.abspath(path)
        if name not in self._documents:
            try:
                self._documents[name] = read_document(Path(path))
            except (OSError, UnreadableError):
                self._documents[name] = None
        return self._documents[name]
