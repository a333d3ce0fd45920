"""What of each module reaches a library, kept from one run to the next, and whether that still holds when texts have changed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from functools import partial
from pathlib import Path

from msgspec import Struct

from headlint.loading.reaching import TOLD_BY_NAME, Names, Reaching, filled_in, is_telling, reaches_by_name
from headlint.source.document import UnreadableError, read_document
from headlint.source.import_graph import bytes_of
from headlint.source.outline import Imported, Outline, Piece, names_imported


class Survey(Struct, frozen=True):
    """What of a module reaches a library, and by what another text of it is known to reach no more."""

    names: Names
    idle: frozenset[bytes] = frozenset()
    """Stands for the code of each piece that reaches none."""
    filled: frozenset[str] = frozenset()
    """The variables that something is put into, and what decorates."""
    imported: frozenset[bytes] = frozenset()
    """Stands for each name that the module imports, and for what."""

    def after(self, text: str, reaches: Callable[[str], bool]) -> Survey | None:
        """The survey of the module if it has this text; None where more of it may reach a library.

        That is told from the text alone, and from whether what is imported under a name ``reaches`` a library.
        """
        outline = Outline.of(text)
        new = self.newly_imported(outline)
        usual = outline.without_imports and bool(self.imported)
        if self.names is None or TOLD_BY_NAME.search(text) or usual or "*" in new:
            return None
        more = frozenset(filter(reaches, new))
        idle = [piece for piece in outline.pieces if not reaches_by_name(piece, self.names)]
        if not (filled_in(outline.pieces) <= self.filled and all(self._stays_idle(one, outline, more) for one in idle)):
            return None
        return (
            Survey(self.names, frozenset(map(_stands_for, idle)), self.filled, _imported_by(outline)) if new else self
        )

    def newly_imported(self, outline: Outline) -> frozenset[str]:
        """The names that the module imports with this outline, and did not, or from elsewhere."""
        return frozenset(name for name, one in _imports_of(outline) if _binding(name, one) not in self.imported)

    def _stays_idle(self, piece: Piece, outline: Outline, more: Set[str]) -> bool:
        """Whether a piece reaches no library where what is imported under ``more`` names does."""
        known = _stands_for(piece) in self.idle or piece.imports_only or self._reaches_none(piece, outline)
        return known and piece.names.isdisjoint(more)

    def _reaches_none(self, piece: Piece, outline: Outline) -> bool:
        """Whether a piece mentions neither anything imported nor what of its own module reaches a library."""
        assert self.names is not None
        stars = outline.stars or piece.stars or outline.without_imports
        mentioned = piece.names & (self.names | outline.imports.keys())
        return not (stars or mentioned or piece.imports or is_telling(piece))


def survey(reaching: Reaching, file: Path) -> Survey:
    """What of a module reaches a library, for those who keep it until the text of the module has changed."""
    names, outline = reaching.names_in(file), reaching.outline(file)
    if names is None or outline is None:
        return Survey(None)
    idle = (piece for piece in outline.pieces if not reaches_by_name(piece, names))
    return Survey(names, frozenset(map(_stands_for, idle)), filled_in(outline.pieces), _imported_by(outline))


def after_changes(
    known: Mapping[str, Survey], changed: Set[str], reaching: Reaching, importers: Callable[[str], Iterable[str]]
) -> dict[str, Survey] | None:
    """The surveys of modules by path, now that some have changed; None where others may reach more than they did.

    ``reaching`` has looked at nothing yet; ``importers`` gives the modules that import one as they all are now.
    """
    if not changed <= known.keys():
        return None
    reaching.modules_beside = len(known)
    reaching.settle({Path(path): one.names for path, one in known.items() if path not in changed})
    found = {path: known[path].after(_text_of(Path(path)), partial(reaching.hands_on, Path(path))) for path in changed}
    reaching.settle({Path(path): one.names for path, one in found.items() if one is not None})
    now = {path: one or survey(reaching, Path(path)) for path, one in found.items()}
    if reaching.widened or any(_shows_more(path, one, known) for path, one in now.items()):
        return None
    if any(_hands_on_more(path, known[path], reaching, importers) for path in changed):
        return None
    return {**known, **now}


def _shows_more(path: str, now: Survey, known: Mapping[str, Survey]) -> bool:
    """Whether something of a module reaches a library that did not before, and that another module may mention."""
    before = known[path].names
    if before is None or now.names is None:
        return now.names is not before
    more = [name.encode() for name in now.names - before if name]
    others = (bytes_of(Path(other)) for other in known if other != path) if more else ()
    return any(name in data for data in others for name in more)


def _hands_on_more(path: str, before: Survey, reaching: Reaching, importers: Callable[[str], Iterable[str]]) -> bool:
    """Whether a module imports something that reaches a library, and did not, and another module may take it from there."""
    outline = reaching.outline(Path(path))
    new = before.newly_imported(outline) if outline is not None else frozenset("*")
    names = {name for name in new if name != "*" and reaching.hands_on(Path(path), name)}
    if not names or "*" in new:
        return "*" in new
    packages = {str(folder / "__init__.py") for folder in Path(path).parents}
    sources = {path}
    waiting = [path, *packages]
    while waiting:
        for importer in importers(waiting.pop()):
            if importer in sources:
                continue
            taker = _Taker(Path(importer), sources, reaching)
            if taker.takes(names) or taker.takes_below(packages, Path(path).stem, names):
                return True
            if taker.takes_all:
                sources.add(importer)
                waiting.append(importer)
    return False


class _Taker:
    """A module that may import some of the sources."""

    def __init__(self, file: Path, sources: Set[str], reaching: Reaching) -> None:
        self._file = file
        self._sources = sources
        self._reaching = reaching
        self._text = _text_of(file)
        self._imported = list(names_imported(self._text))
        self.takes_all = any(name == "*" and self._is_source(one.level, one.module) for name, one in self._imported)
        """Whether it imports all the names of a source."""

    def takes(self, names: Set[str]) -> bool:
        """Whether it may take one of these names from a source."""
        own = {name for name, _ in self._imported}
        return (
            any(one.member in names and self._is_source(one.level, one.module) for _, one in self._imported)
            or (self.takes_all and self._mentions(r"\b", names - own))
            or (self._mentions(r"\.\s*", names) and self._holds(self._sources))
        )

    def takes_below(self, packages: Set[str], module: str, names: Set[str]) -> bool:
        """Whether it may take one of these names from a module below a package that it has as a module."""
        return self._mentions(r"\.\s*", names) and self._mentions(r"\b", {module}) and self._holds(packages)

    def _holds(self, files: Set[str]) -> bool:
        """Whether it has one of these files as a module."""
        dotted = ((one.level, ".".join(filter(None, (one.module, one.member)))) for _, one in self._imported)
        return any(self._is_in(files, level, module) for level, module in dotted)

    def _is_source(self, level: int, module: str) -> bool:
        return self._is_in(self._sources, level, module)

    def _is_in(self, files: Set[str], level: int, module: str) -> bool:
        return str(self._reaching.module(self._file, level, module)) in files

    def _mentions(self, before: str, names: Set[str]) -> bool:
        any_of_them = "|".join(map(re.escape, sorted(names)))
        return bool(names) and re.search(rf"{before}(?:{any_of_them})\b", self._text) is not None


def _imports_of(outline: Outline) -> Iterator[tuple[str, Imported]]:
    """The names that a module imports anywhere, ``*`` among them."""
    for piece in outline.pieces:
        for name, imports in (*piece.imports.items(), ("*", piece.stars)):
            yield from ((name, one) for one in imports)


def _imported_by(outline: Outline) -> frozenset[bytes]:
    return frozenset(_binding(name, one) for name, one in _imports_of(outline))


def _binding(name: str, one: Imported) -> bytes:
    return _digest(f"{name} {one.level} {one.module} {one.member}")


def _stands_for(piece: Piece) -> bytes:
    return _digest(" ".join(piece.code.split()))


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _text_of(file: Path) -> str:
    try:
        return read_document(file).text
    except (OSError, UnreadableError):
        return ""
