"""Where a comment that switches a finding off can be written."""

from __future__ import annotations

import io
import re
import tokenize

_OURS = re.compile(r"#\s*headlint:\s*ignore\[(?P<names>[^\]]*)\]", re.IGNORECASE)


def suppressing(text: str, name: str, lines: tuple[int, ...]) -> tuple[int, int, str] | None:
    """Where to insert what, so that a comment on one of some lines suppresses a rule: line, column (from 1) and text.

    A comment of that kind is extended. None when no comment can stand on any of the lines: they end within a string, or
    are continued with a backslash.
    """
    ends = _line_ends(text)
    for line in lines:
        if line not in ends:
            continue
        source = text.split("\n")[line - 1]
        comment = _OURS.search(source, ends[line])
        if comment is not None:
            return line, comment.end("names") + 1, f", {name}" if comment["names"].strip() else name
        return line, len(source.rstrip()) + 1, f"  # headlint: ignore[{name}]"
    return None


def _line_ends(text: str) -> dict[int, int]:
    """The lines that a comment can end, each with the column (from 0) behind its last token that is no comment."""
    ends: dict[int, int] = {}
    last = (0, 0)
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in (tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER):
                line = last[0] if token.type == tokenize.ENDMARKER else token.start[0]
                ends.setdefault(line, last[1] if last[0] == line else 0)
            elif token.type not in (tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT):
                last = token.end
    except (tokenize.TokenError, SyntaxError):
        pass
    return ends
