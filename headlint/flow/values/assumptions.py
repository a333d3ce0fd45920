"""What a finding rests on beside the text of its own file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Assumption:
    """A default that holds only while nobody passes something else: a function's parameter or a command-line option."""

    path: str
    function: str
    parameter: str
