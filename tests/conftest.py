"""Programs that are interpreted whole, and what their variables are then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import TypeVar

import pytest
from hypothesis import settings

from headlint.flow import roots
from headlint.flow.interpreter import interpreter
from headlint.flow.machine.machine import Machine
from headlint.flow.values.facts import Fact
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import Value
from headlint.loading.loader import ProjectLoader
from headlint.syntax.parse import parse

settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("wide", deadline=None, max_examples=5000)
settings.load_profile("same")  # no test depends on a draw, or on how busy the machine is; `wide` looks for more

Kind = TypeVar("Kind", bound=Fact)


class Program:
    """A program that was interpreted."""

    def __init__(self, text: str) -> None:
        path = Path("program.py")
        self.unit = ModuleUnit(str(path), path, parse(dedent(text)))
        self.unit.main = True
        self.machine: Machine = interpreter(ProjectLoader(None, cache=False))
        self.machine.units[path] = self.unit
        roots.run(self.machine, self.unit)

    def __getitem__(self, name: str) -> Value:
        """A variable at the end of the program."""
        value = self.machine.read(self.unit.scope, name)
        assert value is not None, f"{name} is not set"
        return value

    def facts(self, kind: type[Kind]) -> list[Kind]:
        """The facts of one kind, in order."""
        return [fact for fact in self.machine.facts if isinstance(fact, kind)]


@pytest.fixture(scope="session")
def run() -> Callable[[str], Program]:
    return Program


SLOW = {
    *("runtime", "inspection", "integrations", "cli", "reporting", "test_documentation", "test_installing"),
    *(
        "test_every_bad_program",
        "test_fixing_by_command",
        "test_real_numbers",
        "test_survival",
        "test_silence",
        "test_slices",
    ),
}
"""Folders and files of tests that start other programs, build models or try everything; all others are quick."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """``-m quick`` selects what says within a minute whether a change of the analysis is right."""
    for item in items:
        parts = {*item.path.with_suffix("").relative_to(Path(__file__).parent).parts}
        if parts.isdisjoint(SLOW):
            item.add_marker(pytest.mark.quick)
