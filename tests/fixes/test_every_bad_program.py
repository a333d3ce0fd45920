"""What a fix promises, held on every fixture and every program of the rule pages.

After the fixes the findings they were for are gone, no other has come, the files still parse, and a fix changes no line
beside those that it names.
"""

from __future__ import annotations

import ast
import difflib
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from bad_programs import FIXTURES, fixtures, settings

import headlint
from headlint.findings.finding import Report
from headlint.findings.rulebook import examples, find_rule, load_rules
from headlint.fixes import Edit, apply_edits, apply_fixes, plan_fixes
from headlint.fixes.planning import FIXERS
from headlint.fixes.workspace import read_original
from headlint.settings import Settings
from headlint.source.notebook import sources_as_written

MEASURED_AT_RUN_TIME = "HL8"
SAFE_WHERE_MORE_IS_KNOWN = {"HL102", "HL117", "HL301", "HL601"}


def pages() -> list[object]:
    rules = [rule for rule in load_rules() if not rule.code.startswith(MEASURED_AT_RUN_TIME)]
    return [
        pytest.param(rule, example.text, id=f"{rule.code}-{number}")
        for rule in rules
        for number, example in enumerate(examples(rule, "Bad"))
    ]


def text_of(path: str) -> str | None:
    original = read_original(path)
    return original.text if original else None


def counted(report: Report) -> Counter[tuple[str, str]]:
    return Counter((finding.place.path, finding.code) for finding in report)


def assert_parses(file: Path) -> None:
    if file.suffix == ".ipynb":
        json.loads(file.read_text(encoding="utf-8"))
    else:
        ast.parse(file.read_bytes())


def assert_changes_only_its_lines(before: str, edits: list[Edit]) -> None:
    after = apply_edits(before, edits)
    named = {line for edit in edits for line in range(edit.start_line, edit.end_line + 1)}
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for kind, first, last, *_ in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "insert":
            assert {first, first + 1} & named
        elif kind != "equal":
            assert set(range(first + 1, last + 1)) <= named


def assert_mended(path: Path, chosen: Settings) -> set[str]:
    """FixRequest a copy for real; the codes of what was mended."""
    before = headlint.check_paths([path], chosen)
    for fix in plan_fixes(before, text_of):
        page = find_rule(fix.finding.code)
        assert page is not None
        assert fix.reason
        assert not fix.safe or page.fix == "safe" or page.code in SAFE_WHERE_MORE_IS_KNOWN
        for name, cell in {(edit.path, edit.cell) for edit in fix.edits}:
            raw = text_of(name)
            assert raw is not None
            text = raw if cell is None else sources_as_written(raw)[cell]
            assert_changes_only_its_lines(text, [edit for edit in fix.edits if (edit.path, edit.cell) == (name, cell)])
    unreadable = {problem.path for problem in before.problems}
    outcome = apply_fixes([path], chosen, unsafe=True)
    after = headlint.check_paths([path], chosen)
    assert counted(after) == counted(outcome.report)
    assert counted(after) <= counted(before)
    for key, number in Counter((fix.finding.place.path, fix.finding.code) for fix in outcome.fixes).items():
        assert counted(after)[key] <= max(0, counted(before)[key] - number)
    for name in outcome.files:
        if name not in unreadable:
            assert_parses(Path(name))
    assert apply_fixes([path], chosen, unsafe=True).fixes == ()
    return {fix.finding.code for fix in outcome.fixes}


mended_codes: set[str] = set()


@pytest.mark.parametrize("unit", fixtures(), ids=lambda unit: unit.relative_to(FIXTURES).as_posix())
def test_fixture(unit: Path, tmp_path: Path) -> None:
    alone = tmp_path / unit.name
    if unit.is_dir():
        shutil.copytree(unit, alone)
    else:
        shutil.copy(unit, alone)
    mended_codes.update(assert_mended(alone, settings(alone if alone.is_dir() else tmp_path)))


@pytest.mark.parametrize(("rule", "text"), pages())
def test_rule_page(rule: object, text: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(text, encoding="utf-8")
    mended_codes.update(assert_mended(program, settings(tmp_path)))


def test_every_promised_fix_is_known() -> None:
    promised = {rule.code for rule in load_rules() if rule.fix != "none"}
    assert promised <= set(FIXERS)


def test_every_fix_mends_something(request: pytest.FixtureRequest) -> None:
    collected = sum(item.fspath == request.node.fspath for item in request.session.items)
    if collected < len(fixtures()) + len(pages()):
        pytest.skip("needs the tests above")
    assert set(FIXERS) - mended_codes == set()
