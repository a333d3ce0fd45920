"""What a finding rests on beside the text of its own file."""

from __future__ import annotations

from msgspec import Struct


class Assumption(Struct, frozen=True):
    """A default that holds only while nobody passes something else: a function's parameter or a command-line option."""

    path: str
    function: str
    parameter: str
