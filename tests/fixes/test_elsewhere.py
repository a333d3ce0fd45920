"""Where an activation is taken from a loss, those who use its value for something else keep it."""

from __future__ import annotations

import pytest

from headlint.fixes import apply_fixes_to_source
from headlint.settings import Settings


def mended(text: str, *more: str) -> str:
    """The text after all fixes."""
    chosen = Settings(extend_select=more, cache=False, jobs=1)
    return apply_fixes_to_source(text.encode(), "program.py", chosen, unsafe=True)[1].decode()


MODEL = """import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        {forward}


"""

TRAINING = """def train(model, loader):
    for x, y in loader:
        loss = {loss}(model(x), y)
        loss.backward()


def main(loader, x):
    model = Net()
    train(model, loader)
    use(model, x)


def use(model, x):
    {use}
"""


def program(forward: str, use: str, loss: str = "F.cross_entropy") -> str:
    return MODEL.format(forward=forward) + TRAINING.format(loss=loss, use=use)


SOFTMAX = "return F.softmax(self.fc(x), dim=1)"
SCORES = "return self.fc(x)"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("print(model(x))", "print(torch.softmax(model(x), dim=1))"),
        ("return model(x)", "return torch.softmax(model(x), dim=1)"),
        ("probs = model(x)\n    return probs[:, 1]", "probs = torch.softmax(model(x), dim=1)\n    return probs[:, 1]"),
        (
            "value, index = model(x).max(1)\n    return value, index",
            "value, index = torch.softmax(model(x), dim=1).max(1)\n    return value, index",
        ),
        ("return (\n        model(x)\n    )", "return torch.softmax((\n        model(x)\n    ), dim=1)"),
    ],
)
def test_probabilities_are_made_where_they_are_used(before: str, after: str) -> None:
    assert mended(program(SOFTMAX, before)) == program(SCORES, after)


@pytest.mark.parametrize(
    "use",
    [
        "return model(x).argmax(dim=1)",
        "return torch.argmax(model(x), 1)",
        "return model(x).detach().cpu().numpy().argmax()",
        "_, index = torch.max(model(x).data, 1)\n    return index",
        "return model(x).max(1)[1]",
        "return model(x).topk(3).indices",
        "out = model(x)\n    return out.shape, out.argmax(1)",
        "out = model(x)\n    return largest(out, x)\n\n\ndef largest(scores, y):\n    return scores.argmax(1) == y",
        "model(x)",
    ],
)
def test_the_largest_score_is_the_largest_probability(use: str) -> None:
    assert mended(program(SOFTMAX, use)) == program(SCORES, use)


@pytest.mark.parametrize(
    ("forward", "after", "loss", "use", "wrapped"),
    [
        (
            "return torch.sigmoid(self.fc(x))",
            SCORES,
            "F.binary_cross_entropy_with_logits",
            "return (model(x) > 0.5).int()",
            "return (torch.sigmoid(model(x)) > 0.5).int()",
        ),
        (
            "return self.fc(x).softmax(-1)",
            SCORES,
            "F.cross_entropy",
            "return model(x).tolist()",
            "return torch.softmax(model(x), dim=-1).tolist()",
        ),
        (
            SOFTMAX,
            "return F.log_softmax(self.fc(x), dim=1)",
            "F.nll_loss",
            "print(model(x))",
            "print(torch.exp(model(x)))",
        ),
        (
            "h = self.fc(x)\n        return h, F.softmax(h, dim=1)",
            "h = self.fc(x)\n        return h, h",
            "(lambda out, y: F.cross_entropy(out[1], y))",
            "_, probs = model(x)\n    print(probs, model(x)[0], model(x)[1])",
            "_, probs = model(x)\n    print(torch.softmax(probs, dim=1), model(x)[0], torch.softmax(model(x)[1], dim=1))",
        ),
    ],
)
def test_other_activations_and_several_values(forward: str, after: str, loss: str, use: str, wrapped: str) -> None:
    assert mended(program(forward, use, loss)) == program(after, wrapped, loss)


def test_binary_probabilities_get_the_stable_loss() -> None:
    before = program("return torch.sigmoid(self.fc(x))", "print(model(x))", "F.binary_cross_entropy")
    after = program(SCORES, "print(torch.sigmoid(model(x)))", "F.binary_cross_entropy_with_logits")
    assert mended(before, "HL117") == after


BESIDE_THE_LOSS = """def step(model, x, y, seen):
{before}
    loss.backward()
{after}


def main(x, y):
    return step(nn.Linear(8, 4), x, y, [])
"""


@pytest.mark.parametrize(
    ("before", "after", "mended_before", "mended_after"),
    [
        (
            "    scores = model(x)\n    probs = F.softmax(scores, 1)\n    loss = F.cross_entropy(probs, y)",
            "    return probs",
            "    scores = model(x)\n    probs = F.softmax(scores, 1)\n    loss = F.cross_entropy(scores, y)",
            "    return probs",
        ),
        (
            "    scores = model(x)\n    probs = F.softmax(scores, 1)\n    loss = F.cross_entropy(probs, y)",
            "    return loss",
            "    scores = model(x)\n    loss = F.cross_entropy(scores, y)",
            "    return loss",
        ),
        (
            "    probs = F.softmax(model(x), 1)\n    loss = F.cross_entropy(probs, y)",
            "    return probs",
            "    logits = model(x)\n    probs = F.softmax(logits, 1)\n    loss = F.cross_entropy(logits, y)",
            "    return probs",
        ),
        (
            "    probs = F.softmax(model(x), 1)\n    loss = F.cross_entropy(probs, y)",
            "    return probs.argmax(1)",
            "    probs = model(x)\n    loss = F.cross_entropy(probs, y)",
            "    return probs.argmax(1)",
        ),
        (
            "    out = model(x)\n    out = F.softmax(out, 1)\n    loss = F.cross_entropy(out, y)",
            "    seen.append(out)\n    out = None\n    return out",
            "    out = model(x)\n    loss = F.cross_entropy(out, y)",
            "    seen.append(torch.softmax(out, dim=1))\n    out = None\n    return out",
        ),
        (
            "    loss = F.cross_entropy(F.softmax(model(x), 1), y)",
            "    return loss",
            "    loss = F.cross_entropy(model(x), y)",
            "    return loss",
        ),
    ],
)
def test_an_activation_beside_the_loss(before: str, after: str, mended_before: str, mended_after: str) -> None:
    imports = MODEL[: MODEL.index("\n\nclass")] + "\n\n"
    text = imports + BESIDE_THE_LOSS.format(before=before, after=after)
    assert mended(text) == imports + BESIDE_THE_LOSS.format(before=mended_before, after=mended_after)


def test_methods_and_validation_loops() -> None:
    rest = """    def predict(self, x):
        return self({x})

    def label(self, x):
        return self.forward(x).argmax(1)


def run(loader, held_out):
    model, seen = Net(), []
    for x, y in loader:
        loss = F.cross_entropy(model(x), y)
        loss.backward()
    for x, y in held_out:
        out = model(x)
        loss = F.cross_entropy(out, y)
        seen.append({out})
    return seen
"""
    head = MODEL.rstrip("\n") + "\n\n"
    before = head.format(forward=SOFTMAX) + rest.format(x="x", out="out.cpu()")
    after = head.format(forward=SCORES) + rest.format(x="x", out="torch.softmax(out, dim=1).cpu()")
    assert mended(before) == after.replace("return self(x)", "return torch.softmax(self(x), dim=1)")


def test_layers_of_a_container() -> None:
    text = """import torch
from torch import nn

model = nn.Sequential(nn.Linear(8, 4){layer})
criterion = nn.CrossEntropyLoss()


def train(loader):
    for x, y in loader:
        loss = criterion(model(x), y)
        loss.backward()


def confidence(x):
    with torch.no_grad():
        return {call}.max().item()
"""
    after = text.format(layer="", call="torch.softmax(model(x), dim=1)")
    assert mended(text.format(layer=", nn.Softmax(dim=1)", call="model(x)")) == after
