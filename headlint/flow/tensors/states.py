"""The last states of recurrent layers: (states, batch, units), whatever the order in which the layer takes its input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headlint.flow.python import decisions
from headlint.flow.tensors import axes, sequences
from headlint.flow.values import sizes
from headlint.flow.values.conditions import Choice
from headlint.flow.values.library_values import Layer
from headlint.flow.values.python_values import Constant, Unknown, Value
from headlint.flow.values.tensor_values import Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def joined(machine: Machine, tensor: Tensor, wanted: Sequence[Value]) -> tuple[int, ...] | None:
    """The order in which a reshape names the axes of a recurrent layer's last states, to join those of a sample in a row.

    They are (states, batch, units), so a row of several states holds one state of several samples.
    """
    layer, units = tensor.origin.layer, tensor.shape.units
    if layer is None or tensor.origin.note != "state" or tensor.inputs[0].shape.rank == 2:
        return None
    if not _gives_several_states(machine, layer):
        return None
    match wanted:
        case [first, Constant(int() as width)] | [first, Constant(int() as width), Constant(1)] if width > 0:
            one_sample = isinstance(first, Constant) and first.value != -1
            return (1, 0) if not one_sample and units is not None and width > units and width % units == 0 else None
        case [first, width] | [first, width, Constant(1)] if _is_several_units(layer, width):
            return (1, 0) if not isinstance(first, Constant) or first.value == -1 else None
        case [first, *_] if _is_its_batch(machine, layer, tensor.inputs[0], first):
            return (1, 0)
        case _:
            return None


def _is_several_units(layer: Layer, width: Value) -> bool:
    """Whether a width is a multiple of the units of a recurrent layer, of which no number is known."""
    units = layer.arguments.get(layer.kind.units)
    times = None if units is None else sizes.without(sizes.factors(width), sizes.factors(units))
    match times:
        case (Constant(int() as number),):
            return number > 1
        case (Unknown() | Choice(), *_):
            return True
        case _:
            return False


def _is_its_batch(machine: Machine, layer: Layer, given: Tensor, size: Value) -> bool:
    """Whether a size is that of the batch that a recurrent layer was given."""
    batch_first = sequences.is_batch_first(layer)
    if given.origin.note == sequences.PACKED:
        batch_first, given = given.origin.factor == Constant(True), given.inputs[0]
    axis = axes.axis_of_size(machine, given, size, (0, 1))
    return axis is not None and batch_first is (axis == 0)


def _gives_several_states(machine: Machine, layer: Layer) -> bool:
    """Whether a recurrent layer is known to have two directions or several layers, on the path that is followed."""
    directions = layer.arguments.get("bidirectional", Constant(False))
    more = decisions.compare(machine, ">", layer.arguments.get("num_layers", Constant(1)), Constant(1), 0)
    return any(all(held for _, held in decisions.decide_value(machine, one)) for one in (directions, more))
