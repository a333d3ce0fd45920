"""Comments that switch findings off: ``# noqa``, ``# headlint: ignore[…]`` and ``# headlint: skip-file``."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_QUICK = re.compile(r"noqa|headlint:", re.IGNORECASE)
_NOQA = re.compile(r"#\s*noqa(?:\s*:\s*(?P<codes>[A-Z]\w*(?:[\s,]+[A-Z]+[0-9]\w*)*))?", re.IGNORECASE)
_IGNORE = re.compile(r"#\s*headlint:\s*ignore(?:\[(?P<codes>[^\]]*)\])?", re.IGNORECASE)
_SKIP_FILE = re.compile(r"^\s*#\s*(?:headlint:\s*skip-file|flake8[:=]\s*noqa\s*$)", re.IGNORECASE)
_OUR_CODE = re.compile(r"HL[0-9]*$", re.IGNORECASE)


@dataclass(frozen=True)
class UnusedSuppression:
    """A comment that switches nothing off."""

    line: int
    column: int
    end_column: int
    codes: tuple[str, ...]


@dataclass
class _Comment:
    line: int
    column: int
    end_column: int
    codes: tuple[str, ...]
    ours: bool
    """Whether it speaks to headlint alone."""
    used: set[str] = field(default_factory=set)

    def covers(self, code: str, name: str) -> bool:
        if not self.codes:
            self.used.add("")
            return True
        matching = {own for own in self.codes if code.upper().startswith(own.upper()) or own.lower() == name}
        self.used |= matching
        return bool(matching)


@dataclass
class Suppressions:
    """The comments of one file; remembers which of them were of use."""

    comments: dict[int, list[_Comment]] = field(default_factory=dict)
    skip_file: bool = False

    @classmethod
    def of(cls, text: str) -> Suppressions:
        """The suppressions in a text. Strings that look like comments are none."""
        found = cls()
        if not _QUICK.search(text):
            return found
        for line, column, comment in _comments(text):
            if _SKIP_FILE.match(comment):
                found.skip_file = True
            for match in _IGNORE.finditer(comment):
                codes = tuple(code.strip() for code in (match.group("codes") or "").split(",") if code.strip())
                found._add(line, column + match.start(), column + match.end(), codes, ours=True)
            for match in _NOQA.finditer(comment):
                codes = tuple(re.split(r"[\s,]+", match.group("codes"))) if match.group("codes") else ()
                found._add(line, column + match.start(), column + match.end(), codes, ours=False)
        return found

    def _add(self, line: int, column: int, end_column: int, codes: tuple[str, ...], ours: bool) -> None:
        self.comments.setdefault(line, []).append(_Comment(line, column + 1, end_column + 1, codes, ours))

    def covers(self, code: str, name: str, line: int, end_line: int | None = None) -> bool:
        """Whether a finding is switched off by a comment on its first or last line, or for the whole file."""
        if self.skip_file:
            return True
        lines = {line, end_line or line}
        verdicts = [comment.covers(code, name) for one in lines for comment in self.comments.get(one, ())]
        return any(verdicts)

    def unused(self, active: Callable[[str], bool]) -> tuple[UnusedSuppression, ...]:
        """The comments meant for headlint that covered nothing. A code that is not ``active`` is not judged."""
        found: list[UnusedSuppression] = []
        for comment in (comment for comments in self.comments.values() for comment in comments):
            if not comment.codes:
                if comment.ours and not comment.used:
                    found.append(UnusedSuppression(comment.line, comment.column, comment.end_column, ()))
                continue
            judged = [code for code in comment.codes if comment.ours or _OUR_CODE.match(code)]
            idle = tuple(
                code for code in judged if code not in comment.used and (active(code) or not _OUR_CODE.match(code))
            )
            if idle:
                found.append(UnusedSuppression(comment.line, comment.column, comment.end_column, idle))
        return tuple(sorted(found, key=lambda unused: (unused.line, unused.column)))


def _comments(text: str) -> Iterator[tuple[int, int, str]]:
    """Line, column (0-based) and text of every comment; a text that cannot be tokenized gives those before the fault."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.start[1], token.string
    except (tokenize.TokenError, SyntaxError):
        return
