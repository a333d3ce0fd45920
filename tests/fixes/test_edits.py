"""Edits: the laws that hold however they are put together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headlint.fixes.edits import Edit, apply_edits, line_starts

TEXTS = st.text(st.sampled_from("ab \n"), min_size=1, max_size=40)


@st.composite
def text_and_edits(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str]]]:
    """A text, and stretches of it that do not touch, each with what takes its place."""
    text = draw(TEXTS)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return text, [(start, end, draw(st.text(st.sampled_from("xy\n"), max_size=3))) for start, end in pairs]


def edit(text: str, start: int, end: int, new: str) -> Edit:
    starts = line_starts(text)

    def position(offset: int) -> tuple[int, int]:
        line = max(number for number, begin in enumerate(starts, 1) if begin <= offset)
        return line, offset - starts[line - 1] + 1

    return Edit("program.py", *position(start), *position(end), new)


@given(text_and_edits(), st.randoms())
def test_order_and_repetition_do_not_matter(given_text: tuple[str, list[tuple[int, int, str]]], random: object) -> None:
    text, stretches = given_text
    expected, position = "", 0
    for start, end, new in stretches:
        expected += text[position:start] + new
        position = end
    expected += text[position:]
    edits = [edit(text, *stretch) for stretch in stretches]
    random.shuffle(edits)  # type: ignore[attr-defined]
    assert apply_edits(text, [*edits, *edits]) == expected
    assert not any(one.clashes_with(other) for one in edits for other in edits)


@given(TEXTS, *[st.integers(0, 40)] * 4)
def test_edits_clash_exactly_where_they_overlap(text: str, a: int, b: int, c: int, d: int) -> None:
    (a, b), (c, d) = sorted(min(n, len(text)) for n in (a, b)), sorted(min(n, len(text)) for n in (c, d))
    first, second = edit(text, a, b, "x"), edit(text, c, d, "y")
    assert first.clashes_with(second) == second.clashes_with(first)
    assert first.clashes_with(second) == (a == c or (a < d and c < b))
