"""Keeps in memory what a process that answers again and again has read: for editors, where one text changes a little."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from headlint.findings.finding import Report
from headlint.loading.loader import ProjectLoader
from headlint.run.session import check_files
from headlint.settings import Settings
from headlint.source.document import Document
from headlint.source.project import Project
from headlint.syntax import ir
from headlint.syntax.incremental import IncrementalParser
from headlint.syntax.parse import Span

MOST_MODULES = 500
"""Modules on disk whose meaning is kept."""


class Buffers(Mapping[Path, str]):
    """The texts of documents that are being edited, by path however it is written."""

    def __init__(self, texts: Mapping[Path, str]) -> None:
        self._texts = {path.resolve(): text for path, text in texts.items()}

    def __getitem__(self, path: Path) -> str:
        return self._texts[path.resolve()]

    def __iter__(self) -> Iterator[Path]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


class Memory(Struct):
    """What was read so far: how projects are laid out, the modules on disk, and the documents that are being edited."""

    projects: dict[Path, Project] = field(default_factory=dict)
    modules: OrderedDict[tuple[str, str], ir.Module] = field(default_factory=OrderedDict)
    parsers: dict[str, IncrementalParser] = field(default_factory=dict)

    def project(self, root: Path) -> Project:
        """The project in a folder, as it was laid out when it was first asked for."""
        if root not in self.projects:
            self.projects[root] = Project(root)
        return self.projects[root]

    def keep_only(self, buffers: Buffers) -> None:
        """Forget documents that are not edited any more, and the modules that were not needed for long."""
        self.parsers = {path: parser for path, parser in self.parsers.items() if Path(path) in buffers}
        while len(self.modules) > MOST_MODULES:
            self.modules.popitem(last=False)


class EditorLoader(ProjectLoader):
    """Reads as its base does, but texts in ``buffers`` are parsed incrementally and never go to the cache on disk."""

    def __init__(self, memory: Memory, settings: Settings, buffers: Buffers) -> None:
        super().__init__(memory.project(settings.root), settings.cache, buffers)
        self._memory = memory

    def _parse(self, document: Document) -> ir.Module:
        if Path(document.path) in self.buffers:
            return self._parser(document).parse(document.code)
        key = (document.path, document.code)
        if key not in self._memory.modules:
            self._memory.modules[key] = super()._parse(document)
        self._memory.modules.move_to_end(key)
        return self._memory.modules[key]

    def _spans(self, document: Document, wanted: set[int]) -> dict[int, Span]:
        if Path(document.path) in self.buffers:
            return self._parser(document).spans(document.code, wanted)
        return super()._spans(document, wanted)

    def _parser(self, document: Document) -> IncrementalParser:
        return self._memory.parsers.setdefault(document.path, IncrementalParser())


def check_edited(
    files: Sequence[Path], buffers: Buffers, settings: Settings, memory: Memory
) -> tuple[Report, ProjectLoader]:
    """Check documents as ``headlint.run.session.check_files`` does; the loader knows every text that was read for it."""
    loader = EditorLoader(memory, settings, buffers)
    report = check_files(files, loader, settings)
    memory.keep_only(buffers)
    return report, loader
