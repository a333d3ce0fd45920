"""Putting fixes into files: bytes that stay, rounds, and files that are left alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from headlint.fixes import Edit, apply_edits, apply_fixes
from headlint.fixes.workspace import Workspace
from headlint.settings import Settings

PROGRAM = """import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        return F.softmax(self.fc(x), dim=1)  # größer


model = Net()
criterion = nn.CrossEntropyLoss()


def train(x, y):
    loss = criterion(model(x), y)
    loss.backward()
"""
MENDED = PROGRAM.replace("F.softmax(self.fc(x), dim=1)", "self.fc(x)")


def settings(root: Path) -> Settings:
    return Settings(root=root, cache=False, jobs=1)


def mend(file: Path, unsafe: bool = True, diff: bool = False):  # type: ignore[no-untyped-def]
    return apply_fixes([file], settings(file.parent), unsafe, diff)


@pytest.mark.parametrize(
    ("encoding", "newline"),
    [("utf-8", "\n"), ("utf-8", "\r\n"), ("utf-8-sig", "\n"), ("utf-8-sig", "\r\n"), ("latin-1", "\n")],
)
def test_encoding_and_line_ends_stay(tmp_path: Path, encoding: str, newline: str) -> None:
    declared = "# coding: latin-1\n" if encoding == "latin-1" else ""
    file = tmp_path / "net.py"
    file.write_bytes((declared + PROGRAM).replace("\n", newline).encode(encoding))
    outcome = mend(file)
    assert len(outcome.fixes) == 1
    assert len(outcome.report) == 0
    assert file.read_bytes() == (declared + MENDED).replace("\n", newline).encode(encoding)


def test_mixed_line_ends_stay(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_bytes(PROGRAM.replace("\n", "\r\n", 3).encode())
    mend(file)
    assert file.read_bytes() == MENDED.replace("\n", "\r\n", 3).encode()


def test_unsafe_fixes_are_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(PROGRAM, encoding="utf-8")
    outcome = mend(file, unsafe=False)
    assert outcome.fixes == ()
    assert len(outcome.report) == 1
    assert file.read_text(encoding="utf-8") == PROGRAM


def test_diff_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(PROGRAM, encoding="utf-8")
    outcome = mend(file, diff=True)
    assert file.read_text(encoding="utf-8") == PROGRAM
    assert outcome.files == (str(file),)
    assert outcome.diff.startswith("--- a/net.py\n+++ b/net.py\n")
    assert (
        "-        return F.softmax(self.fc(x), dim=1)  # größer\n+        return self.fc(x)  # größer\n" in outcome.diff
    )


def test_the_mode_stays(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(PROGRAM, encoding="utf-8")
    file.chmod(0o754)
    mend(file)
    assert file.stat().st_mode & 0o777 == 0o754
    assert os.listdir(tmp_path) == ["net.py"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    real = folder / "real.py"
    real.write_text(PROGRAM, encoding="utf-8")
    link = tmp_path / "net.py"
    link.symlink_to(real)
    workspace = Workspace().after([Edit(str(link), 1, 1, 1, 1, "# mended\n")])
    assert workspace.write() == ((str(real),), ())
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8").startswith("# mended\n")


def test_a_file_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(PROGRAM, encoding="utf-8")
    workspace = Workspace().after([Edit(str(file), 1, 1, 1, 1, "# mended\n")])
    file.write_text("x = 1\n", encoding="utf-8")
    written, problems = workspace.write()
    assert written == ()
    assert [problem.message for problem in problems] == ["was changed meanwhile and is left alone"]
    assert file.read_text(encoding="utf-8") == "x = 1\n"


def test_a_notebook_is_mended_in_place(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# A net\n"]},
        code_cell("b", "%matplotlib inline\nimport torch.nn as nn\nimport torch.nn.functional as F"),
        code_cell("c", PROGRAM[PROGRAM.index("class") : PROGRAM.index("\n\nmodel")]),
        code_cell("d", PROGRAM[PROGRAM.index("model =") :]),
    ]
    notebook = {"cells": cells, "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}
    file = tmp_path / "net.ipynb"
    file.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    before = file.read_text(encoding="utf-8")
    outcome = mend(file)
    assert len(outcome.fixes) == 1
    assert file.read_text(encoding="utf-8") == before.replace("F.softmax(self.fc(x), dim=1)", "self.fc(x)")


def code_cell(name: str, source: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "execution_count": 7,
        "id": name,
        "metadata": {"tags": ["kept"]},
        "outputs": [{"output_type": "stream", "name": "stdout", "text": ["größer\n"]}],
        "source": source.splitlines(keepends=True),
    }


def test_fixes_that_clash_are_made_in_rounds(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    text = PROGRAM.replace("import torch.nn as nn\n", "import torch.nn as nn\n").replace(
        "F.softmax(self.fc(x), dim=1)", "F.softmax(F.relu(self.fc(x)), dim=1)"
    )
    file.write_text(text, encoding="utf-8")
    outcome = mend(file)
    assert [fix.finding.code for fix in outcome.fixes] == ["HL101", "HL112"]
    assert file.read_text(encoding="utf-8") == MENDED


def test_a_fix_that_brings_another_finding_is_not_made(tmp_path: Path) -> None:
    """One softmax for two losses: without it the other one would get raw scores."""
    file = tmp_path / "net.py"
    text = PROGRAM + "\n\ndef other(x, y):\n    loss = F.nll_loss(model(x).log(), y)\n    loss.backward()\n"
    file.write_text(text, encoding="utf-8")
    before = {finding.code for finding in mend(file, diff=True).report}
    outcome = mend(file)
    assert {finding.code for finding in outcome.report} <= before


def test_edits_are_made_from_the_end() -> None:
    edits = [Edit("x.py", 1, 1, 1, 2, "long"), Edit("x.py", 1, 5, 1, 6, ""), Edit("x.py", 2, 1, 2, 1, "new\n")]
    assert apply_edits("a = b\r\nc\r\n", edits) == "long = \r\nnew\r\nc\r\n"
