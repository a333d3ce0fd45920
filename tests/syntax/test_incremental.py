"""Parsing a changing text piece by piece gives what parsing each version as a whole gives."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from headlint.syntax import incremental, ir
from headlint.syntax.incremental import IncrementalParser
from headlint.syntax.parse import SyntaxProblem, parse, spans, tree_of

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = [
    *sorted((REPOSITORY / "fixtures" / "questions").glob("*.py")),
    *sorted((REPOSITORY / "headlint" / "syntax").glob("*.py")),
    *sorted((REPOSITORY / "headlint" / "fixes").glob("*.py")),
]

TWICE = "x = f(1)\n\n\ndef g():\n    return h(2)\n\n\nx = f(1)\n\n\ndef g():\n    return h(2)\n\n\nx = f(1)\n"
MANY_LINES = '''"""A text
import os
class Nothing:
def nothing(:
"""
@decorator(
    1,
)
# a comment between
@other
class A:
    text = """
no = "statement"
"""

if a:
    b = "[{("
else:
    b = f"{c["d"] if True else 'e'}"
try:
    f = (
1,
2)
except ValueError:
    g = 1
finally:
    h = 2
async def i(): pass
j = 1 + \\
2
k = 1; l = 2
'''


def outcome(parse_text, text: str) -> object:
    """The module, or what is wrong with the text."""
    try:
        return parse_text(text)
    except SyntaxProblem as problem:
        return problem.message, problem.line, problem.column


def numbers(module: ir.Module) -> set[int]:
    return {node.at for statement in module.body for node in ir.walk(statement) if hasattr(node, "at")}


def content(part: object) -> object:
    """What a part of a module consists of: its parts are compared by identity, what they say is not."""
    if isinstance(part, tuple):
        return tuple(map(content, part))
    if isinstance(part, ir.Module):
        return content(part.body)
    if isinstance(part, msgspec.Struct):
        return type(part).__name__, *(content(getattr(part, field)) for field in part.__struct_fields__)
    return part


def assert_agrees(parser: IncrementalParser, text: str) -> None:
    whole = outcome(parse, text)
    assert content(outcome(parser.parse, text)) == content(whole)
    if isinstance(whole, ir.Module):
        assert parser.spans(text, numbers(whole)) == spans(text, numbers(whole))


def versions(text: str, seed: int) -> list[str]:
    """The text, and others that somebody might make of it one keystroke after the other."""
    chance = random.Random(seed)
    found = [text]
    for _ in range(6):
        lines = found[-1].split("\n")
        line = chance.randrange(len(lines))
        match chance.randrange(5):
            case 0:
                lines[line] += "  # said"
            case 1:
                lines.insert(line, "y = (1")
            case 2:
                del lines[line]
            case 3:
                lines[line] = lines[line].replace("(", "[", 1)
            case 4:
                lines.insert(line, "z = g(x, 'text')")
        found.append("\n".join(lines))
    return found


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_every_version_of_a_program(program: Path) -> None:
    parser = IncrementalParser()
    for text in versions(program.read_text(), len(program.stem)):
        assert_agrees(parser, text)


@pytest.mark.parametrize("text", [TWICE, MANY_LINES, "", "\n", "# only this", "x = 1 \\", "  x = 1\n", "else:\n  1\n"])
def test_texts_that_are_hard_to_cut(text: str) -> None:
    parser = IncrementalParser()
    for version in (text, f"first = 1\n{text}", text + "last = f(1)\n", text):
        assert_agrees(parser, version)


def test_only_what_changed_is_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    monkeypatch.setattr(incremental, "tree_of", lambda text: parsed.append(text) or tree_of(text))
    parser = IncrementalParser()
    text = "".join(f"def f{number}():\n    return {number}\n\n\n" for number in range(10))
    parser.parse(text)
    assert len(parsed) == 10
    parsed.clear()
    parser.parse(text.replace("return 5", "return 55"))
    assert parsed == ["def f5():\n    return 55\n\n\n"]
