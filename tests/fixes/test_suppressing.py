"""What ``--add-suppressions`` promises, held on every fixture and every program of the rule pages, and on odd files."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bad_programs import FIXTURES, fixtures, settings

import headlint
from headlint.findings.rulebook import examples, load_rules
from headlint.fixes.suppressing import add_suppressions
from headlint.settings import Settings
from headlint.source.document import read_document

ABOUT_COMMENTS = "HL901"

PROGRAM = """import torch.nn as nn

model = nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1))  # größer
criterion = nn.CrossEntropyLoss()


def step(x, y):
    return criterion(model(x), y)
"""
COMMENT = "  # headlint: ignore[softmax-before-cross-entropy]"
SUPPRESSED = PROGRAM.replace("(model(x), y)", f"(model(x), y){COMMENT}")


def pages() -> list[object]:
    return [
        pytest.param(example.text, id=f"{rule.code}-{number}")
        for rule in load_rules()
        for number, example in enumerate(examples(rule, "Bad"))
    ]


def programs(path: Path) -> dict[Path, str]:
    """The meaning of all files: their trees, or of what cannot be parsed the text."""
    files = [file for file in (path.rglob("*") if path.is_dir() else [path]) if file.suffix in (".py", ".ipynb")]
    return {file: meaning(read_document(file).text) for file in files}


def meaning(text: str) -> str:
    try:
        return ast.dump(ast.parse(text))
    except SyntaxError:
        return text


def contents(path: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()}


def assert_suppressed(path: Path, chosen: Settings) -> None:
    before, meant = headlint.check_paths([path], chosen), programs(path)
    outcome = add_suppressions([path], chosen)
    after, bytes_after = headlint.check_paths([path], chosen), contents(path)
    if before.problems:  # nothing is written into what cannot be parsed
        assert (outcome.suppressed, outcome.files) == ((), ())
        return
    about_comments = [finding.code for finding in before if finding.code == ABOUT_COMMENTS]
    assert len(outcome.suppressed) == len(before) - len(about_comments)
    assert [finding.code for finding in after] == [finding.code for finding in outcome.report] == about_comments
    assert programs(path) == meant
    assert add_suppressions([path], chosen).files == ()
    assert contents(path) == bytes_after


@pytest.mark.parametrize("unit", fixtures(), ids=lambda unit: unit.relative_to(FIXTURES).as_posix())
def test_fixture(unit: Path, tmp_path: Path) -> None:
    alone = tmp_path / unit.name
    if unit.is_dir():
        shutil.copytree(unit, alone)
    else:
        shutil.copy(unit, alone)
    chosen = settings(alone if alone.is_dir() else tmp_path)
    report = headlint.check_paths([alone], chosen)
    assert report.findings or report.problems
    assert_suppressed(alone, chosen)


@pytest.mark.parametrize("text", pages())
def test_rule_page(text: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(text, encoding="utf-8")
    assert_suppressed(program, settings(tmp_path))


@pytest.mark.parametrize(
    ("encoding", "newline"),
    [("utf-8", "\n"), ("utf-8", "\r\n"), ("utf-8", "\r"), ("utf-8-sig", "\r\n"), ("latin-1", "\n")],
)
def test_every_other_byte_stays(tmp_path: Path, encoding: str, newline: str) -> None:
    declared = "# coding: latin-1\n" if encoding == "latin-1" else ""
    file = tmp_path / "net.py"
    file.write_bytes((declared + PROGRAM).replace("\n", newline).encode(encoding))
    assert len(add_suppressions([file], settings(tmp_path)).suppressed) == 1
    assert file.read_bytes() == (declared + SUPPRESSED).replace("\n", newline).encode(encoding)


SHAPES = {
    "backslash": ("    loss = criterion(model(x), y) \\\n        + 1\n", "+ 1"),
    "several lines": ("    loss = criterion(\n        model(x),\n        y,\n    )\n", "criterion("),
    "backslash within a call": ("    loss = criterion( \\\n        model(x), y)\n", "y)"),
    "a string over lines behind": ('    loss = criterion(model(x), y); print("""\nlong\n""")\n', '""")'),
    "tabs": ("\tloss = criterion(model(x), y)\t\n", "y)"),
    "two on a line": ("    loss = criterion(model(x), y) + criterion(model(x), y)\n", "+ criterion(model(x), y)"),
    "another comment": ("    loss = criterion(model(x), y)  # noqa: E501\n", "# noqa: E501"),
    "no line end": ("    return criterion(model(x), y)", "y)"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_statements_of_every_shape(tmp_path: Path, shape: str) -> None:
    body, before_comment = SHAPES[shape]
    text = PROGRAM.replace("    return criterion(model(x), y)\n", body)
    file = tmp_path / "net.py"
    file.write_text(text, encoding="utf-8")
    assert len(headlint.check_paths([file], settings(tmp_path))) >= 1
    assert_suppressed(file, settings(tmp_path))
    head, _, tail = text.rpartition(before_comment)
    end = "\n" if shape != "no line end" else ""
    assert file.read_text(encoding="utf-8") == f"{head}{before_comment}{COMMENT}{end}{tail.partition(chr(10))[2]}"


def test_a_formatter_may_break_the_line_that_became_too_long(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(PROGRAM.replace("return", "loss = 2 *"), encoding="utf-8")
    assert len(add_suppressions([file], settings(tmp_path)).suppressed) == 1
    formatter = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "60", str(file)]
    subprocess.run(formatter, check=True, capture_output=True, timeout=60)
    assert f"\n    ){COMMENT}\n" in file.read_text(encoding="utf-8")
    assert headlint.check_paths([file], settings(tmp_path)).findings == ()


def test_a_comment_that_is_there_is_added_to(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(PROGRAM.replace("y)\n", "y)  # headlint: ignore[HL3] why\n"), encoding="utf-8")
    add_suppressions([file], Settings(root=tmp_path, cache=False))
    assert "# headlint: ignore[HL3, softmax-before-cross-entropy] why\n" in file.read_text(encoding="utf-8")


def test_an_unused_comment_is_not_suppressed_by_another(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(PROGRAM.replace("y)\n", "y)  # headlint: ignore[HL301]\n"), encoding="utf-8")
    outcome = add_suppressions([file], settings(tmp_path))
    assert [finding.code for finding in outcome.suppressed] == ["HL101"]
    assert [finding.code for finding in outcome.report] == ["HL901"]
    assert "# headlint: ignore[HL301, softmax-before-cross-entropy]\n" in file.read_text(encoding="utf-8")


def test_diff_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(PROGRAM, encoding="utf-8")
    outcome = add_suppressions([file], settings(tmp_path), diff=True)
    assert file.read_text(encoding="utf-8") == PROGRAM
    assert f"+    return criterion(model(x), y){COMMENT}\n" in outcome.diff
    assert outcome.files == (str(file),)


def test_a_notebook_keeps_everything_but_its_line(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# größer\n"]},
        code_cell("b", "%matplotlib inline\nimport torch.nn as nn"),
        code_cell("c", "net = nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1))\ncriterion = nn.CrossEntropyLoss()"),
        code_cell("d", "for x, y in loader:\n    loss = criterion(net(x), y)\n    loss.backward()"),
        code_cell("e", "!ls\n%time loss = criterion(net(x), y)"),
        {**code_cell("f", ""), "source": "criterion(net(x), y)\nplot()"},
        code_cell("g", "  loss = criterion(net(x), y)\n  loss.backward()"),
    ]
    notebook = {"cells": cells, "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}
    file = tmp_path / "net.ipynb"
    file.write_text(json.dumps(notebook, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    before = file.read_text(encoding="utf-8")
    assert_suppressed(file, settings(tmp_path))
    assert file.read_text(encoding="utf-8") == before.replace("(net(x), y)", f"(net(x), y){COMMENT}")


def code_cell(name: str, source: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "execution_count": 7,
        "id": name,
        "metadata": {"tags": ["kept"]},
        "outputs": [{"output_type": "stream", "name": "stdout", "text": ["größer\n"]}],
        "source": source.splitlines(keepends=True),
    }


def test_what_cannot_be_written_back_is_left(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_bytes(PROGRAM.encode("utf-16"))
    outcome = add_suppressions([file], settings(tmp_path))
    assert [finding.code for finding in outcome.report] == ["HL101"]
    assert outcome.suppressed == outcome.files == ()
    assert file.read_bytes() == PROGRAM.encode("utf-16")


@pytest.mark.skipif(os.geteuid() == 0, reason="the system refuses root nothing")
def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(PROGRAM, encoding="utf-8")
    tmp_path.chmod(0o555)
    outcome = add_suppressions([file], settings(tmp_path))
    tmp_path.chmod(0o755)
    assert [problem.path for problem in outcome.problems] == [str(file)]
    assert file.read_text(encoding="utf-8") == PROGRAM
