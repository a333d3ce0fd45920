"""Lowering: every node has its number, and its number leads back to its text."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from headlint.syntax import ir
from headlint.syntax.parse import SyntaxProblem, parse, spans

FIXTURES = Path(__file__).parents[2] / "fixtures"
F_STRINGS = tuple(f"{prefix}{quote}" for prefix in ("f", "rf", "fr") for quote in ("'", '"'))
PROGRAMS = sorted(FIXTURES.rglob("*.py"))[::12]


def text_at(text: str, line: int, column: int, end_line: int, end_column: int) -> str:
    lines = text.split("\n")[line - 1 : end_line]
    lines[-1] = lines[-1][: end_column - 1]
    lines[0] = lines[0][column - 1 :]
    return "\n".join(lines)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_numbers_lead_to_the_text(program: Path) -> None:
    text = program.read_text(encoding="utf-8")
    module = parse(text)
    nodes = [node for node in ir.walk(module.body) if isinstance(node, ir.Name | ir.Attribute | ir.Call)]
    found = spans(text, [node.at for node in nodes])
    assert len({node.at for node in nodes}) == len(nodes)
    for node in nodes:
        span = found[node.at]
        source = text_at(text, span.line, span.column, span.end_line, span.end_column)
        match node:
            case _ if source.startswith(F_STRINGS):
                """What stands in an f-string has the place of the f-string."""
            case ir.Name(name=name):
                assert source == name
            case ir.Attribute(name=name):
                assert source.endswith(name)
            case ir.Call():
                assert source.endswith(")")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_no_call_is_lost_but_those_that_raise(program: Path) -> None:
    text = program.read_text(encoding="utf-8")
    tree = ast.parse(text)
    raised = {inner for node in ast.walk(tree) if isinstance(node, ast.Raise) for inner in ast.walk(node)}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node not in raised]
    assert sum(isinstance(node, ir.Call) for node in ir.walk(parse(text).body)) >= len(calls)


@pytest.mark.parametrize(
    "text", ["x = (", "def f(:\n    pass\n", "(" * 400 + ")" * 400, "a" + ".b()" * 2000, "not " * 50_000 + "a"]
)
def test_what_cannot_be_parsed_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse(text)
    assert caught.value.line >= 1
    assert caught.value.message
