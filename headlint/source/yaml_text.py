"""Reads the part of YAML in which settings are written: mappings and sequences, indented or in brackets, and scalars.

Anything beyond it (anchors, tags, texts over several lines, several documents) makes a file unreadable here: what settings say
is followed only where it is sure.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence

Settings = Mapping[str, "Settings"] | Sequence["Settings"] | str | int | float | bool | None

MOST_LINES = 2_000
"""Lines of a file of settings that is read."""

_KEY = re.compile(r"""(?P<key>"[^"]*"|'[^']*'|[^\s:#'"\[\]{},&*!|>%@`][^:#]*?)\s*:(?:\s+(?P<rest>.*)|$)""")
_QUOTED_OR_COMMENT = re.compile(r"""(?<!\w)"[^"]*"|(?<!\w)'[^']*'|(?:^|(?<=\s))#""")
_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*)?(?:\.\d*)?(?:[eE][-+]?\d+)?")
_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE", "yes", "on"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "off"), False),
}


class UnreadableSettings(ValueError):
    """The text uses more of YAML than is read here."""


def read_yaml(text: str) -> Settings:
    """What a file of settings says.

    Raises:
        UnreadableSettings: it says it in a way that is not read here.
    """
    lines = _lines(text)
    if not lines:
        return {}
    reader = _Reader(lines)
    settings = reader.block(lines[0][0])
    if reader.place < len(lines):
        raise UnreadableSettings(lines[reader.place][1])
    return settings


def _lines(text: str) -> list[tuple[int, str]]:
    """The lines that say something, each with its indentation."""
    lines = text.splitlines()
    if len(lines) > MOST_LINES or "\t" in text:
        raise UnreadableSettings("too long, or indented by tabs")
    kept = [(line, _without_comment(line)) for line in lines]
    return [(len(line) - len(line.lstrip()), said) for line, said in kept if said and said != "---"]


def _without_comment(line: str) -> str:
    comments = (match.start() for match in _QUOTED_OR_COMMENT.finditer(line) if match[0] == "#")
    return line[: next(comments, len(line))].strip()


class _Reader:
    """Goes through the lines of a file of settings."""

    def __init__(self, lines: list[tuple[int, str]]) -> None:
        self.place = 0
        self._lines = lines

    def block(self, indent: int) -> Settings:
        """The mapping, sequence or scalar that begins here."""
        said = self._lines[self.place][1]
        if said == "-" or said.startswith("- "):
            return self._sequence(indent)
        if _KEY.fullmatch(said):
            return self._mapping(indent)
        self.place += 1
        return _scalar(said)

    def _here(self, indent: int) -> bool:
        return self.place < len(self._lines) and self._lines[self.place][0] == indent

    def _mapping(self, indent: int) -> Mapping[str, Settings]:
        found: dict[str, Settings] = {}
        while self._here(indent) and (match := _KEY.fullmatch(self._lines[self.place][1])):
            self.place += 1
            found[match["key"].strip("\"'")] = self._value(indent, match["rest"] or "")
        return found

    def _value(self, indent: int, rest: str) -> Settings:
        if rest:
            return _scalar(rest)
        if self.place == len(self._lines):
            return None
        below, said = self._lines[self.place]
        is_sequence = said == "-" or said.startswith("- ")
        return self.block(below) if below > indent or (below == indent and is_sequence) else None

    def _sequence(self, indent: int) -> Sequence[Settings]:
        found: list[Settings] = []
        while self._here(indent) and (said := self._lines[self.place][1]).startswith("-"):
            inner = said[1:].lstrip()
            if not inner:
                self.place += 1
                found.append(self._value(indent, ""))
            elif _KEY.fullmatch(inner) or inner.startswith("- "):
                deeper = indent + len(said) - len(inner)
                self._lines[self.place] = (deeper, inner)
                found.append(self.block(deeper))
            else:
                self.place += 1
                found.append(_scalar(inner))
        return found


def _scalar(text: str) -> Settings:
    if text[0] in "[{":
        value, behind = _in_brackets(text, 0)
        if text[behind:].strip():
            raise UnreadableSettings(text)
        return value
    if text[0] in "&*!|>%@`":
        raise UnreadableSettings(text)
    if text[0] in "\"'":
        if len(text) < 2 or text[-1] != text[0]:
            raise UnreadableSettings(text)
        return text[1:-1]
    return _plain(text)


def _plain(text: str) -> Settings:
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text) and any(map(str.isdigit, text)):
        digits = text.replace("_", "")
        return int(digits) if re.fullmatch(r"[-+]?\d+", digits) else float(digits)
    return text


_IN_BRACKETS = re.compile(r"""\s*("[^"]*"|'[^']*'|[^\[\]{},:]+(?::(?=\S)[^\[\]{},]*)?|)\s*""")


def _in_brackets(text: str, start: int) -> tuple[Settings, int]:
    """The sequence or mapping in brackets that begins at a place, and the place behind it."""
    closing = {"[": "]", "{": "}"}[text[start]]
    items: list[Settings] = []
    pairs: dict[str, Settings] = {}
    place = start + 1
    while place < len(text):
        if text[place] == closing:
            return (items if closing == "]" else pairs), place + 1
        if text[place] in " ,":
            place += 1
            continue
        value, place = _item(text, place)
        if closing == "]":
            items.append(value)
        elif isinstance(value, Hashable) and text[place : place + 1] == ":":
            while text[place + 1 : place + 2] == " ":
                place += 1
            pairs[str(value)], place = _item(text, place + 1)
        else:
            raise UnreadableSettings(text)
    raise UnreadableSettings(text)


def _item(text: str, place: int) -> tuple[Settings, int]:
    if text[place : place + 2] == "${":
        end = text.find("}", place)
        if end < 0:
            raise UnreadableSettings(text)
        return text[place : end + 1], end + 1
    if text[place : place + 1] in ("[", "{"):
        return _in_brackets(text, place)
    match = _IN_BRACKETS.match(text, place)
    if match is None or match.end() == place:
        raise UnreadableSettings(text)
    said = match[1].strip()
    return (_scalar(said) if said else None), match.end()
