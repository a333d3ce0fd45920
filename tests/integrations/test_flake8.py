"""The real flake8 with headlint installed tells the same as the command, at the same places."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import headlint
from headlint.settings import Settings

FIXTURES = Path(__file__).parents[2] / "fixtures"
WRONG = """import torch.nn as nn

model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(model(x), y)
"""


def flake8(*arguments: str, folder: Path, stdin: str | None = None) -> set[tuple[str, int, int, str]]:
    """What flake8 tells: path, line, column and code."""
    command = [sys.executable, "-m", "flake8", "--select", "HL", *arguments]
    outcome = subprocess.run(command, cwd=folder, input=stdin, capture_output=True, text=True, timeout=300, check=False)
    assert outcome.returncode in (0, 1), outcome.stderr
    assert not outcome.stderr
    found = [re.match(r"(.+?):(\d+):(\d+): (HL\d{3}) ", line) for line in outcome.stdout.splitlines()]
    assert all(found), outcome.stdout
    return {(match[1].removeprefix("./"), int(match[2]), int(match[3]), match[4]) for match in found if match}


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_same_findings_as_the_command(tmp_path: Path, jobs: str) -> None:
    shutil.copytree(FIXTURES / "questions", tmp_path / "questions")
    shutil.copytree(FIXTURES / "projects" / "src_layout_bad", tmp_path / "project")
    (tmp_path / "headlint.toml").write_text("")
    report = headlint.check_paths([tmp_path], Settings(root=tmp_path))
    expected = {
        (Path(one.place.path).relative_to(tmp_path).as_posix(), one.place.line, one.place.column, one.code)
        for one in report
    }
    assert len(expected) > 20
    assert flake8("--jobs", jobs, ".", folder=tmp_path) == expected


def test_standard_input(tmp_path: Path) -> None:
    assert flake8("--stdin-display-name", "net.py", "-", folder=tmp_path, stdin=WRONG) == {("net.py", 8, 12, "HL101")}


def test_comments_are_left_to_flake8(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(WRONG.replace("(x), y)", "(x), y)  # noqa: HL101"))
    assert flake8("net.py", folder=tmp_path) == set()
    assert flake8("--disable-noqa", "net.py", folder=tmp_path) == {("net.py", 8, 12, "HL101")}


def test_settings_are_those_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(WRONG)
    (tmp_path / "pyproject.toml").write_text('[tool.headlint]\nignore = ["HL101"]\n')
    assert flake8("net.py", folder=tmp_path) == set()
    (tmp_path / "other.toml").write_text('select = ["HL1"]\n')
    (tmp_path / ".flake8").write_text("[flake8]\nheadlint-config = other.toml\n")
    assert flake8("net.py", folder=tmp_path) == {("net.py", 8, 12, "HL101")}


def test_wrong_settings_are_told_once_a_file(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(WRONG)
    (tmp_path / "headlint.toml").write_text("selct = []\n")
    assert flake8("net.py", folder=tmp_path) == {("net.py", 1, 1, "HL999")}


def test_a_file_without_any_framework_loads_nothing(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("answer = 42\n")
    program = (
        "import sys; from headlint.integrations.flake8 import Plugin; "
        "assert list(Plugin(None, 'plain.py', ['answer = 42\\n']).run()) == []; "
        "print([name for name in ('libcst', 'headlint.session', 'headlint.flow.machine') if name in sys.modules])"
    )
    outcome = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert outcome.stdout == "[]\n"
