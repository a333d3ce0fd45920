"""Nothing of an inspection is left in a torch model, its optimizer or the random states."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

import headlint


class Counting(nn.Module):
    """Keeps what it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.seen = 0, []

    def forward(self, x: Any) -> Any:
        self.calls += 1
        self.seen.append(1)
        self.extra = x
        return x + 0 * random.random() + 0 * numpy.random.rand()


LAYERS: list[Callable[[], nn.Module]] = [
    lambda: nn.Linear(6, 6),
    lambda: nn.BatchNorm1d(6),
    lambda: nn.BatchNorm1d(6, momentum=None),
    lambda: nn.Dropout(),
    lambda: nn.LayerNorm(6),
    lambda: spectral_norm(nn.Linear(6, 6)),
    nn.ReLU,
    nn.PReLU,
    Counting,
]
OPTIMIZERS: list[Callable[[Any], torch.optim.Optimizer]] = [
    lambda weights: torch.optim.SGD(weights, 0.1, momentum=0.9),
    lambda weights: torch.optim.Adam(weights, 0.1, amsgrad=True),
    lambda weights: torch.optim.Adagrad(weights, 0.1),
]


def state(model: nn.Module, optimizer: torch.optim.Optimizer) -> Any:
    tensors = [*model.parameters(), *model.buffers()]
    gradients = [one.grad for one in model.parameters()]
    return (
        [one.detach().clone() for one in tensors],
        [one if one is None else one.clone() for one in gradients],
        [id(one) for one in (*tensors, *(one for one in gradients if one is not None))],
        [
            (
                one.training,
                len(one._forward_hooks),
                sorted(vars(one)),
                getattr(one, "calls", 0),
                len(getattr(one, "seen", [])),
            )
            for one in model.modules()
        ],
        [
            [(key, value.clone() if torch.is_tensor(value) else value) for key, value in one.items()]
            for one in optimizer.state.values()
        ],
        [one.requires_grad for one in model.parameters()],
        len(nn.modules.module._global_forward_hooks),
        (random.random(), numpy.random.rand(), torch.rand(3)),
    )


def same(one: Any, other: Any) -> bool:
    if torch.is_tensor(one):
        return torch.equal(one, other)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def sow() -> None:
    random.seed(7)
    numpy.random.seed(7)
    torch.manual_seed(7)


@given(
    layers=st.lists(st.sampled_from(LAYERS), max_size=4),
    make=st.sampled_from(OPTIMIZERS),
    before=st.integers(0, 2),
    training=st.booleans(),
    frozen=st.booleans(),
    steps=st.integers(0, 2),
)
@settings(max_examples=60, deadline=None)
def test_no_trace(layers: Any, make: Any, before: int, training: bool, frozen: bool, steps: int) -> None:
    sow()
    model = nn.Sequential(nn.Linear(6, 6), *(layer() for layer in layers))
    optimizer = make(model.parameters())
    for _ in range(before):
        model(torch.randn(4, 6)).sum().backward()
        optimizer.step()
    model.train(training)
    model[0].requires_grad_(not frozen)
    x, y = torch.randn(4, 6), torch.arange(4)
    waiting = model(x).square().sum()

    def loss(output: Any, labels: Any) -> Any:
        optimizer.zero_grad()
        optimizer.step()
        return nn.functional.cross_entropy(output, labels)

    sow()
    first = state(model, optimizer)
    sow()
    headlint.inspect(model, (x, y), loss=loss, optimizer=optimizer, steps=steps)
    assert all(same(one, other) for one, other in zip(first, state(model, optimizer), strict=True))
    if waiting.requires_grad:
        waiting.backward()  # the user's own graph is still whole
