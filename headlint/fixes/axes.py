"""Fixes of the order of axes."""

from __future__ import annotations

import libcst as cst

from headlint.fixes.case import Case, Repair
from headlint.fixes.program import CannotFix


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
