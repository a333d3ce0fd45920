"""The tokens of a text: its comments, and the lines that no comment can end."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterable, Iterator

_LINE_ENDS = frozenset({tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT})
_PARTED_STRINGS = ("FSTRING", "TSTRING")
"""Strings that come in several tokens: f-strings from Python 3.12 on, t-strings from 3.14 on."""


def tokens_of(text: str) -> Iterator[tokenize.TokenInfo]:
    """The tokens of a text; of one that cannot be tokenized those before the fault."""
    try:
        yield from tokenize.generate_tokens(io.StringIO(text).readline)
    except (tokenize.TokenError, SyntaxError):
        return


def continued_lines(tokens: Iterable[tokenize.TokenInfo]) -> frozenset[int]:
    """The lines whose end stands in a string, or that a backslash joins with the next one."""
    continued: set[int] = set()
    last: tokenize.TokenInfo | None = None
    open_strings: list[int] = []
    for token in tokens:
        kind = tokenize.tok_name[token.type]
        first = token.start[0]
        if kind.startswith(_PARTED_STRINGS) and kind.endswith("_START"):
            open_strings.append(first)
        elif kind.startswith(_PARTED_STRINGS) and kind.endswith("_END"):
            first = open_strings.pop()
        elif token.type != tokenize.STRING:
            first = token.end[0]
        continued.update(range(first, token.end[0]))
        if last is not None and last.type not in _LINE_ENDS:
            continued.update(range(last.end[0], token.start[0]))
        last = token
    return frozenset(continued)
