"""Devices: which one is taken, and that models are built, run and trained on it."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hostility import needs_keras, needs_torch

from headlint.runtime.confirm import Confirmation, Workers, confirm_path
from headlint.runtime.inputs import parse_device
from headlint.runtime.options import Wanted
from headlint.runtime.worker.measuring.devices import plan_device
from headlint.runtime.worker.reasons import Unmeasurable
from headlint.settings import Settings

NET = """import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(6, 8)
        self.head = nn.Linear(8, 3)
        self.scale = torch.ones(8, device="cuda")

    def forward(self, x):
        return torch.softmax(self.head(torch.relu(self.hidden(x)) * self.scale), dim=1)
"""
"""It names a device of its own, which is replaced by the one that was asked for."""

LOSS = {"name": "torch.nn.CrossEntropyLoss", "family": "cross_entropy", "expects": "logits"}


@pytest.mark.parametrize(
    ("wanted", "there", "planned"),
    [
        ("cpu", {}, "cpu"),
        ("meta", {}, "meta"),
        ("auto", {}, "cpu"),
        ("auto", {"mps": 1}, "mps"),
        ("auto", {"cuda": 2, "mps": 1}, "cuda"),
        ("cuda", {"cuda": 1}, "cuda"),
        ("cuda:1", {"cuda": 2}, "cuda:1"),
        ("cuda", {"mps": 1}, "no cuda device can be used in this environment"),
        ("mps", {"cuda": 1}, "no mps device can be used in this environment"),
        ("cuda:1", {"cuda": 1}, "there is 1 cuda device, counted from 0; there is no cuda:1"),
        ("cuda:4", {"cuda": 3}, "there are 3 cuda devices, counted from 0; there is no cuda:4"),
    ],
)
def test_what_was_asked_for_and_what_there_is_decide(wanted: str, there: dict[str, int], planned: str) -> None:
    def count(kind: str) -> int:
        return there.get(kind, 0)

    if " " not in planned:
        assert plan_device(wanted, count) == planned
        return
    with pytest.raises(Unmeasurable) as refused:
        plan_device(wanted, count)
    assert (refused.value.reason, refused.value.detail) == ("device", planned)


@pytest.mark.parametrize("wanted", ["cpu", "meta"])
def test_no_driver_is_asked_for_what_is_always_there(wanted: str) -> None:
    def count(kind: str) -> int:
        raise AssertionError(kind)

    assert plan_device(wanted, count) == wanted


@pytest.mark.parametrize("text", ["auto", "cpu", "cuda", "cuda:0", "cuda:12", "mps", "meta"])
def test_names_of_devices(text: str) -> None:
    assert parse_device(text) == text


@pytest.mark.parametrize("text", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0 ", "CUDA", "mps:0"])
def test_what_is_no_name_of_a_device(text: str) -> None:
    with pytest.raises(ValueError, match="is not a device; choose from"):
        parse_device(text)


@cache
def gpus() -> int:
    """How many GPUs torch can use here, asked in another process."""
    code = "import torch; print(torch.cuda.device_count())"
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)


def net(folder: Path) -> Path:
    (folder / "net.py").write_text(NET, encoding="utf-8")
    return folder / "net.py"


def confirmed(program: Path, wanted: Wanted) -> Confirmation:
    with Workers(wanted) as workers:
        (one,) = confirm_path(program, "", Settings(root=program.parent), wanted, workers)
    assert isinstance(one, Confirmation)
    return one


def on_the_private_device(program: Path, **request: Any) -> dict[str, Any]:
    """What the worker's child replies where torch has a device of pure Python."""
    message = {
        "path": str(program),
        "root": str(program.parent),
        "name": "Net",
        "framework": "torch",
        "device": "npu",
        "draws": 2,
        "limits": {"time": 240},
        **request,
    }
    script = Path(__file__).parent / "private_device.py"
    run = subprocess.run(
        [sys.executable, str(script), json.dumps(message)], capture_output=True, encoding="utf-8", timeout=300
    )
    if "_setup_privateuseone_for_python_backend" in run.stderr:
        pytest.skip("this version of torch cannot be given a device of pure Python")
    assert run.returncode == 0, run.stderr
    reply: dict[str, Any] = json.loads(run.stdout)
    return reply


@needs_torch
def test_a_model_goes_all_the_way_on_a_device_of_its_own(tmp_path: Path) -> None:
    reply = on_the_private_device(net(tmp_path), loss=LOSS, train_steps=3)
    assert reply["ok"], reply
    facts = reply["facts"]
    assert facts["basis"]["device"] == "npu"
    assert facts["outputs"][0]["shape"][1:] == [3]
    assert all(one["row_sum_error"] < 1e-5 and one["gradient"] > 0 for one in facts["outputs"][0]["train"])
    assert len(facts["loss"]["written"]) == 2
    assert len(facts["training"]["written"]) == len(facts["training"]["fixed"]) == 4
    # The device itself has made the weights, multiplied by them, gone back through them and taken the steps.
    for operation in ("aten::uniform_", "aten::addmm.out", "aten::mm.out", "aten::addcdiv.out"):
        assert operation in reply["touched"]


@needs_torch
def test_a_device_is_planned_where_its_driver_is_asked(tmp_path: Path) -> None:
    program = net(tmp_path)
    assert on_the_private_device(program, plan=True)["device"] == "npu"
    reply = on_the_private_device(program, plan=True, device="npu:3")
    assert (reply["ok"], reply["reason"]) == (False, "device")
    assert reply["detail"] == "there is 1 npu device, counted from 0; there is no npu:3"


@needs_torch
def test_the_best_device_there_is(tmp_path: Path) -> None:
    if sys.platform == "darwin":
        pytest.skip("whether Metal is there differs between machines")
    facts = confirmed(net(tmp_path), Wanted(seconds=60.0, device="auto")).measurement
    assert facts is not None
    assert facts.basis.device == ("cuda" if gpus() else "cpu")
    assert facts.outputs[0].shape[1:] == (3,)


@needs_torch
def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    with Workers(Wanted(device=f"cuda:{gpus()}")) as workers:
        (one,) = confirm_path(net(tmp_path), "Net", Settings(root=tmp_path), Wanted(), workers)
        assert isinstance(one, Confirmation)
        assert one.refused
        (problem,) = workers.problems
    assert problem.message.startswith(f"--device cuda:{gpus()}: ")


@needs_keras
def test_keras_without_a_gpu_says_so(tmp_path: Path) -> None:
    program = tmp_path / "net.py"
    program.write_text("import keras\n\nmodel = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])\n")
    with Workers(Wanted(device="mps")) as workers:
        (one,) = confirm_path(program, "model", Settings(root=tmp_path), Wanted(), workers)
        assert isinstance(one, Confirmation)
        assert [problem.message for problem in workers.problems] == [
            "--device mps: no mps device can be used in this environment"
        ]


@needs_torch
@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_a_model_on_a_real_gpu(device: str, tmp_path: Path) -> None:
    if not gpus():
        pytest.skip("no GPU that torch can use is here")
    program = net(tmp_path)
    there = confirmed(program, Wanted(seconds=120.0, device=device, train_steps=3, loss="nn.CrossEntropyLoss()"))
    assert there.measurement is not None, there.outcome
    assert there.measurement.basis.device == device
    assert all(one.rows_sum_to_one for one in there.measurement.outputs[0].train)
    assert there.measurement.training is not None
    assert len(there.measurement.training.fixed) == 4
    here = confirmed(program, Wanted(seconds=120.0)).measurement
    assert here is not None
    assert [layer.output for layer in here.layers] == [layer.output for layer in there.measurement.layers]
