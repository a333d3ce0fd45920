"""The tokens of a text, and how it is laid out in lines."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

_NO_CODE = frozenset({tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER})
_PARTED_STRINGS = ("FSTRING", "TSTRING")
"""Strings that come in several tokens: f-strings from Python 3.12 on, t-strings from 3.14 on."""


def tokens_of(text: str) -> Iterator[tokenize.TokenInfo]:
    """The tokens of a text; of one that cannot be tokenized those before the fault."""
    try:
        yield from tokenize.generate_tokens(io.StringIO(text).readline)
    except (tokenize.TokenError, SyntaxError):
        return


class Layout(Struct):
    """Where statements end, and where comments can stand."""

    ends: dict[int, int] = field(default_factory=dict)
    """For each line of a statement its last one; of a compound statement only the head counts."""
    open_lines: set[int] = field(default_factory=set)
    """Lines that a comment can end: neither in a string, nor joined with the next one by a backslash."""

    def end_of(self, line: int) -> int:
        """The last line of the statement that a line belongs to."""
        return self.ends.get(line, line)

    def place_for_comment(self, line: int) -> int:
        """The line that a comment on a line can end: itself, or else the last of its statement."""
        return line if line in self.open_lines else self.end_of(line)

    def read(self, tokens: Iterable[tokenize.TokenInfo], above: int = 0) -> None:
        """Take in a text that stands below a number of lines."""
        first: int | None = None
        strings = 0
        for token in tokens:
            kind, line = tokenize.tok_name[token.type], token.start[0] + above
            if kind.startswith(_PARTED_STRINGS):
                strings += kind.endswith("_START") - kind.endswith("_END")
            if first is None and token.type not in _NO_CODE:
                first = line
            if token.type in (tokenize.NEWLINE, tokenize.NL) and not strings:
                self.open_lines.add(line)
            if token.type == tokenize.NEWLINE and first is not None:
                self.ends.update(dict.fromkeys(range(first, line + 1), line))
                first = None
