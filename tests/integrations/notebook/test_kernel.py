"""The extension in a real kernel, and in whole notebooks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from jupyter_client.manager import KernelManager, start_new_kernel

MODEL = """
import torch
from torch import nn

class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(20, 10)

    def forward(self, x):
        return {returned}
"""
SOFTMAX = MODEL.format(returned="torch.softmax(self.last(x), dim=1)")
LOGITS = MODEL.format(returned="self.last(x)")
STEP = "loss = nn.CrossEntropyLoss()(Digits()(torch.randn(4, 20)), torch.tensor([0, 1, 2, 3]))"


class Kernel:
    """Runs cells and gathers what they show."""

    def __init__(self, manager: KernelManager, client: Any) -> None:
        self._manager = manager
        self._client = client

    def run(self, code: str, cell: str = "") -> list[dict[str, str]]:
        """The outputs of one cell as MIME bundles."""
        message = self._client.session.msg(
            "execute_request", {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        )
        message["metadata"] = {"cellId": cell} if cell else {}
        self._client.shell_channel.send(message)
        outputs: list[dict[str, str]] = []
        while True:
            reply = self._client.get_iopub_msg(timeout=120)
            if reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            match reply["msg_type"], reply["content"]:
                case "display_data" | "execute_result", {"data": data}:
                    outputs.append(data)
                case "stream", {"text": text}:
                    outputs.append({"text/plain": text})
                case "error", {"ename": name, "evalue": value}:
                    outputs.append({"error": f"{name}: {value}"})
                case "status", {"execution_state": "idle"}:
                    return outputs


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path), env=dict(os.environ))
    try:
        one = Kernel(manager, client)
        assert one.run("%load_ext headlint") == []
        yield one
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_finding_is_shown_once_below_the_cell_that_completes_it(kernel: Kernel) -> None:
    assert kernel.run(SOFTMAX) == []
    (shown,) = kernel.run(STEP)
    assert "HL101" in shown["text/plain"]
    assert "<details" in shown["text/html"]
    assert "In [2]" in shown["text/html"]  # the layer's cell
    assert kernel.run(STEP) == []
    assert kernel.run("1 + 1") == [{"text/plain": "2"}]


def test_a_cell_that_is_run_again_takes_the_place_it_had(kernel: Kernel) -> None:
    kernel.run(SOFTMAX, "model")
    assert "HL101" in kernel.run(STEP, "step")[0]["text/plain"]
    assert kernel.run(LOGITS, "model") == []
    assert kernel.run("%headlint") == [{"text/plain": "headlint: nothing found\n"}]


def test_switching_off_and_on(kernel: Kernel) -> None:
    kernel.run("%headlint off")
    kernel.run(SOFTMAX)
    assert kernel.run(STEP) == []
    assert "HL101" in kernel.run("%headlint")[0]["text/plain"]
    assert kernel.run("%headlint on") == []


def test_one_cell_shows_what_was_shown_before(kernel: Kernel) -> None:
    kernel.run(SOFTMAX)
    kernel.run(STEP)
    outputs = kernel.run(f"%%headlint\n{STEP}\nprint('ran')")
    assert outputs[0] == {"text/plain": "ran\n"}
    assert "HL101" in outputs[1]["text/plain"]
    assert kernel.run("%%headlint\nx = 1") == [{"text/plain": "headlint: nothing found in this cell\n"}]


def test_at_most_three_are_shown(kernel: Kernel) -> None:
    kernel.run(SOFTMAX)
    (shown,) = kernel.run("\n".join(STEP.replace("loss =", f"loss{number} =") for number in range(5)))
    assert shown["text/html"].count("<details") == 3
    assert "2 more" in shown["text/plain"]


def test_explaining_a_rule(kernel: Kernel) -> None:
    (page,) = kernel.run("%headlint explain HL101")
    assert "softmax" in page["text/markdown"]
    assert "no rule HL1O1" in kernel.run("%headlint explain HL1O1")[0]["text/plain"]
    assert "%headlint off" in kernel.run("%headlint what")[0]["text/plain"]


def test_cells_that_fail_disturb_nothing(kernel: Kernel) -> None:
    kernel.run(SOFTMAX)
    assert "SyntaxError" in str(kernel.run("def broken(:"))
    assert "ZeroDivisionError" in str(kernel.run("1 / 0"))
    assert "HL101" in kernel.run(STEP)[0]["text/plain"]


def test_settings_that_make_no_sense_are_said_only_when_asked(kernel: Kernel, tmp_path: Path) -> None:
    (tmp_path / "headlint.toml").write_text("nonsense = 1\n")
    kernel.run(SOFTMAX)
    assert kernel.run(STEP) == []
    assert "nonsense" in kernel.run("%headlint")[0]["text/plain"]


def test_unloading(kernel: Kernel) -> None:
    kernel.run("%unload_ext headlint")
    kernel.run(SOFTMAX)
    assert kernel.run(STEP) == []
    assert "not found" in str(kernel.run("%headlint"))


def test_cells_run_before_loading_count(kernel: Kernel) -> None:
    kernel.run("%unload_ext headlint")
    kernel.run(SOFTMAX)
    kernel.run("%load_ext headlint")
    assert "HL101" in kernel.run(STEP)[0]["text/plain"]


def test_a_whole_notebook(tmp_path: Path) -> None:
    sources = ["%load_ext headlint", SOFTMAX, STEP, LOGITS, STEP + "\nprint(1)"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = ["HL101" in str(cell.outputs) for cell in notebook.cells]
    assert shown == [False, False, True, False, False]
