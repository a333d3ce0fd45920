"""``headlint check --fix`` as people and editors run it: patches for the real git, standard input, exit statuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """import torch
import torch.nn as nn

model = nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()


def train(loader):
    for x, y in loader:
        loss = criterion(model(x), y)
        loss.backward()
"""
MENDED = PROGRAM.replace(", nn.Softmax(dim=1)", "")
CALLED = """import torch.nn as nn

layer = nn.Linear(8, 3)


def step(x, y):
    return nn.CrossEntropyLoss(layer(x), y)
"""
CALLED_MENDED = CALLED.replace("CrossEntropyLoss(", "CrossEntropyLoss()(")


def headlint(folder: Path, *arguments: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "headlint", "check", "--isolated", "--no-cache", *arguments]
    return subprocess.run(command, cwd=folder, input=given, capture_output=True, timeout=120)


def notebook() -> str:
    cell = {"cell_type": "code", "execution_count": 3, "metadata": {}, "outputs": []}
    cells = [{**cell, "source": ["%matplotlib inline\n", "!pip list"]}, {**cell, "source": PROGRAM.splitlines(True)}]
    return json.dumps({"cells": cells, "metadata": {"kernelspec": {}}, "nbformat": 4, "nbformat_minor": 4}, indent=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Programs in every kind of text that a patch must fit."""
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a folder" / "größe.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "windows.py").write_bytes(PROGRAM.replace("\n", "\r\n").encode())
    (tmp_path / "marked.py").write_bytes(b"\xef\xbb\xbf" + PROGRAM.encode())
    (tmp_path / "western.py").write_bytes(("# coding: latin-1\n" + PROGRAM + "é = 'ü'").encode("latin-1"))
    (tmp_path / "page.py").write_text(PROGRAM.replace("\n\n\n", "\n\x0c\n"), encoding="utf-8")
    (tmp_path / "cells.ipynb").write_text(notebook(), encoding="utf-8")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.*") if file.is_file()}


@pytest.mark.parametrize("tool", [["git", "apply"], ["patch", "-p1", "--binary", "-i"]], ids=["git", "patch"])
def test_a_diff_is_a_patch(folder: Path, tmp_path_factory: pytest.TempPathFactory, tool: list[str]) -> None:
    if shutil.which(tool[0]) is None:
        pytest.skip(f"{tool[0]} is not installed")
    before = contents(folder)
    shown = headlint(folder, "--unsafe-fixes", "--diff", ".")
    assert shown.returncode == 1
    assert contents(folder) == before
    patch = tmp_path_factory.mktemp("patch") / "all.patch"
    patch.write_bytes(shown.stdout)
    by_hand = tmp_path_factory.mktemp("copy") / "folder"
    shutil.copytree(folder, by_hand)
    subprocess.run([*tool, str(patch)], cwd=by_hand, check=True, capture_output=True)
    assert headlint(folder, "--unsafe-fixes", ".").returncode == 0
    assert contents(by_hand) == contents(folder)
    assert all(new != before[name] for name, new in contents(folder).items())


@pytest.mark.parametrize(
    ("options", "status", "after"),
    [
        (["--fix"], 0, CALLED_MENDED),
        (["--fix", "--ignore", "HL507"], 0, CALLED),
        (["--fix", "--diff"], 1, CALLED),
        (["--fix", "--diff", "--exit-zero"], 0, CALLED),
        (["--fix", "--select", "HL101"], 0, CALLED),
    ],
)
def test_safe_fixes_and_exit_statuses(tmp_path: Path, options: list[str], status: int, after: str) -> None:
    file = tmp_path / "step.py"
    file.write_text(CALLED, encoding="utf-8")
    assert headlint(tmp_path, *options, "step.py").returncode == status
    assert file.read_text(encoding="utf-8") == after


def test_what_is_left_is_told_in_the_format_asked_for(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(PROGRAM + "\n\n" + CALLED, encoding="utf-8")
    told = headlint(tmp_path, "--fix", "--output-format", "json", ".")
    assert told.returncode == 1
    assert [finding["code"] for finding in json.loads(told.stdout)["findings"]] == ["HL101"]
    assert told.stderr == b"1 finding fixed in 1 file.\n"


@pytest.mark.parametrize("data", [PROGRAM.encode(), b"\xef\xbb\xbf" + PROGRAM.replace("\n", "\r\n").encode()])
def test_standard_input_comes_out_mended(tmp_path: Path, data: bytes) -> None:
    mended = headlint(tmp_path, "--unsafe-fixes", "--stdin-filename", "net.py", "-", given=data)
    assert mended.returncode == 0
    assert mended.stdout == data.replace(b", nn.Softmax(dim=1)", b"")
    assert list(tmp_path.iterdir()) == []


def test_standard_input_that_cannot_be_mended_comes_out_as_it_was(tmp_path: Path) -> None:
    for given, status in ((PROGRAM, 1), ("x = (\n", 2), ("x = 1\n", 0)):
        done = headlint(tmp_path, "--fix", "-", given=given.encode())
        assert (done.returncode, done.stdout) == (status, given.encode())
    undecodable = headlint(tmp_path, "--fix", "-", given=b"x = '\xff'\n")
    assert (undecodable.returncode, undecodable.stdout) == (2, b"")


def test_a_notebook_on_standard_input(tmp_path: Path) -> None:
    done = headlint(tmp_path, "--unsafe-fixes", "--stdin-filename", "x.ipynb", "-", given=notebook().encode())
    assert done.stdout.decode() == notebook().replace(", nn.Softmax(dim=1)", "")


def test_files_that_are_not_checked_are_not_changed(tmp_path: Path) -> None:
    """The model stands in a file that is excluded, or that was not named."""
    model, training = PROGRAM.split("criterion", 1)
    (tmp_path / "model.py").write_text(model, encoding="utf-8")
    (tmp_path / "train.py").write_text(
        f"import torch.nn as nn\nfrom model import model\n\ncriterion{training}", encoding="utf-8"
    )
    (tmp_path / "headlint.toml").write_text('exclude = ["model.py"]\n', encoding="utf-8")
    command = [sys.executable, "-m", "headlint", "check", "--no-cache", "--unsafe-fixes", "."]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120).returncode == 1
    assert headlint(tmp_path, "--unsafe-fixes", "train.py").returncode == 1
    assert (tmp_path / "model.py").read_text(encoding="utf-8") == model
    assert headlint(tmp_path, "--unsafe-fixes", "train.py", "model.py").returncode == 0
    assert "Softmax" not in (tmp_path / "model.py").read_text(encoding="utf-8")


def test_a_read_only_file_is_left_alone_and_told(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(PROGRAM, encoding="utf-8")
    file.chmod(0o444)
    done = headlint(tmp_path, "--unsafe-fixes", "--output-format", "concise", ".")
    assert done.returncode == 2
    assert b"net.py:10:16: HL101" in done.stdout
    assert done.stderr == b"headlint: net.py: is read-only and is left alone\n0 findings fixed in 0 files.\n"
    assert file.read_text(encoding="utf-8") == PROGRAM


def test_several_at_once_leave_whole_files(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"net{number}.py").write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, "-m", "headlint", "check", "--isolated", "--no-cache", "--unsafe-fixes", "."]
    running = [
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)
    ]
    for process in running:
        process.wait(120)
    assert set(contents(tmp_path).values()) == {MENDED.encode()}


def test_the_cache_does_not_remember_what_was_mended(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, "-m", "headlint", "check", "--isolated", "."]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120).returncode == 1
    subprocess.run([*command, "--unsafe-fixes"], cwd=tmp_path, capture_output=True, timeout=120)
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120).returncode == 0
