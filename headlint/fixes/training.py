"""Fixes of a training loop."""

from __future__ import annotations

import libcst as cst

from headlint.fixes.case import Case, Repair
from headlint.fixes.program import CannotFix, argument


def cleared_before_backward(case: Case) -> Repair:
    """HL508: the gradients are cleared before ``backward()`` adds to them."""
    program, step = case.call(case.finding.place)
    backward_program, backward = case.node(case.steps("event")[0].place)
    if backward_program is not program or program.scope(step, cst.FunctionDef) is not program.scope(
        backward, cst.FunctionDef
    ):
        raise CannotFix("the two calls stand in different functions")
    if not isinstance(step.func, cst.Attribute):
        raise CannotFix("the step is no method")
    optimizer = step.args[0].value if step.args else step.func.value
    start, _ = program.span(program.statement(backward))
    return Repair(
        "Clear the gradients before backward()",
        "each step uses the gradients of its own batch alone, so training goes another way",
        (program.edit(start, start, f"{program.text(optimizer)}.zero_grad()\n{program.margin(start)}"),),
    )


def detached_where_kept(case: Case) -> Repair:
    """HL517: what is kept has no graph, and stays the tensor that it was."""
    program, node = case.node(case.finding.place)
    match node, program.parent(node):
        case _, cst.AugAssign(value=kept) if kept is node:
            pass
        case cst.Call(func=cst.Attribute(), args=[cst.Arg(star="", value=kept)]), _:
            pass
        case _:
            raise CannotFix("it is kept in another manner")
    bare = isinstance(kept, cst.Name | cst.Attribute | cst.Subscript | cst.Call) or bool(getattr(kept, "lpar", ()))
    text = program.text(kept)
    written = f"{text}.detach()" if bare else f"({text}).detach()"
    return Repair("Keep it without its graph", "the numbers are the same", (program.replace(kept, written),), safe=True)


def attribute_spelt(case: Case) -> Repair:
    """HL516: the attribute that the library reads."""
    program, target = case.node(case.finding.place)
    if not isinstance(target, cst.Attribute):
        raise CannotFix("there is no attribute at the place")
    meant = str(case.detail("meant"))
    reason = "parameters are frozen or released that were not before"
    if meant != "requires_grad_":
        return Repair(f"Write {meant}", reason, (program.replace(target.attr, meant),))
    holder = program.parent(target)
    match program.parent(holder) if isinstance(holder, cst.AssignTarget) else None:
        case cst.Assign(targets=[_], value=value):
            start, _ = program.span(target.attr)
            _, end = program.outer(value)
            return Repair("Call requires_grad_", reason, (program.edit(start, end, f"{meant}({program.text(value)})"),))
    raise CannotFix("the attribute is set in another manner")


def shuffled(case: Case) -> Repair:
    """HL610: the loader shuffles."""
    program, loader = case.call(case.finding.place)
    written = argument(loader, "shuffle", 2)
    edit = (
        program.set_argument(loader, "shuffle", "True") if written is None else program.replace(written.value, "True")
    )
    return Repair("Shuffle the training data", "the samples come in another order", (edit,))
