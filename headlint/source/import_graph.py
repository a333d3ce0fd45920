"""Which files of a project import which, read from their texts by a search; files are named by their absolute paths."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from msgspec import Struct

MOST_SEARCHES = 8
"""Files whose importers are searched for one by one; for more, the imports of all files are read."""

_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]*)|import[ \t]+([^\n#;]*))", re.MULTILINE
)

_IMPORTING_ANYTHING = (
    b"import_module",
    b"__import__(",
    b"hub.load(",
    b"torch.load(",
    b"exec(",
    b"load_from_checkpoint(",
)
_IMPORTS_ANYTHING = re.compile(rb"\b(?:" + b"|".join(map(re.escape, _IMPORTING_ANYTHING)) + rb")")


class Imports(Struct, frozen=True):
    """The files of the project that a file imports, and whether it may import, or load, what no text names."""

    files: tuple[str, ...]
    anything: bool


class ImportGraph:
    """The imports and the importers of files; nothing is read before it is asked for.

    ``resolve`` gives the file that an import in a file means: its level and the dotted name of a module.
    """

    def __init__(self, files: Callable[[], Sequence[Path]], resolve: Callable[[Path, int, str], Path | None]) -> None:
        self._files = files
        self._resolve = resolve
        self._imports: dict[str, Imports] = {}
        self._importers: dict[str, tuple[str, ...]] = {}
        self._all_importers: dict[str, frozenset[str]] = {}
        self._within_reach: dict[str, tuple[str, ...]] = {}
        self._searches_expected = 0
        self._is_settled = False

    def settle(self, imports: Mapping[str, Imports]) -> None:
        """Take over the imports of all files of the project."""
        self._imports |= imports
        self._is_settled = True

    def expect_searches(self, number: int) -> None:
        """Say that the importers of so many files will be asked for."""
        self._searches_expected += number

    def imports(self, file: str) -> Imports:
        """What a file imports."""
        if file not in self._imports:
            data = bytes_of(Path(file))
            self._imports[file] = Imports(tuple(sorted(self._imported(Path(file), data))), _imports_anything(data))
        return self._imports[file]

    def importers(self, file: str) -> tuple[str, ...]:
        """The files that import a file."""
        if file not in self._importers:
            self._importers[file] = self._search_importers(file)
        return self._importers[file]

    def all_importers(self, file: str) -> frozenset[str]:
        """The files that import a file, those that import these, and so on."""
        if file not in self._all_importers:
            found: set[str] = set()
            stack = [file]
            while stack:
                new = [other for other in self.importers(stack.pop()) if other not in found]
                found.update(new)
                stack += new
            self._all_importers[file] = frozenset(found)
        return self._all_importers[file]

    def within_reach(self, file: str) -> tuple[str, ...]:
        """The other files that may be handed an object of a file's: those that its importers import, or that import anything.

        Nobody is handed an object of a file that nobody imports.
        """
        if file not in self._within_reach:
            importers = self.all_importers(file)
            found: set[str] = set()
            stack = [file, *importers] if importers else []
            while stack:
                new = [other for other in self.imports(stack.pop()).files if other not in found]
                found.update(new)
                stack += new
            anything = self._importing_anything if importers else frozenset()
            self._within_reach[file] = tuple(sorted((found | importers | anything) - {file}))
        return self._within_reach[file]

    @cached_property
    def _importing_anything(self) -> frozenset[str]:
        return frozenset(path for path in map(str, self._files()) if self.imports(path).anything)

    @cached_property
    def _importers_by_file(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for path in map(str, self._files()):
            for imported in self.imports(path).files:
                found.setdefault(imported, []).append(path)
        return {imported: tuple(importers) for imported, importers in found.items()}

    def _search_importers(self, file: str) -> tuple[str, ...]:
        """Only files that name a module can import it: reading the imports of all pays where many are asked for."""
        if self._is_settled or max(self._searches_expected, len(self._importers)) >= MOST_SEARCHES:
            return self._importers_by_file.get(file, ())
        module = Path(file)
        names_it = re.compile(
            rb"\bfrom[ \t]+\.+[ \t]+import\b|\b" + re.escape(module.parent.name.encode()) + rb"\b"
            if module.stem == "__init__"
            else rb"\b" + re.escape(module.stem.encode()) + rb"\b"
        )
        naming = (str(other) for other in self._files() if names_it.search(bytes_of(other)))
        return tuple(other for other in naming if file in self.imports(other).files)

    def _imported(self, file: Path, data: bytes) -> set[str]:
        resolved = (self._resolve(file, level, name) for level, name in modules_named(file, data))
        return {str(one) for one in resolved if one is not None} - {str(file)}


def modules_named(file: Path, data: bytes) -> Iterator[tuple[int, str]]:
    """The level and dotted name of each module that the imports of a file name; what is imported from one may be one too."""
    if file.suffix == ".ipynb":
        data = data.replace(b"\\n", b"\n").replace(b'"', b"\n")
    for dots, module, names, plain in _IMPORT.findall(data):
        if plain:
            yield from ((0, name.split()[0]) for name in plain.decode("utf-8", "replace").split(",") if name.split())
            continue
        dotted = module.decode("utf-8", "replace")
        yield len(dots), dotted
        for name in re.findall(r"\w+", re.sub(r"\bas\s+\w+", "", names.decode("utf-8", "replace"))):
            yield len(dots), f"{dotted}.{name}".strip(".")


def imports_in(data: bytes) -> str:
    """Stands for all that a text imports: the same for two texts that import alike."""
    digest = hashlib.sha256(b"anything" if _imports_anything(data) else b"")
    for parts in _IMPORT.findall(data):
        digest.update(b"\0".join((*parts, b"\n")))
    return digest.hexdigest()


def _imports_anything(data: bytes) -> bool:
    # Most texts hold none of the words, which a pattern takes ten times as long to tell.
    return any(word in data for word in _IMPORTING_ANYTHING) and _IMPORTS_ANYTHING.search(data) is not None


def bytes_of(file: Path) -> bytes:
    """What a file holds; nothing where the system refuses it, which is reported when it is checked."""
    try:
        return file.read_bytes()
    except OSError:
        return b""
