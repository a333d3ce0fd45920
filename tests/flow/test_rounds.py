"""Rounds of loops: an experiment that is repeated is not followed to its end, a loop that builds something is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from headlint.flow.values.facts import Event, TrainingEvent

PROGRAM = """
import numpy as np
import torch
from torch import nn

class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict({{str(i): nn.Linear(8, 8) for i in range(20)}})
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        for i in range(20):
            x = torch.relu(self.layers[str(i)](x))
        return self.last(x)

model, loss = Deep(), nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.rand(64, 8), torch.randint(3, (64,))
kept = []
for epoch in range(60):
    scores = model(x)
    optimizer.zero_grad()
    loss(scores, y).backward()
    optimizer.step()
    kept.append({kept})
"""


@pytest.mark.parametrize(
    ("kept", "to_its_end"),
    [
        ("torch.mean((scores.argmax(1) == y).float())", False),
        ("np.mean(measure(scores))", False),
        ("nn.Linear(8, 8)", True),
        ("scores", True),
    ],
)
def test_a_costly_loop_that_only_measures_is_left_early(run: Callable[[str], Any], kept: str, to_its_end: bool) -> None:
    facts = run(PROGRAM.format(kept=kept)).machine.facts
    steps = [fact for fact in facts if isinstance(fact, TrainingEvent) and fact.event is Event.STEPPED]
    assert (len(steps) == 60) is to_its_end
    assert len(steps) >= 2
