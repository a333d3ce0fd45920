"""The arrows of the design: which room may import which, and what must not be loaded to start."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "headlint"

ROOMS = {
    "version": "",
    "settings": "",
    "spelling": "",
    "frameworks": "",
    "findings": "settings",
    "source": "settings frameworks findings",
    "syntax": "source",
    "flow": "frameworks syntax",
    "checks": "settings spelling frameworks flow",
    "loading": "version findings source frameworks syntax flow",
    "selection": "settings findings source loading",
    "run": "settings spelling findings source syntax flow checks loading selection",
    "fixes": "settings findings source frameworks run libcst",
    "runtime": "settings findings frameworks run",
    "reporting": "version findings runtime",
    "inspection": "findings frameworks runtime reporting",
    "integrations": "version settings findings source loading selection run fixes reporting inspection",
    "cli": "version settings findings source selection run fixes runtime reporting integrations",
}
"""What each room may import. A room stands after all that it imports, so no two can import each other; libcst,
which only fixes may use, counts as a room here."""

PACKAGES_OF_FLOW = {
    "values": "",
    "machine": "values",
    "python": "values machine",
    "torch_modules": "values machine python",
    "tensors": "values machine python",
    "layers": "values machine python tensors",
    "keras": "values machine python tensors layers",
    "data": "values machine python tensors layers",
    "training": "values machine",
    "libraries": "values machine python torch_modules tensors layers keras data training",
    "interpreter": "values machine python torch_modules tensors layers keras data training libraries",
    "unseen": "values machine",
    "roots": "values machine python torch_modules training unseen",
}
"""The same for the packages of the room that follows values: the machine reaches what stands after it through tables that
``interpreter`` fills."""


def imported(file: Path) -> set[str]:
    """The dotted names that a module imports, those for type checkers among them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Import():
                names |= {alias.name for alias in node.names}
            case ast.ImportFrom(module=str(module), level=0):
                names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


def below(folder: Path, package: str, name: str) -> set[str]:
    """What of a package the modules of one of its rooms import."""
    room = folder / name
    files = sorted(room.rglob("*.py")) if room.is_dir() else [room.with_suffix(".py")]
    assert files
    parts = {path.removeprefix(f"{package}.").split(".")[0] for file in files for path in imported(file)}
    return parts - {name}


@pytest.mark.parametrize("room", ROOMS)
def test_arrows(room: str) -> None:
    assert below(PACKAGE, "headlint", room) & {*ROOMS, "libcst"} <= set(ROOMS[room].split())


@pytest.mark.parametrize("package", PACKAGES_OF_FLOW)
def test_arrows_of_flow(package: str) -> None:
    found = below(PACKAGE / "flow", "headlint.flow", package)
    assert found & set(PACKAGES_OF_FLOW) <= set(PACKAGES_OF_FLOW[package].split())


@pytest.mark.parametrize(("folder", "arrows"), [(PACKAGE, ROOMS), (PACKAGE / "flow", PACKAGES_OF_FLOW)])
def test_each_room_stands_after_what_it_imports(folder: Path, arrows: dict[str, str]) -> None:
    there = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert there - {"__init__", "__main__"} == set(arrows)
    names = [*arrows]
    for position, name in enumerate(names):
        assert set(arrows[name].split()) - {"libcst"} <= set(names[:position]), name


@pytest.mark.parametrize("module", ["headlint", "headlint.cli.main", "headlint.integrations.flake8"])
def test_starting_loads_nothing_heavy(module: str) -> None:
    heavy = (
        "libcst",
        "rich",
        "jinja2",
        "torch",
        "tensorflow",
        "headlint.flow.machine.machine",
        "pathspec",
        "concurrent.futures",
    )
    program = f"import sys, {module}; print([name for name in {heavy!r} if name in sys.modules])"
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert outcome.stdout == "[]\n"


def test_no_bare_except() -> None:
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.ExceptHandler) and node.type is None), file
