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
    from headlint.findings import Confidence, Finding, Place, Problem, Report, Severity, Step
    from headlint.session import check_paths, check_source
    from headlint.settings import Settings

__all__ = [
    "Confidence",
    "Finding",
    "Place",
    "Problem",
    "Report",
    "Settings",
    "Severity",
    "Step",
    "__version__",
    "check_paths",
    "check_source",
]

_HOMES = {
    "Confidence": "headlint.findings",
    "Finding": "headlint.findings",
    "Place": "headlint.findings",
    "Problem": "headlint.findings",
    "Report": "headlint.findings",
    "Severity": "headlint.findings",
    "Step": "headlint.findings",
    "Settings": "headlint.settings",
    "check_paths": "headlint.session",
    "check_source": "headlint.session",
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
