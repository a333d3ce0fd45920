"""The text of a Python file or of the code cells of a notebook, as one syntax tree."""

from __future__ import annotations

import ast
import json
import linecache
import tokenize
from pathlib import Path

from ..reasons import Unmeasurable

MAGICS = ("%", "!", "?")


def read_source(path: Path) -> str:
    """The program in a file; the code cells of a notebook one after the other, without magics.

    Raises:
        Unmeasurable: the file cannot be read or is not a notebook.
    """
    try:
        if path.suffix == ".ipynb":
            return notebook_source(path.read_text(encoding="utf-8"))
        with tokenize.open(path) as stream:
            return stream.read()
    except (OSError, SyntaxError, ValueError) as error:
        raise Unmeasurable("syntax", f"{path.name}: {error}") from error


def notebook_source(text: str) -> str:
    """The code of a notebook's cells. A cell that does not parse (shell text, say) is left out."""
    cells = []
    for cell in json.loads(text).get("cells", []):
        if cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        lines = (source if isinstance(source, str) else "".join(source)).splitlines()
        if lines and lines[0].startswith("%%"):
            continue
        code = "\n".join(blank_magic(line) for line in lines)
        try:
            ast.parse(code)
        except SyntaxError:
            continue
        cells.append(code)
    return "\n".join(cells) + "\n"


def blank_magic(line: str) -> str:
    """The line, or ``pass`` at its indentation where it is a magic or a shell command."""
    stripped = line.lstrip()
    return line[: len(line) - len(stripped)] + "pass" if stripped.startswith(MAGICS) else line


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file, its text made known to ``linecache`` for tracebacks and ``inspect``.

    Raises:
        Unmeasurable: the file does not parse.
    """
    text = read_source(path)
    linecache.cache[str(path)] = (len(text), None, text.splitlines(keepends=True), str(path))
    try:
        return ast.parse(text, filename=str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unmeasurable("syntax", f"{path.name}: {error}") from error
