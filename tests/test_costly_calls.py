"""Calls that are left out because they take too many steps: whether they may do a part of a training step is read off."""

from __future__ import annotations

from pathlib import Path

import pytest

import headlint
from headlint.flow import roots
from headlint.settings import Settings

FIXTURES = Path(__file__).parent.parent / "fixtures" / "training"

pytestmark = pytest.mark.quick


@pytest.mark.parametrize(("name", "codes"), [("bad", {"HL508", "HL608"}), ("good", set())])
@pytest.mark.parametrize("steps", [300, 1_000, 12_000])
def test_what_a_call_that_is_left_out_may_do(
    monkeypatch: pytest.MonkeyPatch, name: str, codes: set[str], steps: int
) -> None:
    monkeypatch.setattr(roots, "MOST_STEPS_OF_A_ROOT", steps)
    report = headlint.check_paths([FIXTURES / f"costly_calls_{name}.py"], Settings(cache=False, jobs=1))
    assert {finding.code for finding in report} == codes


@pytest.mark.parametrize(("name", "codes"), [("bad", {"HL508"}), ("good", set())])
@pytest.mark.parametrize("steps", [100, 300, 12_000])
def test_loops_behind_costly_models(monkeypatch: pytest.MonkeyPatch, name: str, codes: set[str], steps: int) -> None:
    monkeypatch.setattr(roots, "MOST_STEPS_OF_A_ROOT", steps)
    report = headlint.check_paths([FIXTURES / f"costly_models_{name}.py"], Settings(cache=False, jobs=1))
    assert {finding.code for finding in report} == codes
