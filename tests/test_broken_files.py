"""Files that cannot be parsed: it is reported, the rest is checked, and nothing is written into them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import headlint
from headlint.fixes.applying import apply_fixes
from headlint.fixes.suppressing import add_suppressions
from headlint.settings import Settings

MISTAKE = """\
import torch.nn as nn
import torch.nn.functional as F

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 5))
criterion = nn.CrossEntropyLoss()


def step(x, y):
    {}
    output = F.softmax(model(x), dim=1)
    loss = criterion(output, y)
    loss.backward()
"""
BROKEN = [
    'print "x", x',
    "self.history.append(",
    "if x.shape[0] > 3",
    "<<<<<<< HEAD",
    "except IOError, error:",
    "x = {{ x }",
]


def report_of(path: Path) -> headlint.Report:
    return headlint.check_paths([path], Settings(root=path.parent, cache=False, jobs=1))


@pytest.mark.parametrize("broken", BROKEN)
def test_the_rest_is_checked(tmp_path: Path, broken: str) -> None:
    file = tmp_path / "x.py"
    file.write_text(MISTAKE.format(broken))
    report = report_of(file)
    assert [(problem.code, problem.line) for problem in report.problems] == [("HL900", 9)]
    assert [(finding.code, finding.place.line, finding.place.column) for finding in report] == [("HL101", 11, 12)]


def test_columns_are_those_of_the_file(tmp_path: Path) -> None:
    text = MISTAKE.format("a = 1").replace("    output", "\toutput").replace("    loss", "        loss")
    file = tmp_path / "x.py"
    file.write_text(text)
    report = report_of(file)
    assert report.problems
    assert [(finding.code, finding.place.column) for finding in report] == [("HL101", 16)]


def test_nothing_is_guessed_of_a_model_whose_last_layer_is_being_written(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text(
        "from keras import Sequential\nfrom keras.layers import Dense\n\nmodel = Sequential()\n"
        'model.add(Dense(64, activation="relu", input_shape=(4,)))\nmodel.add(Dense(3, activation="sof\n'
        'model.compile("adam", loss="categorical_crossentropy")\n'
    )
    assert not list(report_of(file))


def test_a_module_that_is_imported(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "import torch.nn as nn\nprint 'loading'\n\nmodel = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1))\n"
    )
    file = tmp_path / "train.py"
    file.write_text(
        "import torch.nn as nn\nfrom net import model\n\n\ndef step(x, y):\n    return nn.CrossEntropyLoss()(model(x), y)\n"
    )
    assert [finding.code for finding in report_of(file)] == ["HL101"]


def test_a_cell_of_a_notebook(tmp_path: Path) -> None:
    cells = ["import torch", MISTAKE.format("print 3"), "y = ("]
    content = {
        "cells": [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in cells],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    file = tmp_path / "x.ipynb"
    file.write_text(json.dumps(content))
    report = report_of(file)
    assert sorted((problem.cell, problem.line) for problem in report.problems) == [(2, 9), (3, 1)]
    assert [(finding.code, finding.place.cell, finding.place.line) for finding in report] == [("HL101", 2, 11)]


def test_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    text = MISTAKE.format("print x")
    file.write_text(text)
    settings = Settings(root=tmp_path, cache=False, jobs=1)
    assert apply_fixes([file], settings, unsafe=True).files == ()
    assert add_suppressions([file], settings).files == ()
    assert file.read_text() == text


def test_comments_below_the_fault_count(tmp_path: Path) -> None:
    text = MISTAKE.format('x = """a').replace(
        "loss = criterion(output, y)", "loss = criterion(output, y)  # noqa: HL101"
    )
    file = tmp_path / "x.py"
    file.write_text(text)
    assert not list(report_of(file))
