"""The pytest plugin: the fixture ``inspect_model``, and the reports of a test that failed."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from headlint.inspection.report import InspectionReport

_REPORTS = pytest.StashKey[list["InspectionReport"]]()


def pytest_configure(config: pytest.Config) -> None:
    """Describe the mark, for ``pytest --markers``."""
    config.addinivalue_line(
        "markers", "headlint(steps=0, ignore=()): how inspect_model inspects in this test, and rules that are left out."
    )


@pytest.fixture
def inspect_model(request: pytest.FixtureRequest) -> Callable[..., InspectionReport]:
    """``headlint.inspect``: the same arguments; what it found is printed where the test fails."""
    from headlint.inspection.inspection import inspect

    mark = request.node.get_closest_marker("headlint")
    options: dict[str, Any] = dict(mark.kwargs) if mark is not None else {}
    ignored = options.pop("ignore", ())
    reports = request.node.stash.setdefault(_REPORTS, [])

    def inspected(*arguments: Any, **keywords: Any) -> InspectionReport:
        report = inspect(*arguments, **(options | keywords)).without(ignored)
        reports.append(report)
        return report

    return inspected


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the reports beside the assertion that failed."""
    result = yield
    if result.when == "call" and result.failed:
        for report in item.stash.get(_REPORTS, []):
            result.sections.append(("headlint", str(report)))
    return result
