"""Where others than the loss use what an activation gives: they go on getting it when the loss gets raw scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import libcst as cst

from headlint.findings.finding import Step
from headlint.fixes.activations import application, is_method, taken_by
from headlint.fixes.case import Case
from headlint.fixes.edits import Edit
from headlint.fixes.program import CannotFix, Position, Program, argument, dotted, last_name
from headlint.fixes.spelling import spelled

_FUNCTIONS = (cst.FunctionDef, cst.Lambda)
_NAMES_FOR_SCORES = ("logits", "scores", "raw_scores")


@dataclass(frozen=True, slots=True)
class Wrapping:
    """The call that gives from a changed value what stood there before: ``torch.softmax(…, dim=1)``."""

    functions: tuple[str, ...]
    options: str = ""

    def around(self, program: Program, node: cst.BaseExpression) -> tuple[Edit, ...]:
        """Write the call around an expression."""
        ways = [spelled(program, function) for function in self.functions]
        text, imports = next((way for way in ways if not way[1]), ways[0])
        start, end = program.outer(node)
        return (program.edit(start, start, f"{text}("), program.edit(end, end, f"{self.options})"), *imports)


EXPONENTIAL = Wrapping(("torch.exp",))
"""Probabilities from log-probabilities."""


def wrapping_of(case: Case, step: Step) -> Wrapping:
    """The functional call of PyTorch that does what the activation of a step does."""
    program, call = case.call(step.place)
    name = step.name.rpartition(".")[2].lower().replace("_", "")
    match step.name.partition(".")[0], name:
        case "torch", "sigmoid":
            return Wrapping(("torch.sigmoid",))
        case "torch", "softmax":
            return Wrapping(("torch.softmax", "torch.nn.functional.softmax"), f", dim={_axis(program, call)}")
        case "torch", "logsoftmax":
            return Wrapping(("torch.log_softmax", "torch.nn.functional.log_softmax"), f", dim={_axis(program, call)}")
    raise CannotFix("it is no activation that is known as a function")


def _axis(program: Program, call: cst.Call) -> str:
    """The axis that a softmax names, or the one over which the losses of PyTorch expect the classes."""
    functional = last_name(call.func)[:1].islower() and not is_method(program, call)
    given = argument(call, "dim", 1 if functional else 0)
    if given is None:
        return "1"
    if not isinstance(given.value, cst.Integer | cst.UnaryOperation):
        raise CannotFix("its axis is not written there")
    return program.text(given.value)


def scores_for_the_loss(case: Case, step: Step) -> tuple[Edit, ...]:
    """Give a loss what the activation beside it is applied to; nothing where this does not spare others a change.

    The activation stays for those who use its value. Where nobody is left it goes.
    """
    program, node = case.node(step.place)
    home, loss = case.node(case.finding.place)
    applied = application(program, node)
    if applied is None or home is not program:
        return ()
    if program.inside(loss, applied):
        return (program.put_in_place(applied, taken_by(program, applied)),)
    held = _variable(program, applied)
    if held is None:
        return ()
    function = program.scope(applied, *_FUNCTIONS)
    uses = _uses(program, held, applied)
    given = [use for use in uses if program.inside(loss, use)]
    if len(given) != 1 or program.scope(loss, *_FUNCTIONS) is not function:
        return ()
    others = [use for use in uses if use is not given[0]]
    scores = taken_by(program, applied)
    if isinstance(scores, cst.Name):
        if scores.value == held.value or _changes(program, function, scores.value, applied, given[0]):
            return ()
        instead = program.replace(given[0], scores.value)
        assignment = program.parent(applied)
        if others or not isinstance(assignment, cst.Assign):
            return (instead,)
        return (instead, program.drop_statement(assignment))
    if all(only_orders(program, use) for use in others):
        return ()
    return _scores_named(program, function, scores, given[0])


def _scores_named(
    program: Program, function: cst.CSTNode, scores: cst.BaseExpression, given: cst.Name
) -> tuple[Edit, ...]:
    """A variable for the scores, which an activation and a loss then take."""
    name = next((one for one in _NAMES_FOR_SCORES if not program.references(function, one)), None)
    line = program.statement(scores)
    if name is None or len(line.body) != 1:
        return ()
    start = program.span(line)[0]
    text = program.text(scores)
    in_brackets = f"({text})" if "\n" in text else text
    written = f"{name} = {in_brackets}\n{program.margin(start)}"
    return (program.edit(start, start, written), program.replace(scores, name), program.replace(given, name))


def other_uses_kept(case: Case, step: Step, wrapping: Wrapping) -> tuple[Edit, ...]:
    """Write a call around the values that others than the loss use; nothing where they only compare them."""
    edits: list[Edit] = []
    program, node = case.node(step.place)
    home, loss = case.node(case.finding.place)
    applied = application(program, node)
    positions: set[int | None] = {None}
    if applied is not None:
        given_back = _given_back(program, applied)
        positions = set(given_back.values()) or positions
        others = [use for use in _held_by(program, applied) if use not in given_back and not program.inside(loss, use)]
        edits += _around(program, others, wrapping)
    if len(positions) > 1:
        raise CannotFix("the model gives one value or several")
    (position,) = positions
    for place in case.finding.other_uses:
        other, call = case.node(place)
        edits += _kept(other, call, wrapping) if position is None else _item_kept(other, call, position, wrapping)
    given = argument(loss, "input", 0) if isinstance(loss, cst.Call) else None
    if given is not None and isinstance(given.value, cst.Name):
        others = [use for use in _uses(home, given.value, loss) if not home.inside(loss, use)]
        edits += _around(home, others, wrapping)
    return tuple(dict.fromkeys(edits))


def _kept(program: Program, call: cst.BaseExpression, wrapping: Wrapping) -> Iterable[Edit]:
    if isinstance(program.parent(call), cst.Expr):
        return ()
    if _variable(program, call) is not None and all(only_orders(program, use) for use in _held_by(program, call)):
        return ()
    return _around(program, [call], wrapping)


def _item_kept(program: Program, call: cst.BaseExpression, position: int, wrapping: Wrapping) -> Iterable[Edit]:
    """As ``_kept``, of one of the values that a call gives."""
    match program.parent(call):
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Tuple() as target)]) if position < len(target.elements):
            held = target.elements[position].value
            if isinstance(held, cst.Name):
                return _around(program, _uses(program, held, call), wrapping)
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=cst.Integer(value=index)))]) as item:
            return _kept(program, item, wrapping) if int(index) == position else ()
        case cst.Expr():
            return ()
        case _:
            pass
    raise CannotFix("what is done with it is not to be seen")


def _held_by(program: Program, made: cst.BaseExpression) -> list[cst.Name]:
    """The uses of the variable that an expression is assigned to."""
    held = _variable(program, made)
    return _uses(program, held, made) if held is not None else []


def _given_back(program: Program, applied: cst.Call) -> dict[cst.BaseExpression, int | None]:
    """Where a function gives back a value that it makes, each time with its place in a tuple or None."""
    uses: Sequence[cst.BaseExpression] = _held_by(program, applied) or [applied]
    found: dict[cst.BaseExpression, int | None] = {}
    for use in uses:
        item = program.parent(use)
        match item:
            case cst.Return():
                found[use] = None
            case cst.Element() if isinstance(row := program.parent(item), cst.Tuple):
                if isinstance(program.parent(row), cst.Return):
                    found[use] = list(row.elements).index(item)
            case cst.Element() | cst.DictElement():
                raise CannotFix("the model gives several values")
            case _:
                pass
    return found


def _around(program: Program, nodes: Iterable[cst.BaseExpression], wrapping: Wrapping) -> Iterable[Edit]:
    for node in nodes:
        if not only_orders(program, node):
            yield from wrapping.around(program, node)


def _variable(program: Program, node: cst.BaseExpression) -> cst.Name | None:
    """The variable that an expression is assigned to."""
    match program.parent(node):
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name() as name)]):
            return name
    return None


def _uses(program: Program, held: cst.Name, at: cst.BaseExpression) -> list[cst.Name]:
    """The places where a variable is read while it holds the value that it has at, or gets by, an expression."""
    references = program.references(program.scope(at, *_FUNCTIONS), held.value)
    writes = [node for node in references if program.is_written(node)]
    before = [node for node in writes if program.span(node) <= program.span(at)]
    behind = [node for node in writes if program.span(node) > program.span(at)]
    first = _end_of_assignment(program, before[-1]) if before else (0, 0)
    last = program.span(behind[0])[0] if behind else (len(program.lines) + 1, 1)
    return [node for node in references if node not in writes and first < program.span(node)[0] < last]


def _end_of_assignment(program: Program, written: cst.Name) -> Position:
    """The position from which on a variable holds what is written there."""
    kinds = (cst.Assign, cst.AnnAssign, cst.AugAssign, cst.NamedExpr)
    assignment = next((node for node in program.around(written) if isinstance(node, kinds)), written)
    return program.span(assignment)[1]


def _changes(
    program: Program, function: cst.CSTNode, name: str, first: cst.BaseExpression, last: cst.BaseExpression
) -> bool:
    """Whether a variable gets another value between two places."""
    return any(
        program.is_written(node) and program.span(first) < program.span(node) < program.span(last)
        for node in program.references(function, name)
    )


_PASSES_ON = ("data", "detach", "cpu", "cuda", "to", "numpy", "squeeze", "view", "reshape", "flatten")
_ONLY_ORDERS = ("argmax", "argsort", "shape", "size", "device", "dtype", "ndim", "dim")
_VALUES_AND_INDICES = ("max", "min", "topk", "sort")


def only_orders(program: Program, node: cst.BaseExpression, follow: bool = True) -> bool:
    """Whether a value is only asked which of its entries is the largest, or for its shape: raw scores say the same.

    ``follow`` looks into the function of the same file that it is passed to.
    """
    parent = program.parent(node)
    match parent:
        case cst.Attribute(value=value, attr=cst.Name(value=name)) if value is node:
            above = program.parent(parent)
            call = above if isinstance(above, cst.Call) and above.func is parent else None
            if name in _PASSES_ON:
                return only_orders(program, call or parent, follow)
            return name in _ONLY_ORDERS or (name in _VALUES_AND_INDICES and _indices_only(program, call))
        case cst.Arg():
            taker = program.parent(parent)
            return isinstance(taker, cst.Call) and _call_only_orders(program, taker, parent, follow)
        case cst.Del():
            return True
    return False


def _call_only_orders(program: Program, call: cst.Call, given: cst.Arg, follow: bool) -> bool:
    """Whether a call only asks for the order of what an argument gives it."""
    name = last_name(call.func)
    if call.args[0] is given and name in _VALUES_AND_INDICES:
        return _indices_only(program, call)
    if call.args[0] is given and name in ("argmax", "len"):
        return True
    return follow and _only_orders_inside(program, call, given)


def _indices_only(program: Program, call: cst.Call | None) -> bool:
    """Whether of the pair of values and indices that a call gives only the indices are used."""
    match program.parent(call) if call is not None else None:
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=cst.Integer(value="1")))]):
            return True
        case cst.Attribute(attr=cst.Name(value="indices")):
            return True
        case (
            cst.Assign(
                targets=[cst.AssignTarget(target=cst.Tuple(elements=[cst.Element(value=cst.Name() as values), _]))]
            ) as pair
        ):
            references = program.references(program.scope(pair, *_FUNCTIONS), values.value)
            return all(program.is_written(node) for node in references)
    return False


def _only_orders_inside(program: Program, call: cst.Call, given: cst.Arg) -> bool:
    """Whether a function of the same file only asks for the order of what it is given at a position."""
    position = list(call.args).index(given)
    for function in program.module.body:
        if isinstance(function, cst.FunctionDef) and function.name.value == dotted(call.func):
            parameters = function.params.params
            if any(arg.star or arg.keyword for arg in call.args[: position + 1]) or position >= len(parameters):
                return False
            uses = program.references(function.body, parameters[position].name.value)
            return all(only_orders(program, use, follow=False) for use in uses)
    return False
