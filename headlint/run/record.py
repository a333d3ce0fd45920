"""The record of a run over many files: a later run looks only at those that what has changed since can concern.

It holds while the files of the project are the same, and nothing reaches a library that did not. A result is taken from it
when neither its file nor any text that it rests on has changed, and no changed text answers what was searched for in vain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from headlint.flow.values.assumptions import Assumption
from headlint.loading import cache, surveys
from headlint.loading.reaching import Reaching
from headlint.loading.surveys import Survey
from headlint.run.importers import defined_in
from headlint.run.pool import is_many
from headlint.run.results import Basis, FileResult
from headlint.source.import_graph import Imports, bytes_of, imports_in
from headlint.source.project import may_list, may_mention

if TYPE_CHECKING:
    from headlint.loading.loader import ProjectLoader, Question
    from headlint.source.project import Project

MOST_SELECTIONS = 8
"""Of the files of a project: for so many it is remembered which others import them."""


class _Entry(Struct, frozen=True):
    """A result; the texts that it rests on, its own file's among them, by their numbers in the order of the record's texts."""

    result: FileResult
    texts: tuple[int, ...]
    searches: tuple[tuple[Question, str], ...]


class _Face(Struct, frozen=True):
    """What a module shows to others."""

    imports: Imports
    imported: str
    """Stands for all that its text imports, from the project and from elsewhere."""
    defined: str
    """Stands for the names that it defines."""


class _Kept(Struct):
    """What is written to the cache. Files are named by their paths."""

    layout: str
    texts: dict[str, str]
    """The digest of each text: of the project's files and of all else that was read."""
    faces: dict[str, _Face]
    """Of each of the project's files."""
    surveys: dict[str, Survey]
    """Of those that were given."""
    entries: dict[str, _Entry]
    of_no_concern: frozenset[str]
    """The files that cannot matter."""
    importers: dict[str, tuple[str, ...]]
    """For what stands for given files: the other files that were analysed, as they import some of those."""


class Record:
    """What is known of a project's files from an earlier run with the same settings, and what this run finds out.

    Where nothing is kept that holds, it knows of no file.
    """

    def __init__(self, loader: ProjectLoader, place: Path | None = None) -> None:
        self._loader = loader
        self._place = place
        self._kept = _Kept("", {}, {}, {}, {}, frozenset(), {})
        self._digests: dict[str, str] = {}
        self._changed: frozenset[str] = frozenset()
        self._rewired: frozenset[str] = frozenset()
        """Those of the changed modules that import anything else than before."""
        self._valid: dict[str, _Entry] = {}
        self._surveys: dict[str, Survey] = {}

    @classmethod
    def of(cls, files: Sequence[Path], loader: ProjectLoader, settings: str, declared: tuple[str, ...]) -> Record:
        """The record for a run over files under settings."""
        if loader.project is None or loader.buffers or not loader.cache:
            return cls(loader)
        place = cache.file_for("runs", str(loader.project.root), settings)
        kept = cache.read(place)
        if not isinstance(kept, _Kept) and not is_many(files):
            return cls(loader)
        record = cls(loader, place)
        # Before anything is analysed: what changes meanwhile counts as changed in the next run.
        record._digests = {str(file): loader.digest(file) for file in dict.fromkeys((*loader.project.files, *files))}
        if isinstance(kept, _Kept) and kept.layout == loader.project.layout():
            record._take(kept, loader.project, declared)
        return record

    def result(self, file: Path) -> FileResult | None:
        """The result of a file, where it still stands."""
        entry = self._valid.get(str(file))
        return entry.result if entry is not None else None

    def is_of_no_concern(self, file: Path) -> bool:
        """Whether a file is known not to matter."""
        path = str(file)
        return path in self._kept.of_no_concern and path not in self._changed

    def lacks(self, files: Iterable[Path]) -> bool:
        """Whether there is to be a record, and some of these files have not been surveyed for it."""
        return self._place is not None and not self._kept.texts and not self._surveys.keys() >= set(map(str, files))

    def shows_nothing(self, file: Path) -> bool:
        """Whether a file does not matter, or nothing of it reaches a library, as far as that is known."""
        found = self._surveys.get(str(file))
        return self.is_of_no_concern(file) or (found is not None and found.names == frozenset())

    def settle(self, found: Mapping[str, Survey], declared: tuple[str, ...]) -> None:
        """Take over surveys of files by path, for this run and the next."""
        self._surveys |= found
        self._loader.reaching(declared).settle({Path(path): one.names for path, one in found.items()})

    def importers(self, files: Sequence[Path], results: Iterable[FileResult]) -> list[Path] | None:
        """The files that are to be analysed besides the given ones, as they import them; None where that is not known."""
        known = self._kept.importers.get(_stands_for(map(str, files)))
        return list(map(Path, known)) if known is not None and self._are_called_alike(results) else None

    def keep(self, files: Sequence[Path], results: Sequence[FileResult], importers: Sequence[FileResult]) -> None:
        """Write what the next run can use: the results of the given files, and of those that import them."""
        project, kept, paths = self._loader.project, self._kept, list(map(str, files))
        if self._place is None or project is None or not self._surveys.keys() >= set(paths):
            return
        fresh = [one for one in (*results, *importers) if self._is_worth_keeping(one)]
        if not fresh and not self._changed and _stands_for(paths) in kept.importers:
            return
        read = sorted({path for one in fresh for path in one.basis.texts})
        texts = {path: self._digest(path) for path in dict.fromkeys((*kept.texts, *self._digests, *read))}
        numbers = {path: number for number, path in enumerate(texts)}
        shared: dict[Assumption, Assumption] = {}
        known_importers = list(kept.importers.items())[1 - MOST_SELECTIONS :] if self._are_called_alike(results) else []
        now = _Kept(
            project.layout(),
            texts,
            self._faces(project),
            self._surveys,
            self._valid | {one.path: _entry(one, numbers, shared) for one in fresh},
            kept.of_no_concern - self._changed | self._readable(paths) - {one.path for one in results},
            dict((*known_importers, (_stands_for(paths), tuple(one.path for one in importers)))),
        )
        cache.write(self._place, now)

    def _take(self, kept: _Kept, project: Project, declared: tuple[str, ...]) -> None:
        """Take over what still stands of what was kept."""
        changed = frozenset(path for path, digest in kept.texts.items() if self._digest(path) != digest)
        contents = {path: bytes_of(Path(path)) for path in changed}
        modules = changed & kept.faces.keys()
        if not kept.faces.keys() >= set(map(str, project.files)):
            return
        rewired = frozenset(path for path in modules if kept.faces[path].imported != imports_in(contents[path]))
        project.graph.settle({path: face.imports for path, face in kept.faces.items() if path not in rewired})
        reaching = Reaching(self._loader, declared)
        found = surveys.after_changes(kept.surveys, modules, reaching, project.graph.importers)
        if found is None:
            return
        self._kept, self._changed, self._rewired = kept, changed, rewired
        self.settle(found, declared)
        numbers = {number for number, path in enumerate(kept.texts) if path in changed}
        self._valid = {
            path: entry
            for path, entry in kept.entries.items()
            if numbers.isdisjoint(entry.texts) and self._finds_no_more(entry, contents.values())
        }

    def _finds_no_more(self, entry: _Entry, changed: Iterable[bytes]) -> bool:
        """Whether what was searched for in vain is not in changed texts either."""
        for question, answer in entry.searches:
            match question:
                case _ if self._rewired and not self._loader.answers_alike({question: answer}):
                    return False
                case "mentioned", _, _, str(name):
                    cls, _, attribute = name.partition(".")
                    if any(may_mention(data, cls, attribute, inherits=True) for data in changed):
                        return False
                case "listed", _, _, str(attribute):
                    if any(may_list(data, attribute) for data in changed):
                        return False
                case _:
                    if not self._loader.answers_alike({question: answer}):
                        return False
        return True

    def _are_called_alike(self, results: Iterable[FileResult]) -> bool:
        """Whether no file can call functions of those with the results that could not before."""
        if self._rewired:
            return False
        before = self._kept.entries
        opened = (one.path for one in results if one.open and not (one.path in before and before[one.path].result.open))
        return next(opened, None) is None and all(
            path in before and _defined_in(bytes_of(Path(path))) == self._kept.faces[path].defined
            for path in self._changed
        )

    def _readable(self, paths: Iterable[str]) -> set[str]:
        return {path for path in paths if self._digest(path)}

    def _is_worth_keeping(self, result: FileResult) -> bool:
        return not result.failed and result.path in self._surveys and result is not self.result(Path(result.path))

    def _faces(self, project: Project) -> dict[str, _Face]:
        """The faces of all files: those of changed ones as they are now."""
        before = {path: face for path, face in self._kept.faces.items() if path not in self._changed}
        return {path: before.get(path) or _face_of(path, project) for path in map(str, project.files)}

    def _digest(self, path: str) -> str:
        return self._digests[path] if path in self._digests else self._loader.digest(Path(path))


def _entry(result: FileResult, numbers: Mapping[str, int], shared: dict[Assumption, Assumption]) -> _Entry:
    """What is kept of a result; equal assumptions are one object, which is written once."""
    texts = tuple(sorted(numbers[path] for path in {result.path, *result.basis.texts}))
    overrides = frozenset(shared.setdefault(one, one) for one in result.overrides)
    return _Entry(structs.replace(result, basis=Basis(), overrides=overrides), texts, result.basis.searches)


def _face_of(path: str, project: Project) -> _Face:
    data = bytes_of(Path(path))
    return _Face(project.graph.imports(path), imports_in(data), _defined_in(data))


def _defined_in(data: bytes) -> str:
    return _stands_for(sorted(name.decode("utf-8", "replace") for name in defined_in(data)))


def _stands_for(texts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
