"""The hooks as the real pre-commit installs and runs them when the real git commits."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
INSTALLED = ("headlint", "rules", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")

GOOD = """import torch.nn as nn

model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(model(x), y)
"""
WRONG = GOOD.replace("nn.Linear(8, 3)", "nn.Linear(8, 3), nn.Softmax(dim=1)")
MENDED_SAFELY = """import torch
import torch.nn as nn

model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
criterion = nn.NLLLoss()


def step(x, y):
    return criterion(torch.log_softmax(model(x), dim=1), y)
"""
IMPRECISE = MENDED_SAFELY.replace("torch.log_softmax(model(x), dim=1)", "torch.log(torch.softmax(model(x), dim=1))")
PACKAGE = {
    "package/__init__.py": "",
    "package/my net.py": WRONG.replace("criterion(model(x), y)", "model(x)"),
    "package/net.py": """import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(8, 4)

    def forward(self, x):
        return self.out(x).softmax(dim=1)
""",
    "package/steps.py": """def step(model, criterion, x, y):
    return criterion(model(x), y)
""",
    "package/run.py": """import torch.nn as nn

from .net import Net
from .steps import step


def run(loader):
    net, criterion = Net(), nn.CrossEntropyLoss()
    for x, y in loader:
        step(net, criterion, x, y).backward()
""",
    "train alone.py": WRONG,
}
FOUND_IN_PACKAGE = {"package/steps.py:2:12: HL101", "train alone.py:8:12: HL101"}


def notebook(program: str) -> str:
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": [program]}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@dataclass(frozen=True)
class Repository:
    """A scratch repository whose commits pre-commit guards."""

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, encoding="utf-8", timeout=300
        )

    def git(self, *arguments: str) -> str:
        outcome = self.run("git", *arguments)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        return outcome.stdout.strip()

    def commit(self, **files: str) -> tuple[bool, str]:
        """Write files (``__`` stands for a dot), add and commit them: whether git took them, and what was said."""
        for name, text in files.items():
            (self.folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
        self.git("add", ".")
        outcome = self.run("git", "commit", "--message", "A change")
        return outcome.returncode == 0, outcome.stdout + outcome.stderr

    def check(self, *files: str) -> set[str]:
        """What the hook tells when pre-commit gives it some files, or all: places and codes."""
        given = ("--files", *files) if files else ("--all-files",)
        outcome = self.run(sys.executable, "-m", "pre_commit", "run", "headlint", *given)
        return set(re.findall(r"^(.+:\d+:\d+: HL\d+) ", outcome.stdout, re.MULTILINE))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a user without any settings, whose pre-commit keeps its things in a folder of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHON", "PRE_COMMIT"))}
    names = {
        f"GIT_{who}_{what}": "someone@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return {
        **kept,
        **names,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("pre-commit")),
        "PRE_COMMIT_COLOR": "never",
    }


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> tuple[Path, str]:
    """This project as a repository of hooks, and its revision."""
    published = Repository(tmp_path_factory.mktemp("hooks"), environment)
    for name in INSTALLED:
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        copy(REPOSITORY / name, published.folder / name)
    published.git("init", "--quiet")
    published.git("add", ".")
    published.git("commit", "--quiet", "--message", "All of it")
    return published.folder, published.git("rev-parse", "HEAD")


def guarded(folder: Path, environment: dict[str, str], hooks: tuple[Path, str], *wanted: str) -> Repository:
    """A new repository with some of the hooks."""
    repository = Repository(folder, environment)
    published, revision = hooks
    lines = [f"repos:\n- repo: {published.as_posix()}\n  rev: {revision}\n  hooks:"]
    lines += [f"  - id: {hook}\n    args: [--output-format, concise]" for hook in wanted]
    (folder / ".pre-commit-config.yaml").write_text("\n".join(lines) + "\n")
    repository.git("init", "--quiet")
    outcome = repository.run(sys.executable, "-m", "pre_commit", "install", "--install-hooks")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return repository


@pytest.fixture
def repository(tmp_path: Path, environment: dict[str, str], hooks: tuple[Path, str]) -> Repository:
    return guarded(tmp_path, environment, hooks, "headlint")


def test_a_commit_is_refused_until_it_is_mended_by_hand(repository: Repository) -> None:
    taken, said = repository.commit(train__py=WRONG)
    assert not taken
    assert "train.py:8:12: HL101 [error]" in said
    taken, said = repository.commit(train__py=GOOD)
    assert taken, said
    assert re.search(r"^headlint\.+Passed$", said, re.MULTILINE)
    assert repository.git("ls-files", "*.py") == "train.py"


def test_the_other_hook_mends_what_is_safe(
    tmp_path: Path, environment: dict[str, str], hooks: tuple[Path, str]
) -> None:
    repository = guarded(tmp_path, environment, hooks, "headlint-fix")
    taken, said = repository.commit(train__py=IMPRECISE)
    assert not taken
    assert "files were modified by this hook" in said
    assert (tmp_path / "train.py").read_text() == MENDED_SAFELY
    taken, said = repository.commit()
    assert taken, said
    taken, said = repository.commit(unsafe__py=WRONG)
    assert not taken
    assert "unsafe.py:8:12: HL101 [error]" in said
    assert (tmp_path / "unsafe.py").read_text() == WRONG


def test_notebooks_are_checked_and_stubs_are_not(repository: Repository) -> None:
    taken, said = repository.commit(stub__pyi=WRONG)
    assert taken, said
    assert "(no files to check)" in said
    taken, said = repository.commit(cells__ipynb=notebook(WRONG))
    assert not taken
    assert "cells.ipynb:cell 1:8:12: HL101 [error]" in said
    taken, said = repository.commit(cells__ipynb=notebook(GOOD))
    assert taken, said


def test_what_is_told_does_not_depend_on_the_files_that_are_passed(repository: Repository) -> None:
    for name, text in PACKAGE.items():
        file = repository.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    repository.git("add", ".")
    assert repository.check() == FOUND_IN_PACKAGE
    names = list(PACKAGE)
    slices = [names[first : first + 2] for first in range(0, len(names), 2)]
    assert set().union(*(repository.check(*files) for files in slices)) == FOUND_IN_PACKAGE
    assert repository.check("package/steps.py") == {"package/steps.py:2:12: HL101"}
    assert repository.check("train alone.py", "package/my net.py") == {"train alone.py:8:12: HL101"}
