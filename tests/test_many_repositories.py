"""The example that checks many repositories with Ray, on one machine with two workers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")

EXAMPLE = Path(__file__).parents[1] / "examples" / "many_repositories.py"
WRONG = "import torch\nfrom torch import nn\n\nnet = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))\n" + (
    "nn.CrossEntropyLoss()(net(torch.randn(2, 4)), torch.tensor([0, 1])).backward()\n"
)


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLE), "list.txt", "results", "--processors", "2", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def results(folder: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(file.read_text()) for file in (folder / "results").glob("*.json")]
    return {Path(one["repository"]).name: one for one in found}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three repositories with one wrong model each, one of them under git, and one that is not there."""
    names = ("first", "second", "third")
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "train.py").write_text(WRONG)
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "All"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path / "third", check=True)
    listed = [str(tmp_path / "first"), str(tmp_path / "second"), (tmp_path / "third").as_uri(), str(tmp_path / "gone")]
    (tmp_path / "list.txt").write_text("# all of them\n" + "\n".join([*listed, listed[0]]) + "\n")
    return tmp_path


def test_each_gets_a_result_and_a_second_run_goes_on(folder: Path) -> None:
    outcome = run(folder)
    assert outcome.returncode == 1, outcome.stderr
    assert f"failed: {folder / 'gone'}: FileNotFoundError" in outcome.stderr
    found = results(folder)
    assert {name: one["status"] for name, one in found.items()} == {
        "first": "checked",
        "second": "checked",
        "third": "checked",
        "gone": "failed",
    }
    for name in ("first", "second", "third"):
        assert [finding["code"] for finding in found[name]["report"]["findings"]] == ["HL101"]
        assert found[name]["files"] == 1
    next((folder / "results").glob("second-*.json")).unlink()
    (folder / "gone").mkdir()
    again = run(folder)
    assert again.stdout.splitlines() == [line for line in again.stdout.splitlines() if "second" in line] != []
    assert again.returncode == 1
    retried = run(folder, "--retry")
    assert (retried.returncode, results(folder)["gone"]["status"]) == (0, "checked")


def test_what_takes_too_long_is_given_up(folder: Path) -> None:
    outcome = run(folder, "--minutes", "0.00001")
    assert outcome.returncode == 1, outcome.stderr
    assert any("took longer than" in one.get("error", "") for one in results(folder).values())
