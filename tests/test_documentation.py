"""The documentation: its programs do what it says, its settings and links hold, and the site builds without a warning."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

import headlint
from headlint.findings.rulebook import expectations, find_rule
from headlint.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
IN_PAIRS = ("not-learning.md", "questions.md")
"""Pages that show each program as it is wrong and as it is corrected."""

PROGRAM = re.compile(r"^(?P<indent> *)```python\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL)


def programs(text: str) -> list[str]:
    return [textwrap.dedent(match["body"]) for match in PROGRAM.finditer(text)]


def sections(page: str) -> list[object]:
    parts = re.split(r"^## ", (ROOT / "docs" / page).read_text(), flags=re.MULTILINE)[1:]
    return [pytest.param(part, id=f"{page}: {part.splitlines()[0]}") for part in parts if "```python" in part]


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(program, id=f"{page.name}-{number}")
        for page in PAGES
        for number, program in enumerate(programs(page.read_text()), 1)
    ],
)
def test_programs_are_reported_as_they_say(program: str) -> None:
    report = headlint.check_source(program, settings=Settings(cache=False, jobs=1))
    assert report.problems == ()
    assert sorted((finding.place.line, finding.code) for finding in report) == sorted(expectations(program))


@pytest.mark.parametrize("section", [section for page in IN_PAIRS for section in sections(page)])
def test_what_is_wrong_is_shown_corrected(section: str) -> None:
    wrong = [bool(expectations(program)) for program in programs(section)]
    assert wrong
    assert wrong == [True, False] * (len(wrong) // 2)


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_rules_that_are_named_exist(page: Path) -> None:
    for code in re.findall(r"\bHL\d{3}\b", page.read_text()):
        assert find_rule(code), code
