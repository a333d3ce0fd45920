"""What is said of packages that are not there."""

from __future__ import annotations

from headlint.runtime.worker.program.standins import StandIn, find_stand_in, length, missing_package


def error_of(function, *arguments):
    try:
        function(*arguments)
    except TypeError as error:
        return str(error)
    raise AssertionError("it did not fail")


def test_an_error_names_the_package() -> None:
    made = StandIn("nowhere").models.small()
    assert find_stand_in([made]) is made
    for failing in (lambda: made + 1, lambda: made[0], lambda: list(made)):
        assert (missing_package(error_of(failing)) or "").startswith("nowhere is not installed (")


def test_other_errors_name_none() -> None:
    assert missing_package("unsupported operand type(s) for +: 'int' and 'str'") is None


def test_sizes_of_what_is_missing_are_guesses_but_others_are_counted() -> None:
    from headlint.runtime.worker.program.standins import GUESSED

    before = len(GUESSED)
    assert length([1, 2]) == 2
    assert len(GUESSED) == before
    rows, width = StandIn("nowhere").read().shape
    assert GUESSED[before:] == [f"nowhere.read().shape[0]={rows}", f"nowhere.read().shape[1]={width}"]
