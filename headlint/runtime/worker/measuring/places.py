"""Which line of the user's program is running."""

from __future__ import annotations

import ast
import sys
import traceback
from pathlib import Path

from .mentions import INSTALLED, WORKER, tree_of


def running_line(*skipped: str) -> tuple[str, int]:
    """The innermost running line that belongs neither to headlint nor to an installed package; ("", 0) without one.

    With the folders ``skipped`` of packages, the line must stand directly behind theirs: what another package calls is
    none of the user's.
    """
    frame = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        own = not path.startswith((WORKER, "<")) and not any(part in INSTALLED for part in Path(path).parts)
        if own:
            return path, frame.f_lineno
        if skipped and not path.startswith((WORKER, "<", *skipped)):
            return "", 0
        frame = frame.f_back  # type: ignore[assignment]
    return "", 0


def calls_at(path: str, line: int, name: str) -> list[ast.Call]:
    """The calls of a function or method of that name which stand on a line."""
    tree = tree_of(path)
    return [
        node
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.Call)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
        and name == getattr(node.func, "attr", getattr(node.func, "id", ""))
    ]


def lines_of(error: BaseException) -> list[tuple[str, int]]:
    """The lines outside of the worker that an error went through, the outermost first, each with its function."""
    places = [one for one in traceback.extract_tb(error.__traceback__) if not one.filename.startswith(WORKER)]
    return [(f"{one.filename}:{one.name}", one.lineno or 0) for one in places]


def is_further(lines: list[tuple[str, int]], than: list[tuple[str, int]]) -> bool:
    """Whether an error arose later in the same functions than another one did, or within what the same line calls."""
    for (function, line), (other, reached) in zip(lines, than, strict=False):
        if function != other or line < reached:
            return False
        if line > reached:
            return True
    return len(lines) > len(than)
