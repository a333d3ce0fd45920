"""The project: where it begins, which file an import means, and which files import a file."""

from __future__ import annotations

import itertools
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from headlint.settings import Settings
from headlint.source.prefilter import may_train, names_framework

MARKERS = ("pyproject.toml", "headlint.toml", "setup.py", "setup.cfg", ".git")

NOT_OF_PROJECTS = sys.stdlib_module_names | {"", "torch", "keras", "tensorflow", "numpy"}
"""Modules that no folder of a project stands for, whatever it is called."""

MOST_SEARCHES = 8
"""Files whose importers are searched for one by one; for more, the imports of all files are read."""

_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]*)|import[ \t]+([^\n#;]*))", re.MULTILINE
)

_IMPORTS_ANYTHING = re.compile(
    rb"\bimport_module\b|\b__import__\(|\bhub\.load\(|\btorch\.load\(|\bexec\(|\bload_from_checkpoint\("
)

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
    wanted = {name for level, name in imports_in(file) if not level and name.partition(".")[0] not in NOT_OF_PROJECTS}
    nearest = (next((folder for folder in above if project.holds(folder, name)), package) for name in wanted)
    return min([package, *nearest], key=lambda folder: len(folder.parts))


def is_package(folder: Path) -> bool:
    """Whether a folder can be imported by its name."""
    return folder.name.isidentifier() and (folder / "__init__.py").is_file()


def imports_in(file: Path) -> Iterator[tuple[int, str]]:
    """The imports of a file, each as its level and dotted name; a name imported from a module as that module's too."""
    data = bytes_of(file)
    if file.suffix == ".ipynb":
        data = data.replace(b"\\n", b"\n").replace(b'"', b"\n")
    for dots, module, names, plain in _IMPORT.findall(data):
        if plain:
            yield from ((0, name.split()[0]) for name in plain.decode("utf-8", "replace").split(",") if name.split())
            continue
        dotted = module.decode("utf-8", "replace")
        listed = re.findall(r"\w+", re.sub(r"\bas\s+\w+", "", names.decode("utf-8", "replace")))
        yield len(dots), dotted
        yield from ((len(dots), f"{dotted}.{name}".strip(".")) for name in listed)


class Project:
    """Resolves imports below a folder, by the rules that Python's import and usual layouts give."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root))
        self._starting: dict[Path, list[Path]] = {}
        self._listings: dict[Path, frozenset[str]] = {}
        self._resolved: dict[tuple[str, int, str], Path | None] = {}
        self._importers_of: dict[Path, tuple[Path, ...]] = {}
        self._imports_of: dict[Path, set[Path]] = {}
        self._heirs: dict[Path, frozenset[Path]] = {}
        self._reach_of: dict[Path, set[Path]] = {}
        self._searches_expected = 0

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

    def importers(self, path: Path) -> tuple[Path, ...]:
        """The files of the project that import a file."""
        path = Path(os.path.abspath(path))
        if path not in self._importers_of:
            self._importers_of[path] = self._search_importers(path)
        return self._importers_of[path]

    def expect_searches(self, number: int) -> None:
        """Say that the importers of so many files will be asked for."""
        self._searches_expected += number

    def _search_importers(self, path: Path) -> tuple[Path, ...]:
        """Only files that name a module can import it: reading the imports of all pays where many are asked for."""
        if max(self._searches_expected, len(self._importers_of)) >= MOST_SEARCHES:
            return self._importers_by_file.get(path, ())
        names_it = re.compile(
            rb"\bfrom[ \t]+\.+[ \t]+import\b|\b" + re.escape(path.parent.name.encode()) + rb"\b"
            if path.stem == "__init__"
            else rb"\b" + re.escape(path.stem.encode()) + rb"\b"
        )
        naming = (file for file in self.files if names_it.search(bytes_of(file)))
        return tuple(file for file in naming if path in self._imported_by(file))

    def is_mentioned(self, file: Path, cls: str, attribute: str) -> bool:
        """Whether another file may reach an attribute of a class of a file.

        Where no file imports it, none does. Else those may to which an importer could hand an object: all that it imports,
        and what imports by names that are computed. They do if they name the attribute of something else than ``self``;
        an importer also if it names the class beside ``self.attribute``, or reaches attributes without naming them.
        """
        own = Path(os.path.abspath(file))
        heirs = self._heirs_of(own)
        if not heirs:
            return False
        name, known = re.escape(attribute.encode()), re.compile(rb"\b" + re.escape(cls.encode()) + rb"\b")
        direct = re.compile(
            _NOT_OF_A_PART + rb"\." + name + rb"\b" + _NO_METHOD_OF_TENSORS + rb"|[\"'.]" + name + rb"[\"'.]"
        )
        inherited = re.compile(rb"\bself\." + name + rb"\b|\bgetattr\(|\bchildren\(|_modules\b")
        plain = attribute.encode()  # most files do not hold the name, which a pattern takes ten times as long to tell
        for other in self._within_reach_of(own, heirs):
            data = bytes_of(other)
            if plain in data and direct.search(data):
                return True
            if other in heirs and known.search(data) and inherited.search(data):
                return True
        return False

    def is_listed(self, file: Path, attribute: str) -> bool:
        """Whether a file to which an importer could hand an object lists an attribute, or asks for its gradient.

        Whoever has an optimizer train it does the one, whoever changes it by hand the other.
        """
        own = Path(os.path.abspath(file))
        name = rb"\w\." + re.escape(attribute.encode()) + rb"\b"
        training = rb"(?:optim|Adam|SGD|RMSprop|params|parameters)\b[^\n]*"
        listed = re.compile(rb"(?i:" + training + rb")" + name + rb"|" + name + rb"\.(?:grad|requires_grad)\b")
        heirs, plain = self._heirs_of(own), attribute.encode()
        within_reach = map(bytes_of, self._within_reach_of(own, heirs) if heirs else ())
        return any(plain in data and listed.search(data) for data in within_reach)

    def _heirs_of(self, file: Path) -> frozenset[Path]:
        if file not in self._heirs:
            self._heirs[file] = frozenset(self._all_importers(file))
        return self._heirs[file]

    def _within_reach_of(self, file: Path, heirs: frozenset[Path]) -> set[Path]:
        """The other files that may be handed an object of a file's: those that its importers import, or that import anything."""
        if file not in self._reach_of:
            found: set[Path] = set()
            stack = [file, *heirs]
            while stack:
                new = [imported for imported in self._imported_by(stack.pop()) if imported not in found]
                found.update(new)
                stack += new
            self._reach_of[file] = (found | heirs | self._importing_anything) - {file}
        return self._reach_of[file]

    @cached_property
    def _importing_anything(self) -> frozenset[Path]:
        """The files that import, or load, what no text names."""
        return frozenset(file for file in self.files if _IMPORTS_ANYTHING.search(bytes_of(file)))

    def _imported_by(self, file: Path) -> set[Path]:
        if file not in self._imports_of:
            self._imports_of[file] = self._imports(file)
        return self._imports_of[file]

    def _all_importers(self, file: Path) -> set[Path]:
        """The files that import a file, those that import these, and so on."""
        found: set[Path] = set()
        stack = [Path(os.path.abspath(file))]
        while stack:
            new = [other for other in self.importers(stack.pop()) if other not in found]
            found.update(new)
            stack += new
        return found

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

    @cached_property
    def _importers_by_file(self) -> dict[Path, tuple[Path, ...]]:
        found: dict[Path, list[Path]] = {}
        for file in self.files:
            for imported in self._imported_by(file):
                found.setdefault(imported, []).append(file)
        return {imported: tuple(files) for imported, files in found.items()}

    def _imports(self, file: Path) -> set[Path]:
        found: set[Path] = set()
        for level, name in imports_in(file):
            resolved = self.resolve(file, level, name)
            if resolved is not None and resolved != file:
                found.add(resolved)
        return found


def bytes_of(file: Path) -> bytes:
    """What a file holds; nothing where the system refuses it, which is reported when it is checked."""
    try:
        return file.read_bytes()
    except OSError:
        return b""
