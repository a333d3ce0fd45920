"""What is said of a file does not depend on which files are passed, in which order, or on how many processes."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import headlint
from headlint.loading.loader import ProjectLoader
from headlint.run.importers import Importers
from headlint.run.session import relevant_files
from headlint.settings import Settings
from headlint.source.project import Project

FILES = {
    "net.py": """import torch.nn as nn


class Net(nn.Module):
    def __init__(self, classes=4, soft=True):
        super().__init__()
        self.out = nn.Linear(8, classes)
        self.soft = nn.Softmax(dim=1)

    def forward(self, x):
        return self.soft(self.out(x))
""",
    "utils.py": """def train(model, loader, criterion):
    for x, y in loader:
        loss = criterion(model(x), y)
        loss.backward()
""",
    "main.py": """import torch.nn as nn
from net import Net
from utils import train


def main(loader):
    train(Net(), loader, nn.CrossEntropyLoss())
""",
    "other.py": """import torch.nn as nn
from utils import train


def main(loader):
    train(nn.Linear(3, 2), loader, nn.MSELoss())
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "headlint.toml").write_text("")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def said(root: Path, *names: str, jobs: int = 1) -> list[tuple[str, int, str]]:
    report = headlint.check_paths([root / name for name in names], Settings(root=root, cache=False, jobs=jobs))
    assert report.problems == ()
    return [(Path(one.place.path).name, one.place.line, one.code) for one in report]


def test_the_callers_decide(project: Path) -> None:
    assert said(project, ".") == [("utils.py", 3, "HL101")]


def test_any_slice_says_what_belongs_to_its_files(project: Path) -> None:
    assert said(project, "utils.py") == [("utils.py", 3, "HL101")]
    assert said(project, "main.py") == []
    assert said(project, "main.py", "utils.py") == said(project, "utils.py", "main.py") == [("utils.py", 3, "HL101")]


def test_paths_may_be_relative(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    for names in (
        ["utils.py"],
        ["./utils.py"],
        ["../" + project.name + "/utils.py"],
        ["utils.py", str(project / "main.py")],
    ):
        report = headlint.check_paths(names, Settings(root=project, cache=False))
        assert [(one.place.path, one.code) for one in report] == [(str(project / "utils.py"), "HL101")]


def test_a_text_stands_in_for_its_file(project: Path) -> None:
    text = "# moved down\n" + FILES["utils.py"]
    report = headlint.check_source(text, str(project / "utils.py"), Settings(root=project, cache=False))
    assert [(one.place.line, one.code) for one in report] == [(4, "HL101")]
    assert [step.place.line for step in report.findings[0].trail] == [7, 8, 7, 4]


def test_words_of_training_matter_only_where_a_framework_is(project: Path) -> None:
    (project / "main.py").unlink()
    (project / "net.py").unlink()
    (project / "other.py").unlink()
    loader = ProjectLoader(Project(project), cache=False)
    assert relevant_files([project / "utils.py"], loader) == ([], [])
    (project / "main.py").write_text(FILES["main.py"])
    loader = ProjectLoader(Project(project), cache=False)
    assert relevant_files([project / "utils.py"], loader) == ([project / "utils.py"], [])


def test_any_number_of_processes(project: Path) -> None:
    for number in range(30):
        (project / f"copy_{number}.py").write_text(FILES["main.py"])
    assert said(project, ".", jobs=2) == said(project, ".", jobs=1) == [("utils.py", 3, "HL101")]


def test_without_its_caller_nothing_is_known(project: Path) -> None:
    (project / "main.py").unlink()
    assert said(project, ".") == []


def test_only_importers_that_can_call_something_of_a_file_are_looked_at(project: Path) -> None:
    package = project / "nets"
    package.mkdir()
    for module in ("left", "right"):
        text = FILES["net.py"].replace("Net", module.title())
        (package / f"{module}.py").write_text(f"__all__ = ()\n_log = None\n{text}")
    (package / "__init__.py").write_text("from .left import *\nfrom .right import Right\n")
    caller = "import torch.nn as nn\nimport nets\n\n\ndef main(loader):\n    {}\n"
    (project / "right.py").write_text(caller.format("nets.Right()(loader)"))
    (project / "any.py").write_text(caller.format("getattr(nets, loader.name)()"))
    (project / "away.py").write_text("import torch.nn as nn\nfrom away import nets\n\nx = getattr(nn, nets.name)\n")
    loader = ProjectLoader(Project(project), cache=False)
    assert loader.project is not None
    importers = Importers(loader, loader.project)

    def of(file: Path) -> set[str]:
        return {importer.relative_to(project).as_posix() for importer in importers.of(file)}

    assert of(package / "left.py") == of(package / "right.py") == {"nets/__init__.py"}
    assert importers.hand_on(package / "left.py", package / "__init__.py")
    assert of(package / "__init__.py") == {"any.py"}
    assert importers.hand_on(package / "right.py", package / "__init__.py")
    assert not importers.hand_on(package / "left.py", package / "__init__.py")
    assert of(package / "__init__.py") == {"any.py", "right.py"}


def test_a_default_that_a_caller_overrides_proves_nothing(project: Path) -> None:
    (project / "net.py").write_text(
        "import torch.nn as nn\n\n\ndef build(units=1):\n    return nn.Sequential(nn.Linear(3, units), nn.Softmax(dim=-1))\n"
    )
    assert said(project, "net.py") == [("net.py", 5, "HL201")]
    (project / "main.py").write_text("from net import build\nimport torch\nmodel = build(4)\n")
    assert said(project, "net.py") == []


def test_a_report_can_be_pickled(project: Path) -> None:
    report = headlint.check_paths([project], Settings(root=project, cache=False))
    assert pickle.loads(pickle.dumps(report)) == report
    assert len(report) == 1


def test_own_losses_and_layers() -> None:
    program = (
        "from mylib import FocalLoss, SoftHead\nimport torch.nn as nn\n"
        "model = nn.Sequential(nn.Linear(4, 3), SoftHead())\ncriterion = FocalLoss(gamma=2)\n\n\n"
        "def step(x, y):\n    return criterion(model(x), y)\n"
    )
    assert [one.code for one in headlint.check_source(program)] == []
    own = Settings(losses=(("mylib.FocalLoss", "logits"),), layers=(("mylib.SoftHead", "softmax"),))
    assert [(one.code, one.place.line) for one in headlint.check_source(program, settings=own)] == [("HL101", 8)]
