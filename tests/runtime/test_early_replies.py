"""Which of the replies that a child wrote holds, by how the child ended."""

from __future__ import annotations

import pytest

from headlint.runtime.worker.process.protocol import encode
from headlint.runtime.worker.process.server import _reply
from headlint.runtime.worker.process.watching import Watched

EARLY = encode({"ok": True, "facts": {"draws": 1}, "early": True})
LAST = encode({"ok": True, "facts": {"draws": 3}})
REQUEST = {"id": 1, "limits": {"time": 2, "memory": 2**30, "processes": 4, "printed": 1000}}


@pytest.mark.parametrize(
    ("written", "stopped", "status", "expected"),
    [
        (EARLY + LAST, "", 0, 3),
        (EARLY + EARLY, "time", None, 1),
        (EARLY + LAST[:9], "time", None, 1),
        (EARLY, "memory", None, "memory"),
        (EARLY, "", -11, "crash"),
        (LAST, "time", None, "time"),
        (b"", "time", None, "time"),
        (LAST + LAST, "", 0, "channel"),
        (LAST + EARLY, "time", None, "time"),
        (EARLY + LAST + b"more", "", 0, "channel"),
    ],
)
def test_an_early_reply_holds_when_the_time_is_over_and_no_better_one_came(
    written: bytes, stopped: str, status: int | None, expected: object
) -> None:
    seen = Watched(reply=bytearray(written), stopped=stopped, status=status)
    reply = _reply(REQUEST, seen)
    assert (reply["facts"]["draws"] if reply["ok"] else reply["reason"]) == expected
    assert "early" not in reply
