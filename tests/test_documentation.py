"""The documentation: its programs do what it says, its settings and links hold, and the site builds without a warning."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import headlint
from headlint.findings.rulebook import expectations, find_rule, load_rules
from headlint.reporting.context import Context
from headlint.reporting.text import block
from headlint.run import configuration
from headlint.settings import Settings

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
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
    assert max(len(line.replace("expect: ", "")) for line in program.splitlines()) <= 76, "wider than the page"
    report = headlint.check_source(program, settings=Settings(cache=False, jobs=1))
    assert report.problems == ()
    assert sorted((finding.place.line, finding.code) for finding in report) == sorted(expectations(program))


@pytest.mark.parametrize("section", [section for page in IN_PAIRS for section in sections(page)])
def test_what_is_wrong_is_shown_corrected(section: str) -> None:
    wrong = [bool(expectations(program)) for program in programs(section)]
    assert wrong
    assert wrong == [True, False] * (len(wrong) // 2)


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda page: page.name)
def test_rules_that_are_named_exist(page: Path) -> None:
    for code in re.findall(r"\bHL\d{3}\b", page.read_text()):
        assert find_rule(code), code


def test_the_readme_shows_what_headlint_reports() -> None:
    program, shown = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", README.read_text(), re.DOTALL).groups()
    (finding,) = headlint.check_source(program, "train.py", Settings(cache=False, jobs=1))
    assert block(finding, Context(Path.cwd(), width=112, sources=lambda path: program)) + "\n" == shown


def test_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", README.read_text()):
        assert (ROOT / target).is_file(), target


def test_every_setting_is_described() -> None:
    described = re.findall(r"^\| `([\w-]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    assert sorted(described) == sorted(configuration._KEYS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_that_are_shown_are_settings(page: Path, tmp_path: Path) -> None:
    shown = re.findall(r"^```toml\n(\[tool\.headlint.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    for number, text in enumerate(shown):
        (tmp_path / str(number)).mkdir()
        file = tmp_path / str(number) / "pyproject.toml"
        file.write_text(text)
        assert configuration.load_settings(file.parent, file) != Settings(root=file.parent)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as it is published."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_has_each_rule(site: Path) -> None:
    for rule in load_rules():
        page = html.unescape((site / "rules" / f"{rule.code}-{rule.name}" / "index.html").read_text())
        assert rule.name in page


def test_the_site_shows_what_headlint_reports(site: Path) -> None:
    page = html.unescape((site / "not-learning" / "index.html").read_text())
    assert "# expect:" not in page
    assert page.count("headlint reports</label>") == page.count("headlint explain HL")
    assert 'href="../rules/HL101-softmax-before-cross-entropy/"' in page


def test_the_site_asks_no_other_server(site: Path) -> None:
    loaded = re.compile(
        r"""<(?:script|img|iframe)[^>]*src=["']?(https?:[^"'> ]+)|<link[^>]*href=["']?(https?:[^"'> ]+)"""
    )
    for page in site.rglob("*.html"):
        assert not loaded.findall(page.read_text()), page


COINED = re.compile(r"\b(mend(s|ed|ing)?|told)\b", re.IGNORECASE)
"""Words that readers do not expect for fix, report and suppress."""


@pytest.mark.parametrize(
    "page", [README, *PAGES, *sorted((ROOT / "rules").glob("*.md")), ROOT / "CHANGELOG.md"], ids=lambda page: page.name
)
def test_the_words_are_those_of_the_field(page: Path) -> None:
    prose = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert not COINED.findall(prose)
