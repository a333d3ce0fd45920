"""Which comments switch which findings off, and how such a comment is written."""

from __future__ import annotations

import ast
import sys

import pytest

from headlint.source.document import Document
from headlint.source.suppressions import Suppressions, suppressing

NAME = "softmax-before-cross-entropy"


def covers(text: str, line: int, end_line: int | None = None, noqa: bool = True) -> bool:
    return Suppressions.of(Document("x.py", text)).covers("HL101", NAME, line, end_line or line, noqa)


@pytest.mark.parametrize(
    "comment",
    [
        "noqa",
        "noqa: HL101",
        "noqa:E501,HL1",
        "headlint: ignore",
        "headlint: ignore[HL101]",
        f"headlint: ignore[x, {NAME}]",
    ],
)
def test_comments_that_cover(comment: str) -> None:
    assert covers(f"a = 1  # {comment}\n", 1)
    assert covers(f"a = 1  # type: ignore  # {comment}\n", 1)


@pytest.mark.parametrize("comment", ["noqa: E501", "headlint: ignore[HL102]", "headlint: ignore[softmax]", "see HL101"])
def test_comments_that_do_not(comment: str) -> None:
    assert not covers(f"a = 1  # {comment}\n", 1)


def test_only_its_own_line_is_covered() -> None:
    assert not covers("a = 1  # noqa\nb = 2\n", 2)
    assert not covers('a = "# noqa"\n', 1)


def test_the_first_and_the_last_line_and_that_of_the_statement_count() -> None:
    text = "a = f(  # noqa: HL102\n    1,  # noqa: HL101\n    2,  # noqa: HL103\n)  # headlint: ignore[HL104]\n"
    covered = Suppressions.of(Document("x.py", text))
    codes = ("HL101", "HL102", "HL103", "HL104")
    assert [covered.covers(code, "", 1, 3) for code in codes] == [False, True, True, True]
    assert [covered.covers(code, "", 2, 2) for code in codes] == [True, False, False, True]


def test_a_block_is_no_part_of_the_statement_above_it() -> None:
    text = "if f(\n    1\n):  # noqa: HL101\n    b = 2  # noqa: HL102\n"
    covered = Suppressions.of(Document("x.py", text))
    assert [covered.covers(code, "", 1, 1) for code in ("HL101", "HL102")] == [True, False]
    assert [covered.covers(code, "", 4, 4) for code in ("HL101", "HL102")] == [False, True]


LONG = {
    "backslash": ("a = 1 + \\\n    2  # noqa\nb = 3\n", 2),
    "string": ('a = """\nlong\n"""  # noqa\nb = 3\n', 3),
    "string and backslash": ('a = """\nlong""" + \\\n    "c"  # noqa\nb = 3\n', 3),
    "f-string": ('a = f"""\n{b}\n{c}"""  # noqa\nb = 3\n', 3),
    "f-string within an f-string": ('a = f"""\n{f"""{b}\n"""}\n{c}"""  # noqa\nb = 3\n', 4),
    "bytes in a call": ('a = f(b"""\nlong\n""", 2)  # noqa\nb = 3\n', 3),
}


@pytest.mark.parametrize("name", LONG)
def test_a_comment_speaks_for_the_lines_that_it_cannot_stand_behind(name: str) -> None:
    if name == "f-string within an f-string" and sys.version_info < (3, 12):
        pytest.skip("Python before 3.12 does not read this")
    text, last = LONG[name]
    assert [covers(text, line) for line in range(1, last + 2)] == [*[True] * last, False]


def test_noqa_may_be_left_to_flake8() -> None:
    assert not covers("a = 1  # noqa: HL101\n", 1, noqa=False)
    assert not covers("# flake8: noqa\na = 1\n", 2, noqa=False)
    assert covers("# flake8: noqa\na = 1\n", 2)
    assert covers("a = 1  # headlint: ignore[HL101]\n", 1, noqa=False)
    assert covers("# headlint: skip-file\na = 1\n", 2, noqa=False)


def test_a_comment_that_is_left_to_flake8_is_of_use() -> None:
    comments = Suppressions.of(Document("x.py", "a = 1  # noqa: HL101\nb = 1  # noqa: HL101\n"))
    comments.covers("HL101", NAME, 1, 1, noqa=False)
    assert [unused.line for unused in comments.unused(lambda code: True)] == [2]


def test_a_cell_that_cannot_be_read_does_not_hide_the_comments_of_others() -> None:
    text = "a = (\nb = 1  # noqa\n"
    assert Suppressions.of(Document("x.ipynb", text, ((1, 1), (2, 2)), notebook=True)).covers("HL101", NAME, 2, 2)


def written(text: str, *wanted: tuple[str, int, int]) -> str:
    lines = text.split("\n")
    for one in suppressing(text, wanted):
        old = lines[one.line - 1]
        lines[one.line - 1] = old[: one.column - 1] + one.text + old[one.end_column - 1 :]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a = 1\n", "a = 1  # headlint: ignore[one]\n"),
        ("a = 1", "a = 1  # headlint: ignore[one]"),
        ("a = 1 \t \n", "a = 1  # headlint: ignore[one]\n"),
        ("\ta = 'ä'\n", "\ta = 'ä'  # headlint: ignore[one]\n"),
        ("a = 1  # noqa: E501\n", "a = 1  # noqa: E501  # headlint: ignore[one]\n"),
        ("a = 1  # why\n", "a = 1  # why  # headlint: ignore[one]\n"),
        ("a = 1  # headlint: ignore[two]\n", "a = 1  # headlint: ignore[two, one]\n"),
        ("a = 1  #headlint:ignore[HL102,] why\n", "a = 1  # headlint: ignore[HL102, one] why\n"),
        ("a = '# headlint: ignore[two]'\n", "a = '# headlint: ignore[two]'  # headlint: ignore[one]\n"),
    ],
)
def test_writing_a_comment(before: str, after: str) -> None:
    assert written(before, ("one", 1, 1)) == after


def test_findings_on_one_line_share_a_comment() -> None:
    wanted = (("two", 1, 1), ("one", 1, 3), ("two", 1, 1))
    assert written("a = f(\n  1,\n)\n", *wanted) == "a = f(  # headlint: ignore[one, two]\n  1,\n)\n"


def test_a_comment_on_the_last_line_is_added_to() -> None:
    text = "a = f(\n  1,\n)  # headlint: ignore[two]\n"
    assert written(text, ("one", 1, 3)) == "a = f(\n  1,\n)  # headlint: ignore[two, one]\n"


@pytest.mark.parametrize("name", LONG)
def test_a_comment_is_written_where_it_is_read(name: str) -> None:
    if name == "f-string within an f-string" and sys.version_info < (3, 12):
        pytest.skip("Python before 3.12 does not read this")
    text = LONG[name][0].replace("  # noqa", "")
    for line in range(1, LONG[name][1] + 1):
        after = written(text, (NAME, line, line))
        assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(text))
        assert covers(after, line)
