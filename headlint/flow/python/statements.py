"""What statements do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from headlint.flow.machine.branches import contradicts_defaults
from headlint.flow.machine.state import Cell
from headlint.flow.python import decisions, definitions, expressions, iteration, loops, names, switches
from headlint.flow.values.conditions import Condition, Guard
from headlint.flow.values.facts import Event
from headlint.flow.values.library_values import Dataset, Layer
from headlint.flow.values.python_values import (
    Constant,
    FrameworkName,
    ListValue,
    Scope,
    Site,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor
from headlint.frameworks import training
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def execute(machine: Machine, body: Iterable[ir.Statement]) -> bool:
    """Run statements in order; False when one of them leaves (returns, raises, breaks)."""
    for statement in body:
        machine.step()
        if _EFFECTS[type(statement)](machine, statement) is False:
            return False
    return True


def _evaluate(machine: Machine, node: ir.Evaluate) -> None:
    value = machine.evaluate(node.value)
    match node.value:
        case ir.Call(function=ir.Attribute(name=name, owner=(ir.Name() | ir.Attribute()) as owner)) if (
            isinstance(value, Tensor) and name.endswith("_") and isinstance(machine.evaluate(owner), Tensor)
        ):
            assign(machine, owner, value)  # a method that changes the tensor in its place
        case ir.Call(function=ir.Attribute(name="set_grad_enabled") | ir.Name(name="set_grad_enabled")) as call:
            _switch_gradients(machine, call, value)


def _switch_gradients(machine: Machine, call: ir.Call, switch: Value) -> None:
    """``torch.set_grad_enabled(False)`` on its own holds for what follows; one that depends on anything holds for nothing."""
    frame = machine.frame
    certain = not frame.conditional and len(machine.state.path) == frame.path_length
    off = certain and switch == FrameworkName("torch.no_grad")
    machine.without_gradient = int(off)
    machine.no_gradient_at = machine.site(call) if off else machine.no_gradient_at


def _assert(machine: Machine, node: ir.Assert) -> bool:
    """Behind an assertion its test holds: of what it refuses nothing is reported."""
    held = [guards for guards, outcome in machine.decide(node.test) if outcome]
    if not held:
        return _leaves(machine, "raise")
    machine.follow(node, node.test, False)
    if len(held) == 1:
        machine.state.path = (*machine.state.path, *(guard.as_required() for guard in held[0]))
    machine.follow(node, node.test, True)
    return True


def _assign(machine: Machine, node: ir.Assign) -> None:
    value = machine.evaluate(node.value)
    if machine.frame.by_mode:
        machine.frame.chosen_by_mode.append(value)
    match node:
        case ir.Assign(
            targets=(ir.Name(name=total) as sum_,), value=ir.Binary(operator="+", left=ir.Name(name=left), right=right)
        ) if total == left:
            for factor in _factors_by_name(right):
                _note_sum(machine, sum_, machine.evaluate(factor), value, machine.site(node.value))
    for target in node.targets:
        _note_begun(machine, target, node.value)
        assign(machine, target, _set_by_hand(machine, target, node.value, value))
        match target, node.value:
            case ir.Attribute(name="weight"), ir.Attribute(name="weight", owner=owner):
                _note_tied(machine, machine.evaluate(owner))
            case _:
                pass


def _factors_by_name(node: ir.Expression) -> tuple[ir.Expression, ...]:
    """What is added by its name, alone or weighted: ``loss``, ``loss * size``."""
    match node:
        case ir.Name() | ir.Attribute():
            return (node,)
        case ir.Binary(operator="*" | "/", left=left, right=right):
            return tuple(one for one in (left, right) if isinstance(one, ir.Name))
        case _:
            return ()


def _set_by_hand(machine: Machine, target: ir.Expression, written: ir.Expression, value: Value) -> Value:
    """What a variable of the module gets; a switch that is written out may be turned by hand."""
    match target, written:
        case ir.Name(name=name), ir.Literal() if names.home_of(machine, name).kind == "module":
            return switches.as_switch(machine, name, value)
        case _:
            return value


def _note_tied(machine: Machine, layer: Value) -> None:
    """Another layer gets the weights of this one too: whoever writes to it shares them."""
    if isinstance(layer, Layer):
        machine.state.write(layer, "weight", Unknown("tied weights"))


def assign(machine: Machine, target: ir.Expression, value: Value) -> None:
    """Bind a target to a value."""
    match target:
        case ir.Name(name=name):
            home = names.home_of(machine, name)
            if home.kind == "module" and isinstance(value, Constant):
                _notice_reassignment(machine, home, name, value)
            machine.state.write(home, name, value)
        case ir.Attribute():
            owner = machine.evaluate(target.owner)
            machine.libraries.assigning(machine, owner, target.name, value, machine.site(target))
            machine.set_attribute(owner, target.name, value, target.at)
        case ir.Subscript():
            owner = machine.evaluate(target.owner)
            index = machine.evaluate(target.index)
            machine.set_item(owner, index, value, target.at)
            if isinstance(owner, Tensor):
                machine.parts.spend(owner)
                item = _item_of_round(machine, target.owner)
                assign(machine, target.owner, machine.tensors.filled(owner, index, value, machine.site(target), item))
        case ir.Display(items=targets):
            _assign_to_several(machine, targets, value)
        case ir.Starred():
            assign(machine, target.value, value)
        case _:
            pass


def _note_begun(machine: Machine, target: ir.Expression, written: ir.Expression) -> None:
    """Note in which round of a loop a variable gets what is not made of itself: sums in it begin anew in each."""
    match target:
        case ir.Name(name=name) if machine.rounds and name not in ir.names_in(written):
            home = names.home_of(machine, name)
            machine.begun[home, name] = machine.rounds[-1]
            match machine.sums.get((home, name)):
                case (site, began) if began is machine.rounds[-1]:
                    machine.note_event(Event.LET_GO, site, Unknown())
        case ir.Display(items=targets) if machine.rounds:
            for one in targets:
                _note_begun(machine, one, written)
        case _:
            pass


def _item_of_round(machine: Machine, collection: ir.Expression) -> Value | None:
    """What the innermost loop goes through; None where the round began what it puts something into."""
    if not machine.rounds:
        return None
    innermost = machine.rounds[-1]
    match collection:
        case ir.Name(name=name) if machine.begun.get((names.home_of(machine, name), name)) is innermost:
            return None
        case _:
            over = innermost.loop.over
            return iteration.element(machine, over) if isinstance(over, Dataset) else Unknown()


def _notice_reassignment(machine: Machine, home: Scope, name: str, value: Constant) -> None:
    known = home.slots.get(name)
    if isinstance(known, Constant) and known.value not in (None, value.value):
        home.unit.reassigned.add(name)


def _assign_to_several(machine: Machine, targets: tuple[ir.Expression, ...], value: Value) -> None:
    starred = next((index for index, target in enumerate(targets) if isinstance(target, ir.Starred)), None)
    if starred is None:
        for target, item in zip(targets, iteration.unpack(machine, value, len(targets)), strict=True):
            if isinstance(target, ir.Name) and target.name.startswith("_"):
                machine.parts.left_out.add(item)
            assign(machine, target, item)
        return
    items = iteration.known_items(machine, value)
    behind = len(targets) - starred - 1
    if items is None or len(items) < starred + behind:
        for target in targets:
            assign(machine, target, Unknown())
        return
    end = len(items) - behind
    for target, item in zip(targets[:starred], items[:starred], strict=True):
        assign(machine, target, item)
    assign(machine, targets[starred], ListValue(tuple(items[starred:end])))
    for target, item in zip(targets[starred + 1 :], items[end:], strict=True):
        assign(machine, target, item)


def _declare(machine: Machine, node: ir.Declare) -> None:
    """A bare annotation binds nothing; dataclass fields are read from the class body itself."""


def _augmented(machine: Machine, node: ir.AugmentedAssign) -> None:
    left, right = machine.evaluate(node.target), machine.evaluate(node.value)
    if isinstance(left, ListValue) and node.operator == "+":
        more = iteration.known_items(machine, right)
        left.approximate = left.approximate or more is None
        machine.extend(left, more if more is not None else [iteration.element(machine, right)])
        return
    result = machine.state.distribute(
        [left, right], lambda one, two: expressions.binary(machine, node.operator, one, two, node.at)
    )
    if node.operator == "+":
        _note_sum(machine, node.target, right, result, machine.site(node.value))
    assign(machine, node.target, result)


def _note_sum(machine: Machine, target: ir.Expression, added: Value, total: Value, site: Site) -> None:
    """``total += value`` in a loop, where the total was not begun in the same round."""
    if not machine.rounds:
        return
    match target:
        case ir.Name(name=name) if machine.begun.get((names.home_of(machine, name), name)) is machine.rounds[-1]:
            return
        case ir.Name() | ir.Attribute() | ir.Subscript():
            if isinstance(target, ir.Name):
                machine.sums[names.home_of(machine, target.name), target.name] = (site, machine.rounds[-1])
            for option in machine.state.alternatives(added):
                if isinstance(option.value, Tensor | Unknown):
                    machine.on_path(option.guards, partial(_note_kept, machine, option.value, total, site))


def _note_kept(machine: Machine, added: Value, total: Value, site: Site) -> None:
    machine.note_event(Event.KEPT, site, added, by=machine.state.narrow(total))


def _return(machine: Machine, node: ir.Return) -> bool:
    value: Value = Constant(None) if node.value is None else machine.evaluate(node.value)
    machine.give_back(value)
    machine.frame.leaves.add("return")
    return False


def _if(machine: Machine, node: ir.If) -> bool:
    frame, asked = machine.frame, machine.frame.mode_tests
    branches: list[tuple[tuple[Guard, ...], Callable[[], bool | None]]] = []
    for guards, outcome in machine.decide(node.test):
        body = node.body if outcome else node.otherwise
        if not outcome and not node.otherwise:
            guards = _past_all_names(machine, guards)
        follow = _follow_an_option if contradicts_defaults(guards) else _follow
        branches.append((guards, partial(follow, machine, node, outcome, body)))
    by_mode = frame.mode_tests > asked
    settled = len(branches) == 1 and not branches[0][0]
    before = len(machine.state.path)
    with machine.frame.decided(by_mode):
        goes_on = bool(branches[0][1]()) if settled else machine.state.branch(branches)
    if by_mode:
        left = (machine.read(frame.scope, name) for name in _assigned_in(node))
        frame.chosen_by_mode += (value for value in left if value is not None)
    if not settled and (_raises(node.body) or _raises(node.otherwise)):
        path = machine.state.path
        machine.state.path = (*path[:before], *(guard.as_required() for guard in path[before:]))
    _note_leaving(machine, node, by_mode)
    return goes_on


def _assigned_in(node: ir.If) -> Iterator[str]:
    """The variables that one of its branches gives another value, whichever is followed."""
    for statement in (*node.body, *node.otherwise):
        match statement:
            case ir.Assign(targets=(ir.Name(name=name),)):
                yield name


def _past_all_names(machine: Machine, guards: tuple[Guard, ...]) -> tuple[Guard, ...]:
    """The conditions of the way past ``if kind == "a": … elif kind == "b": …``, which nobody names."""
    match guards:
        case (Guard(rules_out_a_name=True) as last,) if any(
            one.rules_out_a_name and one.condition.subject is last.condition.subject for one in machine.state.path
        ):
            return (last.past_all_names(),)
        case _:
            return guards


def _follow(machine: Machine, node: ir.If, outcome: bool, body: tuple[ir.Statement, ...]) -> bool:
    machine.follow(node, node.test, outcome)
    return machine.execute(body)


def _follow_an_option(machine: Machine, node: ir.If, outcome: bool, body: tuple[ir.Statement, ...]) -> bool | None:
    """Follow what only another than the default leads to; None where that would leave too few steps for the default."""
    finished: bool | None = None

    def run() -> None:
        nonlocal finished
        finished = _follow(machine, node, outcome, body)

    machine.with_share_of_options(run)
    return finished


def _raises(body: tuple[ir.Statement, ...]) -> bool:
    """Whether a block ends in an error."""
    return bool(body) and isinstance(body[-1], ir.Leave) and body[-1].kind == "raise"


def _note_leaving(machine: Machine, node: ir.If, by_mode: bool) -> None:
    """Where a branch leaves, the test decides about everything behind it as well; one that raises is only a check."""
    for body in (node.body, node.otherwise):
        if body and isinstance(body[-1], ir.Return | ir.Leave):
            machine.frame.conditional += not _raises(body)
            machine.frame.by_mode += by_mode


def _with(machine: Machine, node: ir.With) -> bool:
    switched_off, switched_on = 0, False
    expects_errors = any(_expects_error(item) for item, _ in node.items)
    for item, target in node.items:
        value = machine.evaluate(item)
        if machine.is_without_gradient(item, value):
            switched_off += 1
        switched_on = switched_on or value == FrameworkName("torch.enable_grad")
        if target is not None:
            assign(machine, target, value)
        match value:
            case Unknown(key=(training.TAPE, Site())):
                machine.note_event(Event.RECORDED, machine.site(item), value)
    before, site_before = machine.without_gradient, machine.no_gradient_at
    machine.without_gradient = 0 if switched_on else before + switched_off
    if switched_off:
        machine.no_gradient_at = machine.site(node.items[0][0])
    machine.muted += expects_errors
    try:
        return machine.execute(node.body)
    finally:
        machine.without_gradient, machine.no_gradient_at = before, site_before
        machine.muted -= expects_errors


def _expects_error(item: ir.Expression) -> bool:
    """Whether ``with item:`` waits for the error that its body raises."""
    match item:
        case ir.Call(function=ir.Attribute(name=name) | ir.Name(name=name)):
            return name in ("raises", "assertRaises", "assertRaisesRegex", "assertRaisesRegexp", "suppress")
        case _:
            return False


def _try(machine: Machine, node: ir.Try) -> bool:
    """The body counts; what only a handler defines is defined as well. A handler finds things as they were before."""
    with machine.frame.decided(by_mode=False):
        return _try_all(machine, node)


def _try_all(machine: Machine, node: ir.Try) -> bool:
    handled: list[dict[Cell, Value | None]] = []
    for name, body in node.handlers:
        if name in ("KeyboardInterrupt", "AssertionError"):
            continue
        condition = Condition("site", machine.site(node))
        path = machine.state.path
        machine.state.path = (*path, Guard(condition, False))
        handled.append(machine.state.isolated(lambda body=body: machine.execute(body)))  # type: ignore[misc]
        machine.state.path = path
    goes_on = machine.execute(node.body)
    for changes in handled:
        machine.state.fill_in(changes)
    if goes_on and node.otherwise:
        goes_on = machine.execute(node.otherwise)
    if node.final:
        goes_on = machine.execute(node.final) and goes_on
    return goes_on


def _import(machine: Machine, node: ir.Import) -> None:
    names.bind_import(machine, node)


def _import_from(machine: Machine, node: ir.ImportFrom) -> None:
    names.bind_import_from(machine, node)


def _delete(machine: Machine, node: ir.Delete) -> None:
    for target in node.targets:
        match target:
            case ir.Name(name=name):
                machine.state.erase(names.home_of(machine, name), name)
            case ir.Subscript():
                machine.delete_item(machine.evaluate(target.owner), machine.evaluate(target.index))
            case ir.Attribute():
                machine.set_attribute(machine.evaluate(target.owner), target.name, Unknown())
            case _:
                pass


def _outer(machine: Machine, node: ir.Outer) -> None:
    for name in node.names:
        machine.frame.scope.outer_names[name] = node.kind


def _leave(machine: Machine, node: ir.Leave) -> bool:
    return _leaves(machine, node.kind)


def _leaves(machine: Machine, kind: str) -> bool:
    machine.frame.leaves.add(kind)
    return False


def _match(machine: Machine, node: ir.Match) -> bool:
    subject = machine.evaluate(node.subject)
    branches: list[tuple[tuple[Guard, ...], Callable[[], bool]]] = []
    excluded: tuple[Guard, ...] = ()
    for case in node.cases:
        for guards, body in _case_branches(machine, node, case, subject, excluded):
            branches.append((guards, body))
        excluded = (*excluded, *_excluding(machine, case, subject))
        if case.constants is None and not case.guarded and not case.captures:
            break
    else:
        branches.append((excluded, lambda: True))
    return machine.state.branch(branches)


def _case_branches(
    machine: Machine, node: ir.Match, case: ir.Case, subject: Value, excluded: tuple[Guard, ...]
) -> list[tuple[tuple[Guard, ...], Callable[[], bool]]]:
    machine.follow(case, node.subject, False)

    def run() -> bool:
        machine.follow(case, node.subject, True)
        for name in case.captures:
            machine.state.write(names.home_of(machine, name), name, subject if len(case.captures) == 1 else Unknown())
        return machine.execute(case.body)

    if case.constants is None:
        return [(excluded, run)]
    branches: list[tuple[tuple[Guard, ...], Callable[[], bool]]] = []
    for constant in case.constants:
        test = decisions.compare(machine, "==", subject, machine.evaluate(constant), node.at)
        branches += [((*excluded, *g), run) for g, outcome in decisions.decide_value(machine, test) if outcome]
    return branches


def _excluding(machine: Machine, case: ir.Case, subject: Value) -> tuple[Guard, ...]:
    guards: list[Guard] = []
    for constant in case.constants or ():
        test = decisions.compare(machine, "==", subject, machine.evaluate(constant), 0)
        for conditions, outcome in decisions.decide_value(machine, test):
            if not outcome and not case.guarded:
                guards.extend(conditions)
    return tuple(guards)


_EFFECTS: dict[type, Callable[[Machine, Any], bool | None]] = {
    ir.Evaluate: _evaluate,
    ir.Assert: _assert,
    ir.Assign: _assign,
    ir.Declare: _declare,
    ir.AugmentedAssign: _augmented,
    ir.Return: _return,
    ir.If: _if,
    ir.For: loops.run_for,
    ir.While: loops.run_while,
    ir.With: _with,
    ir.Try: _try,
    ir.FunctionDefinition: definitions.define_function,
    ir.ClassDefinition: definitions.define_class,
    ir.Import: _import,
    ir.ImportFrom: _import_from,
    ir.Delete: _delete,
    ir.Outer: _outer,
    ir.Leave: _leave,
    ir.Match: _match,
}
