"""Reads the modules of a project for the interpreter: from disk, from editors' buffers, or from the cache of parses."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from headlint.flow.modules import ModuleUnit
from headlint.source.document import Document, UnreadableError, read_document
from headlint.syntax import ir
from headlint.syntax.parse import Span, SyntaxProblem, parse, spans
from headlint.version import __version__

if TYPE_CHECKING:
    from headlint.source.project import Project

SMALLEST_CACHED = 200
"""Characters below which parsing again costs less than a look into the cache."""

MOST_REMEMBERED = 64
"""Modules that are remembered beside those that are imported: one is asked for again while its findings are placed."""


class ProjectLoader:
    """Finds and reads modules; a text in ``buffers`` counts instead of the file's."""

    def __init__(self, project: Project | None, cache: bool = True, buffers: Mapping[Path, str] | None = None) -> None:
        self.project = project
        self.cache = cache
        self.buffers = buffers or {}
        self.documents: dict[str, Document] = {}
        self._bodies: dict[Path, ir.Module | None] = {}
        self._modules: dict[tuple[str, str], ir.Module] = {}

    def resolve(self, importer: Path, level: int, module: str) -> Path | None:
        """The file that an import names."""
        return self.project.resolve(importer, level, module) if self.project is not None else None

    def submodule(self, package: Path, name: str) -> Path | None:
        """The file of a package's submodule."""
        return self.project.submodule(package, name) if self.project is not None else None

    def load(self, file: Path) -> ModuleUnit | None:
        """A module that another one imports; None when it cannot be read or parsed, which is told when it is checked."""
        if file not in self._bodies:
            try:
                self._bodies[file] = self._body_of_file(file)
            except (OSError, UnreadableError, SyntaxProblem):
                self._bodies[file] = None
        body = self._bodies[file]
        return ModuleUnit(str(file), file, body) if body is not None else None

    def _body_of_file(self, file: Path) -> ir.Module:
        document, body, _ = self.parsed(self.read(file))
        self.documents[str(file)] = document
        return body

    def read(self, file: Path) -> Document:
        """The text of a file.

        Raises:
            OSError: the system refuses it.
            UnreadableError: it is no text, or no notebook.
        """
        buffer = self.buffers.get(file)
        data = file.read_bytes() if buffer is None else buffer.encode()
        document = read_document(file, data)
        self.documents[str(file)] = document
        return document

    def parsed(self, document: Document) -> tuple[Document, ir.Module, tuple[SyntaxProblem, ...]]:
        """A document and its meaning; the cells of a notebook that cannot be parsed are emptied and told.

        Raises:
            SyntaxProblem: a script cannot be parsed.
        """
        try:
            return document, self.body(document), ()
        except SyntaxProblem:
            if not document.notebook:
                raise
        problems: list[SyntaxProblem] = []
        for cell, first in document.cells:
            try:
                parse(document.cell_text(cell) + "\n")
            except SyntaxProblem as problem:
                problems.append(SyntaxProblem(problem.message, problem.line + first - 1, problem.column))
                document = document.without_cell(cell)
        return document, self.body(document), tuple(problems)

    def body(self, document: Document) -> ir.Module:
        """The meaning of a document.

        Raises:
            SyntaxProblem: it cannot be parsed.
        """
        key = (document.path, document.text)
        if key not in self._modules:
            if len(self._modules) >= MOST_REMEMBERED:
                self._modules.clear()
            self._modules[key] = self._parse(document)
        return self._modules[key]

    def _parse(self, document: Document) -> ir.Module:
        text = document.text
        if not self.cache or len(text) < SMALLEST_CACHED:
            return parse(text)
        file = _cache_file("modules", text)
        cached = _read_cache(file)
        if isinstance(cached, ir.Module):
            return cached
        body = parse(text)
        _write_cache(file, body)
        return body

    def spans(self, document: Document, wanted: set[int]) -> dict[int, Span]:
        """Where the numbered nodes of a document stand."""
        if not self.cache:
            return spans(document.text, wanted)
        file = _cache_file("spans", document.text)
        cached = _read_cache(file)
        known: dict[int, Span] = cached if isinstance(cached, dict) else {}
        if not wanted <= known.keys():
            known = {**known, **spans(document.text, wanted)}
            _write_cache(file, known)
        return {at: known[at] for at in wanted if at in known}


def _cache_file(kind: str, text: str) -> Path:
    from platformdirs import user_cache_path

    key = hashlib.sha256(f"{__version__}\0{_LAYOUT}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()
    return user_cache_path("headlint") / kind / key[:2] / key


def _layout() -> str:
    """Changes whenever the shape of what is stored changes."""
    stamps = ((Path(__file__).parent / "syntax" / name).stat() for name in ("ir.py", "lower.py"))
    return " ".join(f"{stamp.st_mtime_ns}-{stamp.st_size}" for stamp in stamps)


_LAYOUT = _layout()


def _read_cache(file: Path) -> object:
    try:
        return pickle.loads(file.read_bytes())
    except (
        OSError,
        pickle.PickleError,
        EOFError,
        AttributeError,
        ImportError,
        ValueError,
        TypeError,
        IndexError,
        KeyError,
    ):
        return None


def _write_cache(file: Path, content: object) -> None:
    """A cache that cannot be written is no error."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(pickle.dumps(content, pickle.HIGHEST_PROTOCOL))
        temporary.replace(file)
    except (OSError, RecursionError):
        return
