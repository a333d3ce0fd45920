"""The flake8 plugin: the same findings, at the same lines and columns, under the same settings as the command.

flake8 keeps ``# noqa`` for itself. Each file is checked in the process that flake8 gives it to; a file that cannot matter
costs a search through its text and nothing more.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headlint.source.prefilter import may_matter
from headlint.version import __version__

if TYPE_CHECKING:
    import ast

    from headlint.findings import Report
    from headlint.settings import Settings

Error = tuple[int, int, str, type]


class Plugin:
    """One file, as flake8 sees it."""

    name = "headlint"
    version = __version__
    _config: Path | None = None
    _isolated = False

    def __init__(self, tree: ast.AST, filename: str, lines: list[str]) -> None:
        self._filename = filename
        self._lines = lines

    @classmethod
    def add_options(cls, manager: Any) -> None:
        """The options that flake8 users set in ``setup.cfg``, ``tox.ini`` or ``.flake8``."""
        manager.add_option(
            "--headlint-config",
            parse_from_config=True,
            normalize_paths=True,
            help="the file with headlint's settings (the nearest headlint.toml or pyproject.toml)",
        )

    @classmethod
    def parse_options(cls, options: argparse.Namespace) -> None:
        """Take over the options."""
        cls._config = Path(options.headlint_config) if options.headlint_config else None
        cls._isolated = bool(getattr(options, "isolated", False))
        _settings.cache_clear()

    def run(self) -> Iterator[Error]:
        """The findings of the file, and nothing about its syntax: flake8 tells that itself."""
        text = "".join(self._lines)
        if not may_matter(text.encode("utf-8", "replace")):
            return
        from headlint.configuration import ConfigurationError

        try:
            report = self._check(text)
        except ConfigurationError as error:
            yield 1, 0, f"HL999 {error}", type(self)
            return
        for finding in report:
            place = finding.place
            yield place.line, place.column - 1, f"{finding.code} {finding.name}: {finding.message}", type(self)
        for problem in report.problems:
            if problem.code == "HL999":
                yield problem.line or 1, 0, f"HL999 {problem.message}", type(self)

    def _check(self, text: str) -> Report:
        """flake8 may hold another text than the file does (standard input, under a name): what it holds counts."""
        from headlint.session import check_paths, check_source

        path = Path(self._filename)
        settings = _settings(os.path.dirname(os.path.abspath(self._filename)), self._config, self._isolated)
        if path.is_file():
            return check_paths([path], settings, buffers={path: text})
        return check_source(text, str(path), settings)


@cache
def _settings(folder: str, config: Path | None, isolated: bool) -> Settings:
    from headlint.configuration import load_settings

    return replace(load_settings(Path(folder), config, isolated), jobs=1, noqa=False)
