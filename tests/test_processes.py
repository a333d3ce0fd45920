"""The processes that share the files of a run: they find the same as one, make room for others, and never outlive it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import headlint
from headlint.run import pool
from headlint.settings import Settings

MODELS = """
from torch import nn

class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10), nn.Softmax(dim=1))

    def forward(self, x):
        return self.layers(x)
"""
TRAINING = """
from torch import nn
from models import Classifier

def loss(x, y):
    return nn.CrossEntropyLoss()(Classifier()(x), y)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of a dozen files that train one model."""
    (tmp_path / "models.py").write_text(MODELS)
    for number in range(11):
        (tmp_path / f"train{number}.py").write_text(TRAINING)
    return tmp_path


def found(project: Path, jobs: int) -> list[tuple[str, int, str]]:
    report = headlint.check_paths([project], Settings(root=project, cache=False, jobs=jobs))
    assert not report.problems
    return [(Path(finding.place.path).name, finding.place.line, finding.code) for finding in report.findings]


@pytest.mark.parametrize("jobs", [1, 2])
def test_processes_that_make_room_for_fresh_ones_find_the_same(
    project: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    in_one = found(project, 1)
    assert [code for _, _, code in in_one] == ["HL101"] * 11
    monkeypatch.setattr(pool, "FILES_OF_A_PROCESS", 4)
    assert found(project, jobs) == in_one


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not show the processes of others")
def test_processes_end_when_the_one_that_started_them_is_killed(project: Path) -> None:
    for number in range(11):
        (project / f"train{number}.py").write_text(
            TRAINING + "\n".join(f"def f{i}(): loss({i}, {i})" for i in range(2000))
        )
    command = [sys.executable, "-m", "headlint", "check", "--no-cache", "--jobs", "2", str(project)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as first:
        wait_until(lambda: len(group_of(first.pid)) == 3 or first.poll() is not None)
        assert first.poll() is None, "the run was over too soon to say anything"
        first.send_signal(signal.SIGKILL)
    wait_until(lambda: not group_of(first.pid))


def group_of(leader: int) -> list[int]:
    """The running processes of a group."""
    members: list[int] = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.getpgid(int(entry.name)) == leader:
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
                members += [int(entry.name)] if state not in "ZX" else []
        except (OSError, IndexError):
            continue
    return members


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
