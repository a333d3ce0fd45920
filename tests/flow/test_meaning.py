"""What the numbers of a tensor mean: whatever headlint says holds for the numbers that torch computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headlint.flow.values.facts import LossUse
from headlint.flow.values.tensor_values import Domain, Tensor

torch = pytest.importorskip("torch")

Run = Callable[[str], Any]

STEPS = st.sampled_from(
    [
        *("torch.softmax(x, dim=1)", "torch.softmax(x, dim=0)", "F.log_softmax(x, dim=-1)", "torch.sigmoid(x)"),
        *("F.relu(x)", "torch.tanh(x)", "F.leaky_relu(x)", "F.softplus(x)", "F.gelu(x)", "F.logsigmoid(x)"),
        *("x.exp()", "x.log()", "-x", "x + 1", "x * 2", "x / 3", "1 - x", "x - x.mean()", "x * x", "x ** 2"),
        *("x.t()", "x.view(-1)", "x[:2]", "x[:, :1]", "x[:, 0]", "x.unsqueeze(0)", "x.clone()", "x.double()"),
        *("x.clamp(0, 1)", "x.clamp(min=1e-7)", "torch.cat([x, x], dim=1)", "torch.stack([x, x])", "x.mean(0)"),
        *("x.sum(-1)", "x.max(dim=1)[0]", "x.abs()", "nn.Softmax(dim=1)(x)", "nn.ReLU()(x)"),
        *("nn.Linear(x.shape[-1], 4)(x)", "F.normalize(x)", "x.flip(0)", "x.repeat(2, 1)", "torch.sqrt(x)"),
    ]
)

CLAIMS: dict[Domain, Callable[[Any], bool]] = {
    Domain.SOFTMAX: lambda x: bool(((x >= 0) & (x <= 1)).all()),
    Domain.SIGMOID: lambda x: bool(((x >= 0) & (x <= 1)).all()),
    Domain.LOG_SOFTMAX: lambda x: bool((x <= 0).all()),
    Domain.LOG_SIGMOID: lambda x: bool((x <= 0).all()),
    Domain.RECTIFIED: lambda x: bool((x >= 0).all()),
    Domain.TANH: lambda x: bool((x.abs() <= 1).all()),
}


@given(st.lists(STEPS, min_size=1, max_size=4), st.integers(0, 2**16))
def test_claims_hold_for_real_numbers(run: Run, steps: list[str], seed: int) -> None:
    lines = "\n".join(f"x = {step}" for step in steps)
    head = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
    torch.manual_seed(seed)
    scope: dict[str, Any] = {}
    try:
        exec(f"{head}x = nn.Linear(6, 3)(torch.randn(5, 6) * 9)\n{lines}\n", scope)
    except (RuntimeError, IndexError, TypeError):
        return
    real = scope["x"].double()
    value = run(f"{head}x = nn.Linear(6, 3)(torch.randn(5, 6))\n{lines}\n")["x"]
    if not isinstance(value, Tensor) or value.domain not in CLAIMS or bool(real.isnan().any()):
        return
    assert CLAIMS[value.domain](real), (value.domain, lines)


@pytest.mark.parametrize(
    ("steps", "domain"),
    [
        ("x = torch.softmax(x, dim=1)", Domain.SOFTMAX),
        ("x = torch.softmax(x, dim=1).view(-1, 3).contiguous().to('cpu')", Domain.SOFTMAX),
        ("x = F.log_softmax(x, dim=1)", Domain.LOG_SOFTMAX),
        ("x = torch.softmax(x, dim=1).log()", Domain.LOG_SOFTMAX),
        ("x = F.log_softmax(x, dim=1).exp()", Domain.SOFTMAX),
        ("x = torch.sigmoid(x)", Domain.SIGMOID),
        ("x = x.argmax(dim=1)", Domain.HARD),
        ("x = x / 2.5", Domain.LINEAR),
        ("x = x.relu()", Domain.RECTIFIED),
    ],
)
def test_meanings_that_must_be_known(run: Run, steps: str, domain: Domain) -> None:
    program = run(
        "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
        f"x = nn.Linear(6, 3)(torch.randn(5, 6))\n{steps}\n"
    )
    assert program["x"].domain is domain


def test_a_loss_takes_the_tensor_of_its_own_path(run: Run) -> None:
    """Correlated branches: what meets in a loss belongs to one outcome of the condition."""
    program = run(
        """
        import torch.nn as nn

        def build(binary):
            if binary:
                model, criterion = nn.Sequential(nn.Linear(8, 1), nn.Sigmoid()), nn.BCELoss()
            else:
                model, criterion = nn.Linear(8, 3), nn.CrossEntropyLoss()
            return model, criterion

        def train(options, x, y):
            model, criterion = build(options.binary)
            criterion(model(x), y).backward()
        """
    )
    uses = {(use.loss.short_name, use.prediction.domain) for use in program.facts(LossUse)}
    assert uses == {("BCELoss", Domain.SIGMOID), ("CrossEntropyLoss", Domain.LINEAR)}
