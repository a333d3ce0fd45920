"""Taking an activation away, or writing another in its place."""

from __future__ import annotations

import libcst as cst

from headlint.findings.finding import Step
from headlint.fixes.case import Case
from headlint.fixes.edits import Edit
from headlint.fixes.program import CannotFix, Program, argument, dotted, last_name
from headlint.fixes.spelling import beside, spelled

_FRAMEWORKS = ("torch.", "keras.", "tensorflow.")
_INPUTS = ("input", "x", "inputs", "logits", "features", "a")
_SEQUENCES = ("Sequential", "append", "add")
_FORWARD = ("forward", "call", "__call__")


def take_away(case: Case, step: Step) -> tuple[Edit, ...]:
    """Let the scores pass where the activation of a step stands."""
    program, node = case.node(step.place)
    if isinstance(program.parent(node), cst.Arg) and not _is_functional(program, node, step):
        return (_take_argument_away(program, node),)
    if not isinstance(node, cst.Call):
        raise CannotFix("there is no call at the place")
    if _is_functional(program, node, step):
        return (program.put_in_place(node, taken_by(program, node)),)
    if last_name(node.func) == "fully_connected" and argument(node, "activation_fn") is None:
        return (program.set_argument(node, "activation_fn", "None"),)
    if not last_name(node.func)[:1].isupper():
        raise CannotFix("it is no constructor")
    return drop_layer(program, node)


def application(program: Program, node: cst.BaseExpression) -> cst.Call | None:
    """The call that applies an activation, from that call itself or from the constructor; None inside a container."""
    if not isinstance(node, cst.Call):
        return None
    if not last_name(node.func)[:1].isupper():
        return node
    parent = program.parent(node)
    match parent:
        case cst.Call(func=func) if func is node:
            return parent
        case cst.Assign(targets=[cst.AssignTarget(target=target)]) if isinstance(target, cst.Name | cst.Attribute):
            applied = program.parent(_reference(program, parent, target))
            return applied if isinstance(applied, cst.Call) else None
    return None


def _is_functional(program: Program, node: cst.BaseExpression, step: Step) -> bool:
    """Whether a node is the functional call that a step names."""
    if not isinstance(node, cst.Call):
        return False
    wanted = step.name.rpartition(".")[2]
    if wanted[:1].isupper():
        return False
    held = (
        program.meaning(node.func) is None and [arg.star for arg in node.args] == [""] and dotted(node.func) is not None
    )
    return held or wanted in {last_name(node.func), (program.meaning(node.func) or "").rpartition(".")[2]}


def taken_by(program: Program, call: cst.Call) -> cst.BaseExpression:
    """What a functional call or a method is applied to."""
    if is_method(program, call):
        assert isinstance(call.func, cst.Attribute)
        return call.func.value
    for keyword in _INPUTS:
        given = argument(call, keyword, 0)
        if given is not None:
            return given.value
    raise CannotFix("its input is not to be seen")


def is_method(program: Program, call: cst.Call) -> bool:
    """Whether a call is that of a value's method, as ``x.softmax(1)``."""
    return isinstance(call.func, cst.Attribute) and program.meaning(call.func) is None and not _of_self(call.func)


def _of_self(func: cst.BaseExpression) -> bool:
    return isinstance(func, cst.Attribute) and isinstance(func.value, cst.Name) and func.value.value == "self"


def _take_argument_away(program: Program, node: cst.BaseExpression) -> Edit:
    """Take ``activation="softmax"`` out of a layer, or the layer ``Activation("softmax")`` out of its model."""
    arg = program.parent(node)
    call = program.parent(arg) if arg is not None else None
    if not isinstance(arg, cst.Arg) or not isinstance(call, cst.Call):
        raise CannotFix("it is no argument")
    if isinstance(node, cst.Call) and arg.keyword is None:
        return _one(drop_layer(program, node))
    if last_name(call.func) == "Activation":
        return _one(drop_layer(program, call))
    if arg.keyword is not None and arg.keyword.value in ("activation", "activation_fn"):
        if arg.keyword.value == "activation_fn":
            return program.replace(node, "None")
        return program.remove_item(call.args, arg)
    if arg.keyword is None and isinstance(node, cst.SimpleString | cst.Attribute):
        return program.remove_item(call.args, arg) if call.args[-1] is arg else program.replace(node, "None")
    raise CannotFix("it is no activation argument")


def _one(edits: tuple[Edit, ...]) -> Edit:
    (edit,) = edits
    return edit


def drop_layer(program: Program, node: cst.BaseExpression) -> tuple[Edit, ...]:
    """Take a layer out of the model, by the place where it is built or referred to."""
    parent = program.parent(node)
    match parent:
        case cst.Call(func=func) if func is node:
            return (program.put_in_place(parent, taken_by_layer(parent)),)
        case cst.Arg():
            call = program.parent(parent)
            if isinstance(call, cst.Call) and last_name(call.func) in ("append", "add", "add_module"):
                return (program.drop_statement(_own_statement(program, call)),)
            if isinstance(call, cst.Call) and last_name(call.func) == "Sequential":
                return (program.remove_item(call.args, parent),)
        case cst.Element():
            return (_drop_element(program, node, parent),)
        case cst.Assign(targets=[cst.AssignTarget(target=target)]) if isinstance(target, cst.Name | cst.Attribute):
            return _drop_application(program, parent, target)
        case _:
            pass
    return (_identity(program, node),)


def taken_by_layer(call: cst.Call) -> cst.BaseExpression:
    """What a layer is applied to."""
    if not call.args or call.args[0].star:
        raise CannotFix("its input is not to be seen")
    return call.args[0].value


def _own_statement(program: Program, call: cst.Call) -> cst.Expr:
    statement = program.parent(call)
    if not isinstance(statement, cst.Expr):
        raise CannotFix("the call's value is used")
    return statement


def _drop_element(program: Program, node: cst.BaseExpression, element: cst.Element) -> Edit:
    holder = program.parent(element)
    if isinstance(holder, cst.Tuple):  # ("name", layer) in an OrderedDict
        outer = program.parent(holder)
        row = program.parent(outer) if isinstance(outer, cst.Element) else None
        if isinstance(row, cst.List) and len(holder.elements) == 2 and isinstance(outer, cst.Element):
            return program.remove_item([one for one in row.elements if isinstance(one, cst.Element)], outer)
    if not isinstance(holder, cst.List):
        return _identity(program, node)
    around = program.parent(holder)
    if isinstance(around, cst.AugAssign) and len(holder.elements) == 1:
        return program.drop_statement(around)
    call = program.parent(around) if isinstance(around, cst.Arg) else None
    if isinstance(call, cst.Call) and last_name(call.func) == "ModuleList":
        return _identity(program, node)
    return program.remove_item([one for one in holder.elements if isinstance(one, cst.Element)], element)


def _drop_application(program: Program, assignment: cst.Assign, target: cst.Name | cst.Attribute) -> tuple[Edit, ...]:
    """Pass by a layer that has a name, where it is applied; the layer itself stays, for use outside of training."""
    return drop_layer(program, _reference(program, assignment, target))


def _reference(program: Program, assignment: cst.Assign, target: cst.Name | cst.Attribute) -> cst.BaseExpression:
    """The one place in the forward pass where a layer that has a name is referred to."""
    kinds = (cst.ClassDef,) if isinstance(target, cst.Attribute) else (cst.FunctionDef, cst.ClassDef)
    scope = program.scope(assignment, *kinds)
    uses = [one for one in program.expressions(scope) if one is not target and one.deep_equals(target)]
    if len(uses) > 1:
        uses = [one for one in uses if _function(program, one) in _FORWARD]
    if len(uses) != 1:
        raise CannotFix("it is not clear which of its applications is meant")
    return uses[0]


def _function(program: Program, node: cst.CSTNode) -> str:
    function = program.scope(node, cst.FunctionDef)
    return function.name.value if isinstance(function, cst.FunctionDef) else ""


def _identity(program: Program, node: cst.BaseExpression) -> Edit:
    """Write ``nn.Identity()`` where a layer must stand."""
    if isinstance(node, cst.Call) and (program.meaning(node.func) or "").startswith("torch.nn."):
        text, imports = beside(program, node.func, "Identity")
        if not imports:
            return program.replace(node, f"{text}()")
    raise CannotFix("it is not clear how it is used")


_FUNCTIONS = {
    ("torch", "sigmoid"): "torch.sigmoid",
    ("torch", "relu"): "torch.relu",
    ("torch", "logsigmoid"): "torch.nn.functional.logsigmoid",
}
_TORCH_CLASSES = {
    "sigmoid": "Sigmoid",
    "relu": "ReLU",
    "log_softmax": "LogSoftmax",
    "logsigmoid": "LogSigmoid",
}
_KEEPS_AXIS = ("log_softmax", "softmax")


def exchange(case: Case, step: Step, wanted: str) -> tuple[Edit, ...]:
    """Write another activation (``sigmoid``, ``softmax``, ``relu``, ``log_softmax``) in place of that of a step."""
    program, node = case.node(step.place)
    node = program.literal(node)
    match node:
        case cst.SimpleString():
            return (program.replace(node, f"{node.prefix}{node.quote}{wanted}{node.quote}"),)
        case cst.Call() if _is_functional(program, node, step):
            return _exchange_call(program, node, wanted)
        case cst.Call(func=func) if last_name(func)[:1].isupper():
            return _exchange_constructor(program, node, wanted)
        case cst.Name() | cst.Attribute() if (program.meaning(node) or "").startswith(_FRAMEWORKS):
            text, imports = beside(program, node, wanted)
            return (program.replace(node, text), *imports)
        case _:
            raise CannotFix("it is no activation")


def _exchange_call(program: Program, call: cst.Call, wanted: str) -> tuple[Edit, ...]:
    if is_method(program, call):
        assert isinstance(call.func, cst.Attribute)
        base = program.text(call.func.value)
        if wanted in _KEEPS_AXIS:
            return (program.replace(call.func.attr, wanted),)
        if wanted == "logsigmoid":
            raise CannotFix("a tensor has no such method")
        return (program.replace(call, f"{base}.{wanted}()"),)
    if wanted in _KEEPS_AXIS:
        text, imports = beside(program, call.func, wanted)
        return (program.replace(call.func, text), *imports)
    meaning = program.meaning(call.func) or ""
    known = None if meaning.startswith("torch.nn.functional.") else _FUNCTIONS.get((meaning.partition(".")[0], wanted))
    text, imports = spelled(program, known) if known else beside(program, call.func, wanted)
    return (program.replace(call, f"{text}({program.text(taken_by(program, call))})"), *imports)


def _exchange_constructor(program: Program, call: cst.Call, wanted: str) -> tuple[Edit, ...]:
    framework = (program.meaning(call.func) or "").partition(".")[0]
    if framework == "torch" and wanted in _TORCH_CLASSES:
        text, imports = beside(program, call.func, _TORCH_CLASSES[wanted])
        if wanted in _KEEPS_AXIS:
            return (program.replace(call.func, text), *imports)
        return (program.replace(call, f"{text}()"), *imports)
    if framework in ("keras", "tensorflow"):
        given = argument(call, "activation", 0)
        if last_name(call.func) == "Activation" and given is not None and isinstance(given.value, cst.SimpleString):
            return (program.replace(given.value, f"{given.value.quote}{wanted}{given.value.quote}"),)
        if last_name(call.func) in ("Softmax", "ReLU"):
            text, imports = beside(program, call.func, "Activation")
            return (program.replace(call, f'{text}("{wanted}")'), *imports)
    raise CannotFix("it is no layer of which another kind is known")
