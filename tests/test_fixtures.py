"""Whole programs, with what must be found on the line where it must be found, and nothing else.

A fixture is a file, or a folder below ``fixtures/projects`` that is checked in one run. ``name_bad.py`` has a twin
``name_good.py`` that differs in what matters and is silent.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import headlint
from headlint.findings.rulebook import Rule, expectations, load_rules
from headlint.settings import Settings

FIXTURES = Path(__file__).parent.parent / "fixtures"
PROJECTS = FIXTURES / "projects"
MEASURED_AT_RUN_TIME = FIXTURES / "runtime"

NO_FIXTURE = {
    "HL801": "found by running the model, see tests/runtime",
    "HL802": "found by running the model, see tests/runtime",
    "HL803": "found by running the model, see tests/runtime",
    "HL804": "found by running the model, see tests/runtime",
    "HL805": "found by running the model, see tests/runtime",
    "HL806": "found by running the model, see tests/runtime",
    "HL807": "found by running the model, see tests/runtime",
    "HL901": "about comments and not about models, see its page and tests of the suppressions",
    "HL999": "no program is known that headlint fails on",
}

Expectation = tuple[str, int, int, str]
"""Path below the fixture's folder, cell (0 in a plain file), line and code."""


@cache
def fixture_files() -> list[Path]:
    files = [*FIXTURES.rglob("*.py"), *FIXTURES.rglob("*.ipynb")]
    return sorted(file for file in files if not file.is_relative_to(MEASURED_AT_RUN_TIME))


@cache
def units() -> list[Path]:
    """What is checked in one run: a file, or the folder of a project."""
    files = [file for file in fixture_files() if not file.is_relative_to(PROJECTS)]
    return [*files, *sorted(folder for folder in PROJECTS.iterdir() if folder.is_dir())]


def files_of(unit: Path) -> list[Path]:
    return [file for file in fixture_files() if file == unit or file.is_relative_to(unit)]


def programs(file: Path) -> Iterator[tuple[int, str]]:
    """The texts of a file with their cell: of a notebook its code cells from 1, else the whole text as cell 0."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        yield 0, text
    else:
        sources = [cell["source"] for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        yield from enumerate(("".join(source) for source in sources), start=1)


@cache
def expected(unit: Path) -> list[Expectation]:
    return sorted(
        (file.relative_to(unit).as_posix(), cell, line, code)
        for file in files_of(unit)
        for cell, text in programs(file)
        for line, code in expectations(text)
    )


def twins(unit: Path) -> list[Path]:
    """The fixture and the other one of its pair."""
    name = unit.stem.removesuffix("_bad").removesuffix("_good")
    pair = [unit.with_name(f"{name}{end}{unit.suffix}") for end in ("_bad", "_good")]
    return [twin for twin in pair if twin.exists()] or [unit]


def off_by_default(unit: Path) -> tuple[str, ...]:
    """Those rules that are off by default which the fixture or its twin is about."""
    asked = {code for twin in twins(unit) for _, _, _, code in expected(twin)}
    return tuple(rule.code for rule in load_rules() if not rule.default and rule.code in asked)


def found(unit: Path, folder: Path) -> list[Expectation]:
    """What is told about a fixture that stands alone in a folder."""
    alone = folder / unit.name
    if unit.is_dir():
        shutil.copytree(unit, alone)
    else:
        shutil.copy(unit, alone)
    root = alone if alone.is_dir() else folder
    report = headlint.check_paths([alone], Settings(root=root, extend_select=off_by_default(unit), cache=False, jobs=1))
    places = [(finding.place.path, finding.place.cell, finding.place.line, finding.code) for finding in report]
    places += [(problem.path, problem.cell, problem.line or 0, problem.code) for problem in report.problems]
    return sorted(
        (Path(path).relative_to(alone).as_posix(), cell or 0, line, code) for path, cell, line, code in places
    )


@pytest.mark.parametrize("unit", units(), ids=lambda unit: unit.relative_to(FIXTURES).as_posix())
def test_fixture(unit: Path, tmp_path: Path) -> None:
    assert found(unit, tmp_path) == expected(unit)


def test_names_tell_what_is_expected() -> None:
    names = {unit.stem: bool(expected(unit)) for unit in units()}
    assert [name for name, fires in names.items() if name.endswith("_bad") and not fires] == []
    assert [name for name, fires in names.items() if name.endswith("_good") and fires] == []


def test_every_bad_fixture_has_a_silent_twin() -> None:
    bad = [unit for unit in units() if unit.stem.endswith("_bad")]
    assert bad
    assert [unit.name for unit in bad if len(twins(unit)) < 2] == []


def test_every_checked_rule_has_a_page() -> None:
    checks = Path(headlint.__file__).parent / "checks"
    text = "".join(file.read_text(encoding="utf-8") for file in checks.glob("*.py"))
    pages = {rule.code for rule in load_rules()}
    assert {f"HL{number}" for number in range(100, 800) if f'"HL{number}"' in text} <= pages


@pytest.mark.parametrize("rule", load_rules(), ids=lambda rule: rule.code)
def test_every_rule_has_a_fixture(rule: Rule) -> None:
    if rule.code in NO_FIXTURE:
        pytest.skip(NO_FIXTURE[rule.code])
    assert any(rule.code == code for unit in units() for _, _, _, code in expected(unit))
