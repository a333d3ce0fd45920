"""Which names of a file are taken for models, from the syntax alone."""

from __future__ import annotations

import ast

import pytest

from headlint.runtime.worker.program.discovery import discover

PROGRAMS = {
    "an optimizer is given the model's parameters": (
        "class Net(nn.Module):\n    def forward(self, x): ...\n"
        "optimizer = optim.SGD(net.parameters(), 0.1)\noptimizer.state_dict()\n",
        ["Net"],
    ),
    "a class that makes its model": (
        "class Recognizer:\n    def create(self):\n        return Sequential([Dense(3)])\n",
        ["Recognizer"],
    ),
    "a class that makes none": ("class Reader:\n    def read(self):\n        return open('rows.csv')\n", []),
    "a local of the function that trains it": (
        "def train(rows):\n    model = Sequential()\n    model.fit(rows)\n",
        ["train.model"],
    ),
    "what fits rows in a function is no model of a network": (
        "def train(rows):\n    trainer = Trainer()\n    trainer.fit(rows)\n",
        [],
    ),
    "a loss, an augmentation and a layer beside the model": (
        "class Net(nn.Module):\n    def forward(self, x): ...\n"
        "class FocalLoss(nn.Module):\n    def forward(self, x, y): ...\n"
        "class MixAug(nn.Module):\n    def forward(self, x): ...\n"
        "class Scale(keras.layers.Layer):\n    def call(self, x): ...\n",
        ["Net"],
    ),
    "a base that only tells how it is shown": (
        "class Base(nn.Module):\n    def extra_repr(self): ...\nclass Cell(Base):\n    def forward(self, x): ...\n",
        ["Cell"],
    ),
    "a loss alone": ("class FocalLoss(nn.Module):\n    def forward(self, x, y): ...\n", ["FocalLoss"]),
    "scalers, forests and trainers": (
        "from sklearn.preprocessing import StandardScaler as Scale\nimport sklearn.ensemble as ensemble\nimport lightning as L\n"
        "scale = Scale()\nscale = scale.fit(rows)\nscale.fit(rows)\n"
        "forest = ensemble.RandomForestClassifier()\nforest.fit(rows, labels)\n"
        "trainer = L.Trainer()\ntrainer.fit(net)\nwords = Tokenizer(num_words=10)\nwords.fit(texts)\n"
        "net = models.resnet18()\nnet.eval()\n",
        ["net"],
    ),
    "a base that leaves its pass to others": (
        'class Base(nn.Module):\n    def forward(self, x):\n        """To be written."""\n        raise NotImplementedError\n'
        "class Parts(nn.Module):\n    def __init__(self): ...\n"
        "class Net(Base):\n    def forward(self, x): ...\n",
        ["Net"],
    ),
    "a base that only declares its pass": (
        'class Base(nn.Module, ABC):\n    @abstractmethod\n    def forward(self, x):\n        """To be written."""\n'
        "class Net(Base):\n    def forward(self, x): ...\n",
        ["Net"],
    ),
    "a base whose pass asks for a step that its heirs write": (
        "class Base(nn.Module):\n    def prepare(self, x):\n        raise NotImplementedError\n"
        "    def forward(self, x):\n        return self.out(self.prepare(x))\n"
        "class Net(Base):\n    def prepare(self, x): ...\n",
        ["Net"],
    ),
    "a factory is one, not its local": ("def make():\n    model = Sequential()\n    return model\n", ["make"]),
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_models_of_a_file(program: tuple[str, list[str]]) -> None:
    source, names = program
    assert discover(ast.parse(source)) == names
