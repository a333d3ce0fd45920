"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import pytest
import torch
from torch import nn

MODEL = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))
BATCH = (torch.randn(6, 4), torch.arange(6) % 3)


def test_wrong(inspect_model):
    assert inspect_model(MODEL, BATCH, loss=nn.CrossEntropyLoss()).ok


def test_right(inspect_model):
    assert inspect_model(MODEL[:1], BATCH, loss=nn.CrossEntropyLoss()).ok


@pytest.mark.headlint(steps=1, ignore=["HL101"])
def test_left_out(inspect_model):
    report = inspect_model(MODEL, BATCH, loss=nn.CrossEntropyLoss())
    assert report.ok and len(report.facts.written) == 2
"""


def ran(folder: Path, *options: str) -> str:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:headlint",
        "-p",
        "headlint.integrations.pytest_plugin",
        *options,
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout


def test_fixture(tmp_path: Path) -> None:
    (tmp_path / "test_models.py").write_text(PROGRAM)
    shown = ran(tmp_path, "-p", "no:cacheprovider")
    assert "1 failed, 2 passed" in shown
    assert "HL101 softmax-before-cross-entropy" in shown
    assert "Give cross_entropy the raw scores" in shown


def test_mark_is_described(tmp_path: Path) -> None:
    assert "@pytest.mark.headlint(steps=0, ignore=())" in ran(tmp_path, "--markers")
