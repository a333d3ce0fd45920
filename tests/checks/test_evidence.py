"""Evidence: the way from a value back to what made it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from headlint.checks.evidence import Evidence, is_proved
from headlint.checks.tensors import ancestors, head_of, source_tensor, views
from headlint.checks.trails import trail_of
from headlint.flow.values.facts import LossUse
from headlint.flow.values.tensor_values import Domain
from headlint.settings import Settings

Run = Callable[[str], Any]

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
MODEL = HEAD + "x = torch.randn(4, 8)\nhidden = nn.Linear(8, 6)(x).relu()\nscores = nn.Linear(6, 3)(hidden)\n"


def test_the_head_is_the_last_layer_with_weights(run: Run) -> None:
    program = run(MODEL + "out = F.dropout(scores.view(-1, 3)).softmax(dim=1)\n")
    head = head_of(program["out"])
    assert head is program["scores"]


def test_where_ways_come_together_there_is_no_one_head(run: Run) -> None:
    program = run(MODEL + "out = scores * nn.Linear(6, 3)(hidden)\n")
    assert head_of(program["out"]) is None


def test_views_end_where_the_meaning_changes(run: Run) -> None:
    program = run(MODEL + "first = scores.softmax(dim=1)\nout = first.reshape(-1, 3).contiguous()\n")
    seen = list(views(program["out"]))
    assert seen[0] is program["out"]
    assert seen[-1] is program["first"]
    assert {tensor.domain for tensor in seen} == {Domain.SOFTMAX}
    assert source_tensor(program["out"]) is program["first"]


def test_each_ancestor_comes_once(run: Run) -> None:
    program = run(MODEL + "out = scores + scores * scores\n")
    found = list(ancestors(program["out"]))
    assert len(found) == len({id(tensor) for tensor in found})
    assert program["scores"] in found
    assert program["hidden"] in found


def test_a_trail_goes_from_the_layer_to_the_value(run: Run) -> None:
    program = run(MODEL + "out = scores.softmax(dim=1).detach()\n")
    assert [step.role for step in trail_of(program["out"])] == ["layer", "activation", "operation"]


@pytest.mark.parametrize(
    ("program", "proved"),
    [
        ("loss = F.cross_entropy(scores, y)\n", True),
        ("if y.sum() > unknown:\n    loss = F.cross_entropy(scores, y)\n", False),
    ],
)
def test_only_what_every_path_shows_is_proved(run: Run, program: str, proved: bool) -> None:
    text = MODEL + "y = torch.randint(3, (4,))\nimport os\nunknown = os.environ\n" + program
    (use,) = Evidence(run(text).machine.facts, Settings()).uses
    assert isinstance(use, LossUse)
    assert is_proved(use) is proved
