"""Where interpretation begins: a module's top level, then whatever of it nothing called."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct, field

from headlint.flow import unseen
from headlint.flow.machine import importing
from headlint.flow.machine.budget import (
    LEAST_STEPS_FOR_ROOTS,
    MOST_STEPS_OF_A_ROOT,
    ROOTS_IN_A_CLASS,
    TIMES_FOR_TRAINING,
)
from headlint.flow.python import attributes, calls
from headlint.flow.torch_modules import forwards, gradients, loose_parameters, parts, unused
from headlint.flow.training import apart, automatic, open_methods, undone
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.facts import OpenMethod, Returned
from headlint.flow.values.library_values import Container
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import ClassValue, Constant, DictValue, FunctionValue, Instance, Unknown, Value
from headlint.flow.values.tensor_values import ANY_SHAPE, Origin, Shape, Tensor
from headlint.flow.values.training_values import Loop
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

FIRST_METHODS = ("forward", "call", "training_step", "train_step", "fit", "train", "validation_step", "test_step")
"""Methods that a framework calls, in the order in which they are looked at."""

STEPS = (
    "setup",
    "configure_model",
    "configure_optimizers",
    "training_step",
    "train_step",
    "validation_step",
    "test_step",
)
"""Those of them that only a library calls, behind what ``training_step`` needs."""


GIVEN_TO_CALLBACKS = frozenset({"trainer", "pl_module"})
"""What Lightning gives to the methods of a callback: to all of them the same."""


def run(machine: Machine, unit: ModuleUnit) -> None:
    """Interpret a module and everything it defines."""
    importing.run(machine, unit)
    times = TIMES_FOR_TRAINING if "backward" in ir.attributes_in(unit.body) else 1
    machine.steps_of_a_root = MOST_STEPS_OF_A_ROOT * times
    machine.make_room(LEAST_STEPS_FOR_ROOTS * min(times, 2))
    machine.in_root = True
    machine.within(unit, lambda: _run_rest(machine, unit))


def _run_rest(machine: Machine, unit: ModuleUnit) -> None:
    worth = _worth_running(machine, unit)
    for function in _by_need(unit):
        machine.begin_root()
        if id(function.definition) not in machine.reached and function.owner is None and worth(function.definition):
            machine.with_share(partial(calls.run_function, machine, function, Arguments(), 0, assume_defaults=True))
    _run_steps_of_others(machine, unit)
    for cls in sorted(unit.classes, key=lambda cls: not any(made.cls is cls for made in machine.instances)):
        machine.begin_root()
        if worth(cls.definition):
            machine.with_share(partial(_run_class, machine, cls), ROOTS_IN_A_CLASS * machine.steps_of_a_root)
    for function in _lambdas(machine, unit):
        machine.with_share(partial(calls.run_function, machine, function, Arguments(), 0, assume_defaults=True))
    machine.libraries.finish(machine, unit)
    parts.note(machine, unit)
    loose_parameters.note(machine, unit)
    forwards.note(machine, unit)
    gradients.note(machine, unit)
    unused.note(machine, unit)
    undone.note(machine, unit)
    for container in machine.sequences:
        if container not in machine.applied and container.site.path == unit.path:
            machine.with_share(partial(_apply, machine, container))
    _run_apart(machine, unit)
    _run_again(machine, unit)


def _run_apart(machine: Machine, unit: ModuleUnit) -> None:
    """Run training loops on their own that no run has come to the end of, without following the models into their layers."""
    last = {instance.cls: instance for instance in machine.instances}
    machine.leaves_out_forwards = True
    for function in list(apart.functions(machine, unit)):
        machine.begin_root()
        machine.make_room(apart.MOST_STEPS)
        match function.owner:
            case None:
                machine.with_share(
                    partial(calls.run_function, machine, function, Arguments(), 0, assume_defaults=True),
                    apart.MOST_STEPS,
                )
            case ClassValue() as cls if cls in last:
                run = _Run(machine, function, last[cls], Constant(None), open_methods.is_abstract(cls))
                machine.with_share(run, apart.MOST_STEPS)
    machine.leaves_out_forwards = False


def _run_again(machine: Machine, unit: ModuleUnit) -> None:
    """Run what has branches that were not followed once more, as callers who were not seen would."""
    functions, classes = unseen.public(machine, unit)
    machine.branches.again = True
    machine.steps_of_a_root = MOST_STEPS_OF_A_ROOT
    for function in functions:
        machine.with_share(partial(calls.run_function, machine, function, Arguments(), 0, assume_defaults=True))
    for cls in classes:
        machine.with_share(partial(_run_new_instance, machine, cls), ROOTS_IN_A_CLASS * machine.steps_of_a_root)


def _run_new_instance(machine: Machine, cls: ClassValue) -> None:
    made = _instance_of(machine, cls)
    if made is not None:
        _run_methods(machine, made, again=True)


def _instance_of(machine: Machine, cls: ClassValue) -> Instance | None:
    """An object as callers who were not seen make it; also where its constructor costs too much to be followed whole."""
    known = len(machine.instances)
    machine.with_share(partial(calls.instantiate, machine, cls, Arguments(), cls.definition.at, assume_defaults=True))
    return next((instance for instance in machine.instances[known:] if instance.cls is cls), None)


def _worth_running(machine: Machine, unit: ModuleUnit) -> Callable[[ir.Statement | ir.Expression], bool]:
    """Whether a definition can reach a library: the one at the top level that it stands in tells."""
    names = machine.worth_running
    if names is None:
        return lambda definition: True
    tops = unit.body.body
    firsts = [statement.at for statement in tops]

    def worth(definition: ir.Statement | ir.Expression) -> bool:
        match tops[max(0, bisect_right(firsts, definition.at) - 1)]:
            case ir.FunctionDefinition(name=name) | ir.ClassDefinition(name=name):
                found = name in names
            case _:
                found = True
        machine.open |= not found  # what its callers hand to it is known where they are
        return found

    return worth


def _apply(machine: Machine, container: Container) -> None:
    machine.call(container, Arguments((Tensor(origin=Origin("input", "")),)), container.site.at)


def _lambdas(machine: Machine, unit: ModuleUnit) -> list[FunctionValue]:
    """The lambdas that stand at the top level, in a table of losses for example, and that nothing called."""
    return [
        function
        for function in unit.functions
        if isinstance(function.definition, ir.Lambda)
        and function.scope is unit.scope
        and id(function.definition) not in machine.reached
    ]


def _by_need(unit: ModuleUnit) -> list[FunctionValue]:
    """Functions that no other one names come first: they are the ones that call the others."""
    functions = [function for function in unit.functions if isinstance(function.definition, ir.FunctionDefinition)]
    mentioned: set[str] = set()
    for function in functions:
        mentioned |= ir.names_in(function.definition.body) - {function.name}
    return sorted(functions, key=lambda function: function.name in mentioned)


def _run_class(machine: Machine, cls: ClassValue) -> None:
    instances = [instance for instance in machine.instances if instance.cls is cls]
    if not instances:
        if any(cls in other.ancestors()[1:] for other in cls.unit.classes if other is not cls) and not _is_model(
            machine, cls
        ):
            return
        made = _instance_of(machine, cls)
        instances = [made] if made is not None else []
    for instance in instances[-1:]:
        _run_methods(machine, instance)


def _run_steps_of_others(machine: Machine, unit: ModuleUnit) -> None:
    """What a library would call of the objects that the module makes of classes of other modules."""
    last = {instance.cls: instance for instance in machine.instances}
    for cls, instance in last.items():
        configured: Value = Constant(None)
        for name in STEPS if cls.framework_base() or cls.opaque else ():
            match attributes.find_in_class(machine, cls, name):
                case (FunctionValue() as method, ClassValue() as owner) if (
                    owner.unit is not unit and id(method.definition) not in machine.reached
                ):
                    machine.begin_root()
                    run = _Run(machine, method, instance, configured, open_methods.is_abstract(cls))
                    machine.with_share(run)
                    if name == "configure_optimizers":
                        configured = machine.set_up.configured[instance] = run.result


def _is_model(machine: Machine, cls: ClassValue) -> bool:
    return any(attributes.find_in_class(machine, cls, name) is not None for name in ("forward", "call"))


def _run_methods(machine: Machine, instance: Instance, again: bool = False) -> None:
    """Run the methods nothing called; those that store something may be needed by others, so they come first."""
    methods: list[FunctionValue] = []
    for ancestor in instance.cls.ancestors():
        if isinstance(ancestor, ClassValue) and ancestor.unit is instance.cls.unit:
            for name in list(ancestor.slots):
                value = machine.read(ancestor, name)
                if isinstance(value, FunctionValue) and value.kind in ("function", "static", "class"):
                    methods.append(value)
    mentioned: set[str] = set()
    for method in methods:
        mentioned |= ir.attributes_in(method.definition.body) - {method.name}
    methods.sort(key=lambda method: _rank(method, mentioned))
    configured: Value = Constant(None)
    is_abstract = open_methods.is_abstract(instance.cls)
    for method in methods:
        machine.begin_root()
        if (id(method.definition) in machine.reached and not again) or method.name == "__init__":
            continue
        run = _Run(machine, method, instance, configured, is_abstract)
        machine.with_share(run)
        if method.name == "configure_optimizers":
            configured = machine.set_up.configured[instance] = run.result
        if method.name == "train_dataloader":
            automatic.note_batches(machine, instance, run.result)


class _Run(Struct):
    """One run of a method that nothing calls, and what it gives."""

    machine: Machine
    method: FunctionValue
    instance: Instance
    configured: Value
    of_abstract: bool
    """Whether other classes complete that of the instance."""
    result: Value = field(default_factory=Unknown)

    def __call__(self) -> None:
        machine, method = self.machine, self.method
        receiver: Value = self.instance.cls if method.kind == "class" else self.instance
        if self.of_abstract or open_methods.is_private(method.name):
            machine.emit(OpenMethod, machine.site(method.definition.at), root=machine.root)
        batches = Loop(machine.site(method.definition), Unknown() if _is_step_of_keras(method, self.instance) else None)
        with machine.in_round(batches) if _is_step(method) or batches.over is not None else nullcontext():
            self.result = calls.run_function(
                machine, method, _given(machine, method, self.instance), 0, receiver, method.owner, assume_defaults=True
            )
            if _is_step(method):
                _differentiate(machine, self.result, self.instance, self.configured, method.definition.at)
        if method.name in ("forward", "call"):
            machine.emit(Returned, machine.site(0), output=self.result)


def _is_step(method: FunctionValue) -> bool:
    """Whether a library calls a method for each batch, and differentiates what it gives back."""
    return method.name == "training_step"


def _is_step_of_keras(method: FunctionValue, instance: Instance) -> bool:
    """Whether ``fit`` or ``evaluate`` call a method for each batch."""
    return method.name in ("train_step", "test_step") and instance.cls.framework_base().startswith("keras.")


def _differentiate(machine: Machine, result: Value, module: Instance, configured: Value, at: int) -> None:
    """What a ``training_step`` gives back is differentiated by the library that calls it."""
    for option in machine.state.alternatives(result):
        loss = option.value
        if isinstance(loss, DictValue):
            loss = machine.read(loss, "loss") or loss
        machine.note_backward(loss, machine.site(0))
        if loss != Constant(None):
            automatic.step(machine, module, loss, configured, at)


_SETTING_UP = ("setup", "configure", "build", "prepare", "set_", "init", "compile", "_build", "train_dataloader")


def _rank(method: FunctionValue, mentioned: set[str]) -> tuple[int, bool]:
    if method.name in FIRST_METHODS:
        return (1, False)
    setting_up = method.name.startswith(_SETTING_UP)
    return (0, method.name in mentioned) if setting_up else (2, method.name in mentioned)


def _given(machine: Machine, method: FunctionValue, instance: Instance) -> Arguments:
    """What is known of the arguments that a library passes to a method."""
    if _is_step(method) and (batch := machine.set_up.batches.get(instance)) is not None:
        return Arguments((batch,))
    names = {parameter.name for parameter in method.definition.parameters} & GIVEN_TO_CALLBACKS
    if names and instance.cls.framework_base().startswith("pytorch_lightning."):
        return Arguments(named={name: machine.globals.child(("given to callbacks", name)) for name in sorted(names)})
    return _first_argument(method)


def _first_argument(method: FunctionValue) -> Arguments:
    """``forward`` and ``call`` get a tensor."""
    positional = [parameter for parameter in method.definition.parameters if parameter.kind == "positional"]
    if method.name in ("forward", "call") and len(positional) >= 2 and method.kind == "function":
        name, body = positional[1].name, method.definition.body
        shape = _axes_read(body, name) if isinstance(body, tuple) else ANY_SHAPE
        return Arguments((Tensor(shape=shape, origin=Origin("input", name)),))
    return Arguments()


def _axes_read(body: tuple[ir.Statement, ...], name: str) -> Shape:
    """How many axes a parameter has, where a function begins with ``batch, steps, width = parameter.shape``."""
    for statement in body:
        match statement:
            case ir.Assign(targets=(ir.Display(items=targets),), value=value) if _is_shape_of(value, name):
                starred = any(isinstance(target, ir.Starred) for target in targets)
                return ANY_SHAPE if starred or len(targets) < 3 else Shape((None,) * len(targets))
            case ir.Assign() | ir.Evaluate():
                if isinstance(statement, ir.Assign) and name in ir.names_in(statement.targets):
                    return ANY_SHAPE
            case _:
                return ANY_SHAPE
    return ANY_SHAPE


def _is_shape_of(value: ir.Expression, name: str) -> bool:
    match value:
        case ir.Attribute(owner=ir.Name(name=owner), name="shape"):
            return owner == name
        case ir.Call(function=ir.Attribute(owner=ir.Name(name=owner), name="size"), arguments=()):
            return owner == name
        case _:
            return False
