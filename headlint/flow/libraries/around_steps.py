"""What accelerate, apex and ignite put around a training step; the step itself stays the program's own.

Sources: ``accelerate/accelerator.py`` (1.2: ``backward`` is ``loss.backward()``, of a scaled loss; it clears nothing),
``apex/amp/frontend.py`` and ``apex/amp/handle.py``, ``ignite/engine/engine.py`` (0.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from headlint.flow.training import optimizers, parameters, unreadable
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.facts import Event
from headlint.flow.values.python_values import (
    BoundMethod,
    Constant,
    FunctionValue,
    Partial,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.training_values import Loop, Scaler

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine
    from headlint.flow.machine.semantics import Call

_ACCELERATORS = frozenset({"accelerate.Accelerator", "accelerate.accelerator.Accelerator"})

_PASSING = frozenset(
    {"accumulate", "no_sync", "autocast", "print", "log", "wait_for_everyone", "gather", "gather_for_metrics", "reduce"}
    | {"pad_across_processes", "save", "save_state", "save_model", "get_state_dict", "init_trackers", "end_training"}
    | {"register_for_checkpointing", "skip_first_batches", "free_memory", "on_main_process", "set_trigger"}
)
"""Methods of an accelerator that do no part of a step."""


def call_method(machine: Machine, owner: Value | None, name: str, arguments: Arguments, at: int) -> Value | None:
    """A method of an accelerator; None where it is none, or does something else to what it is given."""
    if not isinstance(owner, Unknown) or not _is_accelerator(owner):
        return None
    first = arguments.positional[0] if arguments.positional else None
    match name:
        case "backward" if first is not None:
            machine.note_backward(first, machine.site(at), in_torch=True)
            machine.note_event(Event.DIFFERENTIATED, machine.site(at), first)
            return Constant(None)
        case "clip_grad_norm_" | "clip_grad_value_":
            clipped = parameters.given_to_optimizer(machine, first)
            machine.note_event(Event.CLIPPED, machine.site(at), clipped)
            return Unknown()
        case "prepare" | "prepare_model" | "unwrap_model" if first is not None:
            return first if len(arguments.positional) == 1 else TupleValue(arguments.positional)
        case _ if name in _PASSING:
            return owner.child(name).child(("call", machine.site(at)))
        case _:
            return None


def _is_accelerator(value: Unknown) -> bool:
    """Whether something is an ``Accelerator``, or is given under such a name."""
    match value.key:
        case (str() as path, _) if path in _ACCELERATORS:
            return True
        case _:
            return "accelerator" in unreadable.name_of(value)


def _initialize(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``amp.initialize(models, optimizers)`` gives back what it is given."""
    bound = arguments.bind(("models", "optimizers"))
    models, several = bound.get("models", Unknown()), bound.get("optimizers")
    return models if several in (None, Constant(None)) else TupleValue((models, several or Unknown()))


def _scale_loss(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``with amp.scale_loss(loss, optimizer) as scaled:``."""
    loss = arguments.bind(("loss", "optimizers")).get("loss", Unknown())
    return optimizers.scaled(machine, Scaler(machine.site(at)), "scale", loss, at)


def _master_params(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``amp.master_params(optimizer)``: what an optimizer holds."""
    return parameters.of_optimizer(arguments.first("optimizer"))


def _engine(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``Engine(function)``, which calls the function for each batch."""
    function = arguments.first("process_function")
    engine = machine.globals.child(("ignite.engine.Engine", machine.site(at)))
    if isinstance(function, FunctionValue | BoundMethod | Partial):
        with machine.in_round(Loop(machine.site(at), Unknown("batches"))):
            run = partial(machine.call, function, Arguments((engine, Unknown("a batch"))), at)
            machine.with_share(run, machine.steps_left // 2, Event.LEFT_OUT)
    return engine


CALLS: Mapping[str, Call] = {
    "apex.amp.initialize": _initialize,
    "apex.amp.scale_loss": _scale_loss,
    "apex.amp.master_params": _master_params,
    "ignite.engine.Engine": _engine,
    "ignite.engine.engine.Engine": _engine,
}
