"""Which functions and classes of a project can reach a library of models at all, told before anything is parsed.

A piece of a module (a function, a class, another top-level statement) reaches a library when it mentions one of its names, or
does what only tensors and optimizers do, or mentions a piece that reaches one, in its own module or in those that it imports.
Interpreted on its own, any other piece makes no layer, takes no loss and trains nothing: it need not be run. What its
callers hand to it is seen where the callers are run.

Names stand for whatever is bound under them, attributes for every function of that name in a module that is mentioned: in
doubt a piece reaches. What the program puts into a variable of a module (a registry, a list of models) is reached by all
that mention the variable.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from headlint.frameworks.names import ALWAYS_LIBRARIES, usual_meaning
from headlint.frameworks.vocabulary import TELLING_ATTRIBUTES, libraries
from headlint.source.document import UnreadableError, read_document
from headlint.source.outline import Imported, Outline, Piece

if TYPE_CHECKING:
    from headlint.loading.loader import ProjectLoader

_NAME = re.compile(r"\w+")
_OF_NO_TENSOR = "".join(rf"(?<!\b{name})" for name in ("math", "logging", "logger", "console"))
"""What has a ``log``, and an ``exp``, of numbers, or one that writes lines."""

_TELLING = re.compile(rf"{_OF_NO_TENSOR}\.\s*(?:{'|'.join(sorted(TELLING_ATTRIBUTES))})\b")
TOLD_BY_NAME = re.compile(rf"""\bgetattr\([^()]*["'](?:{"|".join(sorted(TELLING_ATTRIBUTES))})["']""")
"""All of a text reaches a library that asks for such an attribute by its name."""
_PUT = re.compile(
    r"\b(\w+)\s*(?:\[[^\]\n]*\]\s*=[^=]|\.\s*\w+\s*=[^=]"
    r"|\.\s*(?:append|appendleft|extend|insert|add|update|setdefault|push|put|set|register|add_\w+|set_\w+|register_\w+)\b)"
)
"""A variable that something is put into."""

_NAMELESS = frozenset({""})

Names = frozenset[str] | None
"""What of a module reaches a library, by name: None where that cannot be told, nothing where nothing does.

A statement that binds nothing has the empty name.
"""

LEAST_MODULES_BESIDE = 30
"""Modules that are looked at for a single file; what would be seen in others counts as a library."""


def reaches_by_name(piece: Piece, names: frozenset[str]) -> bool:
    """Whether all that a piece binds is among the names that reach a library."""
    return piece.bound <= names if piece.bound else _binds_nothing(piece) and names >= _NAMELESS


def is_telling(piece: Piece) -> bool:
    """Whether a piece does what only tensors and optimizers do."""
    return not piece.imports_only and _TELLING.search(piece.code) is not None


def filled_in(pieces: Iterable[Piece]) -> frozenset[str]:
    """The variables that pieces put something into, and what decorates them: a decorator may keep what it gets."""
    return frozenset(name for piece in pieces for name in (*_PUT.findall(piece.code), *_NAME.findall(piece.decorators)))


def _binds_nothing(piece: Piece) -> bool:
    """Whether a piece is a statement that does something, and gives it no name."""
    return not piece.bound and not piece.code.lstrip().startswith(("import ", "from "))


class Reaching:
    """Knows the pieces of a project that were asked for, and those that they mention."""

    def __init__(self, loader: ProjectLoader, declared: Sequence[str] = ()) -> None:
        self._loader = loader
        self._libraries = libraries() | {path.split(".", 1)[0] for path in declared}
        self._declared = frozenset(path.rsplit(".", 1)[-1] for path in declared)
        self.modules_beside = LEAST_MODULES_BESIDE
        """How many modules are looked at, beside those that are asked for."""
        self.widened = False
        """Whether something reaches a library that was settled not to."""
        self._settled: dict[Path, Names] = {}
        self._outlines: dict[Path, Outline | None] = {}
        self._homes: dict[Piece, Path] = {}
        self._mentioned_by: dict[Piece, list[Piece]] = {}
        self._mentions: dict[Piece, list[Piece]] = {}
        self._asked: set[Path] = set()
        self._fills: dict[Piece, list[Piece]] = {}
        self._offered: dict[Path, _Offered] = {}
        self._meanings = _Meanings(self)
        self._reaching: set[Piece] = set()

    def names_in(self, file: Path, text: str | None = None) -> Names:
        """What of a module reaches a library; ``text`` is what the module says where it is no file."""
        if file in self._settled:
            return self._settled[file]
        self._asked.add(file)
        if text is not None and file not in self._outlines:
            self._take(file, text)
        outline = self.outline(file)
        if outline is None:
            return None
        self._follow(outline.pieces)
        reaching = [piece for piece in outline.pieces if piece in self._reaching]
        names = frozenset[str]().union(*(piece.bound for piece in reaching))
        return names | _NAMELESS if any(_binds_nothing(piece) for piece in reaching) else names

    def settle(self, answers: Mapping[Path, Names]) -> None:
        """Take over what ``names_in`` gave for files; nothing that their pieces mention is followed then."""
        self._settled.update(answers)

    def hands_on(self, file: Path, name: str) -> bool:
        """Whether what a module imports under a name may reach a library."""
        meaning = self._meanings.of(file, name)
        self._follow(meaning.pieces)
        return meaning.library or bool(meaning.modules) or any(piece in self._reaching for piece in meaning.pieces)

    def outline(self, file: Path) -> Outline | None:
        """The outline of a module; None where it cannot be read, or too many were."""
        if file not in self._outlines:
            if file not in self._asked and self._room() <= 0:
                return None
            try:
                text = read_document(file, self._loader.data(file)).text
            except (OSError, UnreadableError):
                self._outlines[file] = None
            else:
                self._take(file, text)
        return self._outlines[file]

    def _room(self) -> int:
        """How many modules may still be looked at that nobody asked for."""
        return len(self._asked) + self.modules_beside - len(self._outlines)

    def _take(self, file: Path, text: str) -> None:
        outline = self._outlines[file] = Outline.of(text)
        self._homes.update(dict.fromkeys(outline.pieces, file))
        if TOLD_BY_NAME.search(text):
            self._reaching.update(outline.pieces)

    # The graph of who mentions whom

    def _follow(self, pieces: Iterable[Piece]) -> None:
        """Look at pieces and at whatever they mention, and let what reaches a library spread."""
        waiting = [piece for piece in pieces if piece not in self._mentions]
        fresh: list[Piece] = []
        while waiting:
            piece = waiting.pop()
            if piece in self._mentions:
                continue
            fresh.append(piece)
            self._mentions[piece] = mentioned = [] if self._take_settled(piece) else self._look_at(piece)
            for one in mentioned:
                self._mentioned_by.setdefault(one, []).append(piece)
                if one not in self._mentions:
                    waiting.append(one)
        self._spread([piece for piece in fresh if self._reaches(piece)])

    def _take_settled(self, piece: Piece) -> bool:
        """Whether the module of a piece is settled; what that says of the piece is noted."""
        home = self._homes[piece]
        if home not in self._settled:
            return False
        names = self._settled[home]
        if names is None or piece.bound & names or reaches_by_name(piece, names):
            self._reaching.add(piece)
        return True

    def _reaches(self, piece: Piece) -> bool:
        return piece in self._reaching or any(one in self._reaching for one in self._mentions[piece])

    def _spread(self, reaching: list[Piece]) -> None:
        """Whatever mentions a piece that reaches does so too, and what such a piece puts something into."""
        waiting = list(reaching)
        self._reaching.update(waiting)
        while waiting:
            piece = waiting.pop()
            for one in (*self._mentioned_by.get(piece, ()), *self._filled_by(piece)):
                if one not in self._reaching:
                    self._reaching.add(one)
                    self.widened |= self._homes[one] in self._settled
                    waiting.append(one)

    def _filled_by(self, piece: Piece) -> Iterator[Piece]:
        """The variables of modules that something of a piece that reaches may be in."""
        yield from self._filled_in(piece)
        for one in self._mentions.get(piece, ()):
            if one.name:
                yield from self._filled_in(one)
            elif piece.decorators and not one.bound.isdisjoint(_NAME.findall(piece.decorators)):
                yield one

    def _filled_in(self, piece: Piece) -> list[Piece]:
        """The variables of modules that a piece itself puts something into."""
        if piece not in self._fills:
            names = set(_PUT.findall(piece.code))
            variables = (one for one in self._mentions.get(piece, ()) if one.holds_something)
            self._fills[piece] = [one for one in variables if not names.isdisjoint(one.bound)]
        return self._fills[piece]

    def _look_at(self, piece: Piece) -> list[Piece]:
        """The pieces that a piece mentions; it is noted when it mentions a library itself."""
        file = self._homes[piece]
        outline = self._outlines[file]
        assert outline is not None
        names = piece.names
        found = _Mentions(self, self._meanings, names)
        for name in names & outline.bound.keys():
            found.pieces += outline.bound[name]
        for name in names & outline.imports.keys():
            for one in outline.imports[name]:
                found.take(file, one)
        for one in (one for imports in piece.imports.values() for one in imports if piece.name):
            found.take(file, one)
        for star in (*outline.stars, *piece.stars):
            found.take_star(file, star)
        usual = outline.without_imports and any(usual_meaning(name) for name in names)
        if found.library or usual or names & self._declared or is_telling(piece):
            self._reaching.add(piece)
        return [one for one in dict.fromkeys(found.pieces) if one is not piece]

    # What imports mean

    def is_library(self, importer: Path, one: Imported) -> bool:
        """Whether an import names something of a library."""
        top = one.module.split(".", 1)[0]
        tells = one.member in TELLING_ATTRIBUTES and top not in sys.stdlib_module_names  # math's log takes no tensor
        if one.level or not (top in self._libraries or tells):
            return False
        return top in ALWAYS_LIBRARIES or self._loader.find(importer, 0, top) is None

    def module(self, importer: Path, level: int, dotted: str) -> Path | None:
        """The file of the project that an import names."""
        return self._loader.find(importer, level, dotted)

    def has_looked_at(self, file: Path) -> bool:
        """Whether a module was read, or tried to be, and is not one too many."""
        return file in self._outlines

    def offered(self, file: Path) -> _Offered:
        """What a module offers; worked out once, for packages that hand on all that hundreds of modules define.

        It is worked out again when all the modules may be looked at that were too many before.
        """
        known = self._offered.get(file)
        if known is None or 0 < known.left_out <= self._room():
            known = self._offered[file] = self._gather(file)
        return known

    def _gather(self, file: Path) -> _Offered:
        found = _Offered()
        seen, stack = {file}, [file]
        while stack:
            one = stack.pop()
            outline = self.outline(one)
            if outline is None:
                found.library = True
                found.left_out += one not in self._outlines
                continue
            for name in outline.bound.keys() | outline.imports.keys():
                found.homes.setdefault(name, []).append(one)
            if one.name == "__init__.py":
                for name, submodule in self.submodules(one).items():
                    found.submodules.setdefault(name, []).append(submodule)
            for star in outline.stars:
                if self.is_library(one, star):
                    found.library = True
                elif (module := self.module(one, star.level, star.module)) is not None and module not in seen:
                    seen.add(module)
                    stack.append(module)
        return found

    def submodules(self, package: Path) -> dict[str, Path]:
        """The modules right below a package, given its ``__init__.py``."""
        project = self._loader.project
        return project.submodules(package) if project is not None else {}


class _Offered(Struct):
    """What a module offers by name, itself and through ``from module import *``, however long the chain."""

    homes: dict[str, list[Path]] = field(default_factory=dict)
    """The modules that bind or import a name."""
    submodules: dict[str, list[Path]] = field(default_factory=dict)
    left_out: int = 0
    """How many modules of the chain were not looked at, as they were too many."""
    library: bool = False
    """Whether it offers every name of a library, or of a module that cannot be looked at."""


class _Meaning(Struct):
    """What a name of a module stands for: pieces, modules as values, and whether something of a library."""

    pieces: list[Piece] = field(default_factory=list)
    modules: list[Path] = field(default_factory=list)
    library: bool = False
    left_out: bool = False
    """Whether a module was not looked at, as it was one too many."""

    def take(self, other: _Meaning) -> None:
        """Add what another name stands for."""
        self.pieces += other.pieces
        self.modules += other.modules
        self.library |= other.library
        self.left_out |= other.left_out


class _Meanings:
    """What the names of modules stand for, through chains of imports; worked out once for each."""

    def __init__(self, reaching: Reaching) -> None:
        self._reaching = reaching
        self._known: dict[tuple[Path, str], _Meaning] = {}

    def of(self, file: Path, name: str) -> _Meaning:
        """``file.name``, which may be imported from elsewhere itself."""
        known = self._known.get((file, name))
        if known is None:
            known = self._search(file, name)
            if not known.left_out:
                self._known[file, name] = known
        return known

    def _search(self, file: Path, name: str) -> _Meaning:
        found = _Meaning()
        seen = {(file, name)}
        waiting = [(file, name)]
        while waiting:
            file, name = waiting.pop()
            if (known := self._known.get((file, name))) is not None:
                found.take(known)
                continue
            for member in self._step(file, name, found):
                if member not in seen:
                    seen.add(member)
                    waiting.append(member)
        return found

    def _step(self, file: Path, name: str, found: _Meaning) -> Iterator[tuple[Path, str]]:
        """Note what a module itself binds under a name; the members of other modules that it hands on."""
        outline = self._reaching.outline(file)
        if outline is None:
            found.library = True
            found.left_out |= not self._reaching.has_looked_at(file)
            return
        found.pieces += outline.bound.get(name, ())
        imports = outline.imports.get(name, ())
        for one in imports:
            yield from self.imported(file, one, found)
        if name not in outline.bound and not imports:
            for star in outline.stars:
                self.star(file, star, found)

    def imported(self, importer: Path, one: Imported, found: _Meaning) -> Iterator[tuple[Path, str]]:
        """Note what an import in a module binds; the member of another module that it hands on."""
        if self._reaching.is_library(importer, one):
            found.library = True
            return
        module = self._reaching.module(importer, one.level, one.module)
        if one.member:
            dotted = f"{one.module}.{one.member}" if one.module else one.member
            if module is not None:
                yield module, one.member
            module = self._reaching.module(importer, one.level, dotted)
        if module is not None:
            found.modules.append(module)

    def star(self, importer: Path, star: Imported, found: _Meaning) -> None:
        """``from module import *``: the names of the module are those of the importer."""
        if self._reaching.is_library(importer, star):
            found.library = True
        elif (module := self._reaching.module(importer, star.level, star.module)) is not None:
            found.modules.append(module)


class _Mentions:
    """Gathers what a piece with these names mentions through imports."""

    def __init__(self, reaching: Reaching, meanings: _Meanings, names: set[str]) -> None:
        self.pieces: list[Piece] = []
        self.library = False
        self._reaching = reaching
        self._meanings = meanings
        self._names = names
        self._public = {name for name in names if not name.startswith("_")}
        self._modules: set[tuple[Path, bool]] = set()
        self._members: set[tuple[Path, str]] = set()

    def take(self, importer: Path, one: Imported) -> None:
        """Something that an import in a module binds."""
        found = _Meaning()
        for module, name in self._meanings.imported(importer, one, found):
            self._member(module, name)
        self._take(found)

    def take_star(self, importer: Path, star: Imported) -> None:
        """``from module import *``: the names of the module are those of the importer, but for private ones."""
        found = _Meaning()
        self._meanings.star(importer, star, found)
        self._take(found, self._public)

    def _member(self, file: Path, name: str) -> None:
        if (file, name) not in self._members:
            self._members.add((file, name))
            self._take(self._meanings.of(file, name))

    def _take(self, meaning: _Meaning, names: set[str] | None = None) -> None:
        self.pieces += meaning.pieces
        self.library |= meaning.library
        for module in meaning.modules:
            self._module(module, self._names if names is None else names)

    def _module(self, file: Path, names: set[str]) -> None:
        """A module as a value: any of its names that the piece mentions."""
        seen = (file, names is self._public)
        if seen in self._modules:
            return
        self._modules.add(seen)
        offered = self._reaching.offered(file)
        self.library |= offered.library
        for name in names & offered.homes.keys():
            for home in offered.homes[name]:
                self._member(home, name)
        for name in names & offered.submodules.keys():
            for submodule in offered.submodules[name]:
                self._module(submodule, self._names)
