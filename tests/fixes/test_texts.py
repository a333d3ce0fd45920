"""What fixes write, on small programs: the style of imports, the layout, and texts that they leave alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import headlint
from headlint.findings.finding import Confidence, Finding, Place, Severity, Step
from headlint.fixes import apply_edits, fix_for
from headlint.settings import Settings


def mended(text: str, code: str) -> str | None:
    """The text after the fix of its only finding of a rule; None where there is no fix."""
    report = headlint.check_source(text, settings=Settings(extend_select=(code,), cache=False, jobs=1))
    (finding,) = [finding for finding in report if finding.code == code]
    fix = fix_for(finding, lambda path: text)
    return apply_edits(text, fix.edits) if fix is not None else None


KERAS = """{imports}

model = Sequential([Input((20,)), Dense(16, activation="relu"), Dense(4)])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
"""


@pytest.mark.parametrize(
    ("imports", "written", "added"),
    [
        (
            "from keras import Input, Sequential, losses\nfrom keras.layers import Dense",
            "losses.SparseCategoricalCrossentropy(from_logits=True)",
            "",
        ),
        (
            "import tensorflow as tf\nfrom tensorflow.keras import Input, Sequential\n"
            "from tensorflow.keras.layers import Dense",
            "tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
            "",
        ),
        (
            "from tensorflow.keras import Input, Sequential\nfrom tensorflow.keras.layers import Dense",
            "SparseCategoricalCrossentropy(from_logits=True)",
            "\nfrom tensorflow.keras.losses import SparseCategoricalCrossentropy",
        ),
        (
            "from keras import Input, Sequential\nfrom keras.layers import Dense\nfrom keras.losses import Huber",
            "SparseCategoricalCrossentropy(from_logits=True)",
            ", SparseCategoricalCrossentropy",
        ),
    ],
)
def test_a_new_name_is_imported_as_the_others_are(imports: str, written: str, added: str) -> None:
    expected = KERAS.format(imports=imports + added).replace('"sparse_categorical_crossentropy"', written)
    assert mended(KERAS.format(imports=imports), "HL106") == expected


TORCH = """import torch
import torch.nn as nn
from torch import softmax

{model}
criterion = nn.CrossEntropyLoss()


def train(x, y):
    loss = criterion(model(x), y)
    loss.backward()
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "model = nn.Sequential(\n    nn.Linear(8, 4),  # the head\n    nn.Softmax(dim=1),\n)",
            "model = nn.Sequential(\n    nn.Linear(8, 4),  # the head\n)",
        ),
        (
            "model = nn.Sequential(\n    nn.Linear(8, 4),  # the head\n    nn.Softmax(dim=1))",
            "model = nn.Sequential(\n    nn.Linear(8, 4),  # the head\n    )",
        ),
        ("model = nn.Sequential(nn.Linear(8, 4), nn.Softmax(1),)", "model = nn.Sequential(nn.Linear(8, 4),)"),
        (
            "model = nn.Sequential()\nmodel.add_module('a', nn.Linear(8, 4))\nmodel.add_module('b', nn.Softmax(1))",
            "model = nn.Sequential()\nmodel.add_module('a', nn.Linear(8, 4))",
        ),
        (
            "head = nn.Linear(8, 4)\n\n\ndef model(x):\n    x = head(x)\n    x = softmax(x, dim=1)\n    return x",
            "head = nn.Linear(8, 4)\n\n\ndef model(x):\n    x = head(x)\n    return x",
        ),
        (
            "head = nn.Linear(8, 4)\n\n\ndef model(x):\n    return torch.softmax(\n        head(x)\n        + 1, 1)",
            "head = nn.Linear(8, 4)\n\n\ndef model(x):\n    return (head(x)\n        + 1)",
        ),
    ],
)
def test_a_softmax_goes_and_the_rest_stays(before: str, after: str) -> None:
    assert mended(TORCH.format(model=before), "HL101") == TORCH.format(model=after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = head(x); x = softmax(x, 1); return x", "x = head(x); return x"),
        ("return softmax(\n        head(\n            x\n        ), 1)", "return head(\n            x\n        )"),
        ("act = functools.partial(softmax, dim=1)\n    return act(head(x))", None),
        ("return torch.exp(torch.log_softmax(head(x), 1))", ""),
    ],
)
def test_statements_and_calls(before: str, after: str | None) -> None:
    model = "import functools\n\nhead = nn.Linear(8, 4)\n\n\ndef model(x):\n    {}"
    expected = before.replace("act(head(x))", "head(x)") if after is None else after
    text = mended(TORCH.format(model=model.format(before)), "HL101")
    assert text == (TORCH.format(model=model.format(expected)) if expected else None)


CONSTANTS = """from keras import Input, Sequential
from keras.layers import Dense

UNITS = 4
SETTINGS = {{"loss": "{loss}", "activation": "{activation}"}}


def build(activation="relu"):
    return Sequential([Input((20,)), Dense(16, activation=activation), Dense(UNITS, activation=SETTINGS["activation"])])


model = build()
model.compile(optimizer="adam", loss=SETTINGS["loss"])
"""


def test_a_constant_is_changed_where_it_is_written() -> None:
    before = CONSTANTS.format(loss="categorical_crossentropy", activation="sigmoid")
    assert mended(before, "HL108") == CONSTANTS.format(loss="categorical_crossentropy", activation="softmax")


def test_a_constant_that_others_read_stays() -> None:
    before = CONSTANTS.format(loss="categorical_crossentropy", activation="sigmoid")
    assert mended(before + 'print(SETTINGS["activation"], SETTINGS["loss"])\n', "HL108") is None


def test_a_layer_that_is_applied_twice_stays() -> None:
    model = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 4)
        self.soft = nn.Softmax(dim=1)

    def forward(self, x):
        weights = self.soft(x)
        return self.soft(self.fc(x * weights))


model = Net()"""
    assert mended(TORCH.format(model=model), "HL101") is None


LOGARITHM = """import torch
import torch.nn.functional as F


def step(model: torch.nn.Linear, x):
    {lines}


step(torch.nn.Linear(4, 3), torch.randn(2, 4))
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return torch.log(F.softmax(model(x), dim=1))", "return F.log_softmax(model(x), dim=1)"),
        ("return F.softmax(model(x), dim=1).log()", "return F.log_softmax(model(x), dim=1)"),
        ("return model(x).softmax(1).log()", "return model(x).log_softmax(1)"),
        (
            "scores = model(x)\n    p = F.softmax(scores, 1)\n    return p, p.log()",
            "scores = model(x)\n    p = F.softmax(scores, 1)\n    return p, F.log_softmax(scores, 1)",
        ),
    ],
)
def test_a_logarithm_in_one_step(before: str, after: str) -> None:
    assert mended(LOGARITHM.format(lines=before), "HL113") == LOGARITHM.format(lines=after)


@pytest.mark.parametrize(
    "lines",
    [
        "p = F.softmax(model(x), 1)\n    return p, p.log()",
        "scores = model(x)\n    p = F.softmax(scores, 1)\n    scores = scores * 0\n    return p, p.log(), scores",
    ],
)
def test_a_logarithm_is_not_moved_where_its_value_would_change_or_cost_twice(lines: str) -> None:
    assert mended(LOGARITHM.format(lines=lines), "HL113") is None


def finding(code: str, place: Place, *trail: Step, **details: str | int | bool) -> Finding:
    return Finding(
        code, "a-rule", Severity.ERROR, Confidence.PROVED, "…", "…", place, trail, details=tuple(details.items())
    )


@pytest.mark.parametrize(
    ("rank", "dim", "safe"), [(1, "0", True), (2, "1", True), (4, "1", True), (3, "-1", False), (None, "-1", False)]
)
def test_the_axis_that_torch_guesses_is_safe(rank: int | None, dim: str, safe: bool) -> None:
    text = "import torch.nn.functional as F\np = F.softmax(x)\n"
    details = {} if rank is None else {"rank": rank}
    fix = fix_for(finding("HL301", Place("x.py", 2, 5, 2, 17), **details), lambda path: text)
    assert fix is not None
    assert fix.safe is safe
    assert apply_edits(text, fix.edits) == f"import torch.nn.functional as F\np = F.softmax(x, dim={dim})\n"


@pytest.mark.parametrize(
    ("head", "written"),
    [
        ("softmax", "np.argmax(model.predict(x, verbose=0), axis=-1)"),
        ("sigmoid", '(model.predict(x, verbose=0) > 0.5).astype("int32")'),
    ],
)
def test_predict_classes_becomes_what_the_head_needs(head: str, written: str) -> None:
    text = "import numpy as np\nprint(model.predict_classes(x, verbose=0))\n"
    place = Place("x.py", 2, 7, 2, 42)
    details = {"head": head, "method": "predict_classes", "units": 1 if head == "sigmoid" else 4}
    fix = fix_for(finding("HL701", place, **details), lambda path: text)
    assert fix is not None
    assert fix.safe
    several = fix_for(finding("HL701", place, **{**details, "units": 4}), lambda path: text)
    assert several is not None
    assert several.safe is (head == "softmax")
    assert apply_edits(text, fix.edits) == f"import numpy as np\nprint({written})\n"


@pytest.mark.parametrize("text", [None, "x = (", "", "p = F.softmax\nq = 1\n"])
def test_a_text_that_is_not_as_expected_gets_no_fix(text: str | None) -> None:
    place = Place("x.py", 1, 5, 1, 20)
    softmax = Step(place, "softmax", "activation", "torch.nn.functional.softmax")
    for code in ("HL101", "HL109", "HL201", "HL301", "HL302", "HL401", "HL503", "HL507", "HL602", "HL701"):
        assert fix_for(finding(code, place, softmax, head="softmax"), lambda path: text) is None


def test_a_cell_that_is_not_there_gets_no_fix(tmp_path: Path) -> None:
    place = Place(str(tmp_path / "x.ipynb"), 1, 1, 1, 5, cell=3)
    assert fix_for(finding("HL301", place), lambda path: '{"cells": []}') is None
    assert fix_for(finding("HL301", place), lambda path: "no notebook") is None
