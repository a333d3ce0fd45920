"""Builds the models behind findings, measures them, and says what that means for each finding."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from msgspec import structs

from headlint.findings.finding import Finding, Problem, Report
from headlint.findings.heads import HeadPicture
from headlint.findings.measured import Measured
from headlint.runtime.discoveries import discoveries
from headlint.runtime.measurement import Failure, Measurement, outcome_of
from headlint.runtime.options import Wanted
from headlint.runtime.targets import (
    Target,
    framework_of,
    loss_of_text,
    target_of_name,
    targets_of_findings,
)
from headlint.runtime.verdicts import Outcome, Verdict, judge
from headlint.settings import Settings

NOTICE = (
    "headlint: confirm executes code of the program, each model in a process of its own with limits on time, memory and "
    "network. Use it on code that you would run yourself. (This is printed once for each project.)\n"
)
"""Printed before the first run in a project."""

DRAWS = 3
"""Initialisations of the weights that a verdict rests on: one is no evidence (a relu may lie inside [0, 1] by chance)."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What came of one model: the measurement or why there is none, the verdicts, and what only the model shows."""

    target: Target
    outcome: Measurement | Failure
    verdicts: tuple[tuple[Finding, Verdict], ...] = ()
    found: tuple[Finding, ...] = ()

    @property
    def measurement(self) -> Measurement | None:
        """What was measured, where something was."""
        return self.outcome if isinstance(self.outcome, Measurement) else None

    @property
    def failure(self) -> Failure | None:
        """Why nothing was measured, where nothing was."""
        return self.outcome if isinstance(self.outcome, Failure) else None

    @property
    def refused(self) -> bool:
        """Whether nothing could be built at all: the framework or the device is missing, which is told once."""
        return self.failure is not None and self.failure.reason in ("framework", "device")


class Measurer(Protocol):
    """What builds and measures: the client of a worker."""

    @property
    def refused(self) -> tuple[str, str] | None:
        """Why it can build nothing at all: the reason, and what is missing in one line."""

    def measure(self, request: dict[str, Any]) -> Mapping[str, Any]:
        """The worker's reply to a request."""


Start = Callable[[str], Measurer]
"""Gives the measurer for a framework."""


class Workers:
    """The workers of a run, one for each framework, started when first needed and ended together."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._started: dict[str, Measurer] = {}
        self._exits = ExitStack()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *details: object) -> None:
        self._exits.close()

    def __call__(self, framework: str) -> Measurer:
        """The worker for a framework."""
        from headlint.runtime.client import Client, Options

        if framework not in self._started:
            wanted = self._wanted
            options = Options(
                python=wanted.python,
                framework=framework,
                keras_backend=wanted.keras_backend,
                device=wanted.device,
                time=wanted.seconds,
                memory=wanted.memory,
                parameters=wanted.parameters,
            )
            self._started[framework] = self._exits.enter_context(Client(options))
        return self._started[framework]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What an environment lacks to build any model of a framework, each once."""
        refused = [worker.refused[1] for worker in self._started.values() if worker.refused is not None]
        return tuple(Problem(str(self._wanted.python), detail) for detail in dict.fromkeys(refused))


def confirm_findings(
    findings: Iterable[Finding], heads: Sequence[HeadPicture], wanted: Wanted, start: Start, root: Path
) -> Iterator[Confirmation]:
    """A confirmation for each model behind the findings."""
    for target in targets_of_findings(findings, heads):
        yield confirm(target, wanted, start, root)


def confirm_path(
    path: Path, name: str, settings: Settings, wanted: Wanted, start: Start
) -> Iterator[Confirmation | Problem]:
    """A confirmation for one model of a file, for each model of a file, or for each model behind the findings of a folder."""
    from headlint.run.heads import find_heads
    from headlint.run.session import check_paths

    report = check_paths([path], settings)
    yield from report.problems
    heads, _ = find_heads(_paths(report) if path.is_dir() else [path], settings)
    if path.is_dir():
        yield from confirm_findings(report, heads, wanted, start, settings.root)
    else:
        for one in confirm_file(path, name, report.findings, heads, wanted, start, settings.root):
            if not (isinstance(one, Problem) and report.problems):  # the analysis told the same, with its place
                yield one


def confirm_file(
    path: Path,
    name: str,
    findings: Sequence[Finding],
    heads: Sequence[HeadPicture],
    wanted: Wanted,
    start: Start,
    root: Path,
) -> Iterator[Confirmation | Problem]:
    """A confirmation for each model of a file or the one of that name, with the findings about it, and without a name for
    each model of another file that a finding in this one is about."""
    path = Path(os.path.abspath(path))
    try:
        framework = framework_of(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        yield Problem(str(path), f"cannot be read: {error.strerror or error}")
        return
    behind = targets_of_findings(findings, heads)
    own = [target for target in behind if Path(os.path.abspath(target.path)) == path]
    targets = [target for target in own if target.name == name] if name else behind
    answered = {target.name for target in own}
    names = [name] if name else _names(path, framework, start, root)
    if isinstance(names, Problem):
        yield names
        return
    targets += [target_of_name(path, one, framework, heads, named=bool(name)) for one in names if one not in answered]
    known = {_stands(finding) for finding in findings}
    for target in targets:
        one = confirm(target, wanted, start, root)
        yield replace(one, found=tuple(found for found in one.found if _stands(found) not in known))


def _stands(finding: Finding) -> tuple[str, str, int]:
    """What is the same where two targets show one mistake."""
    return finding.code, os.path.abspath(finding.place.path), finding.place.line


def _names(path: Path, framework: str, start: Start, root: Path) -> list[str] | Problem:
    """The models that a file defines, as the worker tells them, or why it cannot."""
    if not framework:
        return []
    reply = start(framework).measure({"list": True, "path": str(path), "root": str(root)})
    if "names" in reply or reply.get("reason") == "framework":  # that it is missing is told once for all files
        return list(reply.get("names", ()))
    return Problem(str(path), str(reply.get("detail", "")).removeprefix(f"{path.name}: "))


def confirm(target: Target, wanted: Wanted, start: Start, root: Path) -> Confirmation:
    """Builds and measures one model."""
    framework = target.framework or framework_of(target.path.read_text(encoding="utf-8", errors="replace"))
    if wanted.loss:
        target = replace(target, loss=loss_of_text(wanted.loss, framework))
    if not framework:
        outcome: Measurement | Failure = Failure("not-found", "the file imports neither torch nor keras")
    else:
        outcome = outcome_of(start(framework).measure(request(target, wanted, root)))
    verdicts = tuple((finding, judge(finding, outcome)) for finding in target.findings)
    found = tuple(discoveries(target, outcome, wanted.output)) if isinstance(outcome, Measurement) else ()
    return Confirmation(target, outcome, verdicts, found)


def request(target: Target, wanted: Wanted, root: Path) -> dict[str, Any]:
    """What the worker is asked for."""
    return {
        "path": os.path.abspath(target.path),
        "root": str(root),
        "name": target.name,
        "init": wanted.init,
        "inputs": [{**structs.asdict(one), "shape": list(one.shape)} for one in wanted.inputs],
        "loss": asdict(target.loss) if target.loss is not None else None,
        "after": list(target.after),
        "output": None,
        "draws": DRAWS,
        "seed": 0,
        "train_steps": wanted.train_steps,
        "list": False,
    }


def confirm_report(report: Report, wanted: Wanted, settings: Settings) -> tuple[Report, tuple[Confirmation, ...]]:
    """Build the models behind a report: the report without what was refuted and with what only the models show."""
    from headlint.findings.rulebook import selected
    from headlint.run.heads import find_heads

    give_notice(settings.root)
    heads, _ = find_heads(_paths(report), settings)
    with Workers(wanted) as workers:
        confirmations = tuple(
            one for one in confirm_findings(report, heads, wanted, workers, settings.root) if not one.refused
        )
    refuted = {
        id(finding) for one in confirmations for finding, verdict in one.verdicts if verdict.outcome is Outcome.REFUTED
    }
    kept = [finding for finding in report if id(finding) not in refuted]
    found = [
        finding
        for one in confirmations
        for finding in one.found
        if selected(finding.code, settings, finding.place.path)
    ]
    told = tuple(sorted([*kept, *found], key=Finding.sort_key))
    return structs.replace(report, findings=told, problems=(*report.problems, *workers.problems)), confirmations


def _paths(report: Report) -> list[Path]:
    """The files that the findings of a report go through."""
    return [Path(path) for path in sorted({step.place.path for finding in report for step in finding.trail})]


def measured(confirmations: Iterable[Confirmation]) -> dict[Finding, Measured]:
    """What the built models say about each finding, as reports show it."""
    told: dict[Finding, Measured] = {}
    for one in confirmations:
        training = one.measurement.training if one.measurement is not None else None
        loss = one.measurement.loss if one.measurement is not None else None
        curves = (training.written, training.fixed) if training is not None else ((), ())
        for finding, verdict in one.verdicts:
            told[finding] = Measured(verdict.outcome.value, verdict.why, *curves, loss.floor if loss else None)
    return told


def give_notice(root: Path) -> None:
    """Say once for each project that code is going to be executed."""
    import platformdirs

    told = Path(platformdirs.user_state_dir("headlint")) / "told" / hashlib.sha256(str(root).encode()).hexdigest()[:32]
    if not told.exists():
        sys.stderr.write(NOTICE)
        try:
            told.parent.mkdir(parents=True, exist_ok=True)
            told.touch()
        except OSError:  # told again next time
            return
