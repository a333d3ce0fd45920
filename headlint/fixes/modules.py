"""Fixes of what a PyTorch module does with its own layers."""

from __future__ import annotations

import libcst as cst

from headlint.fixes.case import Case, Repair
from headlint.fixes.program import CannotFix, Program, last_name
from headlint.fixes.spelling import spelled

_ONLY_OF_LISTS = frozenset({"remove", "reverse", "sort", "index", "count", "copy", "setdefault", "get"})
"""Methods of lists and dicts that ``nn.ModuleList`` and ``nn.ModuleDict`` do not have."""


def registered(case: Case) -> Repair:
    """HL511: a container that registers its layers."""
    program, target = case.node(case.finding.place)
    value = _assigned(program, target)
    if case.detail("plain") is not True or _needs_a_list(program, str(case.detail("attribute"))):
        raise CannotFix("the collection does what a container of layers cannot")
    name = "ModuleDict" if case.detail("holder") == "dict" else "ModuleList"
    container, imports = spelled(program, f"torch.nn.{name}")
    bare = isinstance(value, cst.Tuple) and not value.lpar
    written = "" if _is_empty(value) else f"({program.text(value)})" if bare else program.text(value)
    start, end = program.outer(value)
    reason = "the layers are trained from now on, and weights that were saved before lack them"
    return Repair(
        f"Keep the layers in nn.{name}", reason, (program.edit(start, end, f"{container}({written})"), *imports)
    )


def _assigned(program: Program, target: cst.BaseExpression) -> cst.BaseExpression:
    """The value that an attribute gets, alone, in an assignment."""
    holder = program.parent(target)
    match program.parent(holder) if isinstance(holder, cst.AssignTarget) else None:
        case cst.Assign(targets=[_], value=value):
            return value
    raise CannotFix("the collection is bound in another manner")


def _is_empty(value: cst.BaseExpression) -> bool:
    match value:
        case cst.List(elements=[]) | cst.Dict(elements=[]) | cst.Tuple(elements=[]):
            return True
        case cst.Call(func=func, args=[]):
            return last_name(func) in ("list", "dict", "tuple", "OrderedDict")
    return False


def _needs_a_list(program: Program, attribute: str) -> bool:
    """Whether the program uses the attribute as only a list or a dict can be used."""
    for node in program.expressions(program.module):
        match node:
            case cst.Attribute(value=cst.Attribute(attr=cst.Name(value=name)), attr=cst.Name(value=method)):
                if name == attribute and method in _ONLY_OF_LISTS:
                    return True
            case cst.BinaryOperation(left=one, right=other):
                if any(isinstance(side, cst.Attribute) and side.attr.value == attribute for side in (one, other)):
                    return True
    return False
