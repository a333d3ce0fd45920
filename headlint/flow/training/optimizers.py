"""Optimizers, schedules, scalers and clipping: building them and calling their methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.training import parameters
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.facts import Event
from headlint.flow.values.python_values import Constant, FrameworkMethod, HeapObject, Unknown, Value
from headlint.flow.values.tensor_values import Origin, Tensor
from headlint.flow.values.training_values import Optimizer, Scaler, Scheduler
from headlint.frameworks import training

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

METHODS = frozenset(
    {
        "step",
        "zero_grad",
        "add_param_group",
        "state_dict",
        "load_state_dict",
        "get_last_lr",
        "scale",
        "unscale_",
        "update",
    }
    | {"get_scale", "is_enabled"}
)


def build(machine: Machine, path: str, arguments: Arguments, at: int) -> Value | None:
    """Call a class or function of this module's kind; None when the name is none of these."""
    site, name = machine.site(at), path.rpartition(".")[2]
    if path in training.OPTIMIZERS or path == training.ANY_OPTIMIZER:
        held = parameters.given_to_optimizer(machine, arguments.first("params"))
        optimizer = Optimizer(name, site, held, machine.rounds)
        machine.set_up.optimizers.append(optimizer)
        machine.note_event(Event.BUILT, site, optimizer)
        return optimizer
    if path in training.SCHEDULERS or path == training.ANY_SCHEDULER:
        return Scheduler(name, site, arguments.first("optimizer") or Unknown())
    if path in training.SCHEDULERS_BY_NAME:
        return Scheduler(name, site, arguments.after(1).first("optimizer") or Unknown())
    if path in training.SCALERS:
        return Scaler(site)
    if path in training.CLIPPING:
        clipped = parameters.given_to_optimizer(machine, arguments.first("parameters"))
        machine.note_event(Event.CLIPPED, site, clipped)
        return Unknown()
    return None


def attribute(machine: Machine, owner: HeapObject, name: str) -> Value:
    """An attribute of an optimizer, a schedule or a scaler."""
    return FrameworkMethod(owner, name) if name in METHODS else machine.globals.child((owner, name))


def call_method(machine: Machine, receiver: Value, name: str, arguments: Arguments, at: int) -> Value:
    """Call a method of an optimizer, a schedule or a scaler."""
    match receiver, name:
        case Optimizer(), _:
            return _optimizer(machine, receiver, name, arguments, at)
        case Scheduler(optimizer=optimizer), "step":
            machine.note_event(
                Event.SCHEDULED,
                machine.site(at),
                optimizer,
                by=receiver,
                given=(*arguments.positional, *arguments.named.values()),
            )
        case Scaler(), _:
            return _scaler(machine, receiver, name, arguments, at)
    return Unknown()


def _optimizer(machine: Machine, optimizer: Optimizer, name: str, arguments: Arguments, at: int) -> Value:
    match name:
        case "step":
            return step(machine, optimizer, arguments, at)
        case "zero_grad":
            machine.note_event(Event.CLEARED, machine.site(at), optimizer)
            return Constant(None)
        case "add_param_group":
            more = parameters.given_to_optimizer(machine, arguments.first("param_group"))
            optimizer.held = optimizer.held.joined_with(more)
            return Constant(None)
        case _:
            return Unknown()


def step(machine: Machine, optimizer: Value, arguments: Arguments, at: int) -> Value:
    """``optimizer.step()``, which may get a function that computes the loss anew."""
    closure = arguments.first("closure")
    if closure is not None and closure != Constant(None):
        before, machine.without_gradient = machine.without_gradient, 0  # optimizers call it under torch.enable_grad
        try:
            machine.call(closure)
        finally:
            machine.without_gradient = before
        machine.note_event(Event.STEPPED, machine.site(at), optimizer, given=(closure,))
    else:
        _note_step(machine, optimizer, at)
    return Unknown()


def _note_step(machine: Machine, optimizer: Value, at: int, by: Value | None = None) -> None:
    held = optimizer.held if isinstance(optimizer, Optimizer) else parameters.NONE
    machine.note_event(
        Event.STEPPED,
        machine.site(at),
        optimizer,
        by=by,
        frozen=parameters.are_all_frozen(machine, held),
        missing=_missing(machine, optimizer) if isinstance(optimizer, Optimizer) else frozenset(),
        stored=is_stored(machine, optimizer),
    )


def is_stored(machine: Machine, value: Value) -> bool:
    """Whether something is, or is part of, what callers gave to a function that is over, so that an object has kept it."""
    root = value
    while isinstance(root, Unknown) and root.parent is not None and root.parent is not machine.globals:
        root = root.parent
    match root:
        case Unknown(key=("parameter", int() as definition, _)):
            return all(id(frame.definition) != definition for frame in machine.frames)
        case _:
            return False


def _missing(machine: Machine, optimizer: Optimizer) -> frozenset[Value]:
    """The layers that came into a module after the optimizer, where it is known that they came after it."""
    if optimizer.opened:
        return frozenset()
    known = (machine.root_of(optimizer), machine.root)
    missing = parameters.missing_from(machine, optimizer.held)
    fitted = _fitted_anew(machine, optimizer) if missing else frozenset()
    return frozenset(
        one for one in missing if isinstance(one, HeapObject) and machine.root_of(one) in known and one not in fitted
    )


def _fitted_anew(machine: Machine, optimizer: Optimizer) -> frozenset[HeapObject]:
    """What a ``forward`` puts in the place of parts that the optimizer holds, where a test finds them too small."""
    made = machine.parts.made_in_forward
    return frozenset(
        new
        for new, old in machine.parts.in_place_of.items()
        if new in made
        and made[new].conditional
        and (not old or old & optimizer.held.members or not old.isdisjoint(made))
    )


def _scaler(machine: Machine, scaler: Scaler, name: str, arguments: Arguments, at: int) -> Value:
    first = arguments.positional[0] if arguments.positional else arguments.get("outputs", "optimizer")
    if first is None:
        return Unknown()
    return machine.state.distribute([first], lambda value: scaled(machine, scaler, name, value, at))


def scaled(machine: Machine, scaler: Scaler, name: str, value: Value, at: int) -> Value:
    """What a method of a scaler does to a loss or an optimizer."""
    match name:
        case "scale" if isinstance(value, Tensor):
            return value.derive(origin=Origin("operation", "scale", machine.site(at), note="scaled"))
        case "scale":
            return Unknown(key=("scaled", scaler, value))
        case "step":
            _note_step(machine, value, at, scaler)
        case "unscale_":
            machine.note_event(Event.UNSCALED, machine.site(at), value, by=scaler)
    return Unknown()
