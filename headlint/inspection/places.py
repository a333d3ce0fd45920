"""Where in the user's source something happens, from the frames that are running."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path

from headlint.findings.finding import Place

_HEADLINT = str(Path(__file__).parents[1])


def running_place(*skipped: str) -> Place:
    """The innermost line that belongs neither to headlint nor to a file below one of the folders."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        path = frame.f_code.co_filename
        if not path.startswith((_HEADLINT, *skipped)):
            break
        frame = frame.f_back
    return line_place(frame.f_code.co_filename, frame.f_lineno)


def line_place(path: str, line: int) -> Place:
    """A whole line of a file, without its indentation."""
    text = linecache.getline(path, line).rstrip()
    start = len(text) - len(text.lstrip()) + 1
    return Place(path, line, start, line, max(start, len(text) + 1))


def source_text(path: str) -> str | None:
    """The text of a file or of a notebook's cell."""
    return "".join(linecache.getlines(path)) or None
