"""Which line of the user's program is running."""

from __future__ import annotations

import sys
from pathlib import Path

from .mentions import INSTALLED

WORKER = str(Path(__file__).parents[1])


def running_line() -> tuple[str, int]:
    """The innermost running line that belongs neither to headlint nor to an installed package; ("", 0) without one."""
    frame = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        if not path.startswith((WORKER, "<")) and not any(part in INSTALLED for part in Path(path).parts):
            return path, frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]
    return "", 0
