"""What the fixes of a training loop write."""

from __future__ import annotations

import pytest

import headlint
from headlint.fixes import apply_edits, fix_for
from headlint.settings import Settings


def fixed(text: str, code: str) -> str | None:
    """The text after the fix of its only finding of a rule; None where there is no fix."""
    report = headlint.check_source(text, settings=Settings(extend_select=(code,), cache=False, jobs=1))
    (finding,) = [finding for finding in report if finding.code == code]
    fix = fix_for(finding, lambda path: text)
    return apply_edits(text, fix.edits) if fix is not None else None


LOOP = """import torch
from torch import nn

model = nn.Linear(3, 1)
adam = torch.optim.Adam(model.parameters())
scaler = torch.amp.GradScaler("cuda")


def fit(loader):
    for x, y in loader:
        loss = nn.functional.mse_loss(model(x), y)
{step}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "        loss.backward()\n        adam.step()",
            "        adam.zero_grad()\n        loss.backward()\n        adam.step()",
        ),
        (
            "        scaler.scale(loss).backward()\n        scaler.step(adam)",
            "        adam.zero_grad()\n        scaler.scale(loss).backward()\n        scaler.step(adam)",
        ),
    ],
)
def test_gradients_are_cleared(before: str, after: str) -> None:
    assert fixed(LOOP.format(step=before), "HL508") == LOOP.format(step=after)


def test_a_step_in_another_function_is_left_alone() -> None:
    step = "        descend(loss)\n\n\ndef descend(loss):\n    loss.backward()\n    update()\n\n\ndef update():\n    adam.step()"
    assert fixed(LOOP.format(step=step), "HL508") is None


FROZEN = """import torch
from torch import nn

model = nn.Linear(3, 1)
for one in model.parameters():
    {written}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("one.require_grad = False", "one.requires_grad = False"),
        ("model.requires_grad = False", "model.requires_grad_(False)"),
        ("model.requires_grad = (not True)", "model.requires_grad_((not True))"),
    ],
)
def test_the_attribute_gets_its_name(before: str, after: str) -> None:
    assert fixed(FROZEN.format(written=before), "HL516") == FROZEN.format(written=after)


FOLDER = """import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder

model = nn.Linear(3, 2)
adam = torch.optim.Adam(model.parameters())
for x, y in {loader}:
    adam.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    adam.step()
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("DataLoader(ImageFolder('a'), 8)", "DataLoader(ImageFolder('a'), 8, shuffle=True)"),
        ("DataLoader(ImageFolder('a'), 8, False)", "DataLoader(ImageFolder('a'), 8, True)"),
        ("DataLoader(ImageFolder('a'), shuffle=False)", "DataLoader(ImageFolder('a'), shuffle=True)"),
    ],
)
def test_the_folder_is_shuffled(before: str, after: str) -> None:
    assert fixed(FOLDER.format(loader=before), "HL610") == FOLDER.format(loader=after)
