"""Which files import a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from headlint.source import import_graph
from headlint.source.project import Project, find_root

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("searches", [0, 1000])
def test_files_that_import_one(searches: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_graph, "MOST_SEARCHES", searches)
    texts = {
        "pkg/__init__.py": "from .net import Net\n",
        "pkg/net.py": "",
        "pkg/train.py": "from . import net\n",
        "pkg/other.py": "from .. import pkg\nnetwork = 1\n",
        "main.py": "import pkg.net as n\n",
        "use.py": "from pkg import (\n    Net,\n)\n",
        "says.py": "print('net, pkg')\n",
        "book.ipynb": '{"cells": [{"cell_type": "code", "source": ["import os\\n", "from pkg import net"]}]}',
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    project = Project(tmp_path)
    names = {file.relative_to(tmp_path).as_posix() for file in project.importers(tmp_path / "pkg" / "net.py")}
    assert names == {"pkg/__init__.py", "pkg/train.py", "main.py", "book.ipynb"}
    names = {file.relative_to(tmp_path).as_posix() for file in project.importers(tmp_path / "pkg" / "__init__.py")}
    assert names == {"pkg/train.py", "pkg/other.py", "use.py", "book.ipynb"}


def test_searching_one_by_one_finds_what_reading_all_imports_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    files = sorted((REPOSITORY / "headlint" / "flow" / "values").glob("*.py"))
    monkeypatch.setattr(import_graph, "MOST_SEARCHES", len(files))
    one_by_one = Project(REPOSITORY / "headlint")
    found = {file: one_by_one.importers(file) for file in files}
    monkeypatch.setattr(import_graph, "MOST_SEARCHES", 0)
    at_once = Project(REPOSITORY / "headlint")
    assert found == {file: at_once.importers(file) for file in files}
    assert any(found.values())


def test_an_attribute_is_mentioned_where_an_object_can_come(tmp_path: Path) -> None:
    texts = {
        "net.py": "class Net: ...\n",
        "main.py": "from net import Net\nfrom tools import show\nshow(Net())\n",
        "tools.py": "def show(net):\n    return net.extra, net.norm(dim=1), torch.norm(net)\n",
        "another.py": "def other(block):\n    return block.second.norm(block)\n",
        "by_name.py": "model = import_module('net').Net()\nmodel.third\n",
        "heir.py": "from net import Net\nclass Heir(Net):\n    def go(self):\n        return self.fourth\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    project = Project(tmp_path)
    mentioned = {
        name
        for name in ("extra", "norm", "second", "third", "fourth")
        if project.mention_of(tmp_path / "net.py", "Net", name)
    }
    assert mentioned == {"extra", "third", "fourth"}
    assert not project.mention_of(tmp_path / "main.py", "Net", "extra")


def test_an_attribute_is_listed_for_an_optimizer_or_asked_for_its_gradient(tmp_path: Path) -> None:
    texts = {
        "net.py": "class Net: ...\n",
        "main.py": "from net import Net\nnet = Net()\noptimizer = torch.optim.Adam([net.code, net.other_code])\n",
        "tools.py": "from net import Net\ndef step(net):\n    net.noise.grad.zero_()\n    return len(net.scale)\n",
        "away.py": "optimizer = torch.optim.Adam([thing.scale])\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    project = Project(tmp_path)
    names = ("code", "other_code", "noise", "scale")
    assert [name for name in names if project.listing_of(tmp_path / "net.py", name)] == ["code", "other_code", "noise"]
    assert not project.listing_of(tmp_path / "away.py", "code")


@pytest.mark.parametrize(
    ("file", "others", "text", "root"),
    [
        ("app/models/net.py", ["app/layers/blocks.py"], "import torch\nfrom layers.blocks import Block\n", "app"),
        ("app/models/net.py", ["app/config.py"], "from config import WIDTH\n", "app"),
        ("app/models/net.py", ["app/layers/blocks.py"], "from layers import blocks\n", "app"),
        ("app/models/net.py", ["app/models/__init__.py"], "import torch\n", "app"),
        ("app/models/net.py", ["app/layers/blocks.py", "app/models/__init__.py", "tools.py"], "import tools\n", "."),
        ("app/models/net.py", ["app/config.py", "config.py"], "import config\n", "app"),
        # The near misses: what is beside the file, and what no folder above holds.
        ("app/models/net.py", ["app/models/config.py", "app/config.py"], "import config\n", "app/models"),
        ("app/models/net.py", ["app/layers/blocks.py"], "from layers.other import Block\n", "app/models"),
        ("app/models/net.py", ["app/random.py"], "import random\n", "app/models"),
    ],
)
def test_the_root_of_a_file_without_a_mark_is_where_its_imports_resolve(
    tmp_path: Path, file: str, others: list[str], text: str, root: str
) -> None:
    for name in (file, *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text if name == file else "")
    assert find_root([tmp_path / file]) == tmp_path / root
    (tmp_path / "app" / "models" / "setup.py").write_text("")
    assert find_root([tmp_path / file]) == tmp_path / "app" / "models"
