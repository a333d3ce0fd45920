"""What is kept of an earlier run is used again only while everything it depended on is as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import headlint
from headlint.loading import cache
from headlint.settings import Settings

MODEL = """
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        return {output}
"""

TRAINING = """
import torch
from torch import nn
from model import Net

criterion = nn.CrossEntropyLoss()
criterion(Net()(torch.randn(2, 8)), torch.tensor([0, 1])).backward()
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    cache._folder.cache_clear()
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(TRAINING)
    yield folder
    cache._folder.cache_clear()


def codes(folder: Path, **settings: object) -> list[str]:
    report = headlint.check_paths([folder / "train.py"], Settings(root=folder, jobs=1, **settings))  # type: ignore[arg-type]
    return [finding.code for finding in report]


def write_model(folder: Path, output: str) -> None:
    (folder / "model.py").write_text(MODEL.format(output=output))


def test_the_second_run_says_the_same(project: Path) -> None:
    write_model(project, "self.head(x).softmax(1)")
    assert codes(project) == codes(project) == codes(project, cache=False) == ["HL101"]


def test_a_changed_import_counts(project: Path) -> None:
    write_model(project, "self.head(x).softmax(1)")
    assert codes(project) == ["HL101"]
    write_model(project, "self.head(x)")
    assert codes(project) == []


def test_a_file_that_an_import_finds_from_now_on_counts(project: Path) -> None:
    assert codes(project) == []
    write_model(project, "self.head(x).softmax(1)")
    assert codes(project) == ["HL101"]


def test_declared_losses_count(project: Path) -> None:
    training = TRAINING.replace("nn.CrossEntropyLoss", "mine.Loss").replace(
        "import torch\n", "import mine\nimport torch\n", 1
    )
    (project / "train.py").write_text(training)
    write_model(project, "self.head(x).softmax(1)")
    assert codes(project) == []
    assert codes(project, losses=(("mine.Loss", "logits"),)) == ["HL101"]


def test_other_settings_are_applied_to_what_is_kept(project: Path) -> None:
    write_model(project, "self.head(x).softmax(1)")
    assert codes(project) == ["HL101"]
    assert codes(project, ignore=("HL101",)) == []


def test_a_known_result_loads_neither_the_parser_nor_the_interpreter(project: Path) -> None:
    write_model(project, "self.head(x).softmax(1)")
    program = (
        "import sys, headlint.cli.main as main\n"
        "status = main.main(['check', '--isolated', '--output-format', 'concise', 'train.py'])\n"
        "print(status, [name for name in ('libcst', 'headlint.syntax.lower', 'headlint.flow.machine.machine')"
        " if name in sys.modules])"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program], cwd=project, env={**os.environ}, capture_output=True, text=True, check=True
        )
        for _ in range(2)
    ]
    first, second = (run.stdout.splitlines() for run in runs)
    assert first[:-1] == second[:-1]
    assert first[-1] == "1 ['headlint.syntax.lower', 'headlint.flow.machine.machine']"
    assert second[-1] == "1 []"


@pytest.mark.parametrize(
    "settings",
    [
        {"ignore": ("HL101",)},
        {"select": ("HL2",)},
        {"per_file_ignores": (("train.py", ("HL1",)),)},
        {"losses": (("model.criterion", "values"),)},
    ],
)
def test_other_settings_leave_no_trace(project: Path, settings: dict[str, tuple[object, ...]]) -> None:
    write_model(project, "self.head(x).softmax(1)")
    codes(project, **settings)
    assert codes(project) == ["HL101"]
