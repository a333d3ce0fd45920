"""What of each module reaches a library, kept from one run to the next, and whether that still holds when texts have changed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from pathlib import Path

from msgspec import Struct

from headlint.loading.reaching import TOLD_BY_NAME, Names, Reaching, filled_in, is_telling, reaches_by_name
from headlint.source.document import UnreadableError, read_document
from headlint.source.import_graph import bytes_of
from headlint.source.outline import Imported, Outline, Piece


class Survey(Struct, frozen=True):
    """What of a module reaches a library, and by what another text of it is known to reach no more."""

    names: Names
    idle: frozenset[bytes] = frozenset()
    """Stands for the code of each piece that reaches none."""
    filled: frozenset[str] = frozenset()
    """The variables that something is put into, and what decorates."""
    imported: frozenset[bytes] = frozenset()
    """Stands for each name that the module imports, and for what."""

    def holds_for(self, text: str) -> bool:
        """Whether no more of the module reaches a library if it has this text, as far as that can be told from it alone."""
        if self.names is None or TOLD_BY_NAME.search(text):
            return False
        outline = Outline.of(text)
        return filled_in(outline.pieces) <= self.filled and all(
            reaches_by_name(piece, self.names) or _stands_for(piece) in self.idle or self._reaches_none(piece, outline)
            for piece in outline.pieces
        )

    def _reaches_none(self, piece: Piece, outline: Outline) -> bool:
        """Whether a piece mentions neither anything imported nor what of its own module reaches a library."""
        assert self.names is not None
        stars = outline.stars or piece.stars or outline.without_imports
        mentioned = piece.names & (self.names | outline.imports.keys())
        return not (stars or mentioned or piece.imports or is_telling(piece))

    def newly_imported(self, outline: Outline) -> frozenset[str]:
        """The names that the module imports with this outline, and did not, or from elsewhere."""
        return frozenset(name for name, one in _imports_of(outline) if _binding(name, one) not in self.imported)


def survey(reaching: Reaching, file: Path) -> Survey:
    """What of a module reaches a library, for those who keep it until the text of the module has changed."""
    names, outline = reaching.names_in(file), reaching.outline(file)
    if names is None or outline is None:
        return Survey(None)
    idle = (piece for piece in outline.pieces if not reaches_by_name(piece, names))
    imported = frozenset(_binding(name, one) for name, one in _imports_of(outline))
    return Survey(names, frozenset(map(_stands_for, idle)), filled_in(outline.pieces), imported)


def after_changes(
    known: Mapping[str, Survey],
    changed: Set[str],
    rewired: Set[str],
    reaching: Reaching,
    importers: Callable[[str], Iterable[str]],
) -> dict[str, Survey] | None:
    """The surveys of modules by path, now that some have changed; None where others may reach more than they did.

    Those that import anything else than before are ``rewired``; ``importers`` gives the modules that import one as they all
    are now. ``reaching`` has looked at nothing yet.
    """
    if not changed <= known.keys():
        return None
    doubtful = {path for path in changed if not known[path].holds_for(_text_of(Path(path)))}
    if not doubtful:
        return dict(known)
    reaching.modules_beside = len(known)
    reaching.settle({Path(path): one.names for path, one in known.items() if path not in doubtful})
    now = {path: survey(reaching, Path(path)) for path in doubtful}
    if reaching.widened or any(_shows_more(path, one, known) for path, one in now.items()):
        return None
    if any(_hands_on_more(path, known[path], reaching, importers) for path in rewired):
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
    package = str(Path(path).parent / "__init__.py")
    sources = {path, package}
    waiting = [path, package]
    while waiting:
        for importer in importers(waiting.pop()):
            if importer in sources:
                continue
            taker = reaching.outline(Path(importer))
            if taker is None or _takes(taker, Path(importer), names, sources, reaching):
                return True
            if any(name == "*" for name, _ in _imports_of(taker)):
                sources.add(importer)
                waiting.append(importer)
    return False


def _takes(taker: Outline, importer: Path, names: Set[str], sources: Set[str], reaching: Reaching) -> bool:
    """Whether a module may take one of the names from one of the sources, which it imports."""

    def is_source(level: int, module: str) -> bool:
        return str(reaching.module(importer, level, module)) in sources

    holds_module = takes_all = False
    for name, one in _imports_of(taker):
        if one.member in names and is_source(one.level, one.module):
            return True
        takes_all |= name == "*" and is_source(one.level, one.module)
        holds_module |= is_source(one.level, ".".join(filter(None, (one.module, one.member))))
    asked_for = re.compile(rf"\.\s*(?:{'|'.join(map(re.escape, sorted(names)))})\b")
    return any(
        (holds_module and asked_for.search(piece.code)) or (takes_all and piece.names & names - taker.imports.keys())
        for piece in taker.pieces
    )


def _imports_of(outline: Outline) -> Iterator[tuple[str, Imported]]:
    """The names that a module imports anywhere, ``*`` among them."""
    for piece in outline.pieces:
        for name, imports in (*piece.imports.items(), ("*", piece.stars)):
            yield from ((name, one) for one in imports)


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
