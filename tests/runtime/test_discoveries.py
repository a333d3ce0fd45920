"""What only the built model shows, each with a twin in which there is nothing to show."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from hostility import needs_keras, needs_torch

from headlint.runtime.confirm import Confirmation, Workers, confirm_path
from headlint.runtime.inputs import Input
from headlint.runtime.options import Wanted
from headlint.runtime.verdicts import Outcome
from headlint.settings import Settings

TOKENS = """import torch.nn as nn


class Net(nn.Module):
    def __init__(self, words=100, classes=10):
        super().__init__()
        self.embed = nn.Embedding(words, 16)
        self.out = nn.Linear(16, classes)

    def forward(self, tokens):
        return self.out(self.embed(tokens))
"""

HIDDEN = """import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(8, 10)
        self.last = getattr(nn, "Softmax")(1)

    def forward(self, x):
        return self.last(self.out(x))
"""

SCORES = HIDDEN.replace('        self.last = getattr(nn, "Softmax")(1)\n', "").replace(
    "self.last(self.out(x))", "self.out(x)"
)

CONSTANT = """import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(8, 16)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, x):
        return self.softmax(self.hidden(x)).sum(dim=1, keepdim=True)
"""

LOSS = """
model = nn.Sequential(nn.Linear(8, 10), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(model(x), y)
"""


def confirmed(file: Path, workers: Workers, wanted: Wanted | None = None, name: str = "Net") -> Confirmation:
    (one,) = confirm_path(file, name, Settings(root=file.parent), wanted or Wanted(), workers)
    assert isinstance(one, Confirmation)
    assert one.measurement is not None, one.outcome
    return one


def found(text: str, folder: Path, workers: Workers, wanted: Wanted | None = None) -> list[str]:
    (folder / "net.py").write_text(text, encoding="utf-8")
    return [finding.code for finding in confirmed(folder / "net.py", workers, wanted).found]


@needs_torch
def test_another_shape_than_was_said(tmp_path: Path, workers: Workers) -> None:
    tokens = (Input((5, 24), "tokens", "int64", 100),)
    assert found(TOKENS, tmp_path, workers, Wanted(inputs=tokens, init="Net(100, 7)", output=(None, 7))) == ["HL801"]
    assert found(TOKENS, tmp_path, workers, Wanted(inputs=tokens, init="Net(100, 7)", output=(None, 24, 7))) == []


PAIRS = """
import torch
from torch import nn

x = torch.randn(16, 32)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.place = nn.Linear(32, 8)

    def forward(self, x):
        z = self.place(x)
        return (z[:, None] - z[None, :]).pow(2).sum(-1)


net = Net()
loss = nn.functional.mse_loss(net(x), torch.rand(16, 16))
"""


@needs_torch
def test_a_batch_on_the_last_axis_has_any_size(tmp_path: Path, workers: Workers) -> None:
    assert found(PAIRS, tmp_path, workers) == []


@needs_torch
def test_a_constant_output(tmp_path: Path, workers: Workers) -> None:
    assert found(CONSTANT, tmp_path, workers) == ["HL802"]
    assert found(CONSTANT.replace(".sum(dim=1, keepdim=True)", "[:, :1]"), tmp_path, workers) == []


@needs_torch
def test_what_is_constant_for_a_while_only(tmp_path: Path, workers: Workers) -> None:
    start = "        nn.init.zeros_(self.out.weight)\n        nn.init.zeros_(self.out.bias)\n\n    def forward"
    assert found(SCORES.replace("\n    def forward", start), tmp_path, workers) == []
    assert found(SCORES.replace("self.out(x)", "self.out(x).mul(0.01).argmax(dim=1)"), tmp_path, workers) == []


@needs_torch
def test_a_gradient_that_is_zero(tmp_path: Path, workers: Workers) -> None:
    assert found(SCORES.replace("self.out(x)", "self.out(x).round()"), tmp_path, workers) == ["HL802"]
    assert found(SCORES, tmp_path, workers) == []


@needs_torch
def test_values_that_the_loss_does_not_take(tmp_path: Path, workers: Workers) -> None:
    wanted = Wanted(loss="nn.CrossEntropyLoss()")
    assert found(HIDDEN, tmp_path, workers, wanted) == ["HL803"]
    assert found(HIDDEN.replace('"Softmax")(1)', '"Identity")()'), tmp_path, workers, wanted) == []


@needs_torch
@pytest.mark.parametrize("made", ["nn.Linear(60, 30)", "nn.Linear(60, 3_000_000_000)"])
def test_of_a_model_that_is_too_large_shapes_are_told(made: str, tmp_path: Path, narrow: Workers) -> None:
    (tmp_path / "net.py").write_text(HIDDEN.replace("nn.Linear(8, 10)", made), encoding="utf-8")
    facts = confirmed(tmp_path / "net.py", narrow).measurement
    assert facts is not None
    assert facts.basis.device == "meta"
    assert facts.outputs[0].shape[1:] == ((30,) if "30)" in made else (3_000_000_000,))
    assert not facts.outputs[0].train


@needs_torch
@needs_keras
def test_keras_on_torch_tells_the_shapes_of_a_model_that_is_too_large(tmp_path: Path, keras_on_torch: Workers) -> None:
    text = """import keras
from keras import layers


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = layers.Dense(100_000, activation="relu")
        self.head = layers.Dense(100_000)

    def call(self, x):
        return self.head(self.first(x))
"""
    (tmp_path / "net.py").write_text(text, encoding="utf-8")
    facts = confirmed(tmp_path / "net.py", keras_on_torch).measurement
    assert facts is not None
    assert (facts.basis.device, facts.outputs[0].shape[1:]) == ("meta", (100_000,))
    assert facts.parameters > 100_000**2


@needs_torch
def test_a_finding_in_a_notebook(tmp_path: Path, workers: Workers) -> None:
    parts = ("%matplotlib inline", "import torch.nn as nn", *LOSS.split("\n\n\n"))
    cells = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": part.splitlines(True)}
        for part in parts
    ]
    notebook = tmp_path / "study.ipynb"
    notebook.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    ((finding, verdict),) = confirmed(notebook, workers, name="").verdicts
    assert (finding.code, finding.place.cell, verdict.outcome) == ("HL101", 4, Outcome.CONFIRMED)


@needs_keras
@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_keras_on_either_backend(backend: str, tmp_path: Path, workers: Workers, keras_on_torch: Workers) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    text = """import keras
from keras import layers

model = keras.Sequential([keras.Input((8,)), layers.Dense(1, activation="softmax")])
model.compile(optimizer="adam", loss="binary_crossentropy")
"""
    (tmp_path / "net.py").write_text(text, encoding="utf-8")
    one = confirmed(tmp_path / "net.py", workers if backend == "tensorflow" else keras_on_torch, name="model")
    assert one.measurement is not None
    assert backend in dict(one.measurement.basis.versions)
    assert {finding.code: verdict.outcome for finding, verdict in one.verdicts}["HL201"] is Outcome.CONFIRMED
    for summary in one.measurement.outputs[0].train:
        assert (summary.minimum, summary.maximum, summary.gradient) == (1.0, 1.0, 0.0)
