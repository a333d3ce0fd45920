"""Of a text that cannot be parsed everything is kept but the statements that cannot be, each line in its place."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import pytest

from headlint.syntax.salvage import salvage

FIXTURES = sorted((Path(__file__).parents[2] / "fixtures").glob("shapes_*/*.py"))

PYTHON_2 = {
    'print "loss", loss': 'print("loss", loss)',
    'print "loss: %f" % loss  # shown': 'print("loss: %f" % loss)  # shown',
    'print "a"; print "b"': 'print("a"); print("b")',
    'print >>log, "done"; print `n`': 'print(  log, "done"); print((n))',
    "if a <> b: print a": "if a != b: print(a)",
    'exec "x = 1" in names': 'exec("x = 1" in names)',
    "mask = 0777": "mask =  777",
    "steps = 10L": "steps = 10 ",
    'text = ur"x"; print "10L <>"': 'text =  r"x"; print("10L <>")',
    'raise ValueError, "no"': "raise ValueError      ",
    "x = x.cuda(async=True)": "x = x.cuda(Async=True)",
}


@pytest.mark.parametrize("old", PYTHON_2)
def test_python_2_is_written_as_python_3(old: str) -> None:
    assert salvage(f"import torch\n{old}\n").text == f"import torch\n{PYTHON_2[old]}\n"


def test_except_with_a_comma() -> None:
    text = "try:\n    a()\nexcept (IOError, OSError), error:\n    print error\nelse:\n    b()\n"
    assert salvage(text).text == text.replace(", error:", "       :").replace("print error", "print(error)")


def test_parameters_of_types_are_left_out_where_python_does_not_know_them() -> None:
    text = "class Net[T: (int, list[int])](nn.Module):\n    async def f[*S](self, x: T) -> T:\n        print x\n"
    saved = "class Net                     (nn.Module):\n    async def f    (self, x: T) -> T:\n        print(x)\n"
    assert salvage(text).text.rstrip("\n") == saved.rstrip("\n")


LEFT_OUT = [
    ("model.add(Dense(10,", 'model = f""'),
    ("self.model.add(Dense(10,", 'self.model = f""'),
    ("torch.save(model,", "pass"),
    ("scores, labels = model(x", 'scores = labels = f""'),
    ("loss += criterion(x", 'loss = f""'),
    ("self.layers[0 = nn.Linear(3, 4)", 'self.layers = f""'),
    ("from torch import", "pass"),
    ("%matplotlib inline", "pass"),
    ("!pip install torch", "pass"),
    ("{% if cookiecutter.gpu %}", "pass"),
    ("for epoch in range(10):", "for epoch in range(10): pass"),
    ("def forward(self, x", 'forward = f""'),
    ("class Net(nn.Module", 'Net = f""'),
]


@pytest.mark.parametrize(("broken", "instead"), LEFT_OUT)
def test_what_cannot_be_parsed_is_left_out_alone(broken: str, instead: str) -> None:
    assert salvage(f"import torch\n{broken}\nx = 1\n").text == f"import torch\n{instead}\nx = 1\n"


@pytest.mark.parametrize(("broken", "instead"), LEFT_OUT)
def test_it_is_left_out_within_blocks_too(broken: str, instead: str) -> None:
    text = (
        "import torch\nclass A:\n    def f(self):\n        a = 1\n        {}\n        b = 2\n\n    def g(self): pass\n"
    )
    assert salvage(text.format(broken)).text == text.format(instead)


HEADS = [
    ("for epoch in range(10)", "for epoch in range(10):"),
    ("for epoch in range(10:", 'while f"":'),
    ("if x = 3:", 'if f"":'),
    ("with open(:", "if 1:"),
    ("try:", "if 1:"),
]


@pytest.mark.parametrize(("broken", "instead"), HEADS)
def test_a_block_is_kept_though_its_head_is_broken(broken: str, instead: str) -> None:
    assert salvage(f"{broken}\n    a = 1\n    b = 2\nc = 3\n").text == f"{instead}\n    a = 1\n    b = 2\nc = 3\n"


def test_return_and_broken_parameters() -> None:
    text = "def f(x):\n    return g(x\n\n@nothing\ndef h(a, (b, c)):\n    return b\n"
    assert salvage(text).text == 'def f(x):\n    return f""\n\nh = f""\n\n\n'


def test_of_the_versions_of_a_merge_the_first_is_kept() -> None:
    text = "a = 1\n<<<<<<< HEAD\nb = 2\n||||||| base\nb = 0\n=======\nb = 3\n>>>>>>> other\nc = 4\n"
    assert salvage(text).text == "a = 1\n\nb = 2\n\n\n\n\n\nc = 4\n"


def test_underlined_headings_are_no_marks() -> None:
    text = '"""\nTitle\n=======\n"""\na = (\nb = 2\n'
    assert salvage(text).text == '"""\nTitle\n=======\n"""\na = f""\nb = 2\n'


def test_statements_that_stand_too_far_right_are_moved_and_it_is_known_how_far() -> None:
    saved = salvage("a = 1\n  b = f(\n    2)\nif a:\n    c = 3\n\td = 4\n")
    assert saved.text == "a = 1\nb = f(\n  2)\nif a:\n    c = 3\n    d = 4\n"
    assert saved.shifts == {2: -2, 3: -2, 6: 3}


@pytest.mark.parametrize("seed", range(60))
def test_anything_can_be_salvaged(seed: int) -> None:
    chance = random.Random(seed)
    text = chance.choice(FIXTURES).read_text(encoding="utf-8")
    for _ in range(chance.randint(1, 5)):
        place = chance.randrange(len(text))
        text = (
            text[:place] + chance.choice(["(", "]", "\n", ":", "'", '"""', "\n  ", "=", "\t", ""]) + text[place + 1 :]
        )
    saved = salvage(text).text
    ast.parse(saved)
    assert len(saved.split("\n")) == len(text.split("\n"))


def test_many_open_brackets_take_no_time() -> None:
    text = "x = f(\n" * 3000
    assert salvage(text).text == 'x = f""\n' * 3000


def test_what_is_nested_too_deeply_is_left_out() -> None:
    assert salvage(f"a = 1\nb = {'[' * 5000}{']' * 5000}\nc = 2\n").text == 'a = 1\nb = f""\nc = 2\n'
