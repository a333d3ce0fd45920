"""Shapes: what headlint says of an axis is what torch makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headlint.flow.values.tensor_values import Tensor

torch = pytest.importorskip("torch")

Run = Callable[[str], Any]

AXES = st.integers(-3, 3)
OPERATIONS = st.one_of(
    st.tuples(st.sampled_from(["unsqueeze", "squeeze", "softmax", "sum", "mean", "argmax"]), AXES).map(
        lambda one: f".{one[0]}({one[1]})"
    ),
    st.tuples(AXES, AXES).map(lambda one: f".transpose({one[0]}, {one[1]})"),
    st.tuples(AXES, AXES).map(lambda one: f".flatten({one[0]}, {one[1]})"),
    st.permutations(range(3)).map(lambda order: f".permute({', '.join(map(str, order))})"),
    st.sampled_from([".view(-1)", ".reshape(2, -1)", ".t()", "[0]", "[:, 1:]", "[..., 0]", "[None]", ".relu()"]),
    st.sampled_from([".view(-1, 6)", ".contiguous()", ".float()", "[:, -1]", "[:2]", ".sum(1, keepdim=True)"]),
)


@given(st.lists(st.integers(2, 4), min_size=1, max_size=4), st.lists(OPERATIONS, min_size=1, max_size=4))
def test_axes_are_those_that_torch_makes(run: Run, sizes: list[int], operations: list[str]) -> None:
    text = f"torch.zeros({', '.join(map(str, sizes))}){''.join(operations)}"
    try:
        expected = tuple(eval(text, {"torch": torch}).shape)
    except (RuntimeError, IndexError):
        return
    value = run(f"import torch\nresult = {text}\n")["result"]
    if not isinstance(value, Tensor):
        return
    shape = value.shape
    if shape.dims is not None:
        assert len(shape.dims) == len(expected), text
        assert all(known in (None, real) for known, real in zip(shape.dims, expected, strict=True)), (text, shape)
    assert shape.units in (None, expected[-1] if expected else None), (text, shape)


LAYERS = st.sampled_from(
    [
        ("nn.Linear(8, 5)", (2, 8)),
        ("nn.Linear(8, 5)", (2, 3, 8)),
        ("nn.Conv1d(3, 7, 3)", (2, 3, 16)),
        ("nn.Conv2d(3, 7, 3, stride=2, padding=1)", (2, 3, 16, 16)),
        ("nn.Conv2d(3, 6, 3, groups=3)", (2, 3, 16, 16)),
        ("nn.ConvTranspose2d(3, 4, 2, stride=2)", (2, 3, 8, 8)),
        ("nn.MaxPool2d(2)", (2, 3, 16, 16)),
        ("nn.AvgPool2d(3, stride=1, padding=1)", (2, 3, 16, 16)),
        ("nn.AdaptiveAvgPool2d(1)", (2, 3, 16, 16)),
        ("nn.AdaptiveAvgPool2d((2, 3))", (2, 3, 16, 16)),
        ("nn.Flatten()", (2, 3, 4, 4)),
        ("nn.BatchNorm2d(3)", (2, 3, 4, 4)),
        ("nn.Dropout(0.5)", (2, 3)),
        ("nn.Embedding(10, 6)", None),
        ("nn.Softmax(dim=1)", (2, 3)),
        ("nn.Sequential(nn.Flatten(), nn.Linear(48, 9), nn.ReLU())", (2, 3, 4, 4)),
    ]
)


@given(LAYERS)
def test_layers_give_the_axes_that_torch_gives(run: Run, layer: tuple[str, tuple[int, ...] | None]) -> None:
    text, sizes = layer
    given_text = f"torch.zeros{sizes}" if sizes else "torch.zeros(2, 4, dtype=torch.long)"
    program = f"import torch\nfrom torch import nn\nresult = {text}({given_text})\n"
    scope: dict[str, Any] = {}
    exec(program, scope)
    expected = tuple(scope["result"].shape)
    value = run(program)["result"]
    assert isinstance(value, Tensor)
    assert value.shape.units in (None, expected[-1]), value.shape
    if value.shape.dims is not None:
        assert len(value.shape.dims) == len(expected)
        assert all(known in (None, real) for known, real in zip(value.shape.dims, expected, strict=True)), value.shape
