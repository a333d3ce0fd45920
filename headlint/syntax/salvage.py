"""What is left of a text that cannot be parsed when the statements that cannot be are taken out, line by line in place.

Only texts that fail to parse come here. A statement is taken out alone wherever its neighbours stand by themselves: what
it assigns or changes becomes an f-string, which is a value that nobody follows. Python 2 is written as Python 3.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field

from headlint.syntax.dialects import as_python3
from headlint.syntax.logical_lines import COMPOUND, LogicalLine, logical_lines, margin_of, without_merge_marks
from headlint.syntax.parse import SyntaxProblem, refuse_hard_texts

UNKNOWN = 'f""'
"""An expression whose value nobody follows."""

MOST_NESTED = 60
"""Blocks within blocks that are looked into."""

_BOUND = re.compile(r"(?:async\s+)?(?:def|class)\s+(\w+)")
_ASSIGNED = re.compile(r"([\w.]+(?:\s*,\s*[\w.]+)*)\s*(?:[-+*/@%&|^]|//|\*\*|<<|>>)?=(?!=)")
_CHANGED = re.compile(r"([A-Za-z_][\w.]*?)(?:\.\w+\s*\(|\s*\[)")
_CHANGES_NOTHING = re.compile(r"(?:import|from|print|exec|assert|del|global|nonlocal|pass|break|continue|lambda)\b")
_IMPORTED = re.compile(r"^[ \t]*(?:from\s[^\n]*)?import\s([^\n]*)", re.MULTILINE)
_BEFORE_CLAUSE = {"except": "try", "finally": "try", "elif": "if 1", "else": "if 1"}
_WITHOUT_CONDITION = {
    **{word: f"{word} {UNKNOWN}:" for word in ("if", "elif", "while")},
    **{word: f"{word}:" for word in ("else", "try", "except", "finally")},
    "for": f"while {UNKNOWN}:",
    "with": "if 1:",
}


class Salvaged(Struct, frozen=True):
    """A text that can be parsed, with as many lines as the one it came from."""

    text: str
    shifts: Mapping[int, int] = field(default_factory=dict)
    """By line (from 1): how many columns further right than in the original it stands."""


def salvage(text: str) -> Salvaged:
    """The text without what cannot be parsed."""
    work = _Salvage(without_merge_marks(text.split("\n")))
    work.block(logical_lines(work.lines), "", 0)
    return Salvaged("\n".join(work.lines), work.shifts)


class _Salvage:
    """The lines of a text, which are changed in place."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.shifts: dict[int, int] = {}
        imports = _IMPORTED.findall("\n".join(lines))
        self.imported = {name for names in imports for name in re.findall(r"\w+", names)}

    def block(self, block: Sequence[LogicalLine], margin: str, depth: int) -> None:
        """Save what can be of the statements of one block, and let all begin at its margin."""
        for group in _statements(block):
            self._move(group, margin)
            if not self._stands(group):
                self._save(group, margin, depth)

    def _save(self, group: Sequence[LogicalLine], margin: str, depth: int) -> None:
        head, inner = group[0], group[1:]
        if depth >= MOST_NESTED:
            self._leave_out(group, margin)
        elif not inner:
            self._save_line(head, margin)
        elif head.compound or head.decorates:
            self._save_compound(group, margin, depth)
        else:
            self.block([head], margin, depth + 1)
            self.block(inner, margin, depth + 1)

    def _save_line(self, line: LogicalLine, margin: str) -> None:
        """A statement on a line of its own: written as Python 3, finished, or left out."""
        modern = as_python3(self._text([line]))
        finished = (f"{modern.rstrip()} pass", f"{modern.rstrip()}: pass") if line.compound else ()
        for text in (modern, *finished):
            if _parses(text, margin):
                self._write(line, text)
                return
        self._leave_out([line], margin)

    def _save_compound(self, group: Sequence[LogicalLine], margin: str, depth: int) -> None:
        """A statement with one block or several: their heads and the statements in them are saved one by one."""
        clauses = list(_clauses(group))
        for heads, inner in clauses:
            if not self._save_head(heads, margin):
                self._leave_out(group, margin)
                return
            if inner:
                self.block(inner, self._margin_within(margin, inner[0]), depth + 1)
        if len(clauses) == 1 and self._word(group[0]) == "try":
            self._write(group[0], f"{margin}if 1:")
        if not self._stands(group):
            self._leave_out(group, margin)

    def _margin_within(self, margin: str, first: LogicalLine) -> str:
        """The margin of a block, which must begin as that of its head does: tabs and spaces may be mixed."""
        own = margin_of(self.lines[first.first])
        return own if own.startswith(margin) and own != margin else f"{margin}    "

    def _save_head(self, heads: Sequence[LogicalLine], margin: str) -> bool:
        """Make the head of a block, which may have decorators, one that can be parsed; whether there is a way."""
        whole = LogicalLine(heads[0].first, heads[-1].last, heads[0].indent)
        word = self._word(heads[-1])
        modern = as_python3(self._text(heads))
        for text in (modern, f"{modern.rstrip()}:"):
            if _is_head(text, word, margin):
                self._write(whole, text)
                return True
        if word not in _WITHOUT_CONDITION or len(heads) > 1:
            return False
        self._write(whole, margin + _WITHOUT_CONDITION[word])
        return True

    def _leave_out(self, group: Sequence[LogicalLine], margin: str) -> None:
        """Put a harmless line in place of a statement: what it binds or changes is unknown from then on."""
        heads = [self._code(line) for line in group]
        code = next((head for head in heads if _BOUND.match(head)), heads[0])
        whole = LogicalLine(group[0].first, group[-1].last, group[0].indent)
        self._write(whole, margin + self._in_place_of(code))

    def _in_place_of(self, code: str) -> str:
        if bound := _BOUND.match(code):
            return f"{bound.group(1)} = {UNKNOWN}"
        if code.startswith(("return", "raise")):
            return f"{code[:6].strip()} {UNKNOWN}"
        if _CHANGES_NOTHING.match(code) or COMPOUND.match(code):
            return "pass"
        if (targets := _ASSIGNED.match(code)) is None:
            targets = _CHANGED.match(code)
            if targets is None or targets.group(1).partition(".")[0] in self.imported:
                return "pass"
        assigned = " = ".join([*(target.strip() for target in targets.group(1).split(",")), UNKNOWN])
        return assigned if _parses(assigned, "") else "pass"

    def _move(self, group: Sequence[LogicalLine], margin: str) -> None:
        """Let a statement begin at a margin, and its block stand as far right of it as before."""
        before = margin_of(self.lines[group[0].first])
        if before == margin:
            return
        for number in range(group[0].first, group[-1].last + 1):
            line = self.lines[number]
            if line.startswith(before) and line.strip():
                self.lines[number] = margin + line[len(before) :]
                self.shifts[number + 1] = self.shifts.get(number + 1, 0) + len(margin) - len(before)

    def _stands(self, group: Sequence[LogicalLine]) -> bool:
        text = self._text(group)
        return _parses(text, margin_of(text))

    def _text(self, group: Sequence[LogicalLine]) -> str:
        return "\n".join(self.lines[group[0].first : group[-1].last + 1])

    def _write(self, line: LogicalLine, text: str) -> None:
        """Put a text where a line is; it may have fewer lines."""
        written = text.split("\n")
        missing = line.last + 1 - line.first - len(written)
        self.lines[line.first : line.last + 1] = [*written, *[""] * missing]

    def _code(self, line: LogicalLine) -> str:
        return self.lines[line.first].lstrip()

    def _word(self, line: LogicalLine) -> str:
        """What a statement begins with."""
        return re.split(r"\W", self._code(line), maxsplit=1)[0]


def _statements(block: Sequence[LogicalLine]) -> Iterator[Sequence[LogicalLine]]:
    """The lines of a block, gathered to statements: decorators, the head, what is indented below it, further clauses."""
    start = 0
    while start < len(block):
        head = _head(block, start)
        end = head + 1
        while end < len(block) and (
            block[end].indent > block[head].indent
            or (block[head].compound and block[end].continues and block[end].indent == block[head].indent)
        ):
            end += 1
        yield block[start:end]
        start = end


def _clauses(group: Sequence[LogicalLine]) -> Iterator[tuple[Sequence[LogicalLine], Sequence[LogicalLine]]]:
    """The heads of a statement (the first with its decorators), each with the block below it."""
    start = 0
    while start < len(group):
        body = _head(group, start) + 1
        end = body
        while end < len(group) and group[end].indent > group[0].indent:
            end += 1
        yield group[start:body], group[body:end]
        start = end


def _head(lines: Sequence[LogicalLine], start: int) -> int:
    """The line that the decorators from a line on belong to."""
    while lines[start].decorates and start + 1 < len(lines):
        start += 1
    return start


def _is_head(text: str, word: str, margin: str) -> bool:
    """Whether a text is the head of a block that begins with a word, or a whole clause on one line."""
    before = f"{margin}{_BEFORE_CLAUSE[word]}:\n{margin} pass\n" if word in _BEFORE_CLAUSE else ""
    after = f"\n{margin} pass" + (f"\n{margin}finally:\n{margin} pass" if word == "try" else "")
    return _parses(f"{before}{text}{after}", margin) or _parses(f"{before}{text}", margin)


def _parses(text: str, margin: str) -> bool:
    """Whether a piece of a text, which begins at a margin, is a program by itself."""
    try:
        refuse_hard_texts(text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(f"if 1:\n{text}" if margin else text)
    except (SyntaxError, SyntaxProblem, ValueError, RecursionError, MemoryError):
        return False
    return True
