"""Fixes that switch a model between training and evaluation mode."""

from __future__ import annotations

import libcst as cst

from headlint.fixes.case import Case, Repair
from headlint.fixes.edits import Edit
from headlint.fixes.program import CannotFix, Program

_ASKING = "it is asked without dropout and with the statistics that batch norm has collected, so the numbers change"


def evaluation_before(case: Case) -> Repair:
    """HL607: ``model.eval()`` in front of the loop, or of the statement, in which the model is judged."""
    program, call = case.call(case.finding.place)
    model = _model(program, call)
    before = _put_before(program, _judging(case, program, call), f"{model}.eval()")
    return Repair(f"Call {model}.eval() before", _ASKING, (before,))


def evaluation_around(case: Case) -> Repair:
    """HL607: the same, and ``model.train()`` behind it, where the training goes on."""
    program, call = case.call(case.finding.place)
    model, judging = _model(program, call), _judging(case, program, call)
    edits = (
        _put_before(program, judging, f"{model}.eval()"),
        _put_behind(program, judging, f"{model}.train()"),
    )
    return Repair(f"Call {model}.eval() before, and {model}.train() behind", _ASKING, edits)


def training_before(case: Case) -> Repair:
    """HL608: ``model.train()`` in front of the statement in which the model is applied, or ``training=True`` of Keras."""
    applied = case.step("event", "applied")
    program, call = case.call(applied.place)
    if case.detail("framework") == "keras":
        reason = "dropout drops and batch norm uses its batch again, so training goes another way"
        return Repair("Pass training=True", reason, (program.set_argument(call, "training", "True"),))
    model = _model(program, call)
    edit = _put_before(program, program.statement(call), f"{model}.train()")
    reason = "dropout drops and batch norm uses its batch again, so training goes another way"
    return Repair(f"Call {model}.train() before", reason, (edit,))


def _model(program: Program, call: cst.Call) -> str:
    """How a program names the model that it calls."""
    match call.func:
        case cst.Attribute(value=value, attr=cst.Name(value="forward")) if _is_plain(value):
            return program.text(value)
        case func if _is_plain(func):
            return program.text(func)
    raise CannotFix("the model has no name of its own")


def _is_plain(node: cst.BaseExpression) -> bool:
    match node:
        case cst.Name():
            return True
        case cst.Attribute(value=value):
            return _is_plain(value)
        case _:
            return False


def _judging(case: Case, program: Program, call: cst.Call) -> cst.BaseStatement:
    """The innermost loop around a call, in its function, if it only judges; else the statement."""
    for above in program.around(call) if not case.detail("beside_training") else ():
        match above:
            case cst.For():
                return above
            case cst.FunctionDef() | cst.ClassDef() | cst.Lambda():
                break
    return program.statement(call)


def _put_before(program: Program, statement: cst.BaseStatement, text: str) -> Edit:
    start, _ = program.span(statement)
    margin = program.margin(start)
    if len(margin) != start[1] - 1:
        raise CannotFix("something stands in front of the statement")
    return program.edit(start, start, f"{text}\n{margin}")


def _put_behind(program: Program, statement: cst.BaseStatement, text: str) -> Edit:
    start, _ = program.span(statement)
    inner = statement.body if isinstance(statement, cst.For) else statement
    _, end = program.span(inner)
    return program.edit(end, end, f"\n{program.margin(start)}{text}")
