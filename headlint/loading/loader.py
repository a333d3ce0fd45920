"""Reads the modules of a project for the interpreter: from disk, from editors' buffers, or from the cache of parses."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from headlint.findings.finding import Place
from headlint.loading import cache
from headlint.loading.reaching import Reaching
from headlint.source.document import Document, UnreadableError, document_of, read_document
from headlint.source.yaml_text import Settings, UnreadableSettings, read_yaml

if TYPE_CHECKING:
    from headlint.flow.values.modules import ModuleUnit
    from headlint.source.project import Project
    from headlint.syntax import ir
    from headlint.syntax.parse import Span, SyntaxProblem

SMALLEST_CACHED = 200
"""Characters below which parsing again costs less than a look into the cache."""

MOST_CHARACTERS = 5_000_000
"""Of the texts that are kept with their meaning, which takes some ten times as much memory."""

MOST_REMEMBERED = 64
"""Modules that are remembered of texts that have changed since, or of parts of notebooks."""


Question = tuple[str, str, int | str, str]
"""What was asked of a loader: the method and its arguments."""

_COST = {"digest": 0, "mentioned": 2, "listed": 2}
"""The order in which questions are asked again: those that a change is likely to answer otherwise first, searches last."""


class ProjectLoader:
    """Finds and reads modules; a text in ``buffers`` counts instead of the file's.

    It remembers in ``asked`` what it was asked and what it answered: whoever gets the same answers finds the same.
    """

    def __init__(self, project: Project | None, cache: bool = True, buffers: Mapping[Path, str] | None = None) -> None:
        self.project = project
        self.cache = cache
        self.buffers = buffers or {}
        self.documents: dict[str, Document] = {}
        self.asked: dict[Question, str] = {}
        self._answered: dict[Question, str] = {}
        self._bodies: dict[Path, ir.Module | None] = {}
        self._digests: dict[Path, str] = {}
        self._settings: dict[Path, Settings] = {}
        self._modules: dict[tuple[str, str], ir.Module] = {}
        self._reaching: dict[tuple[str, ...], Reaching] = {}

    def reaching(self, declared: tuple[str, ...] = ()) -> Reaching:
        """What of the project's modules can reach a library, or one of the names that the settings declare."""
        if declared not in self._reaching:
            self._reaching[declared] = Reaching(self, declared)
        return self._reaching[declared]

    @property
    def like_this(self) -> Callable[[], ProjectLoader]:
        """Makes a loader for the same project, in another process too."""
        return partial(_loader_for, self.project.root if self.project is not None else None, self.cache)

    def forget_what_is_too_much(self) -> None:
        """Forget the texts and modules that nobody asked for longest: those of large projects would fill the memory."""
        held = sum(len(document.text) for document in self.documents.values())
        if self.buffers or held <= MOST_CHARACTERS:
            return
        for path, document in list(self.documents.items()):
            if held <= MOST_CHARACTERS // 2:
                break
            held -= len(document.text)
            del self.documents[path]
            self._bodies.pop(Path(path), None)
            self._modules.pop((path, document.code), None)

    def find(self, importer: Path, level: int, module: str) -> Path | None:
        """The file that an import names, for those whose findings do not depend on it."""
        return self.project.resolve(importer, level, module) if self.project is not None else None

    def resolve(self, importer: Path, level: int, module: str) -> Path | None:
        """The file that an import names."""
        found = self.find(importer, level, module)
        self.asked["resolve", str(importer), level, module] = str(found or "")
        return found

    def submodule(self, package: Path, name: str) -> Path | None:
        """The file of a package's submodule."""
        found = self.project.submodule(package, name) if self.project is not None else None
        self.asked["submodule", str(package), name, ""] = str(found or "")
        return found

    def modules_below(self, importer: Path, package: str) -> dict[str, Path]:
        """The modules of a package by their names, as a module of the project would import it."""
        found = self.project.modules_below(importer, package) if self.project is not None else {}
        self.asked["below", str(importer), 0, package] = "\n".join(map(str, found.values()))
        return found

    def settings(self, file: Path) -> Settings:
        """What a file of settings says; None where it cannot be read."""
        self.asked["digest", str(file), "", ""] = self.digest(file)
        if self.project is None or not file.resolve().is_relative_to(self.project.root):
            return None
        if file not in self._settings:
            try:
                self._settings[file] = read_yaml(self.data(file).decode())
            except (OSError, UnicodeDecodeError, UnreadableSettings):
                self._settings[file] = None
        return self._settings[file]

    def settings_in(self, folder: Path) -> tuple[str, ...]:
        """The names of the files of settings in a folder, without their ending."""
        found = _settings_in(folder)
        self.asked["settings", str(folder), "", ""] = "\n".join(found)
        return found

    def is_mentioned_elsewhere(self, file: Path, cls: str, attribute: str) -> bool:
        """Whether another file of the project may reach an attribute that a class of a file gives its objects."""
        found = self._mention_of(file, f"{cls}.{attribute}")
        self.asked["mentioned", str(file), 0, f"{cls}.{attribute}"] = found
        return bool(found)

    def is_listed_elsewhere(self, file: Path, attribute: str) -> bool:
        """Whether another file of the project may list an attribute of an object of a file, as for an optimizer."""
        found = self._listing_of(file, attribute)
        self.asked["listed", str(file), 0, attribute] = found
        return bool(found)

    def _listing_of(self, file: Path, attribute: str) -> str:
        return str((self.project and self.project.listing_of(file, attribute)) or "")

    def _mention_of(self, file: Path, name: str) -> str:
        cls, _, attribute = name.partition(".")
        return str((self.project and self.project.mention_of(file, cls, attribute)) or "")

    def load(self, file: Path) -> ModuleUnit | None:
        """A module that another one imports; None when it cannot be read or parsed, which is reported when it is checked."""
        from headlint.flow.values.modules import ModuleUnit
        from headlint.syntax.parse import SyntaxProblem

        self.asked["digest", str(file), "", ""] = self.digest(file)
        if file in self._bodies:
            if (document := self.documents.pop(str(file), None)) is not None:
                self.documents[str(file)] = document  # what is asked for often is forgotten last
        else:
            try:
                self._bodies[file] = self._body_of_file(file)
            except (OSError, UnreadableError, SyntaxProblem):
                self._bodies[file] = None
        body = self._bodies[file]
        return ModuleUnit(str(file), file, body) if body is not None else None

    def digest(self, file: Path) -> str:
        """Stands for what a file said when it was first asked for; empty where it cannot be read."""
        if file not in self._digests:
            try:
                self._digests[file] = hashlib.sha256(self.data(file)).hexdigest()
            except OSError:
                self._digests[file] = ""
        return self._digests[file]

    def answers_alike(self, asked: Mapping[Question, str]) -> bool:
        """Whether the loader would give the same answers again."""
        costly_last = sorted(asked.items(), key=lambda one: _COST.get(one[0][0], 1))
        return all(self._answer_once(question) == answer for question, answer in costly_last)

    def _answer_once(self, question: Question) -> str:
        """The answer to a question; the files of a project ask many of the same."""
        if question not in self._answered:
            self._answered[question] = self._answer(question)
        return self._answered[question]

    def _answer(self, question: Question) -> str:
        match question:
            case "resolve", importer, int(level), module if self.project is not None:
                return str(self.project.resolve(Path(importer), level, module) or "")
            case "submodule", package, str(name), _ if self.project is not None:
                return str(self.project.submodule(Path(package), name) or "")
            case "below", importer, _, str(package) if self.project is not None:
                return "\n".join(map(str, self.project.modules_below(Path(importer), package).values()))
            case "mentioned", file, _, str(name):
                return self._mention_of(Path(file), name)
            case "listed", file, _, str(name):
                return self._listing_of(Path(file), name)
            case "digest", file, _, _:
                return self.digest(Path(file))
            case "settings", folder, _, _:
                return "\n".join(_settings_in(Path(folder)))
            case _:
                return ""

    def _body_of_file(self, file: Path) -> ir.Module:
        document, body, _ = self.parsed(self.read(file))
        self.documents[str(file)] = document
        self._keep(document, body)
        return body

    def _keep(self, document: Document, body: ir.Module) -> None:
        """Keep the meaning of a module that others import: they ask for it again whenever one of them has changed."""
        edited = Path(document.path) in self.buffers
        if self.cache and not edited and len(document.code) >= SMALLEST_CACHED:
            kept = cache.file_for("modules", document.code)
            if not kept.exists():
                cache.write(kept, body)

    def read(self, file: Path) -> Document:
        """The text of a file.

        Raises:
            OSError: the system refuses it.
            UnreadableError: it is no text, or no notebook.
        """
        buffer = self.buffers.get(file)
        document = read_document(file) if buffer is None else document_of(file, buffer)
        self.documents[str(file)] = document
        return document

    def document(self, path: str) -> Document | None:
        """The text of a file as it was analysed, read again where another process did that; None when it is gone."""
        if path not in self.documents:
            try:
                return self.read(Path(path))
            except (OSError, UnreadableError):
                return None
        return self.documents[path]

    def lines_of(self, place: Place) -> tuple[int, int]:
        """The first and the last line of a place in the whole text; those of a notebook's place count in its cell."""
        document = self.document(place.path)
        above = document.first_line(place.cell) - 1 if place.cell is not None and document is not None else 0
        return place.line + above, place.end_line + above

    def text_of(self, place: Place) -> str | None:
        """The text that the lines of a place count in: its file, or its cell of a notebook."""
        document = self.document(place.path)
        if document is None or place.cell is None:
            return document.text if document is not None else None
        return document.cell_text(place.cell)

    def data(self, file: Path) -> bytes:
        """The bytes of a file.

        Raises:
            OSError: the system refuses it.
        """
        buffer = self.buffers.get(file)
        return file.read_bytes() if buffer is None else buffer.encode("utf-8", "surrogatepass")

    def parsed(self, document: Document) -> tuple[Document, ir.Module, tuple[SyntaxProblem, ...]]:
        """A document and its meaning, without the statements that cannot be parsed; what is wrong with them.

        Raises:
            SyntaxProblem: it cannot be parsed without them either.
        """
        from headlint.syntax.parse import SyntaxProblem

        try:
            return document, self.body(document), ()
        except SyntaxProblem as problem:
            salvaged, problems = _salvaged(document, problem)
        try:
            return salvaged, self.body(salvaged), problems
        except SyntaxProblem:
            raise problems[0] from None

    def body(self, document: Document) -> ir.Module:
        """The meaning of a document.

        Raises:
            SyntaxProblem: it cannot be parsed.
        """
        key = (document.path, document.code)
        if key not in self._modules:
            if len(self._modules) >= len(self.documents) + MOST_REMEMBERED:
                current = [(path, known.code) for path, known in self.documents.items()]
                self._modules = {key: self._modules[key] for key in current if key in self._modules}
            self._modules[key] = self._parse(document)
        return self._modules[key]

    def _parse(self, document: Document) -> ir.Module:
        from headlint.syntax import ir
        from headlint.syntax.parse import parse

        if self.cache and len(document.code) >= SMALLEST_CACHED:
            kept = cache.read(cache.file_for("modules", document.code))
            if isinstance(kept, ir.Module):
                return kept
        return parse(document.code)

    def spans(self, document: Document, wanted: set[int]) -> dict[int, Span]:
        """Where the numbered nodes of a document stand."""
        found = self._spans(document, wanted)
        if not document.shifts:
            return found
        return {at: span.moved(document.shifts) for at, span in found.items()}

    def _spans(self, document: Document, wanted: set[int]) -> dict[int, Span]:
        from headlint.syntax.parse import spans

        return spans(document.code, wanted)


def _settings_in(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(file.stem for file in folder.iterdir() if file.suffix == ".yaml"))
    except OSError:
        return ()


def _salvaged(document: Document, problem: SyntaxProblem) -> tuple[Document, tuple[SyntaxProblem, ...]]:
    """What is left of a document without the statements that cannot be parsed; the first problem of each program in it."""
    from headlint.syntax.parse import SyntaxProblem
    from headlint.syntax.salvage import salvage

    problems: list[SyntaxProblem] = []
    for first, text in document.programs():
        broken = _problem_of(text) if document.notebook else problem
        if broken is not None:
            problems.append(SyntaxProblem(broken.message, broken.line + first - 1, broken.column))
            saved = salvage(text)
            document = document.with_salvaged(first, saved.text, saved.shifts)
    return document, tuple(problems) or (problem,)


def _problem_of(text: str) -> SyntaxProblem | None:
    from headlint.syntax.parse import SyntaxProblem, parse

    try:
        parse(f"{text}\n")
    except SyntaxProblem as problem:
        return problem
    return None


def _loader_for(root: Path | None, cache: bool) -> ProjectLoader:
    from headlint.source.project import Project

    return ProjectLoader(Project(root) if root is not None else None, cache)
