"""Fixes of the order of axes."""

from __future__ import annotations

import libcst as cst

from headlint.fixes.case import Case, Repair
from headlint.fixes.program import CannotFix, argument, last_name

_BATCH_FIRST_OF = {"LSTM": 4, "GRU": 4, "RNN": 4, "MultiheadAttention": 8, "TransformerEncoderLayer": 6}
"""The position of ``batch_first`` among a constructor's arguments."""


def batch_first(case: Case) -> Repair:
    """HL305: a layer that takes the batch on the first axis."""
    if case.detail("batch_first") is not False:
        raise CannotFix("it is not known which of the two is meant")
    program, call = case.call(case.step("layer").place)
    name = last_name(call.func)
    if name not in _BATCH_FIRST_OF or any(arg.star for arg in call.args):
        raise CannotFix("the layer's arguments are not to be seen")
    given = argument(call, "batch_first", _BATCH_FIRST_OF[name])
    edit = (
        program.replace(given.value, "True") if given is not None else program.set_argument(call, "batch_first", "True")
    )
    reason = "the layer then reads the other axis as time, and initial states and masks may have to change as well"
    return Repair("Pass batch_first=True", reason, (edit,))


def axes_exchanged(case: Case) -> Repair:
    """HL306: an operation that moves the numbers with their axes."""
    program, call = case.call(case.finding.place)
    order = [int(axis) for axis in str(case.detail("order")).split(",") if axis]
    if not order or not isinstance(call.func, cst.Attribute) or call.func.attr.value not in ("view", "reshape"):
        raise CannotFix("it is not known which axes are exchanged")
    if len(call.args) != len(order) and len(call.args) != 1:
        raise CannotFix("it is a function, not a method of the tensor")
    moved = [axis for place, axis in enumerate(order) if axis != place]
    swap = len(moved) == 2
    written = f"transpose({min(moved)}, {max(moved)})" if swap else f"permute({', '.join(map(str, order))})"
    text = f"{program.text(call.func.value)}.{written}"
    reason = "the numbers then stand where the names say, so what was trained on mixed rows no longer fits"
    return Repair(f"Use {'transpose' if swap else 'permute'}", reason, (program.replace(call, text),))
