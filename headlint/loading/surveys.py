"""What of each module reaches a library, kept from one run to the next, and whether that still holds when texts have changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Set
from pathlib import Path

from msgspec import Struct

from headlint.loading.reaching import TOLD_BY_NAME, Names, Reaching, filled_in, is_telling, reaches_by_name
from headlint.source.document import UnreadableError, read_document
from headlint.source.import_graph import bytes_of
from headlint.source.outline import Outline, Piece


class Survey(Struct, frozen=True):
    """What of a module reaches a library, and by what another text of it is known to reach no more."""

    names: Names
    idle: frozenset[bytes] = frozenset()
    """Stands for the code of each piece that reaches none."""
    filled: frozenset[str] = frozenset()
    """The variables that something is put into, and what decorates."""

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


def survey(reaching: Reaching, file: Path) -> Survey:
    """What of a module reaches a library, for those who keep it until the text of the module has changed."""
    names, outline = reaching.names_in(file), reaching.outline(file)
    if names is None or outline is None:
        return Survey(None)
    idle = (piece for piece in outline.pieces if not reaches_by_name(piece, names))
    return Survey(names, frozenset(map(_stands_for, idle)), filled_in(outline.pieces))


def after_changes(known: Mapping[str, Survey], changed: Set[str], reaching: Reaching) -> dict[str, Survey] | None:
    """The surveys of modules by path, now that some have changed; None where others may reach more than they did.

    ``reaching`` has looked at nothing yet.
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
    return {**known, **now}


def _shows_more(path: str, now: Survey, known: Mapping[str, Survey]) -> bool:
    """Whether something of a module reaches a library that did not before, and that another module may mention."""
    before = known[path].names
    if before is None or now.names is None:
        return now.names is not before
    more = [name.encode() for name in now.names - before if name]
    others = (bytes_of(Path(other)) for other in known if other != path) if more else ()
    return any(name in data for data in others for name in more)


def _stands_for(piece: Piece) -> bytes:
    code = " ".join(piece.code.split())
    return hashlib.blake2b(code.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _text_of(file: Path) -> str:
    try:
        return read_document(file).text
    except (OSError, UnreadableError):
        return ""
