"""What somebody may have meant who wrote a name that nothing has."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(text: str, known: Iterable[str]) -> str | None:
    """The known name that is written almost alike, or None."""
    from difflib import get_close_matches  # rarely needed, and not quick to import

    return next(iter(get_close_matches(text, sorted(known), 1)), None)
