"""headlint follows a value from a model's last layer to its loss and says where the two do not fit.

>>> import headlint
>>> report = headlint.check_source(open("model.py").read(), filename="model.py")
>>> [finding.code for finding in report]
['HL101']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from headlint.version import __version__

if TYPE_CHECKING:
    from headlint.findings.finding import Confidence, Finding, Place, Problem, Report, Severity, Step
    from headlint.inspection.inspection import inspect
    from headlint.inspection.report import InspectionReport
    from headlint.run.session import check_paths, check_source
    from headlint.settings import Settings

__all__ = [
    "Confidence",
    "Finding",
    "InspectionReport",
    "Place",
    "Problem",
    "Report",
    "Settings",
    "Severity",
    "Step",
    "__version__",
    "check_paths",
    "check_source",
    "inspect",
]

_HOMES = {
    "Confidence": "headlint.findings.finding",
    "Finding": "headlint.findings.finding",
    "Place": "headlint.findings.finding",
    "Problem": "headlint.findings.finding",
    "Report": "headlint.findings.finding",
    "Severity": "headlint.findings.finding",
    "Step": "headlint.findings.finding",
    "Settings": "headlint.settings",
    "InspectionReport": "headlint.inspection.report",
    "inspect": "headlint.inspection.inspection",
    "check_paths": "headlint.run.session",
    "check_source": "headlint.run.session",
    "load_ipython_extension": "headlint.integrations.notebook",
    "unload_ipython_extension": "headlint.integrations.notebook",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that ``import headlint`` costs nothing (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'headlint' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
