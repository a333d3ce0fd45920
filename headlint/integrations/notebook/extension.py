"""What the shell calls: after each cell, and for ``%headlint``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headlint.findings.finding import Finding
from headlint.integrations.notebook.cells import Cells
from headlint.reporting.context import Context

MOST_SHOWN = 3
"""Findings shown below one cell; of others only the number is given."""

USAGE = """%headlint               check all cells that were run
%headlint off           do not check after each cell
%headlint on            check after each cell again
%headlint explain RULE  show the page of a rule
%%headlint              run this cell and show all findings in it"""


class Extension:
    """Follows one shell."""

    def __init__(self, shell: Any) -> None:
        from headlint.integrations.notebook.checking import Checker

        self._shell = shell
        self._cells = Cells()
        self._checker = Checker(Path.cwd())
        self._on = True
        self._inside = False
        """Whether the body of a ``%%headlint`` cell is run, which the shell reports as a cell of its own."""
        for number, text in enumerate(shell.history_manager.input_hist_raw[1:-1], 1):
            self._cells.ran(text, number)

    def after_cell(self, result: Any) -> None:
        """Check, and show what is new; nothing that goes wrong here may disturb the user."""
        info = result.info
        if self._inside or info is None or info.silent or not info.raw_cell or result.error_before_exec is not None:
            return
        self._cells.ran(info.raw_cell, result.execution_count or 0, getattr(info, "cell_id", None) or "")
        whole_cell = info.raw_cell.lstrip().startswith("%%headlint")
        if not (self._on or whole_cell):
            return
        try:
            report, context = self._checker.check(self._cells.document(self._checker.path))
            new = self._checker.not_shown(report.findings, context)
            if whole_cell:
                own = [one for one in report if one.place.cell == result.execution_count]
                _show(own, context) if own else print("headlint: nothing found in this cell")
            elif new:
                _show(new[:MOST_SHOWN], context, more=len(new) - MOST_SHOWN)
        except (Exception, KeyboardInterrupt):  # `%headlint` says what it is
            return

    def magic(self, line: str, cell: str | None = None) -> None:
        """``%headlint`` and ``%%headlint``."""
        if cell is not None:
            self._run(cell)
            return
        match line.split():
            case []:
                self._check_all()
            case ["on" | "off" as state]:
                self._on = state == "on"
            case ["explain", code]:
                _explain(code)
            case _:
                print(USAGE)

    def _run(self, cell: str) -> None:
        self._inside = True
        try:
            self._shell.run_cell(cell)
        finally:
            self._inside = False

    def _check_all(self) -> None:
        try:
            report, context = self._checker.check(self._cells.document(self._checker.path))
        except Exception as error:  # said in one line: a traceback would look like the user's own error
            print(f"headlint: {error}")
            return
        findings = self._checker.not_shown(report.findings, context)
        findings += [one for one in report if one not in findings]
        for problem in report.problems:
            where = f"cell {problem.cell}: " if problem.cell is not None else ""
            print(f"headlint: {where}{problem.message}")
        if findings:
            _show(findings, context)
        elif not report.problems:
            print("headlint: nothing found")


def _show(findings: Sequence[Finding], context: Context, more: int = 0) -> None:
    """Display findings, as HTML where the frontend can, with the number of those that are not shown."""
    from IPython.display import display

    from headlint.reporting.html.folded import render_folded
    from headlint.reporting.text import block

    plain = "\n\n".join(block(finding, context) for finding in findings)
    if more > 0:
        plain += f"\n\n{more} more: %headlint"
    display({"text/html": render_folded(findings, context, max(0, more)), "text/plain": plain}, raw=True)


def _explain(text: str) -> None:
    from IPython.display import display

    from headlint.findings.rulebook import find_rule, nearest_rule

    rule = find_rule(text)
    if rule is None:
        nearest = nearest_rule(text)
        print(f"headlint: there is no rule {text}" + (f"; did you mean {nearest}?" if nearest else ""))
        return
    page = rule.text.strip()
    display({"text/markdown": page, "text/plain": page}, raw=True)


_loaded: dict[int, Extension] = {}
"""The extension of each shell, by the shell's identity."""


def load(shell: Any) -> None:
    """Follow a shell."""
    if id(shell) not in _loaded:
        extension = _loaded[id(shell)] = Extension(shell)
        shell.events.register("post_run_cell", extension.after_cell)
        shell.register_magic_function(extension.magic, "line_cell", "headlint")


def unload(shell: Any) -> None:
    """Follow it no longer."""
    extension = _loaded.pop(id(shell), None)
    if extension is not None:
        shell.events.unregister("post_run_cell", extension.after_cell)
        for kind in ("line", "cell"):
            shell.magics_manager.magics[kind].pop("headlint", None)
