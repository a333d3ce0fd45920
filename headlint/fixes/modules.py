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


def mode_passed(case: Case) -> Repair:
    """HL609: dropout that follows the module's mode."""
    program, call = case.call(case.finding.place)
    if any(arg.star for arg in call.args):
        raise CannotFix("its arguments are not to be seen")
    module = _self_of(program, call)
    if last_name(call.func).startswith("Dropout"):
        return _function_for_layer(program, call, module)
    reason = "training computes the same, and evaluation what dropout is meant to do: nothing"
    if last_name(call.func) == "scaled_dot_product_attention":
        return _share_by_mode(program, call, module, reason)
    edit = program.set_argument(call, "training", f"{module}.training")
    return Repair(f"Pass training={module}.training", reason, (edit,), safe=True)


def _share_by_mode(program: Program, call: cst.Call, module: str, reason: str) -> Repair:
    """What attention drops, which is nothing in evaluation."""
    share = next((arg.value for arg in call.args if arg.keyword is not None and arg.keyword.value == "dropout_p"), None)
    if share is None:
        raise CannotFix("the share that it drops has no name")
    edit = program.set_argument(call, "dropout_p", f"{program.text(share)} if {module}.training else 0.0")
    return Repair(f"Drop nothing unless {module}.training", reason, (edit,), safe=True)


def _function_for_layer(program: Program, layer: cst.Call, module: str) -> Repair:
    """``F.dropout`` in place of a dropout layer that is built and called in one expression."""
    match program.parent(layer):
        case cst.Call(func=func, args=[cst.Arg(keyword=None, star="", value=given)]) as call if func is layer:
            function, imports = spelled(program, f"torch.nn.functional.{last_name(layer.func).lower()}")
            options = "".join(f"{_argument_text(program, arg)}, " for arg in layer.args)
            written = f"{function}({program.text(given)}, {options}training={module}.training)"
            reason = "training computes the same, and evaluation what dropout is meant to do: nothing"
            return Repair(
                "Use the function, with the module's mode",
                reason,
                (program.replace(call, written), *imports),
                safe=True,
            )
    raise CannotFix("it is not called where it is built")


def _self_of(program: Program, node: cst.CSTNode) -> str:
    """What the method around an expression calls its object."""
    for above in program.around(node):
        match above:
            case cst.FunctionDef(params=cst.Parameters(params=[cst.Param(name=name), *_])) if _is_method(
                program, above
            ):
                if any(isinstance(each.decorator, cst.Name) for each in above.decorators):
                    break
                return name.value
            case cst.ClassDef():
                break
    raise CannotFix("it is in no method of a module")


def _is_method(program: Program, function: cst.FunctionDef) -> bool:
    block = program.parent(function)
    return block is not None and isinstance(program.parent(block), cst.ClassDef)


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


def _argument_text(program: Program, arg: cst.Arg) -> str:
    keyword = f"{arg.keyword.value}=" if arg.keyword is not None else ""
    return keyword + program.text(arg.value)
