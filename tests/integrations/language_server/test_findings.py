"""What is said about a document: where, how severe, and what it has to do with other places."""

from __future__ import annotations

import pytest
from editor import Start, range_of
from lsprotocol import types

pytestmark = pytest.mark.asyncio

MODEL = """import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        return self.out(x).softmax(dim=1)
"""
TRAIN = """import torch.nn as nn
from model import Net

net = Net()
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(net(x), y)
"""
BAD = """import torch.nn as nn

net = nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(net(x), y)
"""


async def test_a_finding_has_its_place_severity_and_page(start: Start) -> None:
    editor = await start()
    editor.open("net.py", BAD)
    (diagnostic,) = await editor.diagnostics("net.py")
    assert diagnostic.code == "HL101"
    assert diagnostic.source == "headlint"
    assert diagnostic.severity == types.DiagnosticSeverity.Error
    assert diagnostic.code_description.href.endswith("rules/HL101-softmax-before-cross-entropy.md")
    assert diagnostic.range == range_of(BAD, "criterion(net(x), y)")
    assert diagnostic.message.startswith("CrossEntropyLoss applies softmax itself")


async def test_the_trail_leads_through_other_files(start: Start) -> None:
    editor = await start()
    (editor.folder / "model.py").write_text(MODEL)
    editor.open("train.py", TRAIN)
    (diagnostic,) = await editor.diagnostics("train.py")
    places = [(one.location.uri, one.location.range) for one in diagnostic.related_information]
    assert (editor.uri("model.py"), range_of(MODEL, "nn.Linear(8, 3)")) in places
    assert (editor.uri("model.py"), range_of(MODEL, "self.out(x).softmax(dim=1)")) in places
    assert (editor.uri("train.py"), range_of(TRAIN, "nn.CrossEntropyLoss()")) in places


async def test_columns_count_utf_16_units(start: Start) -> None:
    editor = await start()
    text = BAD.replace("    return criterion", '    label = "😀 損失 é"; return criterion')
    editor.open("net.py", text)
    (diagnostic,) = await editor.diagnostics("net.py")
    assert diagnostic.range == range_of(text, "criterion(net(x), y)")
    assert diagnostic.range.start.character == len('    label = "😀 損失 é"; return ') + 1
