"""Comments that switch findings off: ``# noqa``, ``# headlint: ignore[…]`` and ``# headlint: skip-file``."""

from __future__ import annotations

import re
import tokenize
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct, field

from headlint.source.document import Document
from headlint.source.tokens import Layout, tokens_of

_QUICK = re.compile(r"noqa|headlint:", re.IGNORECASE)
_NOQA = re.compile(r"#\s*noqa(?:\s*:\s*(?P<codes>[A-Z]\w*(?:[\s,]+[A-Z]+[0-9]\w*)*))?", re.IGNORECASE)
_IGNORE = re.compile(r"#\s*headlint:\s*ignore(?:\[(?P<codes>[^\]]*)\])?", re.IGNORECASE)
_SKIP_FILE = re.compile(r"^\s*#\s*headlint:\s*skip-file", re.IGNORECASE)
_NOQA_FILE = re.compile(r"^\s*#\s*flake8[:=]\s*noqa\s*$", re.IGNORECASE)
_OUR_CODE = re.compile(r"HL[0-9]*$", re.IGNORECASE)


class UnusedSuppression(Struct, frozen=True):
    """A comment that switches nothing off."""

    line: int
    column: int
    end_column: int
    codes: tuple[str, ...]


class Rewriting(Struct, frozen=True):
    """A stretch of a line (columns from 1, the end exclusive) and what to write in its place."""

    line: int
    column: int
    end_column: int
    text: str


class _Comment(Struct):
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


class Suppressions(Struct):
    """The comments of one file; remembers which of them were of use."""

    comments: dict[int, list[_Comment]] = field(default_factory=dict)
    layout: Layout = field(default_factory=Layout)
    skip_file: bool = False
    noqa_file: bool = False

    @classmethod
    def of(cls, document: Document) -> Suppressions:
        """The suppressions in a script or a notebook. Strings that look like comments are none."""
        found = cls()
        if _QUICK.search(document.text):
            for first, text in document.programs():
                found._read(text, first - 1)
        return found

    def _read(self, text: str, above: int) -> None:
        """Take in the comments of a text that stands below a number of lines."""
        tokens = list(tokens_of(text))
        self.layout.read(tokens, above)
        for token in tokens:
            if token.type != tokenize.COMMENT:
                continue
            comment, line, column = token.string, token.start[0] + above, token.start[1]
            self.skip_file |= bool(_SKIP_FILE.match(comment))
            self.noqa_file |= bool(_NOQA_FILE.match(comment))
            for match in _IGNORE.finditer(comment):
                codes = tuple(code.strip() for code in (match.group("codes") or "").split(",") if code.strip())
                self._add(line, column + match.start(), column + match.end(), codes, ours=True)
            for match in _NOQA.finditer(comment):
                codes = tuple(re.split(r"[\s,]+", match.group("codes"))) if match.group("codes") else ()
                self._add(line, column + match.start(), column + match.end(), codes, ours=False)

    def _add(self, line: int, column: int, end_column: int, codes: tuple[str, ...], ours: bool) -> None:
        self.comments.setdefault(line, []).append(_Comment(line, column + 1, end_column + 1, codes, ours))

    def covers(self, code: str, name: str, line: int, end_line: int, noqa: bool = True) -> bool:
        """Whether a finding is switched off by a comment on its first or last line, or the last of its statement, or for
        the whole file.

        Without ``noqa`` only the comments for headlint alone count; the others are of use all the same.
        """
        if self.skip_file or (noqa and self.noqa_file):
            return True
        verdicts = [
            comment.ours or noqa for comment in self._comments_for(line, end_line) if comment.covers(code, name)
        ]
        return any(verdicts)

    def _comments_for(self, line: int, end_line: int) -> Iterator[_Comment]:
        for one in dict.fromkeys((line, end_line, self.layout.end_of(line), self.layout.end_of(end_line))):
            yield from self.comments.get(one, ())

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


def suppressing(text: str, wanted: Iterable[tuple[str, int, int]]) -> tuple[Rewriting, ...]:
    """How a text is to be rewritten for comments to switch findings off.

    ``wanted`` are the rules' names with the first and the last line of each finding. A comment for headlint that is
    there already is added to, and others are left as they are.
    """
    found = Suppressions()
    found._read(text, 0)
    named: dict[int, list[str]] = {}
    for name, line, end_line in wanted:
        ours = (comment.line for comment in found._comments_for(line, end_line) if comment.ours)
        named.setdefault(next(ours, found.layout.place_for_comment(line)), []).append(name)
    lines = text.split("\n")
    return tuple(_rewriting(lines[line - 1], line, names, found) for line, names in sorted(named.items()))


def _rewriting(text: str, line: int, names: Iterable[str], known: Suppressions) -> Rewriting:
    comment = next((one for one in known.comments.get(line, ()) if one.ours), None)
    listed = ", ".join(dict.fromkeys((*(comment.codes if comment else ()), *sorted(names))))
    if comment is not None:
        return Rewriting(line, comment.column, comment.end_column, f"# headlint: ignore[{listed}]")
    return Rewriting(line, len(text.rstrip()) + 1, len(text) + 1, f"  # headlint: ignore[{listed}]")
