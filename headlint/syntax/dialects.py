"""Statements of Python 2, names that have become keywords since, and parameters of types, which are newer than some Pythons.

They are written such that every column stays where it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_STRING = re.compile(
    r"""\#[^\n]*|\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL
)
_PRINT = re.compile(r"(?:^|[;:])[ \t]*(?:print|exec)([ \t]*>>[ \t]*|[ \t]+)(?=[^\s=])", re.MULTILINE)
_EXCEPT = re.compile(r"^[ \t]*except\b[^:\n]*?(,[ \t]*\w+[ \t]*)(?=:)", re.MULTILINE)
_RAISE = re.compile(r"^[ \t]*raise\b\s*[\w.]+\s*(,.*)", re.DOTALL)
_TYPE_PARAMETERS = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+\w+(\[(?:[^][]|\[[^][]*\])*\])", re.MULTILINE)
_REPLACED: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (re.compile(r"<>"), lambda _: "!="),
    (re.compile(r"\basync(?=\s*=[^=])"), str.title),
    (re.compile(r"(?<![\w.])0(?=[0-7]+\b(?!\.))"), lambda _: " "),
    (re.compile(r"\b\d+[lL]\b"), lambda number: f"{number[:-1]} "),
    (re.compile(r"\b[uU](?=[rR]['\"])"), lambda _: " "),
)


def as_python3(text: str) -> str:
    """A statement, or the head of one, as every Python 3 has it."""
    parts, code = list(text), _masked(text)
    for pattern, written in _REPLACED:
        for match in pattern.finditer(code):
            parts[match.start() : match.end()] = written(match.group())
    for number, match in enumerate(re.finditer("`", code)):
        parts[match.start()] = ")" if number % 2 else "("
    for pattern in (_EXCEPT, _RAISE, _TYPE_PARAMETERS):
        if (found := pattern.search(code)) is not None:
            _blank(parts, *found.span(1))
    for match in _PRINT.finditer(code):
        start, end = match.span(1)
        parts[start:end] = "(" + " " * (end - start - 1)
        last = _end_of_statement(code, end)
        parts[last - 1] += ")"
    return "".join(parts)


def _masked(text: str) -> str:
    """The text with nothing left of its strings but the first quote, and nothing of its comments."""

    def mask(match: re.Match[str]) -> str:
        found = match.group()
        first, rest = (" ", " ") if found[0] == "#" else (found[0], "\0")
        return first + re.sub(r"[^\n]", rest, found[1:])

    return _STRING.sub(mask, text)


def _blank(parts: list[str], start: int, end: int) -> None:
    for place in range(start, end):
        if parts[place] != "\n":
            parts[place] = " "


def _end_of_statement(code: str, start: int) -> int:
    """Where a statement ends: at a semicolon outside of brackets, or with the text."""
    depth = 0
    for place in range(start, len(code)):
        depth += (code[place] in "([{") - (code[place] in ")]}")
        if code[place] == ";" and not depth:
            return start + len(code[start:place].rstrip())
    return start + len(code[start:].rstrip())
