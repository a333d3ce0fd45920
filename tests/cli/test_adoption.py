"""The real command in a repository with old mistakes: a baseline, comments, and only what has changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

BAD = """import torch.nn as nn

net = nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(net(x), y)
"""
MENDED = BAD.replace(", nn.Softmax(dim=1)", "")


def run(folder: Path, *command: str, text: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "100", **variables}
    return subprocess.run(
        command, cwd=folder, env=environment, input=text, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


def headlint(folder: Path, *arguments: str, text: str | None = None, **variables: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    done = run(folder, sys.executable, "-m", "headlint", *arguments, text=text, **variables)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def commit(folder: Path) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    assert run(folder, "git", "add", "--all").returncode == 0
    assert run(folder, "git", *identity, "commit", "--quiet", "--message", "a change").returncode == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert run(tmp_path, "git", "init", "--quiet", "--initial-branch", "main").returncode == 0
    (tmp_path / "old.py").write_text(BAD)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "older.py").write_text(BAD)
    commit(tmp_path)
    return tmp_path


def concise(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    """Exit status, and path and line of each finding."""
    status, said, _ = headlint(folder, "check", "--output-format", "concise", *arguments)
    return status, [":".join(line.split(":")[:2]) for line in said.splitlines()]


def test_the_story_of_a_baseline(folder: Path) -> None:
    status, said, _ = headlint(folder, "baseline", "write")
    assert (status, said.splitlines()[0]) == (0, "headlint-baseline.json: 2 findings (2 new, 0 taken out).")
    assert "--baseline" in said
    assert headlint(folder, "check")[0] == 1
    status, said, beside = headlint(folder, "check", "--baseline")
    assert (status, said, beside) == (0, "No findings in 2 files.\n", "Known from the baseline and not shown: 2.\n")

    (folder / "headlint.toml").write_text('baseline = "headlint-baseline.json"\n')
    (folder / "new.py").write_text(BAD)
    assert concise(folder) == (1, ["new.py:8"])
    assert concise(folder, "old.py") == (0, [])
    assert concise(folder / "deep", "older.py", "../new.py") == (1, [f"{folder}/new.py:8"])
    assert concise(folder, "--no-baseline") == (1, ["deep/older.py:8", "new.py:8", "old.py:8"])
    status, said, _ = headlint(folder, "check", "-", "--stdin-filename", "./old.py", text=f"# moved\n{BAD}")
    assert (status, said) == (0, "No findings in 1 file.\n")

    (folder / "old.py").write_text(MENDED)
    (folder / "deep" / "older.py").unlink()
    _, _, beside = headlint(folder, "check", ".")
    assert "Stale in the baseline: 2;" in beside
    (folder / "deep" / "older.py").write_text(MENDED)
    assert headlint(folder, "baseline", "prune", "old.py")[:2] == (
        0,
        "headlint-baseline.json: 1 finding (1 taken out).\n",
    )
    (folder / "deep" / "older.py").unlink()
    assert headlint(folder, "baseline", "prune", "old.py")[:2] == (
        0,
        "headlint-baseline.json: 0 findings (1 taken out).\n",
    )
    assert concise(folder) == (1, ["new.py:8"])
    assert headlint(folder, "baseline", "write")[:2] == (0, "headlint-baseline.json: 1 finding (1 new, 0 taken out).\n")
    assert concise(folder) == (0, [])


def test_writing_some_paths_keeps_what_is_known_of_others(folder: Path) -> None:
    headlint(folder, "baseline", "write", "old.py")
    headlint(folder / "deep", "baseline", "write", "older.py")
    entries = json.loads((folder / "headlint-baseline.json").read_text())["findings"]
    assert [entry["path"] for entry in entries] == ["deep/older.py", "old.py"]
    text = (folder / "headlint-baseline.json").read_text()
    headlint(folder, "baseline", "write")
    assert (folder / "headlint-baseline.json").read_text() == text


def test_a_file_that_cannot_be_parsed_keeps_what_is_known_of_it(folder: Path) -> None:
    headlint(folder, "baseline", "write")
    text = (folder / "headlint-baseline.json").read_text()
    (folder / "old.py").write_text(f"{BAD}\ndef broken(:\n")
    for action in ("prune", "write"):
        status, _, beside = headlint(folder, "baseline", action)
        assert status == 2
        assert "old.py:10:" in beside
    assert (folder / "headlint-baseline.json").read_text() == text


def test_a_baseline_that_is_no_baseline_is_one_line(folder: Path) -> None:
    (folder / "broken.json").write_text("{")
    wrong = [
        ("check", "--baseline=missing.json", "."),
        ("check", "--baseline", "--output-format=sarif"),
        ("check", "--baseline=broken.json"),
        ("baseline", "write", "--baseline=old.py"),
        ("check", "--baseline=broken.json", "--fix"),
        ("check", "--baseline=broken.json", "--add-suppressions"),
        ("baseline", "prune"),
        ("baseline", "write", "--baseline=broken.json"),
        ("baseline", "write", "--baseline=missing/folder.json"),
    ]
    for arguments in wrong:
        status, said, beside = headlint(folder, *arguments)
        assert (status, said, beside.count("\n")) == (2, "", 1), arguments
        assert beside.startswith("headlint: ")


@pytest.mark.parametrize("paths", [("old.py",), ("deep",), ("old.py", "deep")])
def test_a_program_after_baseline_is_a_path(folder: Path, paths: tuple[str, ...]) -> None:
    assert concise(folder, "--baseline", *paths) == concise(folder, "--baseline", "--", *paths)
    headlint(folder, "baseline", "write", paths[0])
    status, found = concise(folder, "--baseline", *paths)
    assert (status, len(found)) == (len(paths) - 1, len(paths) - 1)


@pytest.mark.parametrize("form", ["json", "sarif", "github", "gitlab", "junit"])
def test_no_format_shows_what_is_known(folder: Path, form: str) -> None:
    _, shown, _ = headlint(folder, "check", "--output-format", form)
    assert "old.py" in shown
    headlint(folder, "baseline", "write")
    status, shown, beside = headlint(folder, "check", "--baseline", "--output-format", form)
    assert (status, beside) == (0, "Known from the baseline and not shown: 2.\n")
    assert "old.py" not in shown


@pytest.mark.parametrize("form", ["json", "sarif", "gitlab"])
def test_statistics_do_not_break_what_programs_read(folder: Path, form: str) -> None:
    headlint(folder, "baseline", "write", "old.py")
    _, shown, beside = headlint(folder, "check", "--baseline", "--statistics", "--output-format", form)
    assert json.loads(shown)
    assert "     1  HL101  softmax-before-cross-entropy\n" in beside


def test_fix_leaves_what_is_known(folder: Path) -> None:
    headlint(folder, "baseline", "write")
    (folder / "new.py").write_text(BAD)
    status, _, beside = headlint(folder, "check", "--baseline", "--fix", "--unsafe-fixes")
    assert (status, beside.splitlines()[0]) == (0, "1 finding fixed in 1 file.")
    assert (folder / "new.py").read_text() == MENDED
    assert (folder / "old.py").read_text() == BAD


def test_the_story_of_comments(folder: Path) -> None:
    status, said, beside = headlint(folder, "check", "--add-suppressions", "--diff")
    assert (status, beside) == (0, "2 findings would be suppressed in 2 files.\n")
    assert said.count("\n+    return criterion(net(x), y)  # headlint: ignore[softmax-before-cross-entropy]\n") == 2
    assert (folder / "old.py").read_text() == BAD
    status, said, beside = headlint(folder, "check", "--add-suppressions")
    assert (status, said) == (0, "No findings in 2 files.\n")
    assert beside == "2 findings suppressed in 2 files.\n"
    assert headlint(folder, "check", "--extend-select", "HL901")[0] == 0
    assert run(folder, sys.executable, "-m", "flake8", "--select", "HL").stdout == ""
    assert headlint(folder, "check", "--add-suppressions")[2] == "0 findings suppressed in 0 files.\n"
    assert headlint(folder, "check", "--add-suppressions", "--fix")[0] == 2
    assert headlint(folder, "check", "-", "--add-suppressions", text=BAD)[0] == 2


def test_comments_for_what_is_new(folder: Path) -> None:
    headlint(folder, "baseline", "write")
    (folder / "new.py").write_text(BAD)
    headlint(folder, "check", "--baseline", "--add-suppressions")
    assert "headlint: ignore" in (folder / "new.py").read_text()
    assert (folder / "old.py").read_text() == BAD


def test_the_story_of_a_branch(folder: Path) -> None:
    run(folder, "git", "checkout", "--quiet", "-b", "feature")
    (folder / "new.py").write_text(BAD)
    (folder / "old.py").write_text(BAD.replace("criterion =", "# moved\ncriterion ="))
    assert concise(folder, "--diff-base", "main") == (1, ["new.py:8"])
    commit(folder)
    assert concise(folder, "--diff-base", "main") == (1, ["new.py:8"])
    assert concise(folder, "--diff-base", "HEAD") == (0, [])
    assert concise(folder / "deep", "--diff-base", "main...", "..") == (1, [f"{folder}/new.py:8"])
    headlint(folder, "check", "--diff-base", "main", "--add-suppressions")
    assert "headlint: ignore" in (folder / "new.py").read_text()
    assert "headlint: ignore" not in (folder / "old.py").read_text()


def test_a_revision_that_is_not_there_is_one_line(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert headlint(folder, "check", "--diff-base", "HEAD", "--add-suppressions")[0] == 0
    status, said, beside = headlint(folder, "check", "--diff-base", "nothing")
    assert (status, said, beside.count("\n")) == (2, "", 1)
    assert "no revision 'nothing'" in beside
    empty = tmp_path_factory.mktemp("empty")
    assert headlint(empty, "check", "--diff-base", "HEAD")[0] == 2
    status, _, beside = headlint(folder, "check", "--diff-base", "HEAD", PATH=str(empty))
    assert (status, beside.count("\n")) == (2, 1)
    assert "git cannot be run" in beside
