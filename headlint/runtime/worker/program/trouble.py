"""An error of the user's program: which of the guesses the failing line reads, and what it does with them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from types import FrameType, TracebackType
from typing import Any

from ..measuring.mentions import tree_of
from .knobs import Knob
from .slicing import Namespace

Piece = tuple[int, int, int, int]
"""A piece of source: its first and last line, its first and last column."""

Frame = tuple[FrameType, Piece]
"""A call of the user's program, and what was running in it."""

MOST_CHOICES = 64
"""Entries of what a guess is looked up in, up to which they are taken for choices."""

SHORT = 3
"""Letters of a name up to which a text may have it by chance."""


def own_frames(trace: TracebackType | None) -> list[Frame]:
    """The frames of the user's program in a traceback, the innermost first, and the piece of source that was running."""
    found = []
    while trace is not None:
        if isinstance(trace.tb_frame.f_globals, Namespace):
            found.append((trace.tb_frame, piece_of(trace)))
        trace = trace.tb_next
    return found[::-1]


def piece_of(trace: TracebackType) -> Piece:
    """The first and last line and column of what was running; the whole line where Python does not tell more."""
    positions = getattr(trace.tb_frame.f_code, "co_positions", None)
    if positions is not None:
        for number, (line, last, column, end) in enumerate(positions()):
            if number == trace.tb_lasti // 2 and None not in (line, last, column, end):
                return line, last, column, end
    return trace.tb_lineno, trace.tb_lineno, 0, 10**6


def names_read(frame: FrameType, piece: Piece) -> set[str]:
    """The names, attributes and keys in a piece of source."""
    found = set()
    for node in nodes_in(frame, piece):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                found.add(plain(name))
    return found


def nodes_in(frame: FrameType, piece: Piece) -> Iterator[ast.AST]:
    """The syntax within a piece of source."""
    line, last, column, end = piece
    tree = tree_of(frame.f_code.co_filename)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.expr) and (node.lineno, node.col_offset) >= (line, column):
            if ((node.end_lineno or 0), (node.end_col_offset or 0)) <= (last, end):
                yield node


@dataclass(frozen=True)
class Trouble:
    """An error, its text, and the frames of the user's program that it went through."""

    error: BaseException
    text: str
    frames: list[Frame]

    @cached_property
    def names(self) -> list[set[str]]:
        """The names that the failing piece of each frame reads."""
        return [names_read(*one) for one in self.frames]

    def distance(self, knob: Knob) -> float:
        """How many calls lie between the failing line and the one that reads a guess by its name, or by its value."""
        own = plain(knob.name)
        if len(own) > SHORT and re.search(rf"\b{re.escape(knob.name)}\b", self.text):
            return 0
        for depth, (frame, _) in enumerate(self.frames):
            if own in self.names[depth]:
                return depth
            values = {plain(name): value for name, value in frame.f_locals.items()}
            if any(same(values.get(name), knob.value) for name in self.names[depth]):
                return depth + 0.5
        return len(self.frames)

    def reads(self, knob: Knob) -> bool:
        """Whether one of the failing lines reads a guess."""
        return self.distance(knob) < len(self.frames)


def plain(name: str) -> str:
    """A name without what tells a parameter from the attribute that keeps it."""
    return name.strip("_").lower()


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same object, or equal numbers or words."""
    return one is not None and (
        one is other or (type(one) is type(other) and isinstance(one, (int, float, str)) and one == other)
    )


def looks_up_words(frame: FrameType, piece: Piece) -> bool:
    """Whether a piece of source has a subscript that is a word."""
    return any(
        isinstance(node, ast.Subscript) and isinstance(named_value(node.slice, frame), str)
        for node in nodes_in(frame, piece)
    )


def looks_up_pairs(frame: FrameType, piece: Piece) -> bool:
    """Whether a piece of source has a subscript that is several numbers in brackets of their own: ``counts[(0, 1)]``."""
    return any(
        isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Tuple)
        and all(isinstance(part, ast.Constant) for part in node.slice.elts)
        for node in nodes_in(frame, piece)
    )


def compared_in(frame: FrameType, name: str, value: Any) -> Iterator[Any]:
    """The constants that a running function compares a name with, or what has that value by another name."""
    first = frame.f_code.co_firstlineno
    tree = tree_of(frame.f_code.co_filename)
    for function in ast.walk(tree) if tree is not None else ():
        if not isinstance(function, ast.FunctionDef) or function.name != frame.f_code.co_name:
            continue
        if not function.lineno - len(function.decorator_list) - 1 <= first <= function.lineno:
            continue
        for node in ast.walk(function):
            match node:
                case ast.Compare(left=left, comparators=[right]) if is_named(left, name) or same(
                    named_value(left, frame), value
                ):
                    parts = right.elts if isinstance(right, (ast.List, ast.Tuple, ast.Set)) else [right]
                    yield from (part.value for part in parts if isinstance(part, ast.Constant) and part.value)
                    yield from choices_in(named_value(right, frame))
                    yield from (named_value(part, frame) for part in parts if isinstance(part, ast.Attribute))
                case ast.Compare(left=ast.Constant(value=str(word)), ops=[ast.In()], comparators=[text]) if word and (
                    is_named(text, name) or same(named_value(text, frame), value)
                ):
                    yield word


def choices_in(value: Any) -> Iterator[Any]:
    """The words and numbers that a dictionary, list or set holds, as one that a guess is looked up in."""
    if isinstance(value, (dict, list, tuple, set, frozenset)) and len(value) <= MOST_CHOICES:
        yield from (one for one in value if isinstance(one, (str, int)))


def named_value(node: ast.expr, frame: FrameType) -> Any:
    """What a constant or a name such as ``Kinds.GRU`` gives; None for anything else, and where that raises."""
    if not isinstance(node, (ast.Constant, ast.Name, ast.Attribute)):
        return None
    try:
        return eval(compile(ast.Expression(node), "<name>", "eval"), frame.f_globals, frame.f_locals)
    except Exception:  # whatever the user's expression raises
        return None


def is_named(node: ast.expr, name: str) -> bool:
    """Whether an expression is the variable, attribute or key of that name, perhaps in other letters."""
    match node:
        case ast.Call(func=ast.Attribute(value=inner)):
            return is_named(inner, name)
        case ast.Name(id=found) | ast.Attribute(attr=found) | ast.Subscript(slice=ast.Constant(value=str(found))):
            return plain(found) == plain(name)
    return False
