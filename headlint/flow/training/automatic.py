"""Training steps that Lightning takes by itself, from what the methods of a module give it, and what it has for other steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headlint.flow.training import optimizers
from headlint.flow.values.arguments import NO_ARGUMENTS, Arguments
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import Event
from headlint.flow.values.library_values import Dataset
from headlint.flow.values.python_values import Constant, DictValue, Instance, ListValue, TupleValue, Unknown, Value
from headlint.flow.values.training_values import Optimizer

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

AUTOMATIC = Constant("a library takes the step")
"""What is given to the events of such a step."""


def step(machine: Machine, module: Instance, loss: Value, configured: Value, at: int) -> None:
    """Note what Lightning does with the loss of ``training_step`` and what ``configure_optimizers`` gave."""
    if machine.read(module, "automatic_optimization") not in (None, Constant(True)):
        return
    found = list(_optimizers_in(configured))
    for optimizer in found:
        machine.note_event(Event.CLEARED, machine.site(at), optimizer, given=(AUTOMATIC,))
    machine.note_event(Event.DIFFERENTIATED, machine.site(at), loss, given=(AUTOMATIC,))
    for optimizer in found:
        optimizers.step(machine, optimizer, NO_ARGUMENTS, at)


def note_fit(machine: Machine, arguments: Arguments) -> None:
    """``Trainer().fit(module, loader)``: the module's steps get the loader's batches."""
    bound = arguments.bind(("model", "train_dataloaders", "val_dataloaders", "datamodule"))
    module = bound.get("model")
    if not isinstance(module, Instance) or not module.cls.framework_base().startswith("pytorch_lightning."):
        return
    named = (bound.get(name) for name in ("train_dataloaders", "train_dataloader", "datamodule"))
    given = next((value for value in named if value not in (None, Constant(None))), None)
    match machine.state.narrow(given) if given is not None else None:
        case Dataset() as loader:
            note_batches(machine, module, loader)
        case Instance() as data:
            for name, values in (("setup", (Constant("fit"),)), ("train_dataloader", ())):
                method = machine.method(data, name)
                result = machine.call_with(method, *values) if method is not None else Constant(None)
            note_batches(machine, module, result)


def note_batches(machine: Machine, module: Instance, loader: Value) -> None:
    """Note what a module's ``training_step`` is called with."""
    match machine.state.narrow(loader):
        case Dataset(item=item) if not isinstance(item, Unknown):
            machine.set_up.batches[module] = item


METHODS = frozenset({"optimizers", "manual_backward", "toggle_optimizer", "untoggle_optimizer"})
"""What a module of Lightning has for those who take the steps themselves."""


def call_method(machine: Machine, module: Instance, name: str, arguments: Arguments, at: int) -> Value:
    """One of ``METHODS``."""
    match name, arguments.positional:
        case "optimizers", _:
            found = tuple(_optimizers_in(machine.set_up.configured.get(module, Unknown())))
            if not found:
                return machine.globals.child((module, name, "()"))
            return found[0] if len(found) == 1 else TupleValue(found)
        case "manual_backward", (loss, *_):
            machine.note_backward(loss, machine.site(at), in_torch=True)
            machine.note_event(Event.DIFFERENTIATED, machine.site(at), loss)
    return Constant(None)


def _optimizers_in(value: Value) -> Iterator[Optimizer]:
    match value:
        case Optimizer():
            yield value
        case Choice(options):
            for option in options:
                yield from _optimizers_in(option.value)
        case TupleValue(items):
            for item in items:
                yield from _optimizers_in(item)
        case ListValue():
            for item in value.items:
                yield from _optimizers_in(item)
        case DictValue() if "optimizer" in value.slots:
            yield from _optimizers_in(value.slots["optimizer"])
