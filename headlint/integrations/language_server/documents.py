"""What is open in the editor: scripts, and notebooks with their cells."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lsprotocol import types
from pygls.uris import from_fs_path, to_fs_path
from pygls.workspace import TextDocument, Workspace

from headlint.findings.finding import Place


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """One document as it was at a moment. A notebook's ``text`` is its JSON, and ``cells`` are its code cells' URIs."""

    uri: str
    path: Path
    text: str
    version: int | None = None
    cells: tuple[str, ...] | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The URIs that hold its text: its own, or those of its cells."""
        return (self.uri,) if self.cells is None else self.cells

    def part_of(self, place: Place) -> str:
        """The URI of the part that a place stands in."""
        if self.cells is None or place.cell is None or place.cell > len(self.cells):
            return self.uri
        return self.cells[place.cell - 1]


class Documents:
    """The open documents that headlint has something to say about."""

    def __init__(self, workspace: Callable[[], Workspace]) -> None:
        self._workspace = workspace

    def __iter__(self) -> Iterator[OpenDocument]:
        workspace = self._workspace()
        yield from map(self._notebook, workspace.notebook_documents.values())
        for text in workspace.text_documents.values():
            if workspace.get_notebook_document(cell_uri=text.uri) is None and _is_script(text):
                yield self._script(text)

    def get(self, uri: str) -> OpenDocument | None:
        """A script or a notebook, given its URI or that of one of its cells; None when it is not open, or no Python."""
        workspace = self._workspace()
        notebook = workspace.get_notebook_document(notebook_uri=uri) or workspace.get_notebook_document(cell_uri=uri)
        if notebook is not None:
            return self._notebook(notebook)
        text = workspace.text_documents.get(unquote(uri))
        return self._script(text) if text is not None and _is_script(text) else None

    def _script(self, text: TextDocument) -> OpenDocument:
        return OpenDocument(text.uri, self.path_of(text.uri), text.source, text.version)

    def _notebook(self, notebook: types.NotebookDocument) -> OpenDocument:
        documents = self._workspace().text_documents
        code = [cell.document for cell in notebook.cells if cell.kind == types.NotebookCellKind.Code]
        sources = [documents[unquote(uri)].source if unquote(uri) in documents else "" for uri in code]
        cells = [{"cell_type": "code", "source": source} for source in sources]
        text = json.dumps({"cells": cells}, ensure_ascii=False)
        path = self.path_of(notebook.uri)
        named = path if path.suffix == ".ipynb" else path.with_name(f"{path.name}.ipynb")
        return OpenDocument(notebook.uri, named, text, notebook.version, tuple(code))

    def texts(self) -> dict[Path, str]:
        """The text of every open document."""
        return {document.path: document.text for document in self}

    def path_of(self, uri: str) -> Path:
        """The file that a URI names; a document that is no file yet gets a path in the first folder of the workspace."""
        path = to_fs_path(uri) if urlsplit(uri).scheme == "file" else None
        if path is not None:
            return Path(os.path.abspath(path))
        return self.folder_of(uri) / (urlsplit(uri).path.strip("/").replace("/", "-") or "untitled")

    def folder_of(self, uri: str) -> Path:
        """The workspace folder that a document stands in, else the first one, else where the server was started."""
        folders = [Path(path) for one in self._workspace().folders.values() if (path := to_fs_path(one.uri))]
        if not folders and (root := self._workspace().root_path):
            folders = [Path(root)]
        own = to_fs_path(uri) if urlsplit(uri).scheme == "file" else None
        around = [folder for folder in folders if own is not None and Path(own).is_relative_to(folder)]
        return max(around, key=lambda folder: len(folder.parts), default=folders[0] if folders else Path.cwd())

    def addressing(self) -> Callable[[Place], str]:
        """What gives the URI of the document, or the notebook's cell, that a place stands in."""
        opened = {document.path: document for document in self}

        def uri_of(place: Place) -> str:
            document = opened.get(Path(place.path))
            return document.part_of(place) if document is not None else from_fs_path(place.path) or place.path

        return uri_of


def _is_script(text: TextDocument) -> bool:
    """Whether a text document is Python; a notebook's JSON opened as text is not."""
    suffix = Path(urlsplit(text.uri).path).suffix
    return suffix in (".py", ".pyw") or (text.language_id == "python" and suffix != ".ipynb")
