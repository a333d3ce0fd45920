"""How training starts: sizes of gradients, the program's own derivatives, and one step of an optimizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from headlint.runtime.worker.measuring.starts import Slopes, Step
from headlint.runtime.worker.program.optimizers import configured_by
from headlint.runtime.worker.torch.starts import Run, slopes, step_of

X = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
CLASSES = torch.arange(6) % 3


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return 2 * x

    @staticmethod
    def backward(ctx: Any, slope: Any) -> Any:
        return 2 * slope


class WronglyTwice(Twice):
    @staticmethod
    def backward(ctx: Any, slope: Any) -> Any:
        return 3 * slope


class Net(nn.Module):
    def __init__(self, depth: int = 1, scale: float = 1.0, doubled: Any = Twice) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Linear(8, 8)
        self.middle = nn.Sequential(*(nn.Sequential(nn.Linear(8, 8), nn.Sigmoid()) for _ in range(depth)))
        self.last = nn.Linear(8, 3)
        self.scale, self.doubled = scale, doubled

    def forward(self, x: Any) -> Any:
        return self.scale * self.last(self.doubled.apply(self.middle(self.first(x))))


def run_of(model: nn.Module) -> Run:
    def run() -> tuple[Any, list[Any]]:
        scores = model(X)
        return functional.cross_entropy(scores, CLASSES), [scores]

    return run


def start(**options: Any) -> Slopes:
    model = Net(**options)
    found = slopes(model, run_of(model), "CrossEntropyLoss")
    assert found is not None
    return found


def test_a_gradient_that_vanishes_or_explodes() -> None:
    right, deep, steep = start(), start(depth=16), start(scale=1e5)
    assert (right.vanishes, right.explodes) == (False, False)
    assert (deep.vanishes, deep.explodes, deep.most[0]) == (True, False, "last.weight")
    assert (steep.vanishes, steep.explodes) == (False, True)


def test_the_programs_own_derivatives() -> None:
    (right,), (wrong,) = start().functions, start(doubled=WronglyTwice).functions
    assert (right.name, right.agrees) == ("Twice", True)
    assert (wrong.name, wrong.agrees) == ("WronglyTwice", False)


def step(model: nn.Module, optimizer: Any) -> Step:
    before = [one.detach().clone() for one in model.parameters()]
    found = step_of(model, optimizer, run_of(model), "CrossEntropyLoss")
    assert found is not None
    assert all(torch.equal(one, kept) for one, kept in zip(model.parameters(), before, strict=True))
    return found


def test_what_a_step_moves() -> None:
    model = Net()
    model.first.requires_grad_(False)
    found = step(model, torch.optim.SGD(model.parameters(), lr=0.1))
    assert (found.moved, found.unmoved, found.frozen_moved, found.finite) == (4, (), (), True)
    groups = [{"params": model.middle.parameters(), "lr": 0.0}, {"params": model.last.parameters()}]
    found = step(model, torch.optim.SGD(groups, lr=0.1))
    assert (found.moved, found.unmoved, found.rate) == (2, ("middle.0.0.weight", "middle.0.0.bias"), None)


def test_a_step_that_moves_what_is_frozen_and_one_that_leaves_no_numbers() -> None:
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e38)
    model.first.requires_grad_(False)
    model.first.weight.grad = torch.ones(8, 8)
    optimizer.zero_grad = lambda set_to_none=True: None
    found = step(model, optimizer)
    assert (found.frozen_moved, found.finite) == (("first.weight",), False)


class Adversaries(nn.Module):
    def __init__(self, together: bool) -> None:
        super().__init__()
        self.maker, self.judge, self.together = nn.Linear(2, 3), nn.Linear(3, 1), together

    def configure_optimizers(self) -> Any:
        if self.together:
            whole = torch.optim.SGD(self.parameters(), lr=0.1)
            return {"optimizer": whole, "lr_scheduler": None}
        return [torch.optim.Adam(self.maker.parameters()), torch.optim.AdamW(self.judge.parameters())], []


def test_optimizers_that_a_model_builds_itself() -> None:
    (whole,) = configured_by(Adversaries(together=True))
    assert (type(whole.optimizer), whole.whole) == (torch.optim.SGD, True)
    one, other = configured_by(Adversaries(together=False))
    assert (one.whole, other.whole, one.line) == (False, False, other.line)
    assert "torch.optim.Adam(" in Path(__file__).read_text(encoding="utf-8").splitlines()[one.line - 1]
    assert not list(configured_by(nn.Linear(2, 2)))
