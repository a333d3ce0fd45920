"""The private folders of models, and how they go again."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

PREFIX = "headlint-"
"""What the names of private folders begin with."""


def remove(folder: Path) -> None:
    """Removes a folder, whatever a model has made of its permissions and its depth; never raises for what is in it."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            with contextlib.suppress(OSError):
                subprocess.run([*command, "--", str(folder)], capture_output=True, check=False)
