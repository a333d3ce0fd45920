"""``headlint.inspect`` and the callback on Lightning modules, with a real trainer."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import headlint
from headlint.inspection.report import InspectionError

lightning = pytest.importorskip("lightning.pytorch")

DATA = DataLoader(TensorDataset(torch.randn(16, 8), torch.arange(16) % 3), batch_size=4)


class Net(lightning.LightningModule):  # type: ignore[misc, name-defined]
    def __init__(self, softmax: bool) -> None:
        super().__init__()
        self.head, self.last = nn.Linear(8, 3), nn.Softmax(1) if softmax else nn.Identity()

    def training_step(self, batch: Any, index: int) -> Any:
        x, y = batch
        loss = nn.functional.cross_entropy(self.last(self.head(x)), y)
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), 0.1)


def fit(softmax: bool, on_error: str) -> None:
    from headlint.integrations.lightning import HeadlintCallback

    lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        callbacks=[HeadlintCallback(on_error=on_error)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(Net(softmax), DATA)


def test_the_step_of_the_module_is_measured() -> None:
    model = Net(softmax=True)
    report = headlint.inspect(model, DATA)
    assert [finding.code for finding in report] == ["HL101"]
    assert "log" not in vars(model)


def test_callback_warns_once() -> None:
    with pytest.warns(UserWarning, match="HL101") as caught:
        fit(True, "warn")
    assert len([one for one in caught if "HL101" in str(one.message)]) == 1


def test_callback_stops_the_training() -> None:
    with pytest.raises(InspectionError, match="HL101"):
        fit(True, "raise")


def test_callback_is_silent_about_what_is_right(recwarn: Any) -> None:
    fit(False, "raise")
    assert not [one for one in recwarn if "headlint" in str(one.message)]
