"""The project: where it begins, which file an import means, and which files may reach what another one defines."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path

from headlint.settings import Settings
from headlint.source.import_graph import ImportGraph, bytes_of, modules_named
from headlint.source.prefilter import may_train, names_framework

MARKERS = ("pyproject.toml", "headlint.toml", "setup.py", "setup.cfg", ".git")

NOT_OF_PROJECTS = sys.stdlib_module_names | {"", "torch", "keras", "tensorflow", "numpy"}
"""Modules that no folder of a project stands for, whatever it is called."""

_IMPORTABLE = re.compile(r"(?!__pycache__$)\w+|.*\.(?:py|yaml)")
"""The names in a folder that can be a module, a package or settings."""

_NOT_OF_A_PART = rb"(?<!\bself)(?<!\btorch)(?<!\blinalg)(?<!\bnp)(?<!\bF)"
_NO_METHOD_OF_TENSORS = rb"(?!\((?:\)|\s*(?:p|dim|axis|keepdim|ord)\s*=|\s*-?\d))"
"""``x.norm(dim=1)`` is given no tensor, which a layer of that name would be."""


def find_root(paths: Sequence[Path]) -> Path:
    """The folder of the project that the paths belong to: the nearest that is marked as one, else for a file the highest
    from which one of its own imports resolves."""
    absolute = [Path(os.path.abspath(path)) for path in paths] or [Path.cwd()]
    common = Path(os.path.commonpath([str(path if path.is_dir() else path.parent) for path in absolute]))
    for folder in (common, *common.parents):
        if any((folder / marker).exists() for marker in MARKERS):
            return folder
    return _highest_imported_from(absolute[0]) if len(absolute) == 1 and absolute[0].is_file() else common


def _highest_imported_from(file: Path) -> Path:
    """The highest folder from which an import of a file resolves, or that holds the package which the file is in.

    Each import is looked up in the nearest folder that has it. No home is a project, nor is what lies above one.
    """
    project = Project(file.parent)
    shared = {Path.home(), *Path.home().parents, Path(tempfile.gettempdir())}
    above = [file.parent, *itertools.takewhile(lambda folder: folder not in shared, file.parent.parents)]
    package = next((folder for folder in above if not is_package(folder)), file.parent)
    wanted = {
        name
        for level, name in modules_named(file, bytes_of(file))
        if not level and name.partition(".")[0] not in NOT_OF_PROJECTS
    }
    nearest = (next((folder for folder in above if project.holds(folder, name)), package) for name in wanted)
    return min([package, *nearest], key=lambda folder: len(folder.parts))


def is_package(folder: Path) -> bool:
    """Whether a folder can be imported by its name."""
    return folder.name.isidentifier() and (folder / "__init__.py").is_file()


class Project:
    """Resolves imports below a folder, by the rules that Python's import and usual layouts give."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root))
        self._starting: dict[Path, list[Path]] = {}
        self._listings: dict[Path, frozenset[str]] = {}
        self._resolved: dict[tuple[str, int, str], Path | None] = {}

    def resolve(self, importer: Path, level: int, module: str) -> Path | None:
        """The file that an import in ``importer`` names, or None when it is no file of the project.

        Relative imports (``level`` > 0) start from the importer's package. Absolute ones are looked up beside the
        importer, above its package, and in each folder up to the root, and in ``src`` folders on the way.
        """
        folder = os.path.dirname(os.path.abspath(importer))
        key = (folder, level, module)
        if key not in self._resolved:
            self._resolved[key] = self._look_up(Path(folder), level, module)
        found = self._resolved[key]
        itself = (
            level == 0 and found is not None and found.name == importer.name and str(found) == os.path.abspath(importer)
        )
        return None if itself else found

    def holds(self, folder: Path, module: str) -> bool:
        """Whether a folder holds a module by its dotted name."""
        return self._module(folder, module) is not None

    def submodule(self, package: Path, name: str) -> Path | None:
        """The file of a package's submodule, given the package's ``__init__.py``."""
        return self._module(Path(os.path.abspath(package)).parent, name)

    def submodules(self, package: Path) -> dict[str, Path]:
        """The modules right below a package by name, given its ``__init__.py``."""
        folder = package.parent
        names = (name.removesuffix(".py") for name in self._names(folder))
        found = ((name, self._module(folder, name)) for name in names if name.isidentifier() and name != "__init__")
        return {name: file for name, file in found if file is not None}

    def modules_below(self, importer: Path, package: str) -> dict[str, Path]:
        """The modules of a package, or of a folder, by name, as an absolute import in ``importer`` would find it."""
        for start in self._starts_of(Path(os.path.dirname(os.path.abspath(importer)))):
            folder = start.joinpath(*package.split("."))
            if names := self._names(folder):
                stems = sorted(name.removesuffix(".py") for name in names if name.endswith(".py"))
                return {stem: folder / f"{stem}.py" for stem in stems if stem.isidentifier() and stem != "__init__"}
        return {}

    def _look_up(self, folder: Path, level: int, module: str) -> Path | None:
        if level > 0:
            for _ in range(level - 1):
                folder = folder.parent
            return self._module(folder, module) if module else self._package(folder)
        if not module:
            return None
        top = module.split(".", 1)[0]
        for start in self._starts_of(folder):
            names = self._names(start)
            if (top in names or f"{top}.py" in names) and (found := self._module(start, module)) is not None:
                return found
        return None

    def _starts_of(self, folder: Path) -> list[Path]:
        if folder not in self._starting:
            self._starting[folder] = list(self._starts(folder))
        return self._starting[folder]

    def _starts(self, folder: Path) -> Iterator[Path]:
        """The folders in which an absolute import is looked up, nearest first."""
        yield folder
        yield folder / "src"
        inside = folder.is_relative_to(self.root)
        for parent in folder.parents:
            within_package = "__init__.py" in self._names(parent) or "__init__.py" in self._names(folder)
            if not (inside and parent.is_relative_to(self.root)) and not within_package:
                return
            yield parent
            yield parent / "src"
            folder = parent

    def _module(self, folder: Path, module: str) -> Path | None:
        parts = module.split(".")
        for part in parts[:-1]:
            if part not in self._names(folder):
                return None
            folder = folder / part
        last = parts[-1]
        names = self._names(folder)
        if last in names and (package := self._package(folder / last)) is not None:
            return package
        return folder / f"{last}.py" if f"{last}.py" in names else None

    def _package(self, folder: Path) -> Path | None:
        return folder / "__init__.py" if "__init__.py" in self._names(folder) else None

    def _names(self, folder: Path) -> frozenset[str]:
        if folder not in self._listings:
            try:
                with os.scandir(folder) as entries:
                    self._listings[folder] = frozenset(entry.name for entry in entries)
            except OSError:
                self._listings[folder] = frozenset()
        return self._listings[folder]

    def layout(self) -> str:
        """Stands for where modules and files of settings are: as long as it is the same, imports lead to the same files."""
        folders = {self.root}
        for folder in {file.parent for file in self.files}:
            while folder not in folders:
                folders.add(folder)
                folder = folder.parent
        above = self.root
        while "__init__.py" in self._names(above):
            above = above.parent
            folders.add(above)
        digest = hashlib.sha256()
        for folder in sorted(folders, key=str):
            names = sorted(name for name in self._names(folder) if _IMPORTABLE.fullmatch(name))
            digest.update("\0".join((str(folder), *names, "")).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def importers(self, path: Path) -> tuple[Path, ...]:
        """The files of the project that import a file."""
        return tuple(map(Path, self.graph.importers(os.path.abspath(path))))

    def mention_of(self, file: Path, cls: str, attribute: str) -> Path | None:
        """Another file that may reach an attribute of a class of a file; None where none does.

        Where no file imports it, none does. Else those may to which an importer could hand an object: all that it imports,
        and what imports by names that are computed. They do if they name the attribute of something else than ``self``;
        an importer also if it names the class beside ``self.attribute``, or reaches attributes without naming them.
        """
        own = os.path.abspath(file)
        heirs = self.graph.all_importers(own)
        for other in map(Path, self.graph.within_reach(own)):
            if may_mention(bytes_of(other), cls, attribute, inherits=str(other) in heirs):
                return other
        return None

    def listing_of(self, file: Path, attribute: str) -> Path | None:
        """A file to which an importer could hand an object and that lists an attribute, or asks for its gradient.

        Whoever has an optimizer train it does the one, whoever changes it by hand the other.
        """
        within_reach = map(Path, self.graph.within_reach(os.path.abspath(file)))
        return next((other for other in within_reach if may_list(bytes_of(other), attribute)), None)

    @cached_property
    def graph(self) -> ImportGraph:
        """Which files of the project import which."""
        return ImportGraph(lambda: self.files, self.resolve)

    def may_matter(self, data: bytes) -> bool:
        """Whether a file of the project with these bytes can matter: on its own, or by what others hand to it."""
        return names_framework(data) or (may_train(data) and self._names_framework)

    @cached_property
    def _names_framework(self) -> bool:
        return any(names_framework(bytes_of(file)) for file in self.files)

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The files of the project, whichever of them are checked."""
        from headlint.source.discovery import discover

        return discover([self.root], Settings(root=self.root)).files


def may_mention(data: bytes, cls: str, attribute: str, inherits: bool) -> bool:
    """Whether a text may reach an attribute of a class's objects; ``inherits`` where it may define a class below that one."""
    of_objects, of_classes = _mentions_of(attribute)
    # Most texts do not hold the name, which a pattern takes ten times as long to tell.
    if attribute.encode() in data and of_objects.search(data):
        return True
    return (
        inherits and re.search(rb"\b%b\b" % re.escape(cls.encode()), data) is not None and bool(of_classes.search(data))
    )


def may_list(data: bytes, attribute: str) -> bool:
    """Whether a text lists an attribute as an optimizer's parameters are listed, or asks for its gradient."""
    return attribute.encode() in data and _listings_of(attribute).search(data) is not None


@cache
def _mentions_of(attribute: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    name = re.escape(attribute.encode())
    return (
        re.compile(_NOT_OF_A_PART + rb"\." + name + rb"\b" + _NO_METHOD_OF_TENSORS + rb"|[\"'.]" + name + rb"[\"'.]"),
        re.compile(rb"\bself\." + name + rb"\b|\bgetattr\(|\bchildren\(|_modules\b"),
    )


@cache
def _listings_of(attribute: str) -> re.Pattern[bytes]:
    name = rb"\w\." + re.escape(attribute.encode()) + rb"\b"
    training = rb"(?:optim|Adam|SGD|RMSprop|params|parameters)\b[^\n]*"
    return re.compile(rb"(?i:" + training + rb")" + name + rb"|" + name + rb"\.(?:grad|requires_grad)\b")
