"""JUnit's XML, which most CI systems show: a test suite for each file with findings, a failure for each finding.

Source: the schema that Jenkins' xUnit plugin checks reports against (junit-10.xsd). GitLab tells test cases apart by
class name and name, so that a name holds the position.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from headlint.findings.finding import Finding, Problem, Report
from headlint.reporting.concise import position, problem_line
from headlint.reporting.context import Context

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report, context: Context) -> str:
    """The findings and problems; a run without any is one test that passed."""
    root = ElementTree.Element("testsuites", name="headlint")
    paths = sorted({finding.place.path for finding in report} | {problem.path for problem in report.problems})
    for path in paths:
        findings = [finding for finding in report if finding.place.path == path]
        problems = [problem for problem in report.problems if problem.path == path]
        _suite(root, context.shown(path), findings, problems, context)
    if not paths:
        suite = ElementTree.SubElement(root, "testsuite", name="headlint", tests="1", failures="0", errors="0")
        ElementTree.SubElement(suite, "testcase", name=f"{report.files} files", classname="headlint")
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(
    root: ElementTree.Element, path: str, findings: Sequence[Finding], problems: Sequence[Problem], context: Context
) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name=_clean(path), file=_clean(path))
    for key, count in (
        ("tests", len(findings) + len(problems)),
        ("failures", len(findings)),
        ("errors", len(problems)),
    ):
        suite.set(key, str(count))
    for finding in findings:
        where = position(finding.place, context)
        name = f"{finding.code} {finding.name} at {where.removeprefix(path + ':')}"
        case = ElementTree.SubElement(suite, "testcase", name=name, classname=_clean(path))
        failure = ElementTree.SubElement(case, "failure", type=finding.severity.value, message=_clean(finding.message))
        steps = [f"{position(step.place, context)}: {step.note}" for step in finding.trail]
        failure.text = _clean("\n".join([where, finding.message, *steps, finding.advice]))
    for problem in problems:
        case = ElementTree.SubElement(suite, "testcase", name=problem.code or "headlint", classname=_clean(path))
        error = ElementTree.SubElement(case, "error", type=problem.code or "system", message=_clean(problem.message))
        error.text = _clean(problem_line(problem, context))


def _clean(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return _NOT_IN_XML.sub("\ufffd", text)
