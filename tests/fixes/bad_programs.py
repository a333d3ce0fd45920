"""The fixtures in which something is found, for tests of what is changed in them."""

from __future__ import annotations

from pathlib import Path

from headlint.findings.rulebook import load_rules
from headlint.settings import Settings

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"


def fixtures() -> list[Path]:
    """Those that are followed within their budget: what exceeds it is slow, and is fixed as everything else is."""
    files = [*FIXTURES.rglob("*_bad.py"), *FIXTURES.rglob("*_bad.ipynb")]
    files = [file for file in files if "costly" not in file.name]
    folders = [folder for folder in (FIXTURES / "projects").iterdir() if folder.name.endswith("_bad")]
    return sorted({file for file in files if not file.is_relative_to(FIXTURES / "runtime")} | set(folders))


def settings(root: Path) -> Settings:
    """With every rule, also those that are off by default."""
    off = tuple(rule.code for rule in load_rules() if not rule.default)
    return Settings(root=root, extend_select=off, cache=False, jobs=1)
