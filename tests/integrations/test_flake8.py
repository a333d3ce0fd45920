"""The real flake8 with headlint installed tells the same as the command, at the same places."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import headlint
from headlint.settings import Settings

REPOSITORY = Path(__file__).parents[2]
FIXTURES = REPOSITORY / "fixtures"
OLDEST = "5.0.0"
"""The oldest flake8 that headlint is made for; flake8 4 fails on Python 3.12 and newer."""

WRONG = """import torch.nn as nn

model = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(model(x), y)
"""
PACKAGE = {
    "__init__.py": "",
    "net.py": """import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(8, 4)

    def forward(self, x):
        return self.out(x).softmax(dim=1)
""",
    "steps.py": """def step(model, criterion, x, y):
    return criterion(model(x), y)
""",
    "run.py": """import torch.nn as nn

from .net import Net
from .steps import step


def run(loader):
    net, criterion = Net(), nn.CrossEntropyLoss()
    for x, y in loader:
        step(net, criterion, x, y).backward()
""",
}
"""A package whose one mistake is seen in ``steps.py`` only together with the two files that it does not import."""

Place = tuple[str, int, int, str]
"""Path, line, column and code."""


def flake8(
    *arguments: str, folder: Path, stdin: str | None = None, python: str = sys.executable, select: str = "HL"
) -> list[Place]:
    """What flake8 tells, in its order."""
    command = [python, "-m", "flake8", "--select", select, *arguments]
    outcome = subprocess.run(command, cwd=folder, input=stdin, capture_output=True, text=True, timeout=300, check=False)
    assert outcome.returncode in (0, 1), outcome.stderr
    assert not outcome.stderr
    found = [re.match(r"(.+?):(\d+):(\d+): (HL\d{3}) ", line) for line in outcome.stdout.splitlines()]
    assert all(found), outcome.stdout
    return [(match[1].removeprefix("./"), int(match[2]), int(match[3]), match[4]) for match in found if match]


def command(folder: Path) -> list[Place]:
    """What the command tells about the same folder."""
    return sorted(
        (Path(one.place.path).relative_to(folder).as_posix(), one.place.line, one.place.column, one.code)
        for one in headlint.check_paths([folder], Settings(root=folder))
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Fixtures of every kind, below one folder."""
    shutil.copytree(FIXTURES / "questions", tmp_path / "questions")
    shutil.copytree(FIXTURES / "projects" / "src_layout_bad", tmp_path / "project")
    write_package(tmp_path)
    (tmp_path / "headlint.toml").write_text("")
    return tmp_path


def write_package(folder: Path) -> None:
    (folder / "package").mkdir()
    for name, text in PACKAGE.items():
        (folder / "package" / name).write_text(text)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_same_findings_as_the_command(project: Path, jobs: str) -> None:
    expected = command(project)
    assert len(expected) > 20
    assert ("package/steps.py", 2, 12, "HL101") in expected
    assert sorted(flake8("--jobs", jobs, ".", folder=project)) == expected


def test_oldest_version(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("oldest")
    venv.create(folder, with_pip=True)
    python = str(next(folder.glob("[bS]*/python*")))
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", f"flake8=={OLDEST}", str(REPOSITORY)], check=True, timeout=600
    )
    assert subprocess.check_output([python, "-m", "flake8", "--version"], text=True).startswith(OLDEST)
    for jobs in ("1", "2"):
        assert sorted(flake8("--jobs", jobs, ".", folder=project, python=python)) == command(project)
    assert flake8("--stdin-display-name", "x.py", "-", folder=project, stdin=WRONG, python=python) == [
        ("x.py", 8, 12, "HL101")
    ]


def test_any_slice_of_a_project(tmp_path: Path) -> None:
    write_package(tmp_path)
    (tmp_path / "setup.cfg").write_text("")
    assert flake8("package/steps.py", folder=tmp_path) == [("package/steps.py", 2, 12, "HL101")]
    assert flake8("steps.py", folder=tmp_path / "package") == [("steps.py", 2, 12, "HL101")]
    assert flake8("package/net.py", "package/run.py", folder=tmp_path) == []


def test_standard_input(tmp_path: Path) -> None:
    assert flake8("--stdin-display-name", "net.py", "-", folder=tmp_path, stdin=WRONG) == [("net.py", 8, 12, "HL101")]
    assert flake8("-", folder=tmp_path, stdin=WRONG) == [("stdin", 8, 12, "HL101")]


def test_standard_input_stands_in_for_a_file_of_a_package(tmp_path: Path) -> None:
    write_package(tmp_path)
    (tmp_path / "setup.cfg").write_text("")

    def typed(name: str, text: str) -> list[Place]:
        return flake8("--stdin-display-name", f"package/{name}", "-", folder=tmp_path, stdin=text)

    assert typed("steps.py", "\n" + PACKAGE["steps.py"]) == [("package/steps.py", 3, 12, "HL101")]
    assert typed("steps.py", PACKAGE["steps.py"].replace("model(x), y", "x, y")) == []
    everything = PACKAGE["run.py"].replace("step(net, criterion, x, y)", "criterion(net(x), y)")
    assert typed("run.py", everything) == [("package/run.py", 10, 9, "HL101")]
    assert typed("new.py", everything) == [("package/new.py", 10, 9, "HL101")]


def test_a_declared_encoding_does_not_move_columns(tmp_path: Path) -> None:
    text = "# coding: latin-1\n" + WRONG.replace("    return", '    "éé"; return')
    (tmp_path / "net.py").write_bytes(text.encode("latin-1"))
    expected = [("net.py", 9, 18, "HL101")]
    assert flake8("net.py", folder=tmp_path) == expected == command(tmp_path)
    report = headlint.check_source(text, "net.py")
    assert [(one.place.line, one.place.column) for one in report] == [(9, 18)]


def test_comments_are_left_to_flake8(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(WRONG.replace("(x), y)", "(x), y)  # noqa: HL101"))
    assert flake8("net.py", folder=tmp_path) == []
    assert flake8("--disable-noqa", "net.py", folder=tmp_path) == [("net.py", 8, 12, "HL101")]


def test_settings_are_those_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(WRONG)
    (tmp_path / "pyproject.toml").write_text('[tool.headlint]\nignore = ["HL101"]\n')
    assert flake8("net.py", folder=tmp_path) == []
    (tmp_path / "other.toml").write_text('select = ["HL1"]\n')
    (tmp_path / ".flake8").write_text("[flake8]\nheadlint-config = other.toml\n")
    assert flake8("net.py", folder=tmp_path) == [("net.py", 8, 12, "HL101")]
    (tmp_path / "other.toml").write_text('exclude = ["net.py"]\n')
    assert flake8("net.py", folder=tmp_path) == []


def test_rules_that_are_off_are_switched_on_where_flake8_users_do(tmp_path: Path) -> None:
    text = WRONG.replace("nn.Softmax(dim=1)", "nn.Sigmoid()").replace("CrossEntropyLoss", "BCELoss")
    (tmp_path / "net.py").write_text(text)
    expected = [("net.py", 8, 12, "HL117")]
    assert flake8("net.py", folder=tmp_path) == []
    assert flake8("net.py", folder=tmp_path, select="HL117") == expected
    assert flake8("--extend-select", "HL117", "net.py", folder=tmp_path) == expected
    (tmp_path / "setup.cfg").write_text("[flake8]\nextend-select = HL117\n")
    assert flake8("net.py", folder=tmp_path) == expected
    (tmp_path / "setup.cfg").write_text("")
    (tmp_path / "headlint.toml").write_text('extend-select = ["separate-sigmoid-and-bce"]\n')
    assert flake8("net.py", folder=tmp_path) == expected


def test_wrong_settings_are_told_once_a_file(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(WRONG)
    (tmp_path / "headlint.toml").write_text("selct = []\n")
    assert flake8("net.py", folder=tmp_path) == [("net.py", 1, 1, "HL999")]


@pytest.mark.parametrize("text", ["answer = 42\n", "loss = 'no framework far and wide'\n"])
def test_a_file_that_cannot_matter_loads_nothing(tmp_path: Path, text: str) -> None:
    program = (
        "import sys; from headlint.integrations.flake8 import Plugin; "
        f"assert list(Plugin(None, 'plain.py', [{text!r}]).run()) == []; "
        "print([name for name in ('libcst', 'headlint.loading.loader', 'headlint.run.session') if name in sys.modules])"
    )
    outcome = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert outcome.stdout == "[]\n"
