"""Calls: functions, methods and classes of the program, and whatever else can be called."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.machine.branches import contradicts_defaults
from headlint.flow.machine.state import join
from headlint.flow.python import (
    annotated,
    attributes,
    cached_functions,
    enumerations,
    generators,
    items,
    unfollowed,
    unreturned,
)
from headlint.flow.python.defaults import replaceable
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.assumptions import Assumption, of_default
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import Event, ForwardDone, Head
from headlint.flow.values.library_values import Backbone, Container, Dataset, Layer, Loss, Model, Part
from headlint.flow.values.python_values import (
    NOT_FOLLOWED,
    TRAINING,
    BoundMethod,
    ClassValue,
    Constant,
    DictValue,
    FrameworkMethod,
    FrameworkName,
    FunctionValue,
    Instance,
    Partial,
    Scope,
    Site,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

MOST_RECURSIONS = 2


def _applies(machine: Machine, module: Instance, method: FunctionValue) -> bool:
    """Whether a method applies a module that nothing around it applies: ``forward``, or one that only makes something."""
    if machine.applying:
        return False
    return method.name == "forward" or (
        module.cls.framework_base().startswith("torch.nn.")
        and not method.name.startswith("_")
        and not any(frame.receiver is module for frame in machine.frames)
        and not machine.may_be_part_of_a_step(method.definition)
    )


def call(machine: Machine, function: Value, arguments: Arguments, at: int) -> Value:
    """The result of calling something."""
    match function:
        case FrameworkName(path):
            return machine.libraries.call_name(machine, path, arguments, at)
        case FrameworkMethod(receiver, name):
            return machine.libraries.call_method(machine, receiver, name, arguments, at)
        case Choice():
            return _call_one_of(machine, function, arguments, at)
        case FunctionValue():
            return run_function(machine, function, arguments, at)
        case BoundMethod(Instance() as receiver, inner) if _applies(machine, receiver, inner):
            return machine.applied_to(receiver, arguments, at, lambda: call(machine, function, arguments, at))
        case BoundMethod(receiver, inner):
            return run_function(machine, inner, arguments, at, receiver, function.owner)
        case ClassValue():
            return instantiate(machine, function, arguments, at)
        case Instance() if function.cls.framework_base() or function.cls.opaque:
            return machine.applied_to(function, arguments, at, lambda: call_instance(machine, function, arguments, at))
        case Instance():
            return call_instance(machine, function, arguments, at)
        case Partial(inner, positional, named):
            given = arguments.preceded_by(*positional)
            merged = {**dict(named), **given.named}
            return call(machine, inner, replace(given, named=merged), at)
        case Layer() | Container() | Model() | Backbone() | Part() | Loss():
            return machine.libraries.call_object(machine, function, arguments, at)
        case Unknown():
            return machine.libraries.call_unknown(machine, function, arguments, at)
        case _:
            return Unknown()


def _call_one_of(machine: Machine, several: Choice, arguments: Arguments, at: int) -> Value:
    """Call what may be one thing or another: of several models each gets its share of the steps."""
    before, behind = len(machine.state.path), machine.steps_left // 4
    waiting = sum(not contradicts_defaults(option.guards) for option in several.options)

    def follow(function: Value) -> Value:
        nonlocal waiting
        result: Value = Unknown(NOT_FOLLOWED)
        guards = machine.state.path[before:]

        def run() -> None:
            nonlocal result
            with machine.calling_one_of(guards):
                result = call(machine, function, arguments, at)

        if contradicts_defaults(guards):
            machine.with_share_of_options(run)
        else:
            machine.with_share(run, max(0, machine.steps_left - behind) // max(1, waiting), Event.LEFT_OUT)
            waiting -= 1
        return result

    return machine.state.distribute([several], follow)


def run_function(
    machine: Machine,
    function: FunctionValue,
    arguments: Arguments,
    at: int,
    receiver: Value | None = None,
    owner: ClassValue | None = None,
    assume_defaults: bool = False,
) -> Value:
    """Interpret a function of the program with the arguments it gets."""
    path = machine.libraries.declared_name(machine, function) if owner is None else ""
    if path:
        return machine.libraries.call_declared(machine, path, arguments, at)
    follow = partial(_follow, machine, function, arguments, at, receiver, owner, assume_defaults)
    if function.cached and not assume_defaults:
        return cached_functions.once(machine, function, arguments, follow)
    return follow()


def _follow(
    machine: Machine,
    function: FunctionValue,
    arguments: Arguments,
    at: int,
    receiver: Value | None,
    owner: ClassValue | None,
    assume_defaults: bool,
) -> Value:
    definition = function.definition
    machine.reached.add(id(definition))
    again = sum(frame.definition is definition for frame in machine.frames)
    if again >= MOST_RECURSIONS or machine.too_deep():
        machine.cut_short += 1
        return Unknown()
    if receiver is not None and function.kind != "static":
        arguments = arguments.preceded_by(receiver)
    scope = Scope(function.scope.unit, "function", function.scope)
    scope.slots.update(_bind(machine, function, arguments, assume_defaults))
    before, in_container, machine.in_container = machine.state.path, machine.in_container, False
    result: Value = Unknown(NOT_FOLLOWED)
    followed = False

    def body() -> None:
        nonlocal result, followed
        if isinstance(definition, ir.Lambda):
            result = machine.evaluate(definition.body)
            followed = True
            return
        reached = machine.execute(definition.body)
        followed = True
        if reached if not frame.returns else all(value == Constant(None) for _, value in frame.returns):
            unreturned.note(machine, frame)
        if function.generator:
            result = generators.made(frame)
        elif frame.returns:
            result = join(frame.returns)
        else:
            result = Constant(None)

    with machine.entering(
        scope, definition, owner or function.owner, _self_of(function, receiver, arguments), at
    ) as frame:
        without_gradient = machine.without_gradient
        machine.without_gradient += function.without_gradient
        try:
            machine.with_share_of_a_call(body)
        finally:
            machine.state.path, machine.in_container = before, in_container
            machine.without_gradient = without_gradient
    if not followed:
        unfollowed.note_overrides(machine, function, receiver)
    _note_result(machine, function, receiver, result)
    return result


def _note_result(machine: Machine, function: FunctionValue, receiver: Value | None, result: Value) -> None:
    """What a ``forward`` gives back, and what nobody is seen to take."""
    if function.name == "forward" and isinstance(receiver, Instance):
        definition = function.definition
        site = Site(function.scope.unit.path, definition.at if isinstance(definition, ir.FunctionDefinition) else 0)
        machine.emit(ForwardDone, site, module=receiver, output=result)
    if len(machine.frames) == 1 or function.generator:
        machine.parts.spend(*(result.item,) if isinstance(result, Dataset) else (result,))


def _self_of(function: FunctionValue, receiver: Value | None, arguments: Arguments) -> Value | None:
    if receiver is not None:
        return receiver
    return arguments.positional[0] if function.owner is not None and arguments.positional else None


def _bind(
    machine: Machine, function: FunctionValue, arguments: Arguments, assume_defaults: bool
) -> dict[object, Value]:
    definition = function.definition
    defaults = dict(function.defaults)
    remaining = list(arguments.positional)
    named: dict[Hashable, Value] = dict(arguments.named.items())
    bound: dict[object, Value] = {}
    known = arguments.complete and not assume_defaults
    for parameter in definition.parameters:
        name = parameter.name
        match parameter.kind:
            case "star":
                bound[name] = TupleValue(tuple(remaining)) if known else Unknown()
                remaining = []
                continue
            case "double_star":
                bound[name] = DictValue(named, known)
                named = {}
                continue
        value: Value | None = None
        if parameter.kind == "positional" and remaining:
            value = remaining.pop(0)
        elif name in named:
            value = named.pop(name)
        if value is not None:
            machine.branches.note_given(definition, name, value)
            if name in defaults:
                machine.overrides.add(of_default(function, name))
                _note_given(machine, value, defaults[name])
            bound[name] = value
        elif name in defaults:
            default = defaults[name]
            doubtful = assume_defaults or not arguments.complete
            if doubtful:
                default = _assumed(machine, default, of_default(function, name), definition, arguments.settings)
            bound[name] = default
        elif assume_defaults and (options := machine.branches.options_given(definition, name)) is not None:
            bound[name] = options
        else:
            bound[name] = symbol = machine.globals.child(("parameter", id(definition), name))
            if assume_defaults and machine.branches.again:
                machine.branches.forget(symbol, definition, name)
        if isinstance(bound[name], Unknown) and parameter.annotation is not None:
            promised = annotated.meant(machine, parameter.annotation, function.scope)
            bound[name] = promised if promised is not None else bound[name]
        if name == "training" and function.owner is not None and _left_open(value):
            bound[name] = TRAINING
    return bound


def _note_given(machine: Machine, value: Value, default: Value) -> None:
    """What is computed, or taken from a batch, and given where None is the default is surely not None."""
    if default != Constant(None):
        return
    for option in machine.state.alternatives(value):
        one = option.value
        if isinstance(one, Unknown) and (one.is_result or one.is_batch_item):
            machine.given.add(one)


def _left_open(value: Value | None) -> bool:
    """Whether the argument ``training`` is left to the framework, which passes True while it trains."""
    return value is None or isinstance(value, Unknown) or (isinstance(value, Constant) and value.value is None)


def _assumed(
    machine: Machine,
    default: Value,
    assumption: Assumption,
    definition: ir.Expression | ir.Statement,
    settings: bool = False,
) -> Value:
    if isinstance(default, FrameworkName):
        machine.names_assumed.setdefault(default, set()).add(assumption)
    if not isinstance(default, Constant):
        return default
    if machine.branches.again:
        anything = machine.globals.child(("any", assumption))
        machine.branches.forget(anything, definition, assumption.parameter, default.value)
        return anything
    return replaceable(machine, default, assumption, settings)


def instantiate(
    machine: Machine, cls: ClassValue, arguments: Arguments, at: int, assume_defaults: bool = False
) -> Value:
    """An object of a class of the program."""
    path = machine.libraries.declared_name(machine, cls)
    if path:
        return machine.libraries.call_declared(machine, path, arguments, at)
    if (member := enumerations.member(cls, arguments)) is not None:
        return member
    if cls.framework_base() and (thing := machine.libraries.derived(machine, cls, arguments, at)) is not None:
        return thing
    instance = Instance(cls, machine.site(at))
    machine.growth += 1
    machine.instances.append(instance)
    machine.note_made(instance, at)
    followed_before = machine.cut_short
    initializer = attributes.find_in_class(machine, cls, "__init__")
    generated = next((base for base in cls.ancestors() if isinstance(base, ClassValue) and base.dataclass), None)
    if initializer is not None and generated is not None and _inherits(generated, initializer[1]):
        initializer = None  # what a dataclass inherits makes place for the constructor that is made of its fields
    if initializer is not None and isinstance(initializer[0], FunctionValue):
        run_function(machine, initializer[0], arguments, at, instance, initializer[1], assume_defaults)
    elif generated is not None:
        _fill_dataclass(machine, instance, arguments, assume_defaults)
    elif cls.framework_base():
        machine.libraries.call_method(machine, instance, "__init__", arguments, at)
    instance.whole = machine.cut_short == followed_before
    return instance


def _inherits(cls: ClassValue, other: ClassValue) -> bool:
    return other is not cls and other in cls.ancestors()


def _fill_dataclass(machine: Machine, instance: Instance, arguments: Arguments, assume_defaults: bool) -> None:
    fields: list[str] = []
    for ancestor in reversed(instance.cls.ancestors()):
        if isinstance(ancestor, ClassValue):
            fields += [name for name in _fields_of(ancestor) if name not in fields]
    given = arguments.bind(fields)
    for name in fields:
        if name in given:
            machine.state.write(instance, name, given[name])
            continue
        default = attributes.find_in_class(machine, instance.cls, name)
        if default is not None and (assume_defaults or not arguments.complete):
            assumption = Assumption(instance.cls.unit.path, instance.cls.name, name)
            machine.state.write(instance, name, _assumed(machine, default[0], assumption, instance.cls.definition))
    after = machine.method(instance, "__post_init__")
    if after is not None:
        machine.call(after)


def _fields_of(cls: ClassValue) -> list[str]:
    names: list[str] = []
    for statement in cls.definition.body:
        match statement:
            case ir.Declare(target=ir.Name(name=name)) | ir.Assign(targets=(ir.Name(name=name),)):
                names.append(name)
    return names


_BUILT = "built by being called"
"""Where an object of Keras keeps that its ``build`` was run."""


def _build(machine: Machine, instance: Instance, arguments: Arguments, at: int) -> None:
    """Keras runs ``build(shape)`` when a layer is called first."""
    build = machine.method(instance, "build")
    if not isinstance(build, BoundMethod) or machine.read(instance, _BUILT) is not None:
        return
    machine.state.write(instance, _BUILT, Constant(True))
    given = machine.state.narrow(arguments.positional[0]) if arguments.positional else Unknown()
    shape = machine.attribute(given, "shape", at) if isinstance(given, Tensor) else Unknown("the shape of an input")
    machine.call(build, Arguments((shape,)), at)


def call_instance(machine: Machine, instance: Instance, arguments: Arguments, at: int) -> Value:
    """Call an object: a model is called through its ``forward`` or ``call``."""
    machine.parts.applied.add(instance)
    base = instance.cls.framework_base()
    if base.startswith("keras."):
        _build(machine, instance, arguments, at)
    names = ("forward", "call", "__call__") if base or instance.cls.opaque else ("__call__", "forward", "call")
    for name in names:
        found = machine.method(instance, name)
        if found is not None:
            result = machine.call(found, arguments, at)
            if name != "__call__":
                machine.emit(Head, machine.site(at), output=result, is_whole=machine.frames.of_forward() is None)
            return result
    inner = machine.read(instance, items.CONTAINER_SLOT)
    if inner is not None and not instance.whole:
        return Unknown(NOT_FOLLOWED)  # its constructor was left early: members that follow are missing
    if inner is not None:
        return machine.call(inner, arguments, at)
    return machine.libraries.call_inherited(machine, instance, arguments, at)
