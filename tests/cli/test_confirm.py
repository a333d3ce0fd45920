"""``headlint confirm`` and ``check --confirm`` as people run them, on small programs, as processes of their own."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import jsonschema
import pytest

REPOSITORY = Path(__file__).parents[2]
SCHEMA = json.loads((REPOSITORY / "headlint/reporting/confirmation.schema.json").read_text())

sys.path.insert(0, str(REPOSITORY / "tests" / "runtime"))
from hostility import HOSTILE, Traces, eventually, needs_keras, needs_torch, project, traces  # noqa: E402

pytestmark = needs_torch

BAD = """import torch.nn as nn

model = nn.Sequential(nn.Linear(8, 10), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(model(x), y)
"""
GOOD = BAD.replace(", nn.Softmax(dim=1)", "")

TOKENS = """import torch.nn as nn


class Net(nn.Module):
    def __init__(self, words, classes):
        super().__init__()
        self.embed = nn.Embedding(words, 16)
        self.out = nn.Linear(16, classes)

    def forward(self, tokens):
        return self.out(self.embed(tokens))
"""

HIDDEN = """import torch.nn as nn


class Net(nn.Module):
    def __init__(self, last="Softmax"):
        super().__init__()
        self.out = nn.Linear(8, 10)
        self.last = getattr(nn, last)(1)

    def forward(self, x):
        return self.last(self.out(x))
"""

CONSTANT = """import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(8, 16)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, x):
        return self.softmax(self.hidden(x)).sum(dim=1, keepdim=True)
"""

KERAS_BAD = """import keras
from keras import layers

model = keras.Sequential([keras.Input((8,)), layers.Dense(1, activation="softmax")])
model.compile(optimizer="adam", loss="binary_crossentropy")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project; what is told once for each project is told anew."""
    made = tmp_path / "project"
    made.mkdir()
    (made / "bad.py").write_text(BAD)
    (made / "good.py").write_text(GOOD)
    return made


def command(folder: Path, *arguments: str) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "100", "PYTHONHASHSEED": "0"}
    environment["XDG_STATE_HOME"] = str(folder.parent / "state")
    return {"args": [sys.executable, "-m", "headlint", *arguments], "cwd": folder, "env": environment}


def headlint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(**command(folder, *arguments), capture_output=True, encoding="utf-8", timeout=300)


def models(run: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    told = json.loads(run.stdout)
    jsonschema.validate(told, SCHEMA)
    return list(told["models"])


def test_a_file_a_model_a_folder_and_nothing_at_all(folder: Path) -> None:
    wanted = {"bad.py": ["bad.py"], "bad.py::model": ["bad.py"], ".": ["bad.py"], "": ["bad.py"]}
    for target, paths in wanted.items():
        run = headlint(folder, "confirm", "--output-format", "json", *([target] if target else []))
        assert run.returncode == 1, run.stderr
        told = models(run)
        assert [one["path"] for one in told] == paths
        assert [verdict["outcome"] for verdict in told[0]["verdicts"]] == ["confirmed"]
    # Of a folder the models behind findings are built, of a file all.
    run = headlint(folder, "confirm", "--output-format", "json", "good.py")
    assert (run.returncode, [one["name"] for one in models(run)]) == (0, ["model"])


def test_what_is_told_in_text(folder: Path) -> None:
    run = headlint(folder, "confirm", "bad.py", "--train-steps", "12")
    lines = run.stdout.splitlines()
    assert lines[0] == "bad.py::model"
    assert "  output   [5, 10] float32, from softmax over axis 1" in run.stdout
    # Ten classes: log(1 + 9 / e).
    assert "cannot fall below 1.461" in run.stdout
    assert "  CONFIRMED HL101 softmax-before-cross-entropy (bad.py:8:12)" in lines
    curves = re.findall(r"^    (as written|mended) +([▁▂▃▄▅▆▇█]{13})  ", run.stdout, re.MULTILINE)
    assert [title for title, _ in curves] == ["as written", "mended"]
    assert curves[1][1][0] > curves[1][1][-1]
    assert "\033" not in run.stdout


def test_check_confirms_beside_each_finding(folder: Path) -> None:
    run = headlint(folder, "check", "--confirm", ".")
    assert run.returncode == 1
    assert "built model, confirmed: In training mode every row of the output sums to 1." in run.stdout
    told = json.loads(headlint(folder, "check", "--confirm", "--output-format", "json", ".").stdout)
    assert [finding["measured"]["outcome"] for finding in told["findings"]] == ["confirmed"]


def test_that_code_is_executed_is_told_once_for_each_project(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.headlint]\n")
    first = headlint(folder, "confirm", "good.py")
    assert "executes code of the program" in first.stderr
    assert "executes code" not in headlint(folder, "confirm", "good.py").stderr
    other = folder.parent / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text("[tool.headlint]\n")
    (other / "bad.py").write_text(BAD)
    assert "executes code of the program" in headlint(other, "check", "--confirm").stderr
    assert "executes code" not in headlint(other, "check").stderr


def test_a_missing_framework_is_one_line_that_says_what_to_install(folder: Path) -> None:
    bare = folder.parent / "bare"
    venv.create(bare, with_pip=False)
    python = str(bare / "bin" / "python")
    for arguments in (("confirm", "bad.py", "good.py"), ("confirm", "."), ("check", "--confirm", "bad.py")):
        run = headlint(folder, *arguments, "--python", python)
        told = [line for line in run.stderr.splitlines() if "torch" in line] + [
            line for line in run.stdout.splitlines() if "pip install" in line
        ]
        assert len(told) == 1, (run.stdout, run.stderr)
        assert "pip install 'headlint[torch]'" in told[0]
        assert "built model" not in run.stdout
        assert run.returncode == 2
        assert "Traceback" not in run.stderr
    (told,) = models(headlint(folder, "confirm", "bad.py", "--python", python, "--output-format", "json"))
    assert told["failure"]["reason"] == "framework"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing.py",), "missing.py: does not exist"),
        ((".::Net",), "is a folder; name the file that holds Net"),
        (("bad.py", "--python", "no-such-python"), "no-such-python: cannot be started"),
        (("bad.py", "--device", "tpu"), "'tpu' is no device"),
        (("bad.py", "--input", "a,b"), "'a,b' is no input"),
        (("bad.py", "--output-shape", "N;10"), "'N;10' is no shape"),
        (("bad.py", "--memory", "much"), "'much' is no amount"),
        (("bad.py", "good.py", "--init", "Net()"), "--init is about one model; name it: PATH::NAME"),
        ((".", "--loss", "nn.CrossEntropyLoss()"), "--loss is about one model; name it: PATH::NAME"),
        (("bad.py::missing",), ""),
    ],
)
def test_bad_input_is_one_clear_line(folder: Path, arguments: tuple[str, ...], words: str) -> None:
    (folder / "pyproject.toml").write_text("[tool.headlint]\n")
    run = headlint(folder, "confirm", *arguments)
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    told = [line for line in run.stderr.splitlines() if "executes code" not in line]
    if words:
        assert len(told) == 1, run.stderr
        assert words in told[0]
    else:
        assert "could not be measured: not-found" in run.stdout


def test_a_file_that_does_not_parse_is_named(folder: Path) -> None:
    (folder / "broken.py").write_text("import torch\nmodel = torch.nn.Linear(3,\n")
    run = headlint(folder, "confirm", ".")
    assert run.returncode == 2
    assert "broken.py:3:1: HL900" in run.stderr or "broken.py:2" in run.stderr
    assert "CONFIRMED HL101" in run.stdout


def test_nothing_to_confirm_is_said(folder: Path) -> None:
    (folder / "bad.py").unlink()
    run = headlint(folder, "confirm")
    assert (run.returncode, run.stdout) == (0, "")
    assert "nothing to confirm" in run.stderr


def test_the_shape_that_was_said_is_compared(folder: Path) -> None:
    (folder / "net.py").write_text(TOKENS)
    options = ("--init", "Net(100, 10)", "--input", "tokens=5,24:int64<100", "--output-format", "json")
    run = headlint(folder, "confirm", "net.py::Net", "--output-shape", "N,10", *options)
    (told,) = models(run)
    assert run.returncode == 1
    assert [finding["code"] for finding in told["found"]] == ["HL801"]
    assert told["found"][0]["message"] == "The output's shape is (5, 24, 10), not (any, 10) as you said."
    assert told["measured"]["basis"]["init"] == "Net(100, 10)"
    run = headlint(folder, "confirm", "net.py::Net", "--output-shape", "N,24,10", *options)
    assert (run.returncode, models(run)[0]["found"]) == (0, [])


def test_a_softmax_that_only_the_built_model_shows(folder: Path) -> None:
    (folder / "net.py").write_text(HIDDEN)
    options = ("--loss", "nn.CrossEntropyLoss()", "--output-format", "json")
    run = headlint(folder, "confirm", "net.py::Net", *options)
    assert [finding["code"] for finding in models(run)[0]["found"]] == ["HL803"]
    assert run.returncode == 1
    (folder / "net.py").write_text(HIDDEN.replace("getattr(nn, last)(1)", "nn.Identity()"))
    assert models(headlint(folder, "confirm", "net.py::Net", *options))[0]["found"] == []


def test_an_output_that_never_changes(folder: Path) -> None:
    (folder / "net.py").write_text(CONSTANT)
    run = headlint(folder, "confirm", "net.py::Net", "--output-format", "json")
    assert [finding["code"] for finding in models(run)[0]["found"]] == ["HL802"]
    (folder / "net.py").write_text(CONSTANT.replace(".sum(dim=1, keepdim=True)", "[:, :1]"))
    assert models(headlint(folder, "confirm", "net.py::Net", "--output-format", "json"))[0]["found"] == []


def test_a_notebook(folder: Path) -> None:
    cells = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": part.splitlines(True)}
        for part in ("%matplotlib inline\n", *BAD.split("\n\n\n"))
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "study.ipynb").write_text(json.dumps(notebook))
    (told,) = models(headlint(folder, "confirm", "study.ipynb", "--output-format", "json"))
    (verdict,) = told["verdicts"]
    assert (verdict["outcome"], verdict["place"]["cell"]) == ("confirmed", 3)


@needs_keras
@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_keras_on_either_backend(folder: Path, backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    (folder / "bad.py").write_text(KERAS_BAD)
    run = headlint(folder, "confirm", "bad.py", "--keras-backend", backend, "--output-format", "json")
    (told,) = models(run)
    assert backend in told["measured"]["basis"]["versions"]
    outcomes = {verdict["code"]: verdict["outcome"] for verdict in told["verdicts"]}
    assert outcomes["HL201"] == "confirmed"
    (output,) = told["measured"]["outputs"]
    assert {(one["minimum"], one["maximum"], one["gradient"]) for one in output["train"]} == {(1.0, 1.0, 0.0)}


def test_shapes_only_are_told_of_a_model_that_is_too_large(folder: Path) -> None:
    (folder / "good.py").write_text(GOOD.replace("nn.Linear(8, 10)", "nn.Linear(8, 10_000_000_000)"))
    run = headlint(folder, "confirm", "good.py", "--output-format", "json")
    (told,) = models(run)
    assert told["measured"]["basis"]["device"] == "meta"
    assert told["measured"]["outputs"][0]["shape"][1:] == [10_000_000_000]


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGKILL, -9)])
def test_an_end_from_outside_leaves_nothing(
    number: signal.Signals, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project(tmp_path / "project", "busy_loop.py")
    with traces(tmp_path / "temporary", monkeypatch) as left:
        started = subprocess.Popen(
            **command(folder, "confirm", "busy_loop.py", "--timeout", "600"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert eventually(lambda: model_runs(left), 120.0), "the model is running"
        os.killpg(started.pid, number)
        assert started.wait(timeout=60) == status
        assert left.gone(), (left.processes(), left.folders())
    assert (folder / "busy_loop.py").read_text() == (HOSTILE / "busy_loop.py").read_text()


def model_runs(left: Traces) -> bool:
    """Whether a model has its private folder: the command, the worker, and at least one child run."""
    return any(any(folder.glob("headlint-*")) for folder in left.folders()) and len(left.processes()) >= 3
