"""The flake8 plugin: the same findings, at the same lines and columns, under the same settings as the command.

flake8 keeps ``# noqa`` for itself. Each file is checked in the process that flake8 gives it to; a file that cannot matter
costs a search through its text and nothing more.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headlint.source.prefilter import may_matter, names_framework
from headlint.version import __version__

if TYPE_CHECKING:
    import ast

    from headlint.findings.finding import Report
    from headlint.loading.loader import ProjectLoader
    from headlint.settings import Settings
    from headlint.source.project import Project

Error = tuple[int, int, str, type]

MOST_LOOKED_AT = 40
"""Files that are read before flake8 begins, to see whether there are models among them."""

_RULE = re.compile(r"HL\d{3}")


class Plugin:
    """One file, as flake8 sees it."""

    name = "headlint"
    version = __version__
    _config: Path | None = None
    _isolated = False
    _standard_input = False
    _selected: tuple[str, ...] = ()
    """Rules that flake8's own options name one by one: those that are off by default are on then."""

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
        cls._isolated = options.isolated
        cls._standard_input = options.filenames == ["-"]
        named = [*(options.select or ()), *(options.extend_select or ())]
        cls._selected = tuple(code for code in named if _RULE.fullmatch(code))
        for kept in (_settings, _project, _loader):
            kept.cache_clear()
        if str(options.jobs) != "1" and _hold_models(options.filenames):
            from headlint.run.pool import import_analysis

            import_analysis()

    def run(self) -> Iterator[Error]:
        """The findings of the file, and nothing about its syntax: flake8 tells that itself."""
        text = "".join(self._lines)
        data = text.encode("utf-8", "replace")
        if not may_matter(data):
            return
        from headlint.settings import ConfigurationError

        try:
            report = self._check(text, data)
        except ConfigurationError as error:
            yield 1, 0, f"HL999 {error}", type(self)
            return
        for finding in report:
            place = finding.place
            yield place.line, place.column - 1, f"{finding.code} {finding.name}: {finding.message}", type(self)
        for problem in report.problems:
            if problem.code == "HL999":
                yield problem.line or 1, 0, f"HL999 {problem.message}", type(self)

    def _check(self, text: str, data: bytes) -> Report:
        from headlint.findings.finding import Report

        path = Path(os.path.abspath(self._filename))
        settings = _settings(path.parent, self._config, self._isolated, self._selected)
        if not _project(settings.root).may_matter(data):
            return Report()
        from headlint.run.session import check_files, check_source
        from headlint.source.discovery import discover

        if self._standard_input:
            return check_source(text, str(path), settings)
        return check_files(discover([path], settings).files, _loader(settings), settings)


def _hold_models(paths: Sequence[str]) -> bool:
    """Whether one of the first files that flake8 is given names a framework."""
    from headlint.source.import_graph import bytes_of

    files = (file for path in paths for file in _files_in(Path(path)))
    return any(names_framework(bytes_of(file)) for file in islice(files, MOST_LOOKED_AT))


def _files_in(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from path.rglob("*.py")
    elif path.is_file():
        yield path


@cache
def _settings(folder: Path, config: Path | None, isolated: bool, selected: tuple[str, ...]) -> Settings:
    from headlint.run.configuration import load_settings

    settings = load_settings(folder, config, isolated)
    return replace(settings, extend_select=(*settings.extend_select, *selected), jobs=1, noqa=False)


@cache
def _project(root: Path) -> Project:
    """One for all files of a process: who imports whom is looked up once."""
    from headlint.source.project import Project

    return Project(root)


@cache
def _loader(settings: Settings) -> ProjectLoader:
    """One for all files of a process: what several files import is read once."""
    from headlint.loading.loader import ProjectLoader

    return ProjectLoader(_project(settings.root), settings.cache)
