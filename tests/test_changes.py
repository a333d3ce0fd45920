"""Findings on lines changed since a revision, as the real git says it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

import headlint
from headlint.fixes import apply_fixes
from headlint.selection.changes import ChangedLines
from headlint.settings import ConfigurationError, Settings

NET = """import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        return F.softmax(self.out(x), dim=1)
"""
TRAIN = """import torch.nn as nn
from net import Net

criterion = nn.CrossEntropyLoss()
net = Net()


def step(x, y):
    loss = criterion(
        net(x),
        y,
    )
    loss.backward()
"""


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def commit(folder: Path) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "a change")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "train.py").write_text(TRAIN)
    commit(tmp_path)
    return tmp_path


def since(root: Path, revision: str = "HEAD", *paths: Path) -> list[tuple[str, int]]:
    chosen = Settings(root=root, diff_base=revision, cache=False, jobs=1)
    return [(Path(one.place.path).name, one.place.line) for one in headlint.check_paths(paths or [root], chosen)]


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_nothing_changed(repository: Path) -> None:
    assert since(repository) == []
    os.utime(repository / "train.py", (1, 1))
    assert since(repository) == []
    assert since(repository, "HEAD", repository / "train.py") == []


def test_every_step_of_the_trail_counts(repository: Path) -> None:
    for file, old, new in [
        ("net.py", "Linear(8, 3)", "Linear(8, 4)"),
        ("net.py", "dim=1", "dim=-1"),
        ("train.py", "criterion = nn", "criterion  = nn"),
        ("train.py", "        y,\n", "        y.long(),\n"),
    ]:
        edit(repository / file, old, new)
        assert since(repository) == [("train.py", 9)]
        assert since(repository, "HEAD", repository / "train.py") == [("train.py", 9)]
        git(repository, "checkout", "--quiet", ".")


def test_other_lines_do_not_count(repository: Path) -> None:
    edit(repository / "net.py", "super().__init__()", "super().__init__()\n        self.name = 'net'")
    edit(repository / "train.py", "\n\ndef", "\n\n# moved\n\ndef")
    edit(repository / "train.py", "    loss.backward()\n", "")
    assert since(repository) == []


def test_a_line_taken_out_of_the_midst_counts(repository: Path) -> None:
    edit(repository / "train.py", "        net(x),\n", "        net(x),\n        # why\n")
    commit(repository)
    edit(repository / "train.py", "        # why\n", "")
    assert since(repository) == [("train.py", 9)]


def test_staged_committed_and_earlier_changes(repository: Path) -> None:
    edit(repository / "net.py", "dim=1", "dim=-1")
    git(repository, "add", "--all")
    assert since(repository) == [("train.py", 9)]
    commit(repository)
    assert since(repository) == []
    assert since(repository, "HEAD~1") == [("train.py", 9)]
    git(repository, "tag", "--annotate", "--message", "a tag", "v1", "HEAD~1")
    assert since(repository, "v1") == [("train.py", 9)]


def test_since_the_branch_began(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "-b", "feature")
    (repository / "readme.txt").write_text("a feature")
    commit(repository)
    git(repository, "checkout", "--quiet", "main")
    edit(repository / "net.py", "dim=1", "dim=-1")
    commit(repository)
    git(repository, "checkout", "--quiet", "feature")
    assert since(repository, "main") == [("train.py", 9)]
    assert since(repository, "main...") == []


def test_what_git_does_not_track_is_new(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (repository / "new.py").write_text(NET + TRAIN.replace("from net import Net\n", ""))
    assert since(repository) == [("new.py", 19)]
    git(repository, "add", "--all", "--intent-to-add")
    assert since(repository) == [("new.py", 19)]
    (repository / ".gitignore").write_text("new.py\n")
    git(repository, "reset", "--quiet")
    assert since(repository, "HEAD", repository / "new.py") == [("new.py", 19)]
    outside = tmp_path_factory.mktemp("outside") / "outside.py"
    outside.write_text((repository / "new.py").read_text())
    assert since(repository, "HEAD", outside, repository / "train.py") == [("outside.py", 19)]


def test_renamed_files_are_followed(repository: Path) -> None:
    git(repository, "mv", "train.py", 'a "new"\tname ä.py')
    assert since(repository) == []
    edit(repository / 'a "new"\tname ä.py', "Net()", "Net( )")
    assert since(repository) == []
    edit(repository / 'a "new"\tname ä.py', "criterion = nn", "criterion  = nn")
    assert since(repository) == [('a "new"\tname ä.py', 9)]


def test_from_a_folder_below_and_through_a_link(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (repository / "deep").mkdir()
    (repository / "deep" / "train.py").write_text(TRAIN)
    (repository / "deep" / "net.py").write_text(NET)
    commit(repository)
    assert since(repository, "HEAD", repository / "deep") == []
    edit(repository / "deep" / "net.py", "dim=1", "dim=-1")
    assert since(repository, "HEAD", repository / "deep") == [("train.py", 9)]
    link = tmp_path_factory.mktemp("elsewhere") / "link"
    link.symlink_to(repository / "deep")
    assert since(link, "HEAD", link) == [("train.py", 9)]


def test_the_git_of_a_hook_does_not_mislead(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(repository / "net.py", "dim=1", "dim=-1")
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/no-index")
    (repository / "folder").mkdir()
    monkeypatch.chdir(repository / "folder")
    assert since(repository, "HEAD", Path("../train.py")) == [("train.py", 9)]


def test_line_ends_and_spaces_at_checkout(repository: Path) -> None:
    (repository / "train.py").write_bytes(TRAIN.replace("\n", "\r\n").encode())
    assert since(repository) == []


def test_notebooks_by_the_lines_of_their_cells(repository: Path) -> None:
    def write(*sources: str) -> None:
        cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": source} for source in sources]
        content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (repository / "cells.ipynb").write_text(json.dumps(content))

    use = TRAIN.replace("from net import Net\n", "")
    write(NET, use)
    commit(repository)
    write("!ls", "import os", NET, use)
    assert since(repository) == []
    write(NET, use.replace("net = Net()", "net = Net().train()"))
    assert since(repository) == []
    write(NET.replace("Linear(8, 3)", "Linear(8, 5)"), use)
    assert since(repository) == [("cells.ipynb", 8)]
    (repository / "cells.ipynb").write_text("no notebook")
    commit(repository)
    write(NET, use)
    assert since(repository) == [("cells.ipynb", 8)]


def test_submodules_are_left_alone(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    library = tmp_path_factory.mktemp("library")
    git(library, "init", "--quiet")
    (library / "all.py").write_text(NET + TRAIN.replace("from net import Net\n", ""))
    commit(library)
    git(repository, "submodule", "--quiet", "add", str(library), "library")
    commit(repository)
    edit(repository / "library" / "all.py", "dim=1", "dim=-1")
    assert since(repository) == []


def test_a_merge_in_conflict(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "-b", "feature")
    edit(repository / "train.py", "net = Net()", "net = Net().train()")
    commit(repository)
    git(repository, "checkout", "--quiet", "main")
    edit(repository / "train.py", "net = Net()", "net = Net().cpu()")
    commit(repository)
    with pytest.raises(subprocess.CalledProcessError):
        git(repository, "merge", "feature")
    (repository / "train.py").write_text(TRAIN)
    assert since(repository) == []
    edit(repository / "train.py", "criterion = nn", "criterion  = nn")
    assert since(repository) == [("train.py", 9)]


def test_what_cannot_be_compared_is_one_line(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(root: Path, revision: str) -> str:
        with pytest.raises(ConfigurationError) as caught:
            since(root, revision)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "no revision 'nothing'" in said(repository, "nothing")
    assert "no revision '--output=x'" in said(repository, "--output=x")
    empty = tmp_path_factory.mktemp("empty")
    assert "not a git repository" in said(empty, "HEAD")
    git(empty, "init", "--quiet")
    assert "no revision 'HEAD'" in said(empty, "HEAD")
    monkeypatch.setenv("PATH", str(empty))
    assert "git cannot be run" in said(repository, "HEAD")


def test_only_what_is_on_changed_lines_is_fixed(repository: Path) -> None:
    alone = NET + TRAIN.replace("from net import Net\n", "")
    (repository / "old.py").write_text(alone)
    commit(repository)
    (repository / "new.py").write_text(alone)
    outcome = apply_fixes([repository], Settings(root=repository, diff_base="HEAD", cache=False, jobs=1), unsafe=True)
    assert [Path(name).name for name in outcome.files] == ["new.py"]
    assert outcome.report.findings == ()


def test_a_text_that_is_handed_over(repository: Path) -> None:
    chosen = Settings(root=repository, diff_base="HEAD", cache=False)
    name = str(repository / "train.py")
    assert len(headlint.check_source(TRAIN, name, chosen)) == 0
    assert len(headlint.check_source(TRAIN.replace("criterion = nn", "criterion  = nn"), name, chosen)) == 1


@pytest.mark.parametrize(
    ("before", "after", "stretches"),
    [
        ("a\nb\nc", "a\nb\nc", ()),
        ("a\nb\nc", "a\nx\nc", ((1, 2),)),
        ("a\nc", "a\nb\nc", ((1, 2),)),
        ("a\nb\nc", "a\nc", ((1, 1),)),
        ("", "a\nb", ((0, 2),)),
    ],
)
def test_changed_lines(before: str, after: str, stretches: tuple[tuple[int, int], ...]) -> None:
    assert ChangedLines.between(before, after).stretches == stretches


def test_lines_around_a_gap_did_not_change() -> None:
    gap = ChangedLines(((1, 1),))
    assert [gap.touch(1, 1), gap.touch(2, 2), gap.touch(1, 2)] == [False, False, True]
