"""Parsing: text to the intermediate representation, and the places of the expressions somebody asks for."""

from __future__ import annotations

import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headlint.source.tokens import tokens_of
from headlint.syntax import ir
from headlint.syntax.cutting import chunks_of

if TYPE_CHECKING:
    from libcst.metadata import CodeRange


@dataclass(frozen=True)
class Span:
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
    """The text is no Python that libcst can parse."""

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
    import gc

    import libcst

    refuse_hard_texts(text)
    collecting = gc.isenabled()
    gc.disable()  # a tree has no cycles: collecting while it grows costs a tenth of the parse
    try:
        return _in_chunks(text) or _lowered((text,))
    except libcst.ParserSyntaxError as error:
        raise _explained(text, error.raw_line, error.raw_column + 1) from None
    except RecursionError:
        raise SyntaxProblem("nested too deeply to be analysed", 1, 1) from None
    finally:
        if collecting:
            gc.enable()


def _in_chunks(text: str) -> ir.Module | None:
    """The meaning of a text whose chunks are modules by themselves, as they nearly always are."""
    import libcst

    chunks = chunks_of(text)
    try:
        return _lowered(chunks) if len(chunks) > 1 else None
    except libcst.ParserSyntaxError:
        return None


def _lowered(chunks: Sequence[str]) -> ir.Module:
    import libcst

    from headlint.syntax.lower import Lowering

    statements: list[ir.Statement] = []
    firsts = [0]
    for chunk in chunks:
        lowering = Lowering(first=firsts[-1])
        statements += lowering.module(libcst.parse_module(chunk)).body
        firsts.append(lowering.following)
    return ir.Module(tuple(statements), tuple(firsts[:-1]))


def is_program(text: str) -> bool:
    """Whether Python's own parser takes the text, which it tells much faster than the meaning can be had."""
    import ast
    import warnings

    try:
        refuse_hard_texts(text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxProblem, SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def spans(text: str, wanted: Iterable[int], firsts: Sequence[int] = (0,)) -> dict[int, Span]:
    """The places of the numbered nodes of ``parse(text)``, whose ``firsts`` tell in which chunks of the text they stand.

    Positions cost as much as the parse, so they are computed only for the chunks that have something to report.
    """
    chunks = chunks_of(text) if len(firsts) > 1 else [text]
    by_chunk: dict[int, list[int]] = {}
    for at in wanted:
        by_chunk.setdefault(bisect_right(firsts, at) - 1, []).append(at)
    found: dict[int, Span] = {}
    for index, numbers in by_chunk.items():
        if index >= 0:
            above = sum(chunk.count("\n") for chunk in chunks[:index])
            found.update(_spans_in(chunks[index], firsts[index], numbers, above))
    return found


def _spans_in(chunk: str, first: int, wanted: Iterable[int], above: int) -> Iterator[tuple[int, Span]]:
    """The places of nodes of a chunk whose numbering begins with ``first``, with ``above`` lines of text above it."""
    import libcst
    from libcst.metadata import MetadataWrapper, PositionProvider

    from headlint.syntax.lower import Lowering

    nodes: list[libcst.CSTNode] = []
    wrapper = MetadataWrapper(libcst.parse_module(chunk), unsafe_skip_copy=True)
    Lowering(nodes, first).module(wrapper.module)
    positions = wrapper.resolve(PositionProvider)
    for at in wanted:
        if first <= at < first + len(nodes) and (position := positions.get(nodes[at - first])) is not None:
            span = span_of(position)
            yield at, replace(span, line=span.line + above, end_line=span.end_line + above)


def span_of(position: CodeRange) -> Span:
    """A place as libcst gives it, with columns from 1."""
    return Span(position.start.line, position.start.column + 1, position.end.line, position.end.column + 1)


def _explained(text: str, line: int, column: int) -> SyntaxProblem:
    """What is wrong, in the words of Python's own parser, which are known to everybody."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "", "exec", dont_inherit=True)
    except SyntaxError as error:
        return SyntaxProblem(error.msg, error.lineno or line, error.offset or column)
    except (ValueError, RecursionError, MemoryError, OverflowError):
        return SyntaxProblem("invalid syntax", line, column)
    return SyntaxProblem("written for a newer Python than the parser knows", line, column)


def refuse_hard_texts(text: str) -> None:
    """Brackets within brackets exhaust the parser's stack; long chains of calls and sums take it too long.

    Raises:
        SyntaxProblem: the text has more of these than can be parsed.
    """
    depth = 0
    chained = 0
    for number, line in enumerate(text.split("\n"), 1):
        chained = (chained if line.lstrip().startswith((".", ").")) else 0) + line.count(").")
        if chained > LONGEST_CHAIN:
            raise SyntaxProblem("a chain of calls too long to be analysed", number, 1)
        for bracket in _BRACKETS.findall(line):
            depth = depth + 1 if bracket in "([{" else max(0, depth - 1)
            if depth > DEEPEST_NESTING:
                raise SyntaxProblem("nested too deeply to be analysed", number, 1)
    if sum(map(text.count, _OPERATORS)) > LONGEST_SUM:
        _refuse_long_sums(text)


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
