"""What the fixes of a module's own layers write."""

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


COLLECTION = """from torch import nn


class Net(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.parts{written}
        for number in range(depth):
            {filled}

    def forward(self, x):
        {used}
        return x
"""


@pytest.mark.parametrize(
    ("before", "after", "filled", "used"),
    [
        (" = []", " = nn.ModuleList()", "self.parts.append(nn.Linear(4, 4))", "pass"),
        (" = []", " = nn.ModuleList()", "self.parts += [nn.Linear(4, 4)]", "x = self.parts[0](x)"),
        (": list = []", None, "self.parts.append(nn.Linear(4, 4))", "pass"),
        (
            ' = {"a": nn.Linear(4, 4)}',
            ' = nn.ModuleDict({"a": nn.Linear(4, 4)})',
            "print(number)",
            'x = self.parts["a"](x)',
        ),
        (
            " = nn.Linear(4, 4), nn.LayerNorm(4)",
            " = nn.ModuleList((nn.Linear(4, 4), nn.LayerNorm(4)))",
            "print(number)",
            "pass",
        ),
        (" = []", None, "self.parts.append(nn.Linear(4, 4))", "self.parts.reverse()"),
        (" = []", None, "self.parts.append((number, nn.Linear(4, 4)))", "pass"),
        (" = {0: nn.Linear(4, 4)}", None, "print(number)", "pass"),
        (" = kept = [nn.Linear(4, 4), nn.Linear(4, 4)]", None, "print(kept)", "pass"),
    ],
)
def test_layers_are_registered(before: str, after: str | None, filled: str, used: str) -> None:
    text = COLLECTION.format(written=before, filled=filled, used=used)
    wanted = COLLECTION.format(written=after, filled=filled, used=used) if after is not None else None
    assert fixed(text, "HL511") == wanted


DROPOUT = """import torch.nn as nn
import torch.nn.functional as F


def drop(x):
    return {outside}


class Net(nn.Module):
    def forward(this, x, *rest):
        return {inside}
"""


@pytest.mark.parametrize(
    ("inside", "outside", "fixed_inside"),
    [
        ("F.dropout(x)", "x", "F.dropout(x, training=this.training)"),
        ("[F.dropout(x, 0.2, inplace=True)]", "x", "[F.dropout(x, 0.2, inplace=True, training=this.training)]"),
        ("drop(x)", "F.dropout(x)", None),
        ("nn.Dropout(0.2)(x)", "x", "F.dropout(x, 0.2, training=this.training)"),
        ("nn.Dropout2d(p=0.3)(x + 1)", "x", "F.dropout2d(x + 1, p=0.3, training=this.training)"),
        ("[drop(x) for drop in (nn.Dropout(),)]", "x", None),
    ],
)
def test_dropout_follows_the_mode(inside: str, outside: str, fixed_inside: str | None) -> None:
    wanted = DROPOUT.format(inside=fixed_inside, outside=outside) if fixed_inside is not None else None
    assert fixed(DROPOUT.format(inside=inside, outside=outside), "HL609") == wanted


AXES = """import torch
from torch import nn


class Swap(nn.Module):
    def forward(self, x):
        b, t, c = x.shape
        return {written}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x.view(t, b, c)", "x.transpose(0, 1)"),
        ("x.contiguous().view((b, c, t))", "x.contiguous().transpose(1, 2)"),
        ("x.reshape(c, b, t) + 1", "x.permute(2, 0, 1) + 1"),
        ("x.view(c, b, -1)", None),
        ("x.view(c * t, b)", None),
        ("torch.reshape(x, (t, b, c))", None),
    ],
)
def test_axes_are_exchanged(before: str, after: str | None) -> None:
    assert fixed(AXES.format(written=before), "HL306") == (AXES.format(written=after) if after is not None else None)


RECURRENT = """from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = {built}

    def forward(self, x):
        states, _ = self.layer(x)
        return states[:, -1]
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("nn.LSTM(4, 8)", "nn.LSTM(4, 8, batch_first=True)"),
        ("nn.GRU(4, 8, 2, True, False)", "nn.GRU(4, 8, 2, True, True)"),
        ("nn.RNN(4, 8, batch_first=False)", "nn.RNN(4, 8, batch_first=True)"),
        ("nn.LSTM(*(4, 8))", None),
    ],
)
def test_the_batch_comes_first(before: str, after: str | None) -> None:
    assert fixed(RECURRENT.format(built=before), "HL305") == (RECURRENT.format(built=after) if after else None)
