"""The arrows of the design: which room may import which, and what must not be loaded to start."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "headlint"

FORBIDDEN = {
    "source": {
        "syntax",
        "flow",
        "frameworks",
        "checks",
        "fixes",
        "reporting",
        "cli",
        "integrations",
        "runtime",
        "libcst",
    },
    "syntax": {"flow", "frameworks", "checks", "fixes", "reporting", "cli", "integrations", "runtime"},
    "frameworks": {
        "source",
        "syntax",
        "flow",
        "checks",
        "fixes",
        "reporting",
        "cli",
        "integrations",
        "runtime",
        "libcst",
    },
    "flow": {"source", "checks", "fixes", "reporting", "cli", "integrations", "runtime", "libcst"},
    "checks": {"source", "syntax", "fixes", "reporting", "cli", "integrations", "runtime", "libcst"},
    "reporting": {"source", "syntax", "flow", "checks", "fixes", "cli", "integrations", "runtime", "libcst"},
    "fixes": {"flow", "checks", "reporting", "cli", "integrations", "runtime"},
    "cli": {"syntax", "flow", "checks", "libcst"},
    "integrations": {"syntax", "flow", "checks", "libcst", "cli"},
}
"""What each room must never import; libcst is a room of its own here."""


def imported(file: Path) -> set[str]:
    """The rooms and packages that a module imports when it runs, those for type checkers left out."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    skipped = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for statement in block.body
        for node in ast.walk(statement)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] if name.startswith("headlint.") else name.split(".")[0] for name in names}


@pytest.mark.parametrize("room", FORBIDDEN)
def test_arrows(room: str) -> None:
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    wrong = {file.name: found for file in files if (found := imported(file) & FORBIDDEN[room])}
    assert wrong == {}


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
