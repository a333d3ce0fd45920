"""Which of the replies that a child wrote holds, by how the child ended."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from headlint.runtime.confirm import Confirmation, Workers, confirm_file
from headlint.runtime.measurement import Measurement
from headlint.runtime.options import Wanted
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


SLOW = """
import time

import keras

CALLS = []


class Slow(keras.layers.Layer):
    def call(self, values):
        CALLS.append(values)
        time.sleep(60 if len(CALLS) > 1 else 0)
        return values


inputs = keras.Input((6,))
model = keras.Model(inputs, keras.layers.Dense(3)(Slow()(inputs)))
"""


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="keras is not installed")
def test_a_model_with_inputs_of_its_own_tells_its_shapes_where_a_pass_takes_too_long(tmp_path: Path) -> None:
    program = tmp_path / "slow.py"
    program.write_text(SLOW, encoding="utf-8")
    wanted = Wanted(seconds=6.0)
    with Workers(wanted) as workers:
        (one,) = confirm_file(program, "model", (), (), wanted, workers, tmp_path)
    assert isinstance(one, Confirmation)
    assert isinstance(one.outcome, Measurement), one.outcome
    assert one.outcome.outputs[0].shape == (5, 3)
    assert not one.outcome.outputs[0].train
