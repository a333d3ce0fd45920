"""What fixes say of themselves, held against PyTorch and Keras: programs are run as they are and as they are mended."""

from __future__ import annotations

import math
from typing import Any

import pytest

from headlint.fixes import apply_fixes_to_source
from headlint.settings import Settings

torch = pytest.importorskip("torch", reason="needs PyTorch")

Namespace = dict[str, Any]


def mended(text: str, code: str, safe: bool = False) -> str:
    """The text after the fixes of one rule, of which there must be one; with ``safe`` only safe ones are made."""
    chosen = Settings(select=(code,), cache=False, jobs=1)
    outcome, data = apply_fixes_to_source(text.encode(), "program.py", chosen, unsafe=not safe)
    assert outcome.fixes
    assert all(fix.safe for fix in outcome.fixes) or not safe
    return data.decode()


def run(text: str) -> Namespace:
    """The variables of a program of this file that was run, with the same weights and data every time."""
    torch.manual_seed(7)
    namespace: Namespace = {}
    exec(compile(text, "program.py", "exec"), namespace)
    return namespace


def losses(namespace: Namespace, steps: int = 100) -> list[float]:
    """The losses of fitting one small batch."""
    optimizer = torch.optim.Adam(namespace["model"].parameters(), lr=0.05)
    seen: list[float] = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = namespace["loss_of"](namespace["x"], namespace["y"])
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    return seen


def gradients(namespace: Namespace) -> list[Any]:
    loss = namespace["loss_of"](namespace["x"], namespace["y"])
    loss.backward()
    return [loss.detach(), *(parameter.grad for parameter in namespace["model"].parameters())]


START = """import torch
import torch.nn as nn
import torch.nn.functional as F

x, y = torch.randn(12, 6), torch.randint(0, 3, (12,))
"""

NET = """

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(6, 24)
        self.out = nn.Linear(24, 3)

    def forward(self, x):
        return {head}


model = Net()


def loss_of(x, y):
    loss = {loss}
    loss.backward(retain_graph=True)
    model.zero_grad()
    return loss


def answer(x):
    return {answer}


loss_of(x, y)
"""


def net(head: str, loss: str, answer: str = "model(x)") -> str:
    return START + NET.format(head=head, loss=loss, answer=answer)


SCORES = "self.out(torch.relu(self.hidden(x)))"
FLOOR = math.log(1 + 2 / math.e)
"""What a cross entropy of probabilities of three classes cannot fall below."""


def test_the_loss_falls_below_the_floor_of_the_doubled_softmax() -> None:
    before = net(f"F.softmax({SCORES}, dim=1)", "F.cross_entropy(model(x), y)")
    assert min(losses(run(before))) >= FLOOR - 1e-6
    assert losses(run(mended(before, "HL101")))[-1] < FLOOR / 5


@pytest.mark.parametrize(
    ("code", "head", "loss", "answer"),
    [
        ("HL101", f"F.softmax({SCORES}, dim=1)", "F.cross_entropy(model(x), y)", "model(x)"),
        ("HL101", f"({SCORES}).softmax(-1)", "F.cross_entropy(model(x), y)", "model(x).max(dim=1)[0]"),
        ("HL101", f"F.softmax({SCORES}, dim=1)", "F.cross_entropy(model(x), y)", "model(x).argmax(dim=1)"),
        (
            "HL104",
            f"torch.sigmoid({SCORES})",
            "F.binary_cross_entropy_with_logits(model(x), F.one_hot(y, 3).float())",
            "(model(x) > 0.5).float()",
        ),
        ("HL109", f"F.softmax({SCORES}, dim=1)", "F.nll_loss(model(x), y)", "model(x)"),
        ("HL103", f"torch.sigmoid({SCORES})", "F.cross_entropy(model(x), y)", "model(x).tolist()"),
    ],
)
def test_what_is_not_a_loss_gets_what_it_got(code: str, head: str, loss: str, answer: str) -> None:
    before = net(head, loss, answer)
    after = mended(before, code)
    old, new = (torch.as_tensor(namespace["answer"](namespace["x"])) for namespace in (run(before), run(after)))
    torch.testing.assert_close(new, old)
    assert losses(run(after))[-1] < 0.1


@pytest.mark.parametrize(
    ("code", "loss"),
    [
        ("HL117", "F.binary_cross_entropy(torch.sigmoid(model(x)), F.one_hot(y, 3).float())"),
        ("HL113", "-torch.log(F.softmax(model(x), dim=1)).gather(1, y[:, None]).mean()"),
        ("HL113", "-model(x).softmax(1).log().gather(1, y[:, None]).mean()"),
        ("HL113", "-torch.log(torch.sigmoid(model(x))).mean()"),
        ("HL102", "F.cross_entropy(F.log_softmax(model(x), dim=1), y)"),
        ("HL301", "F.nll_loss(F.log_softmax(model(x)), y)"),
    ],
)
def test_safe_fixes_leave_loss_and_gradients_as_they_were(code: str, loss: str) -> None:
    before = net(SCORES, loss)
    after = mended(before, code, safe=True)
    for new, old in zip(gradients(run(after)), gradients(run(before)), strict=True):
        torch.testing.assert_close(new, old)


@pytest.mark.parametrize(
    ("code", "loss"),
    [
        ("HL507", "nn.CrossEntropyLoss(model(x), y)"),
        ("HL601", "F.cross_entropy(model(x), y.unsqueeze(1))"),
        ("HL601", "F.cross_entropy(model(x), y.float())"),
    ],
)
def test_other_safe_fixes_mend_what_raised_an_error(code: str, loss: str) -> None:
    before = net(SCORES, loss)
    with pytest.raises(RuntimeError):
        gradients(run(before))
    assert losses(run(mended(before, code, safe=True)))[-1] < 0.1


def test_a_head_as_wide_as_the_labels_learns() -> None:
    before = net(SCORES, "F.cross_entropy(model(x), y)").replace("nn.Linear(24, 3)", "nn.Linear(24, 1)")
    assert not any(gradient.abs().sum() for gradient in gradients(run(before.replace("(0, 3,", "(0, 1,")))[1:])
    assert losses(run(mended(before, "HL202")))[-1] < 0.1


def test_the_gradient_flows_where_it_was_cut_off() -> None:
    before = net(SCORES, "F.cross_entropy(torch.tensor(model(x).detach().numpy(), requires_grad=True), y)")
    assert all(gradient is None for gradient in gradients(run(before))[1:])
    assert losses(run(mended(before, "HL502")))[-1] < 0.1


KERAS = """import numpy as np
import keras
from keras import layers

keras.utils.set_random_seed(3)
x = np.random.rand(16, 5).astype("float32")
y = {labels}
model = keras.Sequential([keras.Input((5,)), layers.Dense(24, activation="relu"), layers.Dense({head})])
model.compile(optimizer=keras.optimizers.Adam(0.05), loss={loss})
first = model.predict(x, verbose=0)
history = model.fit(x, y, epochs=40, verbose=0).history["loss"]
"""


def test_keras_learns_from_scores() -> None:
    pytest.importorskip("keras", reason="needs Keras")
    before = KERAS.format(labels="np.arange(16) % 3", head="3", loss='"sparse_categorical_crossentropy"')
    assert run(before)["history"][-1] > 0.5 > run(mended(before, "HL106"))["history"][-1]


def test_one_unit_of_keras_says_something() -> None:
    pytest.importorskip("keras", reason="needs Keras")
    before = KERAS.format(labels="np.arange(16) % 2", head='1, activation="softmax"', loss='"binary_crossentropy"')
    assert (run(before)["first"] == 1).all()
    assert run(mended(before, "HL201"))["first"].std() > 0


def test_predict_classes_gives_the_classes() -> None:
    pytest.importorskip("keras", reason="needs Keras")
    text = KERAS.format(
        labels="np.arange(16) % 3", head='3, activation="softmax"', loss='"sparse_categorical_crossentropy"'
    )
    before = f"{text}guess = model.predict_classes(x)\n"
    with pytest.raises(AttributeError):
        run(before)
    after = run(mended(before, "HL701", safe=True))
    assert after["guess"].tolist() == after["model"].predict(after["x"], verbose=0).argmax(-1).tolist()
