"""The bar that long runs show."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


class Progress:
    """A bar on a terminal, for runs that take longer than a second."""

    def __enter__(self) -> Callable[[int, int], None] | None:
        self._started = time.monotonic()
        self._bar: object = None
        return self._advance if sys.stderr.isatty() else None

    def _advance(self, done: int, total: int) -> None:
        from rich.progress import Progress

        if self._bar is None and time.monotonic() - self._started > 1:
            from rich.console import Console

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("checking", total=total)
        if isinstance(self._bar, Progress):
            self._bar.update(self._task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()  # type: ignore[attr-defined]
