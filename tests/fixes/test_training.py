"""What the fixes of a training loop write."""

from __future__ import annotations

from pathlib import Path

import pytest

import headlint
from headlint.fixes import apply_edits, apply_fixes, fix_for
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


EPOCHS = """import torch
from torch import nn

model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))
adam = torch.optim.Adam(model.parameters())
cross_entropy = nn.CrossEntropyLoss()


def fit(loader, check, x_check, y_check):
    for epoch in range(9):
{train}        for x, y in loader:
            adam.zero_grad()
            cross_entropy(model(x), y).backward()
            adam.step()
{check}
"""

JUDGED = "for x, y in check:\n            print((model(x).argmax(1) == y).sum())"
COMPARED = "print(cross_entropy(model(x_check), y_check).item())"


@pytest.mark.parametrize(
    ("train", "before", "after"),
    [
        ("        model.train()\n", f"        {JUDGED}", f"        model.eval()\n        {JUDGED}"),
        ("", f"        {JUDGED}", f"        model.eval()\n        {JUDGED}\n        model.train()"),
        ("", f"        {COMPARED}", f"        model.eval()\n        {COMPARED}\n        model.train()"),
    ],
)
def test_a_model_is_judged_in_evaluation_mode(tmp_path: Path, train: str, before: str, after: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(EPOCHS.format(train=train, check=before))
    apply_fixes([program], Settings(select=("HL607", "HL608"), cache=False, jobs=1), unsafe=True)
    assert program.read_text() == EPOCHS.format(train=train, check=after)


def test_a_model_is_trained_in_training_mode() -> None:
    check = "        model.eval()\n        for x, y in check:\n            print((model(x).argmax(1) == y).sum())"
    call = "            cross_entropy(model(x), y).backward()"
    text = EPOCHS.format(train="", check=check)
    assert fixed(text, "HL608") == text.replace(call, f"            model.train()\n{call}")


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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("seen += loss", "seen += loss.detach()"),
        ("seen += loss * len(x)", "seen += (loss * len(x)).detach()"),
        ("kept.append(loss)", "kept.append(loss.detach())"),
        ("seen = seen + loss", None),
    ],
)
def test_what_is_kept_is_detached(before: str, after: str | None) -> None:
    step = "        adam.zero_grad()\n        loss.backward()\n        adam.step()\n        {kept}"
    loop = LOOP.replace("    for x, y", "    seen, kept = 0, []\n    for x, y")
    text = loop.replace("{step}", step.replace("{kept}", before))
    written = fixed(text, "HL517")
    assert written == (text.replace(before, after) if after is not None else None)
