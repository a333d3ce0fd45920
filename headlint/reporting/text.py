"""The report for people: what happens, the code at both ends of the way, and what to write instead."""

from __future__ import annotations

import textwrap
import unicodedata

from headlint.findings.finding import Confidence, Finding, Place, Problem, Report, Step
from headlint.findings.rulebook import find_rule
from headlint.reporting.concise import position, problem_line
from headlint.reporting.context import Context
from headlint.reporting.curves import curves
from headlint.reporting.summary import counted, summary

STYLES = {"error": "\033[1;31m", "warning": "\033[1;33m", "advice": "\033[1;36m"}
_BOLD, _DIM, _GREEN, _RESET = "\033[1m", "\033[2m", "\033[32m", "\033[0m"
LONGEST_LINE = 160


def render(report: Report, context: Context) -> str:
    """The report with excerpts of the source."""
    blocks = [block(finding, context) for finding in report]
    blocks += [_problem(problem, context) for problem in report.problems]
    return "".join(f"{block}\n\n" for block in blocks) + _filled(_summary(report), context) + "\n"


def _paint(text: str, style: str, context: Context) -> str:
    return f"{style}{text}{_RESET}" if context.colour and style else text


def block(finding: Finding, context: Context) -> str:
    """One finding with excerpts of the source."""
    severity = finding.severity.value
    style = STYLES[severity]
    likely = "  (likely)" if finding.confidence is Confidence.LIKELY else ""
    lines = [
        f"{_paint(position(finding.place, context), _BOLD, context)}  "
        f"{_paint(f'{severity} {finding.code} {finding.name}', style, context)}{likely}",
        *_wrapped(finding.message, "  ", context),
        "",
        *_excerpts(finding, context),
        "",
        *_wrapped(finding.advice, _paint("  help: ", _GREEN, context), context, indent=8),
    ]
    # Finding out what a fix would write costs another parse, so it is done only for those who want to know more.
    fix = context.fix(finding) if context.verbose else None
    if fix is not None:
        option = "--fix" if fix.safe else "--fix --unsafe-fixes"
        lines += _wrapped(f"{fix.title} ({option})", _paint("  fix:  ", _GREEN, context), context, indent=8)
    measured = context.measured(finding)
    if measured is not None:
        lines.append(_paint(f"  built model: {measured.outcome}", _GREEN, context))
        lines += _wrapped(measured.why, "    ", context, indent=4)
        lines += curves(measured.written, measured.fixed)
    lines.append(_paint(f"  more: headlint explain {finding.code}", _DIM, context))
    return "\n".join(lines)


def _wrapped(text: str, first: str, context: Context, indent: int = 2) -> list[str]:
    width = max(40, min(context.width, 110))
    wrapped = textwrap.wrap(text, width - indent, break_on_hyphens=False) or [""]
    return [first + wrapped[0], *(" " * indent + line for line in wrapped[1:])]


def _filled(text: str, context: Context) -> str:
    return textwrap.fill(text, max(40, context.width), break_on_hyphens=False)


def _excerpts(finding: Finding, context: Context) -> list[str]:
    """The trail, each step with its line of source and a mark below; the finding's own place always is among them."""
    steps = list(finding.trail)
    if not any(_same_lines(step.place, finding.place) for step in steps):
        steps.append(Step(finding.place, "here", "finding"))
    margin = max(len(str(step.place.line)) for step in steps)
    lines: list[str] = []
    shown = ""
    previous: int | None = None
    for step in steps:
        where = context.shown(step.place.path) + (f", cell {step.place.cell}" if step.place.cell else "")
        if where != shown:
            lines.append(_paint(f"  {' ' * margin}--> {where}", _DIM, context))
            shown, previous = where, None
        if previous is not None and step.place.line > previous + 1:
            lines.append(_paint(f"  {' ' * margin} :", _DIM, context))
        excerpt = _excerpt(step, finding, margin, context)
        lines += excerpt[1:] if step.place.line == previous and len(excerpt) > 1 else excerpt
        previous = step.place.line
    return lines


def _same_lines(one: Place, other: Place) -> bool:
    return (one.path, one.cell, one.line, one.column) == (other.path, other.cell, other.line, other.column)


def _excerpt(step: Step, finding: Finding, margin: int, context: Context) -> list[str]:
    text = context.text_of(step.place)
    source = text.split("\n") if text is not None else []
    number = _paint(f"  {step.place.line:>{margin}} |", _DIM, context)
    if not 0 < step.place.line <= len(source):
        return [f"{number} ({step.note})"]
    line = source[step.place.line - 1].rstrip()
    start = step.place.column - 1
    end = step.place.end_column - 1 if step.place.end_line == step.place.line else len(line)
    cut = max(0, start - LONGEST_LINE // 2) if len(line) > LONGEST_LINE else 0
    visible = line[cut : cut + LONGEST_LINE].expandtabs(4)
    before = _columns(line[cut:start].expandtabs(4))
    marked = max(1, _columns(line[start : min(end, cut + LONGEST_LINE)].expandtabs(4)))
    style = STYLES[finding.severity.value] if _same_lines(step.place, finding.place) else ""
    mark = "^" if _same_lines(step.place, finding.place) else "-"
    gutter = _paint(f"  {' ' * margin} |", _DIM, context)
    room = context.width - margin - len("   | ")
    if before + marked + 1 + _columns(step.note) <= room:
        reported = [f"{' ' * before}{_paint(f'{mark * marked} {step.note}', style, context)}"]
    else:
        indent = max(0, min(before, room - _columns(step.note)))
        reported = [
            f"{' ' * before}{_paint(mark * marked, style, context)}",
            f"{' ' * indent}{_paint(step.note, style, context)}",
        ]
    return [f"{number} {visible}", *(f"{gutter} {line}" for line in reported)]


def _columns(text: str) -> int:
    """How many terminal columns a text takes; Chinese and Japanese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _problem(problem: Problem, context: Context) -> str:
    lines = [_paint(problem_line(problem, context), STYLES["error"], context)]
    if problem.source_line and problem.line is not None:
        column = max(0, (problem.column or 1) - 1)
        number = f"  {problem.line} | "
        lines.append(number + problem.source_line.expandtabs(4)[:LONGEST_LINE])
        if column < LONGEST_LINE:
            lines.append(" " * (len(number) + _columns(problem.source_line[:column].expandtabs(4))) + "^")
    return "\n".join(lines)


def _summary(report: Report) -> str:
    text = summary(report)
    fixable = sum(_has_fix(finding) for finding in report)
    if fixable:
        text += f" {fixable} may have a fix: --fix, or --fix --unsafe-fixes (--diff shows it)."
    if report.problems:
        text += f" {counted(len(report.problems), 'problem')}."
    return text


def _has_fix(finding: Finding) -> bool:
    rule = find_rule(finding.code)
    return rule is not None and rule.fix != "none"
