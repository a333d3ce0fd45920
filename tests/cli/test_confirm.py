"""``headlint confirm`` and ``check --confirm`` as people run them, on small programs, as processes of their own."""

from __future__ import annotations

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
from hostility import HOSTILE, Traces, eventually, needs_torch, project, traces

REPOSITORY = Path(__file__).parents[2]
SCHEMA = json.loads((REPOSITORY / "headlint/reporting/confirmation.schema.json").read_text())


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


def test_a_model_a_file_a_folder_and_nothing_at_all(folder: Path) -> None:
    run = headlint(folder, "confirm", "bad.py::model", "good.py", ".", "--output-format", "json")
    # Of a file all models are built, of a folder those behind findings.
    told = [(one["path"], [verdict["outcome"] for verdict in one["verdicts"]]) for one in models(run)]
    assert told == [("bad.py", ["confirmed"]), ("good.py", []), ("bad.py", ["confirmed"])]
    assert run.returncode == 1
    (told_here,) = models(headlint(folder, "confirm", "--output-format", "json"))
    assert told_here["path"] == "bad.py"


def test_what_is_told_in_text(folder: Path) -> None:
    run = headlint(folder, "confirm", "bad.py", "--train-steps", "12")
    lines = run.stdout.splitlines()
    assert lines[0] == "bad.py::model"
    assert "  output   [5, 10] float32, from softmax over axis 1" in run.stdout
    # Ten classes: log(1 + 9 / e).
    assert "cannot fall below 1.461" in run.stdout
    assert "  CONFIRMED HL101 softmax-before-cross-entropy (bad.py:8:12)" in lines
    curves = re.findall(r"^    (as written|fixed) +([▁▂▃▄▅▆▇█]{13})  ", run.stdout, re.MULTILINE)
    assert [title for title, _ in curves] == ["as written", "fixed"]
    assert curves[1][1][0] > curves[1][1][-1]
    assert "\033" not in run.stdout


def test_check_confirms_beside_each_finding(folder: Path) -> None:
    run = headlint(folder, "check", "--confirm", ".")
    assert run.returncode == 1
    told = run.stdout.partition("  built model: confirmed\n")[2]
    assert told.startswith("    In training mode every row of the output")


def test_that_code_is_executed_is_told_once_for_each_project(folder: Path) -> None:
    for made in (folder, folder.parent / "other"):
        made.mkdir(exist_ok=True)
        (made / "pyproject.toml").write_text("[tool.headlint]\n")
        (made / "empty.py").write_text("answer = 42\n")
        assert "executes code" not in headlint(made, "check", "empty.py").stderr
        assert "executes code of the program" in headlint(made, "confirm", "empty.py").stderr
        assert "executes code" not in headlint(made, "check", "--confirm", "empty.py").stderr


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
        (("bad.py", "--device", "tpu"), "'tpu' is not a device"),
        (("bad.py", "--input", "a,b"), "'a,b' is not an input"),
        (("bad.py", "--output-shape", "N;10"), "'N;10' is not a shape"),
        (("bad.py", "--memory", "much"), "'much' is not an amount"),
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
    (folder / "bad.py").unlink()
    run = headlint(folder, "confirm", ".")
    assert run.returncode == 2
    assert re.search(r"broken\.py:\d+:\d+: HL900 ", run.stderr)


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
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
        )
        assert eventually(lambda: model_runs(left), 120.0), "the model is running"
        os.killpg(started.pid, number)
        assert started.wait(timeout=60) == status
        assert left.gone(), (left.processes(), left.folders())
    assert (folder / "busy_loop.py").read_text() == (HOSTILE / "busy_loop.py").read_text()


def model_runs(left: Traces) -> bool:
    """Whether a model has its private folder: the command, the worker, and at least one child run."""
    return any(any(folder.glob("headlint-*")) for folder in left.folders()) and len(left.processes()) >= 3
