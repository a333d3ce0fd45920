"""Parsing: text to the intermediate representation, and the places of the expressions somebody asks for."""

from __future__ import annotations

import ast
import gc
import re
import tokenize
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from headlint.source.tokens import tokens_of
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.syntax.lower import Lowering


class Span(Struct, frozen=True):
    """Where an expression stands: 1-based lines and columns in characters, the end column exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    def moved(self, shifts: Mapping[int, int]) -> Span:
        """The same place in a text whose lines stand further left by so many columns."""
        column = self.column - shifts.get(self.line, 0)
        return Span(self.line, column, self.end_line, self.end_column - shifts.get(self.end_line, 0))


class SyntaxProblem(Exception):
    """The text is no Python that can be parsed."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


DEEPEST_NESTING = 150
"""Brackets within brackets; the recursive parser would run out of stack far beyond this."""

LONGEST_CHAIN = 600
"""Calls in a chain; this many take a second."""

LONGEST_SUM = 2000
"""Operators in a row; the parser's time grows with the cube of their number, and this many take a second."""

_OPERATORS = ("+", "-", "*", "/", "%", "@", "|", "&", "^")

_BRACKETS = re.compile(r"[(){}\[\]]")


def parse(text: str) -> ir.Module:
    """The module's meaning.

    Raises:
        SyntaxProblem: the text cannot be parsed, or is nested too deeply to be.
    """
    from headlint.syntax.lower import Lowering

    return lowered(tree_of(text), Lowering())


def tree_of(text: str) -> ast.Module:
    """The tree that Python's own parser makes of a text: libcst's takes ten times as long, and only fixes need it.

    Raises:
        SyntaxProblem: the text cannot be parsed, or is nested too deeply to be.
    """
    refuse_hard_texts(text)
    collecting = gc.isenabled()
    gc.disable()  # a tree has no cycles: collecting while it grows costs a tenth of the parse
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        raise SyntaxProblem(error.msg, error.lineno or 1, error.offset or 1) from None
    except (RecursionError, MemoryError):  # the parser gives up with either, by the version of Python
        raise _too_deep() from None
    except (ValueError, OverflowError):
        raise SyntaxProblem("invalid syntax", 1, 1) from None
    finally:
        if collecting:
            gc.enable()


def lowered(tree: ast.Module, lowering: Lowering) -> ir.Module:
    """The meaning of a tree.

    Raises:
        SyntaxProblem: it is too deep.
    """
    try:
        return lowering.module(tree)
    except RecursionError:
        raise _too_deep() from None


def _too_deep() -> SyntaxProblem:
    return SyntaxProblem("nested too deeply to be analysed", 1, 1)


def is_program(text: str) -> bool:
    """Whether a text can be parsed."""
    try:
        tree_of(text)
    except SyntaxProblem:
        return False
    return True


def spans(text: str, wanted: Iterable[int]) -> dict[int, Span]:
    """The places of the numbered nodes of ``parse(text)``."""
    from headlint.syntax.lower import Lowering

    nodes: list[ast.AST] = []
    lowered(tree_of(text), Lowering(nodes))
    lines = text.split("\n")
    return {at: span_of(nodes[at], lines) for at in wanted if 0 <= at < len(nodes)}


def span_of(node: ast.AST, lines: Sequence[str]) -> Span:
    """The place of a node in a text of these lines; Python's parser counts columns in bytes of UTF-8."""
    assert isinstance(node, ast.expr | ast.stmt | ast.pattern)
    end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
    return Span(
        node.lineno,
        _characters(lines[node.lineno - 1], node.col_offset) + 1,
        end_line,
        _characters(lines[end_line - 1], end_column) + 1,
    )


def _characters(line: str, size: int) -> int:
    """How many characters the first bytes of a line are."""
    return size if line.isascii() else len(line.encode("utf-8", "surrogatepass")[:size].decode("utf-8", "replace"))


def refuse_hard_texts(text: str) -> None:
    """Brackets within brackets exhaust the parser's stack; long chains of calls and sums take it too long.

    Raises:
        SyntaxProblem: the text has more of these than can be parsed.
    """
    if text.count(").") > LONGEST_CHAIN:
        _refuse_long_chains(text)
    depth = 0
    for bracket in _BRACKETS.finditer(text):
        if bracket[0] in "([{":
            depth += 1
            if depth > DEEPEST_NESTING:
                raise SyntaxProblem("nested too deeply to be analysed", text.count("\n", 0, bracket.start()) + 1, 1)
        elif depth:
            depth -= 1
    if sum(map(text.count, _OPERATORS)) > LONGEST_SUM:
        _refuse_long_sums(text)


def _refuse_long_chains(text: str) -> None:
    chained = 0
    for number, line in enumerate(text.split("\n"), 1):
        chained = (chained if line.lstrip().startswith((".", ").")) else 0) + line.count(").")
        if chained > LONGEST_CHAIN:
            raise SyntaxProblem("a chain of calls too long to be analysed", number, 1)


def _refuse_long_sums(text: str) -> None:
    """Only tokens tell operators from the same characters in strings."""
    counts = [0]  # since the last beginning of an expression, on each level of brackets
    for token in tokens_of(text):
        if token.type == tokenize.NEWLINE:
            counts = [0]
        elif token.type == tokenize.OP:
            match token.string:
                case "(" | "[" | "{":
                    counts.append(0)
                case ")" | "]" | "}":
                    counts = counts[:-1] or [0]
                case "," | ":" | "=" | ";":
                    counts[-1] = 0
                case operator if operator.startswith(_OPERATORS):
                    counts[-1] += 1
        if counts[-1] > LONGEST_SUM:
            raise SyntaxProblem("a sum too long to be analysed", token.start[0], 1)
