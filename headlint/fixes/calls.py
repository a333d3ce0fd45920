"""Fixes of calls: a layer that is built where it should be applied."""

from __future__ import annotations

import libcst as cst

from headlint.fixes.case import Case, Repair
from headlint.fixes.program import CannotFix


def layer_applied(case: Case) -> Repair:
    """HL703: build the layer from its options, then give it the tensor."""
    program, call = case.call(case.finding.place)
    position = case.detail("position")
    if isinstance(program.parent(call), cst.Expr):
        raise CannotFix("nothing takes what the layer would give")
    if not isinstance(position, int) or position >= len(call.args) or any(arg.star for arg in call.args):
        raise CannotFix("the tensor is not to be seen")
    options = ", ".join(program.text(arg).rstrip(", ") for index, arg in enumerate(call.args) if index != position)
    text = f"{program.text(call.func)}({options})({program.text(call.args[position].value)})"
    return Repair(
        "Build the layer, then apply it",
        "what stood here was an error, or a layer where a tensor belongs",
        (program.edit(*program.span(call), text),),
        safe=True,
    )
