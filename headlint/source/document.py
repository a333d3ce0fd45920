"""Reading one file: its encoding, its line endings, and the cells of a notebook."""

from __future__ import annotations

import codecs
import io
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

LARGEST_FILE = 10_000_000
"""Bytes beyond which a file is data and not a program."""


class UnreadableError(Exception):
    """The bytes are no program text: the message says why, in one line."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class Document(Struct, frozen=True):
    """The text of a script, or of all code cells of a notebook one below the other."""

    path: str
    text: str
    cells: tuple[tuple[int, int], ...] = ()
    """For a notebook: each code cell's number as the user counts them, and the line of ``text`` on which it begins."""
    notebook: bool = False
    salvaged: str | None = None
    """Where the text cannot be parsed: the same lines without what stands in the way."""
    shifts: Mapping[int, int] = field(default_factory=dict)
    """By line: how many columns further right than in the text it stands in what was salvaged."""

    @property
    def code(self) -> str:
        """What is parsed."""
        return self.text if self.salvaged is None else self.salvaged

    def locate(self, line: int) -> tuple[int | None, int]:
        """The cell (None in a script) and the line within it that a line of ``text`` is."""
        if not self.cells:
            return None, line
        index = max(0, bisect_right([first for _, first in self.cells], line) - 1)
        number, first = self.cells[index]
        return number, line - first + 1

    def programs(self) -> Iterator[tuple[int, str]]:
        """The whole text, or that of each cell, with the line on which it begins."""
        if not self.notebook:
            yield 1, self.code
        lines = self.code.split("\n")
        for cell, first in self.cells:
            yield first, "\n".join(lines[self._lines_of(cell)])

    def first_line(self, cell: int) -> int:
        """The line of ``text`` on which a cell begins."""
        return dict(self.cells)[cell]

    def cell_text(self, cell: int) -> str:
        """The text of one cell."""
        return "\n".join(self.text.split("\n")[self._lines_of(cell)])

    def with_salvaged(self, first: int, text: str, shifts: Mapping[int, int]) -> Document:
        """The document with what was salvaged of the program that begins on a line: the whole text, or a cell."""
        lines = self.code.split("\n")
        own = text.split("\n")
        lines[first - 1 : first - 1 + len(own)] = own
        moved = {line + first - 1: shift for line, shift in shifts.items()}
        return replace(self, salvaged="\n".join(lines), shifts={**self.shifts, **moved})

    def _lines_of(self, cell: int) -> slice:
        firsts = [first for _, first in self.cells]
        position = [number for number, _ in self.cells].index(cell)
        following = firsts[position + 1] - 1 if position + 1 < len(firsts) else None
        return slice(firsts[position] - 1, following)


def read_document(path: Path, data: bytes | None = None) -> Document:
    """The document in a file, or in ``data`` as if it were the file's bytes.

    Raises:
        OSError: the file cannot be read.
        UnreadableError: its bytes are no text, or no notebook.
    """
    if data is None:
        data = path.read_bytes()
    _refuse_large(data)
    return _document(path, decode(data))


def document_of(path: Path, text: str) -> Document:
    """The document of a file's text, whatever encoding a comment in it declares.

    Raises:
        UnreadableError: it is no program text, or no notebook.
    """
    _refuse_large(text)
    if not text.isascii() and (half := _HALF_CHARACTER.search(text)):
        raise UnreadableError("contains half a surrogate pair", text.count("\n", 0, half.start()) + 1, 1)
    return _document(path, _normalised(text))


def _refuse_large(content: bytes | str) -> None:
    if len(content) > LARGEST_FILE:
        raise UnreadableError(f"larger than {LARGEST_FILE // 1_000_000} MB, which is too large to check")


def _document(path: Path, text: str) -> Document:
    if path.suffix != ".ipynb":
        return Document(str(path), text)
    from headlint.source.notebook import code_of

    code, cells = code_of(text)
    return Document(str(path), code, cells, notebook=True)


_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_DECLARATION = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


def decode(data: bytes) -> str:
    """The text of some bytes, with every line ended by a single newline (PEP 263, byte order marks).

    Raises:
        UnreadableError: they are no text in the encoding they declare.
    """
    encoding = _encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UnreadableError(f"is not valid {encoding}", line, 1) from None
    except LookupError:
        raise UnreadableError(f"declares an unknown encoding: {encoding}", 1, 1) from None
    return _normalised(text)


def _normalised(text: str) -> str:
    """The text without a byte order mark, with every line ended by a single newline."""
    if "\0" in text:
        raise UnreadableError("contains a null byte", text[: text.index("\0")].count("\n") + 1, 1)
    text = text.removeprefix("\ufeff")
    return io.StringIO(text, newline=None).read()


def _encoding(data: bytes) -> str:
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for line in data.split(b"\n", 2)[:2]:
        match = _DECLARATION.match(line)
        if match:
            return match.group(1).decode("ascii")
    return "utf-8"
