"""The state: slots, branches, and the joining of what they wrote."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headlint.flow.machine.state import State, consistent, join
from headlint.flow.values.conditions import Choice, Condition, Guard
from headlint.flow.values.python_values import Constant, HeapObject, Unknown

SUBJECTS = [Unknown(name) for name in "ab"]
GUARDS = st.builds(
    Guard,
    st.builds(Condition, st.sampled_from(["==", "<", ">=", "truth"]), st.sampled_from(SUBJECTS), st.integers(0, 2)),
    st.booleans(),
)
PATHS = st.lists(GUARDS, max_size=3).map(tuple)
VALUES = st.integers(0, 2).map(Constant)


@given(PATHS, VALUES)
def test_joining_a_value_with_itself_gives_it(path: tuple[Guard, ...], value: Constant) -> None:
    assert join([(path, value), ((), value)]) == value


@given(st.lists(st.tuples(PATHS, VALUES), min_size=1, max_size=4))
def test_a_join_invents_no_value_and_loses_none_that_can_occur(
    options: list[tuple[tuple[Guard, ...], Constant]],
) -> None:
    joined = join(options)
    found = {option.value for option in joined.options} if isinstance(joined, Choice) else {joined}
    if not isinstance(joined, Unknown):
        assert found <= {value for _, value in options}
        assert {value for path, value in options if consistent(path)} <= found


@given(PATHS)
def test_a_condition_and_its_opposite_never_hold_together(path: tuple[Guard, ...]) -> None:
    for guard in path:
        assert not consistent((*path, Guard(guard.condition, not guard.outcome)))


@given(st.dictionaries(st.sampled_from(SUBJECTS), st.integers(0, 2)), PATHS)
def test_conditions_that_numbers_fulfil_are_never_ruled_out(
    numbers: dict[Unknown, int], path: tuple[Guard, ...]
) -> None:
    meaning = {
        "==": lambda value, operand: value == operand,
        "<": lambda value, operand: value < operand,
        ">=": lambda value, operand: value >= operand,
        "truth": lambda value, _: bool(value),
    }
    held = all(
        meaning[guard.condition.operator](numbers.get(guard.condition.subject, 0), guard.condition.operand)
        is guard.outcome
        for guard in path
    )
    assert consistent(path) or not held


def test_what_a_branch_wrote_is_gone_in_the_other_and_joined_behind_both() -> None:
    state, thing, test = State(), HeapObject({"units": Constant(2)}), Condition("truth", SUBJECTS[0])
    seen = []

    def write() -> bool:
        state.write(thing, "units", Constant(1))
        return True

    def look() -> bool:
        seen.append(state.read(thing, "units"))
        return True

    assert state.branch([((Guard(test, True),), write), ((Guard(test, False),), look)])
    assert seen == [Constant(2)]
    value = state.read(thing, "units")
    assert isinstance(value, Choice)
    assert {option.value for option in value.options} == {Constant(1), Constant(2)}


def test_behind_a_branch_that_leaves_the_other_ones_condition_holds() -> None:
    state, test = State(), Condition("truth", SUBJECTS[0])
    guard = Guard(test, True)
    assert state.branch([((guard,), lambda: False), ((Guard(test, False),), lambda: True)])
    assert not state.allows((guard,))


@given(st.lists(st.tuples(st.booleans(), VALUES), min_size=1, max_size=3))
def test_distributing_meets_no_combination_that_contradicts_itself(options: list[tuple[bool, Constant]]) -> None:
    state, test = State(), Condition("truth", SUBJECTS[0])
    value = join([((Guard(test, outcome),), number) for outcome, number in options])
    pairs: list[tuple[object, object]] = []
    if isinstance(value, Choice):
        state.distribute([value, value], lambda one, two: pairs.append((one, two)) or Constant(0))
        by_outcome = {outcome: {number for held, number in options if held is outcome} for outcome in (True, False)}
        assert all(any({one, two} <= numbers for numbers in by_outcome.values()) for one, two in pairs)


def test_names_that_are_excluded_in_every_round_are_kept_once() -> None:
    """What a loop excludes again in each round is no longer condition: twice as long each time, it fills the memory."""
    name, others = Unknown("name"), [Unknown(number) for number in range(9)]
    path = (
        *(Guard(Condition("truth", other), True) for other in others[:7]),
        Guard(Condition("==", name, "relu"), False),
    )
    for number in range(12):
        path = (*path, Guard(Condition("in", name, ("relu", "gelu", number)), False))
        joined = join([(path, Constant(1)), ((Guard(Condition("truth", others[8]), True),), Constant(2))])
        assert isinstance(joined, Choice)
        path = next(option.guards for option in joined.options if option.value == Constant(1))
    (excluded,) = (guard.condition.operand for guard in path if guard.condition.operator == "in")
    assert set(excluded) == {"relu", "gelu", *range(12)}
    assert len(excluded) == 14
