"""Dropout by a function, which does not know in which mode the module around it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.torch_modules.parts import is_module
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.facts import DropoutByMode, DropoutCall
from headlint.flow.values.python_values import TRAINING, Constant, Instance, Unknown
from headlint.flow.values.tensor_values import Tensor
from headlint.frameworks import torch

if TYPE_CHECKING:
    from headlint.flow.machine.frames import Frame
    from headlint.flow.machine.machine import Machine


def note_call(machine: Machine, name: str, arguments: Arguments, at: int) -> None:
    """Note a call of ``F.dropout`` during the ``forward`` of a module that does not pass the mode."""
    frame = machine.frames.of_forward()
    if frame is None or not isinstance(frame.receiver, Instance) or not is_module(frame.receiver):
        return
    if name == torch.ATTENTION_THAT_DROPS:
        if _drops_a_share(machine, frame.receiver, arguments):
            machine.emit(DropoutCall, machine.site(at), name=name, module=frame.receiver.cls.name)
        return
    if torch.drops_by_design(frame.receiver.cls.name):
        return
    if len(arguments.positional) > 2 or "training" in arguments.named or not arguments.complete:
        if any(value is TRAINING for value in (*arguments.positional[2:3], arguments.named.get("training"))):
            machine.emit(DropoutByMode, machine.site(at), module=frame.receiver)
        return
    probability = arguments.positional[1] if len(arguments.positional) == 2 else arguments.get("p")
    if (
        machine.frames.mode_decides()
        or machine.frames.mode_chose(probability)
        or probability in (Constant(0), Constant(0.0))
        or (probability is not None and frame.is_given(probability))  # the caller may give none in evaluation
        or _is_switched_by_the_caller(machine, frame)
    ):
        return
    machine.emit(DropoutCall, machine.site(at), name=name, module=frame.receiver.cls.name)


def _is_switched_by_the_caller(machine: Machine, frame: Frame) -> bool:
    """Whether an argument of ``forward`` decides whether anything is dropped: it may be another one in evaluation."""
    asked = (guard.condition for guard in machine.state.path[frame.path_length :])
    subjects = (condition.subject for condition in asked if condition.operator == "truth")
    given = {parameter.name for parameter in frame.definition.parameters} if frame.definition is not None else set()
    return any(
        isinstance(subject, Tensor)
        or (isinstance(subject, Unknown) and isinstance(subject.key, Assumption) and subject.key.parameter in given)
        for subject in subjects
    )


def _drops_a_share(machine: Machine, module: Instance, arguments: Arguments) -> bool:
    """Whether attention is given the share that it drops as a number, or as the module keeps it."""
    share = arguments.positional[4] if len(arguments.positional) > 4 else arguments.named.get("dropout_p")
    if machine.frames.mode_decides() or machine.frames.mode_chose(share):
        return False
    match share:
        case Constant(float() as number) if 0 < number < 1:
            return True
        case None | Constant():
            return False
        case _:
            return any(share is machine.read(module, slot) for slot in module.slots)
