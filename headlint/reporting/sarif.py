"""SARIF 2.1.0, as GitHub's code scanning and editors read it.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0; GitHub's documentation, "SARIF support for code scanning".
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import quote

from headlint.findings.finding import Confidence, Finding, Place, Problem, Report
from headlint.findings.fingerprint import fingerprints, source_of
from headlint.findings.rulebook import Rule, load_rules
from headlint.reporting.context import Context

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "PROJECTROOT"
FINGERPRINT = "headlint/v1"
_LEVELS = {"error": "error", "warning": "warning", "advice": "note"}
_PRECISIONS = {Confidence.PROVED: "very-high", Confidence.LIKELY: "high"}


def render(report: Report, context: Context) -> str:
    """One run with all rules, the findings as results with the way of the value, and problems as notifications."""
    rules = load_rules()
    positions = {rule.code: index for index, rule in enumerate(rules)}
    names = fingerprints(report.findings, context.shown, context.text_of)
    run = {
        "tool": {
            "driver": {
                "name": "headlint",
                "semanticVersion": context.version,
                "informationUri": "https://github.com/headlint/headlint",
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "originalUriBaseIds": {ROOT: {"uri": _folder_uri(context.root)}},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not report.problems,
                "toolExecutionNotifications": [_notification(problem, context) for problem in report.problems],
            }
        ],
        "results": [
            _result(finding, positions[finding.code], name, context)
            for finding, name in zip(report.findings, names, strict=True)
        ],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _folder_uri(folder: Path) -> str:
    uri = folder.absolute().as_uri()
    return uri if uri.endswith("/") else f"{uri}/"


def _rule(rule: Rule) -> dict[str, object]:
    what = rule.sections["What it does"]
    text = "\n\n".join(
        f"## {title}\n\n{rule.sections[title]}"
        for title in ("What it does", "Why is this bad?", "Fix safety", "References")
    )
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": " ".join(what.split())},
        "help": {"text": text, "markdown": text},
        "helpUri": rule.url,
        "defaultConfiguration": {"level": _LEVELS[rule.severity.value], "enabled": rule.default},
        "properties": {"tags": ["correctness", *rule.frameworks], "problem.severity": _problem_severity(rule)},
    }


def _problem_severity(rule: Rule) -> str:
    return {"advice": "recommendation"}.get(rule.severity.value, rule.severity.value)


def _result(finding: Finding, position: int, fingerprint: str, context: Context) -> dict[str, object]:
    where = f" (cell {finding.place.cell}, line {finding.place.line})" if finding.place.cell is not None else ""
    result: dict[str, object] = {
        "ruleId": finding.code,
        "ruleIndex": position,
        "level": _LEVELS[finding.severity.value],
        "message": {"text": f"{finding.message}{where} {finding.advice}"},
        "locations": [_location(finding.place, context)],
        "partialFingerprints": {FINGERPRINT: fingerprint},
        "properties": {"precision": _PRECISIONS[finding.confidence], "model": finding.model},
    }
    if finding.trail:
        steps = [
            {
                "location": {**_location(step.place, context), "message": {"text": step.note}},
                "kinds": [step.role],
                "nestingLevel": 0,
                "importance": "essential",
            }
            for step in finding.trail
        ]
        result["codeFlows"] = [
            {"message": {"text": "from the layer to the loss"}, "threadFlows": [{"locations": steps}]}
        ]
        result["relatedLocations"] = [
            {"id": number, **_location(step.place, context), "message": {"text": step.note}}
            for number, step in enumerate(finding.trail)
        ]
    return result


def _location(place: Place, context: Context) -> dict[str, object]:
    """Where something stands. A line of a notebook's cell is no line of its file, so that only its text is given."""
    source = source_of(place, context.text_of)
    physical: dict[str, object] = {"artifactLocation": _artifact(place.path, context)}
    if place.cell is None:
        region: dict[str, object] = {
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.end_line,
            "endColumn": place.end_column,
        }
        physical["region"] = {**region, "snippet": {"text": source}} if source else region
        return {"physicalLocation": physical}
    physical["region"] = {"startLine": 1, **({"snippet": {"text": source}} if source else {})}
    logical = {"name": f"cell {place.cell}", "fullyQualifiedName": f"cell {place.cell}, line {place.line}"}
    return {"physicalLocation": physical, "logicalLocations": [logical]}


def _artifact(path: str, context: Context) -> dict[str, str]:
    shown = context.shown(path)
    if Path(shown).is_absolute():
        return {"uri": Path(shown).as_uri()}
    return {"uri": quote(os.fsencode(shown)), "uriBaseId": ROOT}


def _notification(problem: Problem, context: Context) -> dict[str, object]:
    physical: dict[str, object] = {"artifactLocation": _artifact(problem.path, context)}
    if problem.line is not None and problem.cell is None:
        physical["region"] = {"startLine": problem.line, "startColumn": problem.column or 1}
    return {
        "level": "error",
        "message": {"text": f"{problem.code} {problem.message}".strip()},
        "locations": [{"physicalLocation": physical}],
    }
