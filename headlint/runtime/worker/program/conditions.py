"""The numbers that a program compared before it raised: those of ``assert x.size(1) == self.width``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import FrameType
from typing import Any

from ..measuring.mentions import tree_of
from .trouble import own_frames


def sizes_compared(error: BaseException) -> Iterator[tuple[int, int]]:
    """The two whole numbers of each comparison in the condition for which the program raised an error; of two shapes those
    that differ."""
    frames = own_frames(error.__traceback__)
    if not frames:
        return
    frame, (line, *_) = frames[0]
    for test in conditions_at(frame, line):
        for node in ast.walk(test):
            match node:
                case ast.Compare(left=left, comparators=[right]):
                    yield from different(value_of(left, frame), value_of(right, frame))


def conditions_at(frame: FrameType, line: int) -> Iterator[ast.expr]:
    """The condition of the assertion on a line, or the one under which that line raises."""
    tree = tree_of(frame.f_code.co_filename)
    for node in ast.walk(tree) if tree is not None else ():
        match node:
            case ast.Assert(test=test) if node.lineno <= line <= (node.end_lineno or line):
                yield test
            case ast.If(test=test, body=body) if any(raises_at(statement, line) for statement in body):
                yield test


def raises_at(statement: ast.stmt, line: int) -> bool:
    """Whether a statement raises on a line."""
    return isinstance(statement, ast.Raise) and statement.lineno <= line <= (statement.end_lineno or line)


def value_of(node: ast.expr, frame: FrameType) -> Any:
    """What an expression gave in a frame; None where it raises."""
    try:
        return eval(compile(ast.Expression(node), "<condition>", "eval"), frame.f_globals, frame.f_locals)
    except Exception:  # whatever the user's expression raises
        return None


def different(one: Any, other: Any) -> Iterator[tuple[int, int]]:
    """The pairs of whole numbers in two numbers or shapes of equal length that differ."""
    match one, other:
        case int(), int():
            pairs = [(one, other)]
        case ((tuple() | list()), (tuple() | list())) if len(one) == len(other):
            pairs = [pair for pair in zip(one, other, strict=True) if all(type(size) is int for size in pair)]
        case _:
            pairs = []
    yield from (pair for pair in pairs if pair[0] != pair[1])
