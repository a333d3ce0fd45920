"""What the page shows: the findings of each model together, with its drawing and what the built model says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headlint.findings.finding import Finding, Report, Severity
from headlint.findings.fingerprint import fingerprints
from headlint.findings.heads import HeadPicture
from headlint.findings.measured import Measured
from headlint.findings.rulebook import Rule, find_rule
from headlint.reporting.confirmation import layer_rows, measured_facts
from headlint.reporting.context import Context, FixSummary
from headlint.reporting.html.chart import Chart, chart
from headlint.reporting.html.drawing import Drawing, drawings
from headlint.reporting.html.source import Excerpt, excerpts

if TYPE_CHECKING:
    from headlint.runtime.confirm import Confirmation
    from headlint.runtime.measurement import Measurement

SEVERITIES = tuple(Severity)
"""The worst first."""

Owner = tuple[str, str]
"""The file that a model stands in, as it is shown, and the model's name; the name is empty for a file's other findings."""


@dataclass(frozen=True, slots=True)
class Told:
    """A finding with all that the page says about it; ``anchor`` is the fragment that links to it."""

    finding: Finding
    anchor: str
    file: str
    excerpts: tuple[Excerpt, ...]
    fix: FixSummary | None
    measured: Measured | None
    chart: Chart | None


@dataclass(frozen=True, slots=True)
class Built:
    """What came of building a model: facts with their labels, the layers, what failed, what was refuted, and the
    curves where no finding shows them."""

    facts: tuple[tuple[str, str], ...] = ()
    layers: tuple[tuple[str, str, str, str], ...] = ()
    more_layers: int = 0
    failure: str = ""
    printed: str = ""
    refuted: tuple[tuple[Finding, str], ...] = ()
    chart: Chart | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A model, or what belongs to no model of a file."""

    file: str
    model: str
    told: tuple[Told, ...]
    drawings: tuple[Drawing, ...]
    built: tuple[Built, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page: ``anchors`` are the fragments of the findings, ``rules`` the pages of those that were broken."""

    sections: tuple[Section, ...]
    anchors: Mapping[Finding, str]
    rules: tuple[Rule, ...]
    files: tuple[str, ...]


def page_of(report: Report, context: Context) -> Page:
    """Everything that the page of a report shows."""
    names = fingerprints(report.findings, context.shown, context.text_of)
    anchors = {finding: f"finding-{name}" for finding, name in zip(report.findings, names, strict=True)}
    findings = _by_owner(report.findings, context)
    built = _built(context)
    pictures = _pictures(context) if findings or built else {}
    owners = sorted({*findings, *built}, key=lambda owner: (_worst(findings.get(owner, ())), owner))
    sections = [
        Section(
            file,
            model,
            tuple(_told(finding, anchors[finding], context) for finding in _ordered(findings.get((file, model), ()))),
            drawings(findings.get((file, model), ()), pictures.get((file, model), ()), context) if model else (),
            tuple(built.get((file, model), ())),
        )
        for file, model in owners
    ]
    codes = sorted({finding.code for finding in report})
    rules = tuple(rule for rule in map(find_rule, codes) if rule is not None)
    files = sorted({context.shown(finding.place.path) for finding in report})
    return Page(tuple(sections), anchors, rules, tuple(files))


def _by_owner(findings: Sequence[Finding], context: Context) -> dict[Owner, list[Finding]]:
    owners: dict[Owner, list[Finding]] = {}
    for finding in findings:
        owners.setdefault(_owner(finding, context), []).append(finding)
    return owners


def _owner(finding: Finding, context: Context) -> Owner:
    """A model stands in the file of its last layer; a finding that is about none belongs to its file."""
    steps = [step for step in finding.trail if step.role == "layer"]
    steps = steps or [step for step in finding.trail if step.role == "activation"]
    place = steps[-1].place if finding.model and steps else finding.place
    return context.shown(place.path), finding.model


def _worst(findings: Sequence[Finding]) -> int:
    return min((SEVERITIES.index(finding.severity) for finding in findings), default=len(SEVERITIES))


def _ordered(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: (SEVERITIES.index(finding.severity), finding.sort_key()))


def _told(finding: Finding, anchor: str, context: Context) -> Told:
    measured = context.measured(finding)
    return Told(
        finding,
        anchor,
        context.shown(finding.place.path),
        excerpts(finding, context),
        context.fix(finding),
        measured,
        chart(measured.written, measured.fixed, measured.floor) if measured is not None else None,
    )


def _pictures(context: Context) -> dict[Owner, list[HeadPicture]]:
    owners: dict[Owner, list[HeadPicture]] = {}
    for picture in context.pictures():
        owners.setdefault((context.shown(picture.place.path), picture.model), []).append(picture)
    return owners


def _built(context: Context) -> dict[Owner, list[Built]]:
    owners: dict[Owner, list[Built]] = {}
    for one in context.confirmations:
        owners.setdefault((context.shown(str(one.target.path)), one.target.name), []).append(_came_of(one, context))
    return owners


def _came_of(confirmation: Confirmation, context: Context) -> Built:
    refuted = tuple(
        (finding, verdict.why) for finding, verdict in confirmation.verdicts if verdict.outcome.value == "refuted"
    )
    if confirmation.failure is not None:
        failure = confirmation.failure
        return Built(failure=f"{failure.reason}: {failure.detail}", printed=failure.printed.strip(), refuted=refuted)
    assert confirmation.measurement is not None
    measured = confirmation.measurement
    rows = tuple(layer_rows(measured))
    more = len(measured.layers) - len(rows)
    shown_elsewhere = len(refuted) < len(confirmation.verdicts)
    curves = _curves(measured) if not shown_elsewhere else None
    return Built(tuple(measured_facts(measured, context)), rows, more, refuted=refuted, chart=curves)


def _curves(measured: Measurement) -> Chart | None:
    if measured.training is None:
        return None
    return chart(measured.training.written, measured.training.fixed, measured.loss.floor if measured.loss else None)
