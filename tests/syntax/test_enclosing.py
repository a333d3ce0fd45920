"""Which definition a layer stands in."""

from textwrap import dedent

import pytest

from headlint.syntax import ir
from headlint.syntax.enclosing import owner_name
from headlint.syntax.parse import parse


def owner_of_mark(text: str) -> str:
    module = parse(dedent(text))
    (mark,) = [node for node in ir.walk(module.body) if isinstance(node, ir.Literal) and node.value == "here"]
    return owner_name(module, mark.at)


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        ("model = Sequential(['here'])", "model"),
        ("model = Sequential()\nmodel.add('here')", "model"),
        ("x = Dense('here')(i)\ny = relu(x)\nm = Model(i, y)", "m"),
        ("x = Dense('here')(i)\ny = relu(i)\nm = Model(i, y)", "x"),
        ("first = Dense(1)\nif a:\n    second = Dense('here')", "second"),
        ("def build():\n    m = Sequential()\n    m.add('here')\n    return m", "build"),
        ("def main():\n    m = Sequential(['here'])\n    m.fit()", "main.m"),
        ("class Net(Module):\n    def __init__(self):\n        self.fc = Linear('here')\n    def f(self): pass", "Net"),
        ("net = 1\nclass Net(Module):\n    x = 2\nother = 3\nf('here')", "f"),
    ],
)
def test_the_owner_of_a_layer(text: str, owner: str) -> None:
    assert owner_of_mark(text) == owner
