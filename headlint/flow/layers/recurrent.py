"""Recurrent layers of PyTorch: the states they are given, and sequences that are packed for them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from headlint.flow.machine.parts import tensors_of
from headlint.flow.tensors import axes, operation, sequences
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import SequencePacked, StatesGiven
from headlint.flow.values.library_values import Layer
from headlint.flow.values.python_values import Constant, Site, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Domain, Origin, Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine
    from headlint.flow.machine.semantics import Call


def apply(machine: Machine, layer: Layer, tensor: Tensor, states: Value | None, site: Site) -> Value:
    """What every step gives, and the last states."""
    units = layer.units
    width = units
    if layer.constant("bidirectional", False) is not False:
        width = units * 2 if units is not None and layer.constant("bidirectional") is True else None
    leading = 1 if tensor.shape.rank == 2 else 2  # two axes are one sequence without a batch
    dims = (*(tensor.shape.size(axis) if tensor.shape.rank in (2, 3) else None for axis in range(leading)), width)
    learns = not machine.without_gradient
    inputs = (tensor, *(tensors_of(states) if states is not None else ()))
    output = Tensor(Domain.UNKNOWN, Shape(dims), layer.origin(site, "recurrent"), inputs, attached=learns)
    machine.note_applied(site, layer=layer, input=tensor, output=output)
    _note_states(machine, layer, tensor, states, site)
    last = Shape((None, None, units))
    hidden = Tensor(Domain.UNKNOWN, last, layer.origin(site, "state"), inputs, attached=learns)
    return TupleValue((output, TupleValue((hidden, hidden)) if layer.kind.short_name == "LSTM" else hidden))


def _note_states(machine: Machine, layer: Layer, tensor: Tensor, states: Value | None, site: Site) -> None:
    """Note which axis of the input the states (layers, batch, units) are made for."""
    match states:
        case TupleValue(items) if items:
            _note_states(machine, layer, tensor, machine.state.narrow(items[0]), site)
        case Tensor(origin=Origin(factor=TupleValue((_, samples, _)), site=made_at)) if made_at is not None:
            axis = axes.axis_of_size(machine, tensor, samples, (0, 1))
            if axis is not None:
                machine.emit(StatesGiven, site, layer=layer, input=tensor, axis=axis, made_at=made_at)
        case Choice(options):  # one for each device, or none
            for option in options:
                note = partial(_note_states, machine, layer, tensor, option.value, site)
                machine.on_path(option.guards, note)


def _pack(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``pack_padded_sequence``: what it gives has neither of the two axes."""
    bound = arguments.bind(("input", "lengths", "batch_first", "enforce_sorted"))
    machine.parts.hand_on(*arguments.positional, *arguments.named.values())
    packed, site = Unknown("a packed sequence"), machine.site(at)
    match bound.get("input"), bound.get("batch_first", Constant(False)):
        case (Tensor() | Unknown()) as given, Constant(bool() as batch_first) as first:
            tensor = operation.tensor_of(machine, given) or Tensor()
            machine.emit(SequencePacked, site, input=tensor, batch_first=batch_first)
            origin = Origin("operation", sequences.PACK, site, note=sequences.PACKED, factor=first)
            machine.see_as(packed, tensor.derive(shape=Shape(None, tensor.shape.units), origin=origin))
    return packed


def _pad(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``pad_packed_sequence``: which of the two axes comes first does not depend on the layer before."""
    bound = arguments.bind(("sequence", "batch_first", "padding_value", "total_length"))
    tensor = operation.tensor_of(machine, bound.get("sequence") or Unknown())
    batch_first = bound.get("batch_first", Constant(False))
    if tensor is None:
        return Unknown()
    origin = Origin("operation", sequences.PAD, machine.site(at), note=sequences.PADDED, factor=batch_first)
    return TupleValue((tensor.derive(shape=Shape((None, None, tensor.shape.units)), origin=origin), Unknown()))


CALLS: Mapping[str, Call] = {
    sequences.PACK: _pack,
    sequences.PAD: _pad,
}
