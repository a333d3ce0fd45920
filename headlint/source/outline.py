"""What the code of a module binds, imports and mentions, seen by a search through its text: nothing is parsed.

Strings and comments are no code. A module is the sequence of its top-level statements; each is a piece of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from msgspec import Struct, field

_TEXTS = re.compile(
    r"""
      \#[^\n]*
    | (?P<formatted> [rR]?[fFtT][rR]? (?:
          \"{3}(?:[^\\]|\\.)*?\"{3} | '{3}(?:[^\\]|\\.)*?'{3} | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' ) )
    | \"{3}[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*\"{3}
    | '{3}[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'{3}
    | "[^"\\\n]*(?:\\.[^"\\\n]*)*"
    | '[^'\\\n]*(?:\\.[^'\\\n]*)*'
    """,
    re.DOTALL | re.VERBOSE,
)
_EXPRESSION = re.compile(r"\{([^{}]+)")
_NO_NAME = re.compile(r"[^\w.]+")
_BEGINNING = re.compile(r"^(?!(?:else|elif|except|finally)\b)(?=[^\s\])}])", re.MULTILINE)
_DEFINITION = re.compile(r"^(?:async[ \t]+def|def|class)[ \t]+(\w+)", re.MULTILINE)
_IMPORT = re.compile(
    r"(?:^|[;:])[ \t]*(?:from[ \t]*(\.*)[ \t]*([\w.]*)[ \t]+import\b[ \t]*(\([^)]*\)|[^\n;]*)|import[ \t]+([^\n;]*))",
    re.MULTILINE,
)
_IMPORTED = re.compile(r"([\w.]+|\*)(?:\s+as\s+(\w+))?")
_NAME = re.compile(r"[^\W\d]\w*")
_ASSIGNMENT = re.compile(
    r"^[ \t]*([^\W\d][\w \t,*]*?)\s*(?::[^=\n]+)?(?:[-+*/|&%@]{1,2})?=(?!=)|(?<![\w.])(\w+)\s*=(?!=)", re.MULTILINE
)
_BINDING = re.compile(
    r"(\w+)\s*:=|\bfor\s([^\n]+?)\sin\b|\bas\s+(\w+)|^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE
)
_TARGETS_IN_BRACKETS = re.compile(r"(?:^[ \t]*|=[ \t]*)[(\[]([\w \t,*()\[\]]+)[)\]][ \t]*(?==(?!=))", re.MULTILINE)
_BRACKETS = re.compile(r"\([^()\[\]{}]*\)|\[[^()\[\]{}]*\]|\{[^()\[\]{}]*\}")
_GLOBAL = re.compile(r"^[ \t]*(?:global|nonlocal)[ \t]+([\w, \t]+)", re.MULTILINE)
_LITERAL = re.compile(r"\s*[\w.]+\s*(?::[^=\n]*)?=\s*(?:[-\d]|\(|f?rozenset\(|None\b|True\b|False\b|$)")


class Imported(Struct, frozen=True):
    """What an import binds: a module (no member), or a member of one; ``level`` counts the dots before the module."""

    level: int
    module: str
    member: str = ""


class Piece(Struct, eq=False):
    """A top-level statement: what it binds in the module, what it imports for itself, and its text without strings."""

    code: str
    name: str = ""
    """Of a function or a class."""
    decorators: str = ""
    bound: frozenset[str] = frozenset()
    imports: dict[str, list[Imported]] = field(default_factory=dict)
    stars: list[Imported] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        """Every name that it mentions, attributes among them; not those that it only imports for the module."""
        return set(_NAME.findall(self.code if self.name else _IMPORT.sub(" ", self.code)))

    @property
    def imports_only(self) -> bool:
        """Whether it is an import, and nothing else."""
        return self.code.startswith(("import ", "from ")) and ";" not in self.code and bool(self.imports or self.stars)

    @property
    def holds_something(self) -> bool:
        """Whether it may bind something that others can put things into."""
        return bool(self.bound) and not self.name and _LITERAL.match(self.code) is None


class Outline(Struct, eq=False):
    """The pieces of a module, in order, and what is bound under each name at its top level."""

    pieces: list[Piece]
    bound: dict[str, list[Piece]] = field(default_factory=dict)
    imports: dict[str, list[Imported]] = field(default_factory=dict)
    stars: list[Imported] = field(default_factory=list)
    without_imports: bool = True

    @classmethod
    def of(cls, text: str) -> Outline:
        """The outline of a module's text."""
        found = cls([_piece(code) for code in _parts(code_of(text))])
        for piece in found.pieces:
            for name in piece.bound:
                found.bound.setdefault(name, []).append(piece)
            if not piece.name:
                found.stars += piece.stars
                for name, imports in piece.imports.items():
                    found.imports.setdefault(name, []).extend(imports)
                found.without_imports &= not piece.code.startswith(("import ", "from "))
        return found


def code_of(text: str) -> str:
    """The text without comments and strings; of strings with expressions in them the expressions' names."""
    kept: list[str] = []
    at = 0
    for match in _TEXTS.finditer(text):
        kept.append(text[at : match.start()])
        if match.lastgroup is not None:
            kept += [_NO_NAME.sub(" ", part) for part in _EXPRESSION.findall(match[0])]
        at = match.end()
    kept.append(text[at:])
    return " ".join(kept).replace("\\\n", " ")


def _parts(code: str) -> Iterator[str]:
    """The code cut where statements begin in the first column; decorators stay with what they decorate."""
    cuts = [0, *(match.start() for match in _BEGINNING.finditer(code)), len(code)]
    part, depth = "", 0
    for start, end in pairwise(cuts):
        more = code[start:end]
        part += more
        depth += _opened(more)
        if depth <= 0 and not (part.startswith("@") and _DEFINITION.search(part) is None):
            yield part
            part, depth = "", 0
    if part:
        yield part


def _opened(code: str) -> int:
    count = code.count
    return count("(") + count("[") + count("{") - count(")") - count("]") - count("}")


def _piece(code: str) -> Piece:
    imports: dict[str, list[Imported]] = {}
    stars: list[Imported] = []
    for name, imported in names_imported(code):
        if name == "*":
            stars.append(imported)
        else:
            imports.setdefault(name, []).append(imported)
    definitions = _DEFINITION.findall(code)
    if code.startswith(("@", "def", "class", "async")) and len(definitions) == 1:
        first = _DEFINITION.search(code)
        assert first is not None
        written = {name for names in _GLOBAL.findall(code) for name in _NAME.findall(names)}
        bound = frozenset({definitions[0], *written})
        return Piece(code, definitions[0], code[: first.start()], bound, imports, stars)
    piece = Piece(code, imports=imports, stars=stars)
    if not piece.imports_only:
        piece.bound = frozenset(_bound(code))
    return piece


def _bound(code: str) -> Iterator[str]:
    """The names that a statement which is no definition may bind, and perhaps a few more; not the keywords of calls."""
    for target in _TARGETS_IN_BRACKETS.findall(code):
        yield from _NAME.findall(target)
    for targets in (*_ASSIGNMENT.findall(_outside_brackets(code)), *_BINDING.findall(code)):
        for target in targets:
            yield from _NAME.findall(target)


def _outside_brackets(code: str) -> str:
    """The code without what stands between brackets."""
    found = 1
    while found:
        code, found = _BRACKETS.subn("", code)
    return code


def names_imported(code: str) -> Iterator[tuple[str, Imported]]:
    """The names that imports bind anywhere in some code, ``*`` among them."""
    for dots, module, names, plain in _IMPORT.findall(code):
        if not plain:
            for member, alias in _IMPORTED.findall(names):
                yield alias or member, Imported(len(dots), module, member)
            continue
        for dotted, alias in _IMPORTED.findall(plain):
            first = dotted.split(".", 1)[0]
            yield (alias or first), Imported(0, dotted if alias else first)
            if dotted != first and not alias:
                yield first, Imported(0, dotted)
