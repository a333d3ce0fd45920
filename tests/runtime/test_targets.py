"""Which model a finding is about, and which measured shapes say something. No framework."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headlint.findings.finding import Place
from headlint.findings.heads import HeadPicture
from headlint.run.session import check_paths
from headlint.runtime.confirm import Confirmation, confirm_path
from headlint.runtime.discoveries import discoveries
from headlint.runtime.measurement import Basis, Measurement, Output
from headlint.runtime.options import Wanted
from headlint.runtime.targets import Target, targets_of_findings
from headlint.settings import Settings

CUT = """
import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter = nn.Linear(20, 16)

    def forward(self, x):
        return self.enter(x).relu()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.encoder(x).data)
"""

NET = """
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        return self.head(x)
"""


def test_a_cut_is_measured_on_the_model_in_which_it_stands(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(CUT, encoding="utf-8")
    findings = check_paths([tmp_path / "net.py"], Settings(root=tmp_path)).findings
    assert [finding.code for finding in findings] == ["HL520"]
    assert [target.name for target in targets_of_findings(findings, ())] == ["Net"]


@pytest.mark.parametrize(
    ("shape", "origin", "found"),
    [
        ((5, 11, 3), "search", []),  # the search took another number of axes than the program has
        ((5, 11, 3), "--input", ["HL801"]),
        ((5, 4), "search", ["HL801"]),
        ((5, 3), "search", []),
    ],
)
def test_what_a_guessed_input_decides_is_not_found(
    shape: tuple[int, ...], origin: str, found: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "net.py"
    path.write_text(NET, encoding="utf-8")
    head = HeadPicture("Net", Place(str(path), 8, 1, 8, 9), "torch", (), "", (), units=3, rank=2, given=True)
    measured = Measurement("torch", Basis(input_origin=origin), outputs=(Output("", shape, "float32", (), ()),))
    told = discoveries(Target(path, "Net", "torch", heads=(head,)), measured)
    assert [one.code for one in told] == found


TRAIN = """
from net import Net
from torch import nn

criterion = nn.CrossEntropyLoss()


def train(loader):
    net = Net()
    for x, y in loader:
        criterion(net(x).softmax(1), y).backward()
"""


class Refusing:
    """A measurer that finds no models in a file and measures none."""

    refused = None

    def measure(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply."""
        return {"names": []} if request["list"] else {"ok": False, "reason": "constructor", "detail": "none"}


def test_a_finding_in_a_file_is_asked_of_a_model_in_another_file(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    (tmp_path / "train.py").write_text(TRAIN, encoding="utf-8")

    def asked(name: str) -> list[tuple[str, str, list[str]]]:
        told = confirm_path(
            tmp_path / "train.py", name, Settings(root=tmp_path), Wanted(), lambda framework: Refusing()
        )
        return [
            (one.target.path.name, one.target.name, [finding.code for finding, _ in one.verdicts])
            for one in told
            if isinstance(one, Confirmation)
        ]

    assert asked("") == [("net.py", "Net", ["HL101"])]
    assert asked("other") == [("train.py", "other", [])]


PART = """
from torch import nn


class Tower(nn.Module):
    def __init__(self):
        super().__init__()
        self.leave = nn.Linear(12, 5)
        {inside}

    def forward(self, x):
        return {given}


class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.tower = Tower()
        {outside}

    def forward(self, x):
        return {told}


net, criterion = Whole(), nn.CrossEntropyLoss()


def step(x, y):
    criterion(net(x), y).backward()
"""


@pytest.mark.parametrize(
    ("inside", "given", "outside", "told", "after"),
    [
        ("pass", "self.leave(x)", "self.soft = nn.LogSoftmax(1)", "self.soft(self.tower(x))", ("log_softmax",)),
        ("self.soft = nn.LogSoftmax(1)", "self.soft(self.leave(x))", "pass", "self.tower(x)", ()),
    ],
)
def test_a_layer_behind_a_part_is_applied_to_what_the_part_gives(
    tmp_path: Path, inside: str, given: str, outside: str, told: str, after: tuple[str, ...]
) -> None:
    path = tmp_path / "part.py"
    path.write_text(PART.format(inside=inside, given=given, outside=outside, told=told), encoding="utf-8")
    found = [one for one in check_paths([path], Settings(root=tmp_path)).findings if one.code == "HL102"]
    assert [target.after for target in targets_of_findings(found, [])] == [after]
