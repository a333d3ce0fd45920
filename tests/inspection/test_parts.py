"""Parts of live models that do not do what they are there for, each with a twin in which they do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import headlint

X = torch.randn(12, 8, generator=torch.Generator().manual_seed(0))
CLASSES = torch.arange(12) % 3


class Body(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Linear(8, 16)
        self.second = nn.Linear(16, 16)
        self.out = nn.Linear(16, 3)

    def forward(self, x: Any) -> Any:
        return self.out(self.second(self.first(x).relu()).relu())


class Unused(Body):
    def __init__(self) -> None:
        super().__init__()
        self.forgotten = nn.Linear(16, 16)


class Named(Body):
    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.Linear(16, 16)

    def pooled(self, x: Any) -> Any:
        return self.pool(x).mean(1)


class Detached(Body):
    def forward(self, x: Any) -> Any:
        return self.out(self.second(self.first(x).relu()).relu().detach())


class Listed(Body):
    def __init__(self) -> None:
        super().__init__()
        self.more = [nn.Linear(16, 16), nn.Linear(16, 16)]

    def forward(self, x: Any) -> Any:
        x = self.first(x).relu()
        for one in self.more:
            x = one(x).relu()
        return self.out(self.second(x).relu())


class Registered(Listed):
    def __init__(self) -> None:
        super().__init__()
        self.more: Any = nn.ModuleList(self.more)


class Rebuilt(Body):
    def forward(self, x: Any) -> Any:
        return self.out(nn.Linear(16, 16)(self.first(x).relu()).relu() + self.second(self.first(x).relu()))


class Dropping(Body):
    def forward(self, x: Any) -> Any:
        return self.out(functional.dropout(self.second(self.first(x).relu()).relu()))


class Following(Body):
    def forward(self, x: Any) -> Any:
        return self.out(functional.dropout(self.second(self.first(x).relu()).relu(), training=self.training))


class Sharing(Body):
    def forward(self, x: Any) -> Any:
        x = self.first(x).relu()
        return self.out(x * torch.softmax(self.second(x), 0))


class TimeFirst(nn.Module):
    def __init__(self, batch_first: bool) -> None:
        super().__init__()
        self.read = nn.GRU(8, 16, batch_first=batch_first)
        self.out = nn.Linear(16, 3)

    def forward(self, x: Any) -> Any:
        return self.out(self.read(x)[0][:, -1])


class Student(Body):
    def __init__(self) -> None:
        super().__init__()
        self.average = nn.Linear(16, 16)

    def forward(self, x: Any) -> Any:
        x = self.first(x).relu()
        return self.out(self.second(x).relu() - self.average(x).detach())


class Undisturbed(Body):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(8, 8)

    def forward(self, x: Any) -> Any:
        with torch.no_grad():
            x = self.body(x)
        return super().forward(x)


class Narrow(Body):
    def forward(self, x: Any) -> Any:
        return super().forward(torch.cat([x[:, :5], x[:, :2], x[:, 7:]], 1))


class Two(Body):
    def forward(self, x: Any, other: Any) -> Any:
        return super().forward(x) + 0 * self.first(other).sum()


def said(model: nn.Module) -> list[tuple[str, str]]:
    found = headlint.inspect(model, (X, CLASSES), nn.CrossEntropyLoss())
    return [(one.code, one.message.partition(")")[0]) for one in found]


@pytest.mark.parametrize(
    ("model", "parts"),
    [
        (Unused(), ["forgotten (Linear, 272 parameters"]),
        (
            Detached(),
            [
                "No gradient leads back to first (Linear, 144 parameters",
                "No gradient leads back to second (Linear, 272 parameters",
            ],
        ),
        (Listed(), ["more (Linear, 544 parameters"]),
        (Rebuilt(), ["Each call makes a new layer (Linear, 272 parameters"]),
    ],
)
def test_parts_that_do_not_learn(model: nn.Module, parts: list[str]) -> None:
    assert said(model) == [("HL804", part) for part in parts]


@pytest.mark.parametrize(
    "model", [Body(), Named(), Registered(), Student(), Undisturbed(), Detached().requires_grad_(False)]
)
def test_parts_that_learn_or_need_not(model: nn.Module) -> None:
    if not any(one.requires_grad for one in model.parameters()):
        model.out.requires_grad_(True)
    assert said(model) == []


def test_dropout_that_stays_on() -> None:
    assert [code for code, _ in said(Dropping())] == ["HL806"]
    assert said(Following()) == []


def test_samples_that_depend_on_each_other() -> None:
    assert [code for code, _ in said(Sharing())] == ["HL805"]
    steps = torch.randn(12, 7, 8)
    loss = nn.CrossEntropyLoss()
    assert [one.code for one in headlint.inspect(TimeFirst(False), (steps, CLASSES), loss)] == ["HL805"]
    assert [one.code for one in headlint.inspect(TimeFirst(True), (steps, CLASSES), loss)] == []
    assert [one.code for one in headlint.inspect(TimeFirst(False), (torch.randn(12, 12, 8), CLASSES), loss)] == []


def test_inputs_without_an_effect() -> None:
    (found,) = headlint.inspect(Narrow(), (X, CLASSES), nn.CrossEntropyLoss())
    assert found.code == "HL807"
    assert "columns 5 to 6" in found.message
    (found,) = headlint.inspect(Two(), (X, X.flip(0), CLASSES), nn.CrossEntropyLoss())
    assert found.code == "HL807"
    assert "The input other" in found.message


def test_nothing_is_left_behind() -> None:
    model = Listed()
    before = {name: one.clone() for name, one in model.state_dict().items()}
    state = torch.get_rng_state()
    said(model)
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())
    assert all(one.grad is None for one in (*model.parameters(), *model.more[0].parameters()))
    assert torch.equal(torch.get_rng_state(), state)
