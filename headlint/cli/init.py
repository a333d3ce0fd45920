"""``headlint init``: the lines that run headlint before commits and in CI, and a baseline for what is there already."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headlint.cli.baseline import accept
from headlint.cli.main import CLEAN, FAILED
from headlint.cli.options import DEFAULT_FILE, UsageError
from headlint.cli.output import count, say_problems
from headlint.findings.finding import Report
from headlint.run.configuration import load_settings
from headlint.settings import ConfigurationError
from headlint.source.writing import write_atomically
from headlint.version import __version__

REPOSITORY = "https://github.com/headlint/headlint"

HOOK = f"""\
- repo: {REPOSITORY}
  rev: v{__version__}
  hooks:
    - id: headlint
"""

WORKFLOW = f"""\
name: headlint
on: [push, pull_request]
permissions:
  contents: read
jobs:
  headlint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: headlint/headlint@v{__version__}
"""

INCLUDE = f"""\
include:
  - remote: https://raw.githubusercontent.com/headlint/headlint/v{__version__}/templates/headlint.gitlab-ci.yml
"""

_KEY = re.compile(r"^(?P<key>[\w-]+) *:(?P<value>[^\n]*)", re.MULTILINE)
_HOOK_ITEM = re.compile(r"^(?P<indent> *)- +repo *:", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What happened to a file, in words, and the lines that remain to be put into it by hand."""

    file: Path
    what: str
    by_hand: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``init``."""
    parser.add_argument("folder", nargs="?", default=".", type=Path, metavar="FOLDER", help="the repository (.)")
    parser.add_argument(
        "--ci", choices=("github", "gitlab", "none"), help="where CI runs (what the repository shows, else github)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write what is missing, say what was done, and give the exit status. Nothing that exists is changed or replaced."""
    if not arguments.folder.is_dir():
        sys.stderr.write(f"headlint: {arguments.folder} is no folder\n")
        return FAILED
    folder = _repository(arguments.folder)
    try:
        report = _check(folder)
        outcomes = [_pre_commit(folder), *_ci(folder, arguments.ci or _ci_of(folder)), *_baseline(folder, report)]
    except (UsageError, ConfigurationError) as error:
        sys.stderr.write(f"headlint: {error}\n")
        return FAILED
    for outcome in outcomes:
        print(f"{os.path.relpath(outcome.file)}: {outcome.what}")
        if outcome.by_hand:
            print("\n" + "".join(f"    {line}\n" for line in outcome.by_hand.splitlines()))
    if any(outcome.file.name == ".pre-commit-config.yaml" and not outcome.by_hand for outcome in outcomes):
        print("Run `pre-commit install` once in each clone, and commit these files.")
    say_problems(report.problems)
    return FAILED if report.problems else CLEAN


def _repository(folder: Path) -> Path:
    """The top of the repository that a folder lies in, or the folder itself."""
    start = Path(os.path.abspath(folder))
    return next((parent for parent in (start, *start.parents) if (parent / ".git").exists()), start)


def _check(folder: Path) -> Report:
    from headlint.cli.progress import Progress
    from headlint.run.session import check_paths

    with Progress() as progress:
        return check_paths([folder], load_settings(folder), progress)


# Before commits


def _pre_commit(folder: Path) -> Outcome:
    file = folder / ".pre-commit-config.yaml"
    text = _read(file)
    if text is None:
        return _write(file, f"repos:\n{_indented(HOOK, '  ')}", "written: headlint runs before each commit")
    if REPOSITORY in text:
        return Outcome(file, "has headlint already")
    items = list(_HOOK_ITEM.finditer(text))
    if not items or not _ends_with_block(text, "repos"):
        return Outcome(file, "left as it is; add under `repos:`", HOOK)
    return _append(file, text, _indented(HOOK, items[-1]["indent"]), "headlint added as the last hook")


def _ends_with_block(text: str, key: str) -> bool:
    """Whether the last key of a YAML file is this one, with a block below it, so that lines can be added to the end."""
    keys = list(_KEY.finditer(text))
    if not keys or keys[-1]["key"] != key or re.search(r"^\.\.\.", text, re.MULTILINE):
        return False
    return not keys[-1]["value"].partition("#")[0].strip()


# In CI


def _ci_of(folder: Path) -> str:
    """Where CI runs, by the files that are there and the address that the repository was cloned from."""
    if (folder / ".gitlab-ci.yml").exists():
        return "gitlab"
    configuration = _read(folder / ".git" / "config") or ""
    return "gitlab" if re.search(r"^\s*url *= *\S*gitlab", configuration, re.MULTILINE) else "github"


def _ci(folder: Path, kind: str) -> Iterator[Outcome]:
    match kind:
        case "github":
            yield _github(folder)
        case "gitlab":
            yield _gitlab(folder)


def _github(folder: Path) -> Outcome:
    workflows = folder / ".github" / "workflows"
    for file in sorted(workflows.glob("*.y*ml")):
        if "headlint" in (_read(file) or ""):
            return Outcome(file, "has headlint already")
    return _write(workflows / "headlint.yml", WORKFLOW, "written: checks each push and pull request")


def _gitlab(folder: Path) -> Outcome:
    file = folder / ".gitlab-ci.yml"
    text = _read(file)
    if text is None:
        return _write(file, INCLUDE, "written: checks each pipeline, shows findings in merge requests")
    if "headlint" in text:
        return Outcome(file, "has headlint already")
    if {match["key"] for match in _KEY.finditer(text)} & {"include", "stages"}:
        return Outcome(file, "left as it is; add (the job belongs to the stage `test`)", INCLUDE)
    return _append(file, text, "\n" + INCLUDE, "headlint's template included")


# What is there already


def _baseline(folder: Path, report: Report) -> Iterator[Outcome]:
    """Accept what is found today, and have the settings name the baseline."""
    settings = load_settings(folder)
    file = folder / (settings.baseline or DEFAULT_FILE)
    if file.exists():
        yield Outcome(file, "is there already")
    elif not report.findings:
        yield Outcome(file, "not needed: there are no findings")
        return
    else:
        accept(file, report.findings)
        yield Outcome(file, f"written: {count(len(report.findings), 'finding')} of today; only new ones are reported")
    if not settings.baseline:
        yield _name_baseline(folder, file)


def _name_baseline(folder: Path, baseline: Path) -> Outcome:
    line = f'baseline = "{baseline.name}"\n'
    own, shared = folder / "headlint.toml", folder / "pyproject.toml"
    text = _read(shared)
    if own.exists():
        return Outcome(own, "left as it is; add", line)
    if text is None:
        return _write(own, line, "written: names the baseline")
    if re.search(r"\btool\s*\.\s*headlint\b|^tool\s*=", text, re.MULTILINE):
        return Outcome(shared, "left as it is; add under [tool.headlint]", line)
    return _append(shared, text, f"\n[tool.headlint]\n{line}", "[tool.headlint] added: names the baseline")


# Files


def _read(file: Path) -> str | None:
    """The text of a file with its own line ends, or None where there is no file."""
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from None


def _write(file: Path, text: str, what: str) -> Outcome:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, text.encode())
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror or error}") from None
    return Outcome(file, what)


def _append(file: Path, text: str, added: str, what: str) -> Outcome:
    """Add lines to the end; what stands before them keeps every byte."""
    end = "\r\n" if "\r\n" in text else "\n"
    missing = "" if not text or text.endswith("\n") else "\n"
    return _write(file, text + (missing + added).replace("\n", end), what)


def _indented(text: str, indent: str) -> str:
    return "".join(f"{indent}{line}\n" for line in text.splitlines())
