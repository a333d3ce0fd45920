"""What a program calls its own model with. No framework."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from headlint.runtime.worker.program.loading import Program
from headlint.runtime.worker.program.written_calls import Written, written_calls

PROGRAM = """
import math
import random
from data import batches

class Net:
    def __init__(self, width): ...
    def __call__(self, *values, **options): ...
    def both(self, other):
        return Net(3)(other)

width, height = 2, 3

def trial(scale=2):
    net = Net(4).to("cpu")
    longest = math.prod((width, height))
    levels = [[0.5] * (longest >> level) for level in range(2)]
    net(levels, mode="short")
    net(scale)
    for batch in batches():
        net(batch)
    net.forward("a sentence", {"mask": None})

def elsewhere():
    net = make()
    net([1.0])

Net(2)([float("inf")])
net = Net(1)
net(open("words.txt"))
net(*[1, 2])
"""


def test_what_is_made_on_the_spot_is_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")
    module = Program(tmp_path, path).load()
    assert list(written_calls(module, frozenset({"Net"}))) == [
        Written(([[0.5] * 6, [0.5] * 3],), {"mode": "short"}),
        Written(("a sentence", {"mask": None}), {}),
        Written(([float("inf")],), {}),
    ]
