"""A run after others over many files says what a first run would say, and looks at little more than what has changed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import headlint
from headlint.loading import cache
from headlint.loading.loader import ProjectLoader
from headlint.run import pool, record, session
from headlint.run.results import FileResult
from headlint.settings import Settings

FILES = {
    "package/__init__.py": "from .net import Net\n",
    "package/net.py": """
import torch
from torch import nn
from . import heads

logger = None


class Net(nn.Module):
    def __init__(self, units=4):
        super().__init__()
        self.body = nn.Linear(8, 8)
        self.extra = nn.Linear(8, 8)
        self.head = nn.Linear(8, units)

    def forward(self, x):
        return heads.finish(self.head(self.body(x)))
""",
    "package/heads.py": """
import torch

KINDS = {}


def finish(x):
    return torch.softmax(x, 1)


def label(n):
    return torch.randint(4, (n,))
""",
    "package/names.py": "def names():\n    return ['cat', 'dog']\n",
    "package/tools.py": "def describe(thing):\n    return str(thing)\n",
    "train.py": """
import torch
from torch import nn
from package import Net
from package.heads import label

criterion = nn.CrossEntropyLoss()
net = Net()
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for step in range(10):
    loss = criterion(net(torch.randn(2, 8)), label(2))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    "judge.py": """
from package import names, tools


def judge(net):
    return tools.describe(net), names.names()
""",
    "regression.py": """
import torch
from torch import nn


def train(loader):
    model = nn.Sequential(nn.Linear(8, 1), nn.Softmax(1))
    criterion = nn.MSELoss()
    for x, y in loader:
        criterion(model(x), y).backward()
""",
}

EDITS: Sequence[tuple[str, str, str]] = (
    ("package/heads.py", "torch.softmax(x, 1)", "x"),
    ("package/heads.py", "KINDS = {}", "KINDS = {'soft': finish}"),
    ("package/heads.py", "torch.randint(4, (n,))", "torch.rand(n, 4)"),
    ("package/heads.py", "import torch\n", "import torch\nimport math\n"),
    ("package/net.py", "self.head(self.body(x))", "self.head(self.extra(self.body(x)))"),
    ("package/net.py", "units=4", "units=1"),
    ("package/net.py", "logger = None", "logger = None  # nothing"),
    ("package/tools.py", "return str(thing)", "return str(thing.extra)"),
    ("package/tools.py", "str(thing)", "torch.softmax(thing, 1)"),
    ("package/tools.py", "def describe", "import torch\n\ndef describe"),
    ("package/tools.py", "def describe", "from .heads import finish\n\ndef describe"),
    ("package/net.py", "from . import heads\n", "from . import heads, tools\n"),
    ("package/__init__.py", "Net\n", "Net\nfrom .heads import *\n"),
    ("train.py", "from package import Net\n", "from package import Net\nfrom package import *\n"),
    ("judge.py", "from package import names, tools", "import package\nfrom package import names, tools"),
    ("package/names.py", "'dog'", "'dog', 'horse'"),
    ("package/names.py", "def names", "def train(model, x):\n    return model(x).backward()\n\n\ndef names"),
    ("train.py", "    optimizer.zero_grad()\n", ""),
    ("train.py", "criterion = nn", "number = 3\n\ncriterion = nn"),
    ("judge.py", "return tools", "net.eval()\n    return tools"),
    ("judge.py", "from package import names, tools", "from package import names, tools, Net"),
    ("judge.py", "def judge(net):", "def judge(net=None):\n    net = Net()"),
    ("regression.py", "nn.Linear(8, 1)", "nn.Linear(8, 2)"),
    ("regression.py", ", nn.Softmax(1)", ""),
)
"""Files, what they say, and what they say instead."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project that counts as one of many files."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(pool, "is_many", lambda files: len(files) > 3)
    monkeypatch.setattr(record, "is_many", lambda files: len(files) > 3)
    monkeypatch.setattr(pool.Pool, "_in_processes", lambda self, files, processes: iter(()))
    monkeypatch.setattr(pool, "apart", lambda work: work())
    cache._folder.cache_clear()
    folder = tmp_path / "project"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    yield folder
    cache._folder.cache_clear()


@pytest.fixture
def analysed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are analysed, as they are."""
    found: list[str] = []
    analyze = session._analyze

    def noting(file: Path, loader: ProjectLoader, settings: Settings) -> FileResult:
        found.append(file.name)
        return analyze(file, loader, settings)

    monkeypatch.setattr(session, "_analyze", noting)
    return found


def said(folder: Path, given: str = "", **settings: object) -> list[str]:
    report = headlint.check_paths([folder / given], Settings(root=folder, jobs=1, **settings))  # type: ignore[arg-type]
    return [repr(one) for one in (*report, *report.problems)]


def edit(folder: Path, name: str, before: str, after: str) -> None:
    text = (folder / name).read_text()
    assert before in text
    (folder / name).write_text(text.replace(before, after, 1))


def test_there_is_something_to_say(project: Path) -> None:
    told = " ".join(said(project))
    assert "HL101" in told
    assert "HL512" in told
    assert "HL201" in told


def test_nothing_is_analysed_again_where_nothing_has_changed(project: Path, analysed: list[str]) -> None:
    first = said(project)
    assert set(analysed) >= {"net.py", "train.py"}
    analysed.clear()
    assert said(project) == first
    assert analysed == []


def test_only_what_rests_on_a_changed_file_is_analysed_again(project: Path, analysed: list[str]) -> None:
    said(project)
    for name, before, after, again in (
        ("regression.py", "nn.Linear(8, 1)", "nn.Linear(8, 2)", {"regression.py"}),
        ("package/net.py", "units=4", "units=5", {"net.py", "train.py"}),
        ("train.py", "range(10)", "range(20)", {"train.py"}),
        ("package/names.py", "'dog'", "'dog', 'horse'", set[str]()),
    ):
        edit(project, name, before, after)
        analysed.clear()
        found = said(project)
        # files of which nothing reaches a library are passed to it too, and cost nothing
        assert set(analysed) - {"__init__.py", "names.py"} == again, name
        assert found == said(project, cache=False)


def test_an_attribute_that_another_file_names_from_now_on_is_used(project: Path, analysed: list[str]) -> None:
    assert any("HL512" in one for one in said(project))
    edit(project, "package/tools.py", "return str(thing)", "return str(thing.extra)")
    analysed.clear()
    assert not any("HL512" in one for one in said(project))
    assert "net.py" in analysed
    edit(project, "package/tools.py", "return str(thing.extra)", "return str(thing)")
    assert any("HL512" in one for one in said(project))


@pytest.mark.parametrize("seed", range(6))
def test_any_edits_are_seen_as_a_first_run_would(project: Path, seed: int) -> None:
    chosen = random.Random(seed)
    for _ in range(8):
        name, before, after = chosen.choice(EDITS)
        text = (project / name).read_text()
        (project / name).write_text(
            text.replace(after, before, 1) if after and after in text else text.replace(before, after, 1)
        )
        given = chosen.choice(["", "", "", "package", "train.py"])
        assert said(project, given) == said(project, given, cache=False), (name, after, given)


def test_what_reaches_a_library_from_now_on_is_followed(project: Path) -> None:
    (project / "parts.py").write_text(
        "import torch\n\ndef shape(x):\n    return x\n\n\ndef judge(x, y):\n    return x, y\n"
    )
    (project / "caller.py").write_text(
        "from parts import judge, shape\n\ndef softmax(x, y):\n    return judge(shape(x), y)\n"
    )
    first = said(project)
    edit(project, "parts.py", "return x\n", "return torch.softmax(x, 1)\n")
    edit(project, "parts.py", "return x, y", "return torch.nn.functional.cross_entropy(x, y)")
    found = said(project)
    assert found == said(project, cache=False)
    assert {one for one in found if "HL101" in one and "parts.py" in one} - set(first)


def test_an_import_brings_an_attribute_within_reach(project: Path) -> None:
    (project / "far.py").write_text("def describe(thing):\n    return str(thing.extra)\n")
    (project / "caller.py").write_text("import far\n\ndef softmax(model):\n    return far.describe(model)\n")
    assert any("HL512" in one for one in said(project))
    edit(project, "caller.py", "import far", "import far\nfrom package.net import Net")
    assert not any("HL512" in one for one in said(project))


def test_an_import_leaves_what_does_not_rest_on_its_file(project: Path, analysed: list[str]) -> None:
    said(project)
    edit(project, "package/net.py", "import torch\n", "import math\nimport torch\nfrom torch import Tensor\n")
    analysed.clear()
    found = said(project)
    assert set(analysed) - {"__init__.py", "names.py"} == {"net.py", "train.py"}
    assert found == said(project, cache=False)


@pytest.mark.parametrize(
    "caller",
    [
        "from package.tools import nn\n\nuse = nn",
        "from package import tools\n\nuse = tools.nn",
        "import package.tools\n\nuse = package.tools.nn",
        "from package.tools import *\n\nuse = nn",
        "from hub import *\n\nuse = nn",
        "import package\n\nuse = package.tools.nn",
        "import package\n\nuse = package.inner.deep.nn",
    ],
)
def test_what_another_module_takes_from_where_it_is_imported_is_followed(project: Path, caller: str) -> None:
    start, _, use = caller.partition("use = ")
    changed = "package/inner/deep.py" if "deep" in caller else "package/tools.py"
    (project / "package" / "inner").mkdir()
    (project / "package" / "inner" / "__init__.py").write_text("")
    (project / "package" / "inner" / "deep.py").write_text(FILES["package/tools.py"])
    (project / "hub.py").write_text("from package.tools import *\n")
    (project / "caller.py").write_text(
        f"{start}def softmax(x, y):\n    return {use}.CrossEntropyLoss()({use}.Softmax(1)(x), y)\n"
    )
    first = said(project)
    edit(project, changed, "def describe", "from torch import nn\n\n\ndef describe")
    found = said(project)
    assert found == said(project, cache=False)
    assert {one for one in found if "HL101" in one and "caller.py" in one} - set(first)


def test_the_same_code_may_reach_a_library_by_another_import(project: Path) -> None:
    (project / "own.py").write_text(
        "from os.path import join as act\nfrom os.path import split as softmax\n\n"
        "def judge(x, y):\n    return softmax(act(x, 1), y)\n"
    )
    first = said(project)
    edit(project, "own.py", "from os.path import join", "from torch import softmax")
    edit(project, "own.py", "from os.path import split", "from torch.nn.functional import cross_entropy")
    found = said(project)
    assert found == said(project, cache=False)
    assert {one for one in found if "HL101" in one and "own.py" in one} - set(first)


def test_files_outside_may_import_what_they_did_not(project: Path) -> None:
    (project / "caller.py").write_text("from torch import nn\n\nfresh(nn.CrossEntropyLoss(), nn.Linear(3, 3)(x), y)\n")
    (project / "package" / "tools.py").write_text(
        "import torch\n\n\ndef fresh(criterion, x, y):\n    return criterion(torch.softmax(x, 1), y)\n"
    )
    said(project)
    first = said(project, "package")
    edit(project, "caller.py", "from torch import nn", "from torch import nn\nfrom package.tools import fresh")
    found = said(project, "package")
    assert found == said(project, "package", cache=False)
    assert {one for one in found if "HL101" in one and "tools.py" in one} - set(first)


def test_files_outside_may_call_what_is_defined_from_now_on(project: Path) -> None:
    (project / "caller.py").write_text(
        "from torch import nn\nfrom package import tools\n\ntools.fresh(nn.CrossEntropyLoss(), nn.Linear(3, 3)(x), y)\n"
    )
    (project / "package" / "tools.py").write_text("import torch\n\ndef describe(x):\n    return x.log()\n")
    first = said(project, "package")
    text = "\n\ndef fresh(criterion, x, y):\n    return criterion(torch.softmax(x, 1), y)\n"
    (project / "package" / "tools.py").write_text((project / "package" / "tools.py").read_text() + text)
    found = said(project, "package")
    assert found == said(project, "package", cache=False)
    assert {one for one in found if "HL101" in one and "tools.py" in one} - set(first)


def test_files_come_and_go(project: Path) -> None:
    first = said(project)
    (project / "more.py").write_text(FILES["regression.py"])
    assert len(said(project)) > len(first)
    (project / "more.py").unlink()
    assert said(project) == first
    (project / "package" / "heads.py").unlink()
    assert said(project) == said(project, cache=False) != first


def test_a_file_that_cannot_be_read_is_reported_each_time(project: Path) -> None:
    (project / "broken.py").write_bytes(b"import torch\nx = '\xff'\n")
    (project / "torn.py").write_text("import torch\n\ndef f(:\n    pass\n")
    first = said(project)
    assert sum("HL900" in one for one in first) == 2
    assert said(project) == first


def test_settings_have_records_of_their_own(project: Path) -> None:
    first = said(project)
    assert said(project, ignore=("HL101",)) != first
    assert said(project) == first
