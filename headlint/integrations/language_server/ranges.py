"""From places to ranges: lines and columns from 0, and columns in the units that client and server agreed on."""

from __future__ import annotations

from lsprotocol.types import Position, Range
from pygls.workspace import PositionCodec

from headlint.findings.finding import Place
from headlint.integrations.language_server.requests import Lines


def range_of(place: Place, lines: Lines, codec: PositionCodec) -> Range:
    """The range of a place in its document or cell; ``lines`` holds the lines that it begins and ends on."""

    def position(line: int, column: int) -> Position:
        text = lines.get((place.path, place.cell, line), "")
        return Position(line - 1, codec.client_num_units(text[: column - 1]))

    return Range(position(place.line, place.column), position(place.end_line, place.end_column))


def touches(one: Range, other: Range) -> bool:
    """Whether two ranges have a character or an end in common."""
    return _key(one.start) <= _key(other.end) and _key(other.start) <= _key(one.end)


def _key(position: Position) -> tuple[int, int]:
    return position.line, position.character
