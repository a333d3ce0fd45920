"""The programs on the rule pages do what the pages say: Bad blocks fire where they say so, Good blocks are silent."""

from __future__ import annotations

import pytest

import headlint
from headlint.findings.rulebook import Example, Rule, examples, load_rules
from headlint.settings import Settings

FOUND_AT_RUN_TIME = "HL8"
INTERNAL_ERROR = "HL999"

RULES = [rule for rule in load_rules() if not rule.code.startswith(FOUND_AT_RUN_TIME)]


def cases(section: str) -> list[object]:
    return [
        pytest.param(rule, example, id=f"{rule.code}-{section.lower()}-{number}")
        for rule in RULES
        for number, example in enumerate(examples(rule, section), start=1)
    ]


def found(rule: Rule, example: Example) -> list[tuple[int | None, str]]:
    """Line and code of everything that is told about a program, with the page's own rule switched on."""
    settings = Settings(extend_select=() if rule.default else (rule.code,), cache=False, jobs=1)
    report = headlint.check_source(example.text, settings=settings)
    told = [(finding.place.line, finding.code) for finding in report]
    return sorted(told + [(problem.line, problem.code) for problem in report.problems])


@pytest.mark.parametrize(("rule", "example"), cases("Bad"))
def test_bad_example_fires_as_it_says(rule: Rule, example: Example) -> None:
    assert found(rule, example) == sorted(example.expected)


@pytest.mark.parametrize(("rule", "example"), cases("Good"))
def test_good_example_is_silent(rule: Rule, example: Example) -> None:
    assert example.expected == ()
    assert found(rule, example) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_page_shows_the_rule_and_its_near_misses(rule: Rule) -> None:
    if rule.code == INTERNAL_ERROR:
        pytest.skip("no program is known that headlint fails on; one that were would be mended")
    bad, good = examples(rule, "Bad"), examples(rule, "Good")
    assert bad
    assert good
    for example in bad:
        assert rule.code in {code for _, code in example.expected}
