"""Whatever stands in a file: an answer in one line, no traceback, no end of patience."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import headlint
from headlint.settings import Settings

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures").glob("shapes_*/*.py"))
QUIET = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}


def survives(folder: Path, data: bytes, name: str = "x.py") -> headlint.Report:
    file = folder / name
    file.write_bytes(data)
    report = headlint.check_paths([file], Settings(root=folder, cache=False, jobs=1))
    assert [problem for problem in report.problems if problem.code == "HL999"] == []
    assert all("\n" not in problem.message for problem in report.problems)
    return report


@settings(max_examples=60, **QUIET)
@given(st.binary(max_size=300))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    survives(tmp_path, b"import torch\n" + data)
    survives(tmp_path, data, "x.ipynb")


@settings(max_examples=80, **QUIET)
@given(st.sampled_from(FIXTURES), st.integers(0, 10**6))
def test_programs_with_lines_and_words_mixed_up(tmp_path: Path, fixture: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = fixture.read_text(encoding="utf-8").splitlines()
    for _ in range(chance.randint(1, 6)):
        first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(4):
            case 0:
                lines[first], lines[second] = lines[second], lines[first]
            case 1:
                lines.insert(first, lines[second])
            case 2:
                lines[first] = ""
            case _:
                words = lines[first].split(" ")
                chance.shuffle(words)
                lines[first] = " ".join(words)
    survives(tmp_path, "\n".join(lines).encode())


HARD = {
    "deep brackets": "import torch\nx = " + "(" * 3000 + ")" * 3000,
    "deep blocks": "import torch\n"
    + "".join("    " * depth + "if x:\n" for depth in range(95))
    + "    " * 95
    + "pass\n",
    "long sum": "import torch\nx = " + " + ".join(["y"] * 5000),
    "long chain of calls": "import torch\nx = y" + ".view(1)" * 3000,
    "huge list": "import torch\nx = [" + "1, " * 200_000 + "]",
    "recursion": "import torch\ndef f(x):\n    return f(f(x))\nf(torch.zeros(1))\n",
    "mutual recursion": "import torch\ndef f(x):\n    return g(x)\ndef g(x):\n    return f(x)\nf(1)\n",
    "nested loops": "import torch\n"
    + "".join("    " * n + f"for i{n} in range(60):\n" for n in range(9))
    + "    " * 9
    + "torch.zeros(1)\n",
    "class of itself": "import torch\nclass A(A):\n    pass\nA()\n",
    "names restored": "import torch.nn.functional as F\na = F.relu\nF.relu = F.softmax\nF.softmax = a\nF.relu(1)\nF.softmax(1)\n",
    "many branches": "import torch\n"
    + "".join(f"if a{n}:\n    x = torch.zeros({n})\n" for n in range(300))
    + "x.view(1)\n",
    "python 2": "import torch\nprint 'loss', loss\nexec 'x'\n",
    "null byte": "import torch\nx = '\0'\n",
    "form feed": "import torch\n\x0c\nx = 1\n",
}


@pytest.mark.parametrize("name", HARD)
def test_hard_texts_end_soon(tmp_path: Path, name: str) -> None:
    file = tmp_path / "x.py"
    file.write_bytes(HARD[name].encode())
    command = [
        sys.executable,
        "-m",
        "headlint",
        "check",
        "--isolated",
        "--no-cache",
        "--output-format",
        "concise",
        str(file),
    ]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert outcome.returncode in (0, 1, 2)
    assert "Traceback" not in outcome.stderr
    assert "internal error" not in outcome.stdout


def test_import_cycles(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import torch\nfrom b import *\nfrom b import g\ndef f(x):\n    return g(x)\n")
    (tmp_path / "b.py").write_text("import torch\nfrom a import *\nfrom a import f\ndef g(x):\n    return f(x)\n")
    report = headlint.check_paths([tmp_path], Settings(root=tmp_path, cache=False))
    assert report.problems == ()


COSTLY = "def f0(x):\n    return g(x)\n" + "".join(
    f"def f{n}(x):\n    return (f{n - 1}(x), f{n - 1}(x + 1), f{n - 1}(x + 2))\n" for n in range(1, 14)
)
MISTAKE = "net = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))\nnn.CrossEntropyLoss()(net(torch.randn(2, 4)), y).backward()\n"


@pytest.mark.parametrize("times", [1, 40])
def test_costly_statements_leave_something_for_those_behind_them(times: int) -> None:
    text = f"import torch\nfrom torch import nn\n{COSTLY}" + "f13(1)\n" * times + MISTAKE
    report = headlint.check_source(text, settings=Settings(cache=False))
    assert report.problems == ()
    if times == 1:
        assert [finding.code for finding in report] == ["HL101"]


def test_a_costly_top_level_leaves_something_for_functions() -> None:
    function = "def main(y):\n" + "".join(f"    {line}\n" for line in MISTAKE.splitlines())
    text = f"import torch\nfrom torch import nn\n{COSTLY}" + "f13(1)\n" * 40 + function
    report = headlint.check_source(text, settings=Settings(cache=False))
    assert [finding.code for finding in report] == ["HL101"]
