"""Labels: what the program shows of them is what the libraries really give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from headlint.flow.values.tensor_values import Labels, Tensor

Run = Callable[[str], Any]


def labels(value: object) -> Labels:
    assert isinstance(value, Tensor)
    assert value.labels is not None
    return value.labels


@pytest.mark.parametrize(
    ("text", "encoding", "classes"),
    [
        ("from keras.datasets import mnist\n(_, y), _ = mnist.load_data()\n", "index", 10),
        ("from keras.datasets import cifar100\n(_, y), _ = cifar100.load_data()\n", "index", 100),
        ("from sklearn.datasets import load_iris\n_, y = load_iris(return_X_y=True)\n", "index", 3),
        ("from keras.utils import to_categorical\nimport data\ny = to_categorical(data.y, 7)\n", "one_hot", 7),
        ("import torch.nn.functional as F, data\ny = F.one_hot(data.y, 4)\n", "one_hot", 4),
    ],
)
def test_sources(run: Run, text: str, encoding: str, classes: int) -> None:
    found = labels(run(text)["y"])
    assert (found.encoding, found.classes) == (encoding, classes)


def test_scikit_learn_agrees(run: Run) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    for name in ("load_iris", "load_wine", "load_digits", "load_breast_cancer"):
        _, real = getattr(datasets, name)(return_X_y=True)
        found = labels(run(f"from sklearn.datasets import {name}\n_, y = {name}(return_X_y=True)\n")["y"])
        assert found.classes == len(set(real.tolist())), name


def test_what_nobody_shows_is_not_known(run: Run) -> None:
    value = run("import somewhere\ny = somewhere.labels()\n")["y"]
    assert not isinstance(value, Tensor) or value.labels is None
