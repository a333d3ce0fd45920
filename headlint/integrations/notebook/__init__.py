"""The notebook extension: ``%load_ext headlint`` checks what was run after each cell."""

from __future__ import annotations

from typing import Any


def load_ipython_extension(shell: Any) -> None:
    """Check after each cell from now on (called by ``%load_ext headlint``)."""
    from headlint.integrations.notebook.extension import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Leave the shell as it was (called by ``%unload_ext headlint``)."""
    from headlint.integrations.notebook.extension import unload

    unload(shell)
