"""What tests of the worker share: a project to attack, and what must not be left of a run."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headlint.runtime.worker.process.folders import PREFIX

PROGRAMS = Path(__file__).parent.parent.parent / "fixtures" / "runtime"
HOSTILE = PROGRAMS / "hostile"

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
needs_keras = pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="keras is not installed")

NET = """
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(x)
"""
"""A model that nothing is wrong with."""


def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether something comes to hold within a time that a busy machine may need."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Traces:
    """What runs below this test may leave: processes, which carry a mark in their environment, and folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = f"HEADLINT_TEST={secrets.token_hex(8)}"

    def processes(self) -> list[int]:
        """Those that still run, this one left out; zombies do not run."""
        found = []
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and self.mark.encode() in Path(f"/proc/{entry}/environ").read_bytes().split(b"\0"):
                    found.append(int(entry))
            except OSError:  # it has gone, or belongs to somebody else
                continue
        return found

    def folders(self) -> list[Path]:
        """Private folders that were not removed."""
        return list(self.folder.glob(f"{PREFIX}*"))

    def gone(self) -> bool:
        """Whether nothing is left, possibly after a while."""
        return eventually(lambda: not self.processes() and not self.folders())

    def environment(self) -> dict[str, str]:
        """The variables by which the processes of a run are known, and where its folders are."""
        name, _, value = self.mark.partition("=")
        return {name: value, "TMPDIR": str(self.folder)}


@contextmanager
def traces(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Traces]:
    """Everything that is started while it lasts is known by its traces."""
    import tempfile

    found = Traces(folder)
    folder.mkdir()
    for name, value in found.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield found


def project(folder: Path, *programs: str) -> Path:
    """A folder with hostile programs, a good one and a file that must stay as it is."""
    folder.mkdir()
    for program in programs:
        shutil.copy(HOSTILE / program, folder)
    (folder / "good.py").write_text(NET, encoding="utf-8")
    (folder / "precious.txt").write_text("precious\n", encoding="utf-8")
    return folder


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder with its mode and what is in it."""
    return {
        str(file.relative_to(folder)): (file.stat().st_mode, file.read_bytes() if file.is_file() else b"")
        for file in sorted(folder.rglob("*"))
    }
