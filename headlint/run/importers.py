"""Which files may call what another one defines: those that import it and name something of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from pathlib import Path

from headlint.loading.loader import ProjectLoader
from headlint.source.import_graph import bytes_of
from headlint.source.project import Project

_DEFINED = re.compile(rb"^(?:(?:async[ \t]+)?def|class)[ \t]+(\w+)|^([^\W_]\w*)[ \t]*(?::[^=\n]+)?=(?!=)", re.MULTILINE)
_WORD = re.compile(rb"\w+")
_IMPORTED = re.compile(rb"\bimport\b[ \t]*(\([^)]*\)|[^\n;#]*)")
_LOOKED_INTO = re.compile(rb"\b(?:getattr|vars|dir)\(\s*(?:\w+\.)*(\w+)|\b(\w+)\.__dict__")
_STAR_AND_GLOBALS = re.compile(rb"\bimport[ \t]*\*.*\bglobals\(", re.DOTALL)


def defined_in(data: bytes) -> set[bytes]:
    """The names that a text defines at its top level."""
    return {name for names in _DEFINED.findall(data) for name in names if name}


class Importers:
    """The importers of files, without those that name nothing that a file defines or hands on.

    Whoever imports a package imports all of its modules, and can call only what it names.
    """

    def __init__(self, loader: ProjectLoader, project: Project) -> None:
        self._loader = loader
        self._project = project
        self._offered: dict[Path, int] = {}
        self._words: dict[Path, int] = {}
        self._numbers: dict[bytes, int] = {}
        self._takes_any: dict[Path, bool] = {}

    def of(self, file: Path, known: Set[Path] = frozenset(), handing_on: Set[Path] = frozenset()) -> Iterator[Path]:
        """The importers that may call what a file offers, but for those that are known and hand nothing on.

        Packages hand it on whatever they name.
        """
        offered = self._offered_by(file)
        for importer in self._project.importers(file):
            settled = importer in known and importer not in handing_on
            if importer.name == "__init__.py" or (not settled and self._may_call(importer, offered)):
                yield importer

    def hand_on(self, file: Path, importer: Path) -> bool:
        """Let an importer offer what a file does; whether it did not offer all of that already."""
        before = self._offered_by(importer)
        self._offered[importer] = before | self._offered_by(file)
        return self._offered[importer] != before

    def _may_call(self, importer: Path, offered: int) -> bool:
        return bool(offered & self._words_of(importer)) or self._takes_any_name(importer)

    def _offered_by(self, file: Path) -> int:
        if file not in self._offered:
            self._offered[file] = self._as_bits(defined_in(self._text(file)))
        return self._offered[file]

    def _words_of(self, file: Path) -> int:
        if file not in self._words:
            self._words[file] = self._as_bits(set(_WORD.findall(self._text(file))))
        return self._words[file]

    def _as_bits(self, words: Set[bytes]) -> int:
        """A set of words as a number with a bit for each: packages hand on thousands, which are joined and compared at once."""
        numbers = [self._numbers.setdefault(word, len(self._numbers)) for word in words]
        bits = bytearray(max(numbers, default=0) // 8 + 1)
        for number in numbers:
            bits[number // 8] |= 1 << number % 8
        return int.from_bytes(bits, "little")

    def _takes_any_name(self, file: Path) -> bool:
        """Whether a file looks into a module by names that it computes."""
        if file not in self._takes_any:
            text = self._text(file)
            imported = {word for names in _IMPORTED.findall(text) for word in _WORD.findall(names)}
            looked_into = {name for names in _LOOKED_INTO.findall(text) for name in names if name}
            found = not imported.isdisjoint(looked_into) or _STAR_AND_GLOBALS.search(text) is not None
            self._takes_any[file] = found
        return self._takes_any[file]

    def _text(self, file: Path) -> bytes:
        data = self._loader.buffers[file].encode() if file in self._loader.buffers else bytes_of(file)
        return data.replace(b"\\n", b"\n").replace(b'"', b"\n") if file.suffix == ".ipynb" else data
