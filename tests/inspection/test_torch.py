"""``headlint.inspect`` on torch modules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import headlint

X = torch.randn(16, 8, generator=torch.Generator().manual_seed(0))
CLASSES = torch.arange(16) % 3
ZERO_ONE = (torch.arange(16) % 2).float()


def net(*last: nn.Module, units: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, units), *last)


def codes(*arguments: Any, **keywords: Any) -> list[str]:
    return [finding.code for finding in headlint.inspect(*arguments, **keywords)]


WRONG = [
    (net(nn.Softmax(1)), nn.CrossEntropyLoss(), CLASSES, "HL101"),
    (net(nn.LogSoftmax(1)), nn.CrossEntropyLoss(), CLASSES, "HL102"),
    (net(nn.Sigmoid()), functional.cross_entropy, CLASSES, "HL103"),
    (net(nn.Sigmoid(), units=1), nn.BCEWithLogitsLoss(), ZERO_ONE[:, None], "HL104"),
    (net(units=1), nn.BCELoss(), ZERO_ONE[:, None], "HL105"),
    (net(nn.Softmax(1)), nn.BCELoss(), functional.one_hot(CLASSES).float(), "HL107"),
    (net(), nn.NLLLoss(), CLASSES, "HL109"),
    (net(nn.Softmax(1)), nn.NLLLoss(), CLASSES, "HL109"),
    (net(nn.Softmax(1)), nn.KLDivLoss(reduction="batchmean"), torch.full((16, 3), 1 / 3), "HL110"),
    (net(nn.Softmax(1)), nn.MSELoss(), functional.one_hot(CLASSES).float(), "HL111"),
    (net(nn.ReLU()), nn.CrossEntropyLoss(), CLASSES, "HL112"),
    (net(nn.Softmax(1), units=1), nn.MSELoss(), ZERO_ONE[:, None], "HL201"),
    (net(units=1), nn.CrossEntropyLoss(), torch.zeros(16, dtype=torch.int64), "HL202"),
    (net(), nn.CrossEntropyLoss(), torch.arange(16) % 4, "HL204"),
    (net(nn.Softmax(0)), nn.CrossEntropyLoss(), CLASSES, "HL302"),
    (net(), lambda out, y: functional.cross_entropy(out.detach(), y), CLASSES, "HL502"),
    (net(units=1), nn.MSELoss(), ZERO_ONE, "HL601"),
]

RIGHT = [
    (net(), nn.CrossEntropyLoss(), CLASSES),
    (net(), nn.CrossEntropyLoss(), torch.full((16, 3), 1 / 3)),
    (net(), nn.CrossEntropyLoss(ignore_index=255), torch.cat([CLASSES[:15], torch.tensor([255])])),
    (net(nn.LogSoftmax(1)), nn.NLLLoss(), CLASSES),
    (net(nn.Sigmoid(), units=1), nn.BCELoss(), ZERO_ONE[:, None]),
    (net(units=1), nn.BCEWithLogitsLoss(), ZERO_ONE[:, None]),
    (net(units=1), nn.MSELoss(), ZERO_ONE[:, None]),
    (net(nn.Sigmoid()), nn.MSELoss(), X[:, :3].sigmoid()),
    (net(), lambda out, y: functional.nll_loss(functional.log_softmax(out, 1), y), CLASSES),
]


@pytest.mark.parametrize(("model", "loss", "labels", "code"), WRONG)
def test_wrong(model: nn.Module, loss: Any, labels: Any, code: str) -> None:
    report = headlint.inspect(model, (X, labels), loss=loss)
    assert [finding.code for finding in report] == [code]
    assert report.ok is (code == "HL102")
    assert code in str(report)
    assert code in report._repr_html_()


@pytest.mark.parametrize(("model", "loss", "labels"), RIGHT)
def test_right(model: nn.Module, loss: Any, labels: Any) -> None:
    report = headlint.inspect(model, (X, labels), loss=loss, optimizer=torch.optim.SGD(model.parameters(), 0.1))
    assert report.ok
    assert list(report) == []


class Attention(nn.Module):
    """Softmax inside, raw scores outside."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.out = nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        weights = torch.softmax(self.query(x), dim=1)
        return self.out(weights * x)


def test_softmax_inside_is_right() -> None:
    assert codes(Attention(), (X, CLASSES), loss=nn.CrossEntropyLoss()) == []


class OwnLoss(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(8, 3)

    def forward(self, x: Any, labels: Any = None) -> Any:
        probabilities = self.head(x).softmax(dim=-1)
        return {"loss": functional.cross_entropy(probabilities, labels), "probabilities": probabilities}


def test_model_with_its_own_loss_and_the_line_of_the_softmax() -> None:
    (finding,) = headlint.inspect(OwnLoss(), {"x": X, "labels": CLASSES})
    assert finding.code == "HL101"
    line = Path(finding.place.path).read_text(encoding="utf-8").splitlines()[finding.place.line - 1]
    assert "softmax(dim=-1)" in line


@pytest.mark.parametrize(
    "batch",
    [
        (X, CLASSES),
        [X, CLASSES],
        {"input": X, "labels": CLASSES},
        {"anything": X, "y": CLASSES},
        DataLoader(TensorDataset(X, CLASSES), batch_size=4),
    ],
)
def test_batches(batch: Any) -> None:
    assert codes(net(nn.Softmax(1)), batch, loss=nn.CrossEntropyLoss()) == ["HL101"]


def test_layer_is_named() -> None:
    (finding,) = headlint.inspect(net(nn.Softmax(1)), (X, CLASSES), loss=nn.CrossEntropyLoss())
    assert "layer 3" in finding.message


def test_optimizer_that_misses_the_head() -> None:
    model = net()
    report = headlint.inspect(
        model, (X, CLASSES), loss=nn.CrossEntropyLoss(), optimizer=torch.optim.SGD(model[0].parameters(), 0.1)
    )
    assert not report.ok
    assert report.facts.not_in_optimizer == ("2.weight", "2.bias")
    assert "2.weight" in str(report)


def test_one_batch_is_fitted_as_it_is_and_after_the_fix() -> None:
    report = headlint.inspect(net(nn.Softmax(1)), (X, CLASSES), loss=nn.CrossEntropyLoss(), steps=200)
    assert len(report.facts.written) == len(report.facts.fixed) == 201
    assert report.facts.fixed[-1] < report.facts.written[-1] < report.facts.written[0]


def test_what_is_not_reported_is_not_fixed() -> None:
    report = headlint.inspect(net(nn.PReLU()), (X, CLASSES), loss=nn.CrossEntropyLoss(), steps=2)
    assert len(report.facts.written) == 3
    assert report.facts.fixed == ()


def test_start_of_an_untrained_classifier() -> None:
    assert "log 3 = 1.099" in str(headlint.inspect(net(), (X, CLASSES), loss=nn.CrossEntropyLoss()))


def test_an_error_of_the_model_is_the_users_and_leaves_no_trace() -> None:
    model = net(nn.Linear(5, 5)).eval()
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        headlint.inspect(model, X)
    assert not any(module.training or module._forward_hooks for module in model.modules())


def test_neither_torch_nor_keras() -> None:
    with pytest.raises(TypeError, match="not dict"):
        headlint.inspect({}, X)
