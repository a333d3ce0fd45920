"""Jupyter notebooks: their code cells as one program, and putting changed cells back."""

from __future__ import annotations

import json
import re
from difflib import SequenceMatcher
from typing import Any

from headlint.source.document import UnreadableError

_MAGIC = re.compile(r"^(\s*)(%%?[A-Za-z_]|!|\?|[^#'\"]*[^=!<>\s#'\"]\?\??\s*$)")
_ASSIGNED_MAGIC = re.compile(r"^(\s*[\w., \[\]'\"]+=\s*)[%!].*$")
_TIMED = re.compile(r"^(\s*)%(?:time|timeit|prun)\s+(?:-\S+(?:\s+\d+)?\s+)*(\S.*)$")
"""A magic that runs the statement behind it."""

_OTHER_LANGUAGES = re.compile(r"^\s*%%(?!time|timeit|capture|prun|python|python3|script python|headlint)")


def code_of(raw: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The code cells one below the other, and each cell's number and first line.

    Raises:
        UnreadableError: it is no notebook.
    """
    lines: list[str] = []
    cells: list[tuple[int, int]] = []
    for number, cell in enumerate(_code_cells(load(raw)), 1):
        cells.append((number, len(lines) + 1))
        lines += without_magics(source_of(cell)).split("\n")
    return "\n".join(lines) + ("\n" if lines else ""), tuple(cells)


def load(raw: str) -> dict[str, Any]:
    """The notebook's structure.

    Raises:
        UnreadableError: it is not JSON, or not that of a notebook.
    """
    try:
        content = json.loads(raw)
    except json.JSONDecodeError as error:
        raise UnreadableError(f"is not a notebook: {error.msg}", error.lineno, error.colno) from None
    except RecursionError:
        raise UnreadableError("is not a notebook: nested too deeply") from None
    if not isinstance(content, dict) or not isinstance(content.get("cells", content.get("worksheets")), list):
        raise UnreadableError("is not a notebook: it has no cells")
    return content


def _code_cells(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Its code cells; format 3 keeps them in worksheets."""
    cells = content.get("cells")
    if cells is None:
        sheets = [sheet for sheet in content["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets for cell in sheet.get("cells") or []]
    return [cell for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]


def source_of(cell: dict[str, Any]) -> str:
    """A cell's text, with every line ended by a single newline."""
    return _source_as_written(cell).replace("\r\n", "\n").replace("\r", "\n")


def _source_as_written(cell: dict[str, Any]) -> str:
    """A cell's text, which is stored as one string or as a list of lines."""
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""


def sources_as_written(raw: str) -> dict[int, str]:
    """The texts of the code cells by their number, magics, line ends and all."""
    return {number: _source_as_written(cell) for number, cell in enumerate(_code_cells(load(raw)), 1)}


def indentation_of(source: str) -> str:
    """What the first line of a cell is indented by, which IPython takes away from all lines that begin like this."""
    first = next((line for line in source.split("\n") if line.strip()), "")
    return first[: len(first) - len(first.lstrip())]


def without_magics(source: str) -> str:
    """The text with lines that are not Python replaced by harmless ones, so that every other line keeps its number."""
    indentation = indentation_of(source)
    lines = [line.removeprefix(indentation) for line in source.split("\n")]
    first = next((line for line in lines if line.strip()), "")
    if _OTHER_LANGUAGES.match(first):
        return "\n".join("pass" if line.strip() else "" for line in lines)
    harmless: list[str] = []
    continued = False
    for line in lines:
        if continued:
            continued = line.rstrip().endswith("\\")
            harmless.append("")
        elif assigned := _ASSIGNED_MAGIC.match(line):
            harmless.append(assigned.group(1) + "None")
        elif timed := _TIMED.match(line):
            harmless.append(timed.group(1) + timed.group(2))
        elif (magic := _MAGIC.match(line)) and not line.lstrip().startswith("#"):
            harmless.append(magic.group(1) + "pass")
            continued = line.rstrip().endswith("\\")
        else:
            harmless.append(line)
    return "\n".join(harmless)


def replace_code(raw: str, texts: dict[int, str]) -> str:
    """The notebook with the code of some cells (by number) changed, and every other byte as it was."""
    cells = [span for span in _cells(raw) if _is_code(raw, span)]
    for number in sorted(texts, reverse=True):
        cell = cells[number - 1]
        start, end = cell.get("source") or cell["input"]
        raw = raw[:start] + _source_written(raw[start:end], texts[number], raw.isascii()) + raw[end:]
    return raw


Spans = dict[str, tuple[int, int]]
"""Where the values of an object begin and end, by their keys."""

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{},:"]+)', re.DOTALL)


def _cells(raw: str) -> list[Spans]:
    """The cells of a notebook in their order: where their values stand in the text, which is known to be JSON."""
    found: list[Spans] = []
    within: list[tuple[str, int, Spans]] = []  # the key that a value stands under, where it begins, and its own values
    key = scalar = ""
    for match in _TOKEN.finditer(raw):
        text, start = match.group(1), match.start(1)
        match text:
            case "{" | "[":
                within.append((key, start, {}))
                key = ""
            case "}" | "]":
                key, start, values = within.pop()
                if text == "}" and within and within[-1][0] == "cells":
                    found.append(values)
                if within:
                    within[-1][2][key] = (start, match.end())
                key = ""
            case ":":
                key = json.loads(scalar)
            case ",":
                key = ""
            case _:
                scalar = text
                if within:
                    within[-1][2][key] = (start, match.end())
    return found


def _is_code(raw: str, cell: Spans) -> bool:
    start, end = cell.get("cell_type", (0, 0))
    return raw[start:end] == '"code"'


def _source_written(written: str, text: str, ascii_only: bool) -> str:
    """The JSON of a cell's text in the form that it had: one string, or a list of lines of which the same ones stay."""
    if not written.startswith("["):
        return json.dumps(text, ensure_ascii=ascii_only)
    items = [match for match in _TOKEN.finditer(written) if match.group(1).startswith('"')]
    old = [json.loads(item.group(1)) for item in items]
    if "".join(old) == text:
        return written
    new = re.findall(r"[^\n]*\n|[^\n]+", text)
    if not items or not new:
        return json.dumps(new, ensure_ascii=ascii_only)
    lines: list[str] = []
    for kind, first, last, begin, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        same = [item.group(1) for item in items[first:last]]
        lines += same if kind == "equal" else [json.dumps(line, ensure_ascii=ascii_only) for line in new[begin:end]]
    between = written[items[0].end(1) : items[1].start(1)] if len(items) > 1 else ", "
    return written[: items[0].start(1)] + between.join(lines) + written[items[-1].end(1) :]
