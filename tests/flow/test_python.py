"""The meaning of Python: what headlint evaluates agrees with what Python computes, or is not known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headlint.flow.python import loops
from headlint.flow.values.conditions import Choice
from headlint.flow.values.python_values import Constant, DictValue, ListValue, TupleValue, Unknown, Value

Run = Callable[[str], Any]

NUMBERS = st.integers(-50, 50).map(str)


def grown(smaller: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Larger expressions out of smaller ones."""
    return st.one_of(
        st.tuples(smaller, st.sampled_from(["+", "-", "*", "//", "%", "<", "==", ">=", "and", "or"]), smaller).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        st.tuples(smaller, smaller, smaller).map(lambda parts: f"({parts[0]} if {parts[1]} else {parts[2]})"),
        smaller.map(lambda one: f"(-{one})"),
        smaller.map(lambda one: f"(not {one})"),
        st.lists(smaller, min_size=1, max_size=4).map(lambda items: f"[{', '.join(items)}][0]"),
        st.lists(smaller, min_size=1, max_size=4).map(lambda items: f"len([{', '.join(items)}])"),
    )


EXPRESSIONS = st.recursive(NUMBERS, grown, max_leaves=12)


def as_python(value: Value) -> Any:
    """A value that is known through and through as Python's own; raises LookupError for any other."""
    match value:
        case Constant(content):
            return content
        case TupleValue(items):
            return tuple(as_python(item) for item in items)
        case ListValue(approximate=False) as listed:
            return [as_python(item) for item in listed.items]
        case DictValue(complete=True) as mapping:
            return {key: as_python(item) for key, item in mapping.slots.items()}
        case _:
            raise LookupError(value)


@given(EXPRESSIONS)
def test_constant_expressions_are_what_python_makes_of_them(run: Run, text: str) -> None:
    try:
        expected = eval(text)
    except ZeroDivisionError:
        return
    value = run(f"result = {text}\n")["result"]
    assert isinstance(value, Unknown) or as_python(value) == expected


@given(st.lists(st.integers(0, 9), max_size=8), *[st.none() | st.integers(-9, 9)] * 2)
def test_slices_of_lists(run: Run, items: list[int], start: int | None, stop: int | None) -> None:
    text = f"result = {items}[{'' if start is None else start}:{'' if stop is None else stop}]\n"
    value = run(text)["result"]
    assert isinstance(value, Unknown) or as_python(value) == items[start:stop]


@given(st.lists(st.integers(0, 4), max_size=6), st.integers(0, 4))
def test_a_loop_over_known_items_does_what_python_does(run: Run, items: list[int], leaving: int) -> None:
    text = f"""
kept = []
total = 0
for item in {items}:
    if item == {leaving}:
        break
    kept.append(item)
    total += item
else:
    total = -1
"""
    scope: dict[str, Any] = {}
    exec(text, scope)
    program = run(text)
    assert as_python(program["kept"]) == scope["kept"]
    assert as_python(program["total"]) == scope["total"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(a, b=2, *rest, c=4, **more):\n    return (a, b, rest, c, more)\nresult = f(1, 5, 6, 7, d=8)\n", None),
        ("class A:\n    x = 1\n    def g(self):\n        return self.x\nclass B(A):\n    x = 2\nresult = B().g()\n", 2),
        ("class A:\n    g = lambda self: 1\nclass B(A):\n    def g(self):\n        return super().g() + 1\nresult = B().g()\n", 2),
        ("f = lambda n: n * 2\nresult = [f(n) for n in (1, 2, 3) if n != 2]\n", [2, 6]),
        ("a, (b, *c) = 1, (2, 3, 4)\nresult = (a, b, tuple(c))\n", (1, 2, (3, 4))),
        ("d = {'a': 1}\nd['b'] = 2\ndel d['a']\nresult = d\n", {"b": 2}),
        ("import functools\ndef f(a, b):\n    return a - b\nresult = functools.partial(f, 5)(3)\n", 2),
        ("def f():\n    n = 1\n    def g():\n        nonlocal n\n        n += 1\n    g()\n    return n\nresult = f()\n", 2),
        ("match 3:\n    case 1 | 2:\n        result = 'few'\n    case _:\n        result = 'many'\n", "many"),
    ],
)  # fmt: skip
def test_programs(run: Run, text: str, expected: object) -> None:
    scope: dict[str, Any] = {}
    exec(text, scope)
    assert expected is None or scope["result"] == expected
    assert as_python(run(text)["result"]) == scope["result"]


def test_both_branches_of_an_unknown_test_are_kept_apart(run: Run) -> None:
    program = run(
        """
        import os
        binary = os.environ.get("BINARY")
        if binary:
            units, loss = 1, "binary"
        else:
            units, loss = 3, "categorical"
        pair = (units, loss)
        if binary:
            inside = units
        """
    )
    units = program["units"]
    assert isinstance(units, Choice)
    assert {option.value.value for option in units.options} == {1, 3}
    inside = program["inside"]
    assert inside == Constant(1)


def test_what_is_unknown_stays_itself(run: Run) -> None:
    program = run("def f(options):\n    global same\n    same = options.a == options.a\n")
    assert not isinstance(program["same"], Constant) or program["same"] == Constant(True)


def test_recursion_and_endless_loops_end(run: Run) -> None:
    program = run(
        """
        def f(n):
            return f(n + 1)
        result = f(0)
        while True:
            n = 1
        """
    )
    assert isinstance(program["result"], Unknown)


def test_a_sequence_whose_constructor_was_left_early_gives_nothing_that_is_known(run: Run) -> None:
    program = run(
        """
        import torch
        from torch import nn
        class Unit(nn.Sequential):
            def __init__(self):
                super().__init__()
                self.add_module("layer", nn.Linear(4, 8))
        unit = Unit()
        x = torch.rand(2, 4)
        """
    )
    unit, x = program["unit"], program["x"]
    results: list[Value] = []
    for whole in (True, False):
        unit.whole = whole
        program.machine.within(program.unit, lambda: results.append(program.machine.call_with(unit, x)))
    assert [isinstance(result, Unknown) for result in results] == [False, True]


def test_what_a_costly_loop_computes_is_unknown_whichever_way_it_went(run: Run) -> None:
    program = run(
        "import sys\nimport torch\n"
        "before = torch.zeros(2, 8)\n"
        "behind = torch.relu(before) if 'fast' in sys.argv else torch.sigmoid(before)\n"
    )
    assert isinstance(program["behind"], Choice)
    changed = {(program.unit.scope, "behind"): program["before"]}
    program.machine.within(program.unit, lambda: loops._blur(program.machine, changed, tensors_too=True))
    assert isinstance(program["behind"], Unknown)
