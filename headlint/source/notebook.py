"""Jupyter notebooks: their code cells as one program, and putting changed cells back."""

from __future__ import annotations

import json
import re
from typing import Any

from headlint.source.document import UnreadableError

_MAGIC = re.compile(r"^(\s*)(%|!|\?|.*[^=!<>\s]\?\??\s*$)")
_ASSIGNED_MAGIC = re.compile(r"^(\s*[\w., \[\]'\"]+=\s*)[%!].*$")
_TIMED = re.compile(r"^(\s*)%(?:time|timeit|prun)\s+(?:-\S+(?:\s+\d+)?\s+)*(\S.*)$")
"""A magic that runs the statement behind it."""

_OTHER_LANGUAGES = re.compile(r"^\s*%%(?!time|timeit|capture|prun|python|python3|script python)")


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
        UnreadableError: it is no JSON, or not that of a notebook.
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
    """A cell's text, which is stored as one string or as a list of lines."""
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return source.replace("\r\n", "\n").replace("\r", "\n") if isinstance(source, str) else ""


def without_magics(source: str) -> str:
    """The text with lines that are not Python replaced by harmless ones, so that every other line keeps its number."""
    lines = source.split("\n")
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
    """The notebook with the code of some cells (by number) changed, and everything else as it was written."""
    content = load(raw)
    for number, cell in enumerate(_code_cells(content), 1):
        if number in texts:
            key = "source" if "source" in cell else "input"
            text = texts[number]
            cell[key] = text.splitlines(keepends=True) if isinstance(cell.get(key), list) else text
    indentation = re.search(r"\n([ \t]+)\"", raw)
    indent: str | None = indentation.group(1) if indentation else None
    separators = None if indent is not None or ", " in raw else (",", ":")
    written = json.dumps(content, indent=indent, ensure_ascii=raw.isascii() and "\\u" in raw, separators=separators)
    return written + raw[len(raw.rstrip()) :]
