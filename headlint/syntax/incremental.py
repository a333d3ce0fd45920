"""Parsing a text that changes a little at a time: only the top-level statements that changed are parsed again.

The outcome is that of ``headlint.syntax.parse``. A module is the sequence of its top-level statements, so it may be
parsed piece by piece wherever each piece is a module by itself; where one is not, the whole text is parsed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from headlint.syntax import ir
from headlint.syntax.cutting import parts_of
from headlint.syntax.lower import Lowering
from headlint.syntax.parse import Span, SyntaxProblem, lowered, parse, refuse_hard_texts, span_of, tree_of


class _Piece(Struct):
    """A few statements that are a module by themselves, and what is known of them."""

    tree: ast.Module
    lines: Sequence[str]
    first: int = -1
    """The number that the numbering of ``statements`` begins with."""
    statements: tuple[ir.Statement, ...] = ()
    nodes: list[ast.AST] = field(default_factory=list)

    def number_from(self, first: int) -> None:
        """Lower the statements such that their numbers begin with ``first``."""
        if self.first != first:
            self.first, self.nodes = first, []
            self.statements = lowered(self.tree, Lowering(self.nodes, first)).body


class IncrementalParser:
    """Parses the versions of one document; remembers the statements of the last one."""

    def __init__(self) -> None:
        self._pieces: dict[str, _Piece] = {}
        self._text: str | None = None
        self._order: list[_Piece] = []

    def parse(self, text: str) -> ir.Module:
        """The module's meaning, as ``headlint.syntax.parse.parse`` gives it.

        Raises:
            SyntaxProblem: the text cannot be parsed, or is nested too deeply to be.
        """
        refuse_hard_texts(text)
        try:
            return ir.Module(tuple(statement for piece, _ in self._layout(text) for statement in piece.statements))
        except SyntaxProblem:
            return parse(text)

    def spans(self, text: str, wanted: set[int]) -> dict[int, Span]:
        """Where the numbered nodes of ``parse(text)`` stand."""
        found: dict[int, Span] = {}
        for piece, above in self._layout(text):
            for at in wanted.intersection(range(piece.first, piece.first + len(piece.nodes))):
                span = span_of(piece.nodes[at - piece.first], piece.lines)
                found[at] = replace(span, line=span.line + above, end_line=span.end_line + above)
        return found

    def _layout(self, text: str) -> Iterator[tuple[_Piece, int]]:
        """The pieces of a text in order, and how many lines stand above each.

        A piece that the text has twice is the same one, numbered anew: it must be looked at before the next is taken.
        """
        if text != self._text:
            parts = parts_of(text)
            try:
                self._pieces = {part: self._pieces.get(part) or _parsed(part) for part in parts}
            except SyntaxProblem:
                parts = [text]
                self._pieces = {text: _parsed(text)}
            self._text, self._order = text, [self._pieces[part] for part in parts]
        return self._numbered()

    def _numbered(self) -> Iterator[tuple[_Piece, int]]:
        above = number = 0
        for piece in self._order:
            piece.number_from(number)
            yield piece, above
            above += len(piece.lines) - 1
            number += len(piece.nodes)


def _parsed(text: str) -> _Piece:
    return _Piece(tree_of(text), text.split("\n"))
