"""What is taken out of the sequences that recurrent layers and transformers give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.tensors import axes
from headlint.flow.values.facts import PaddedStepTaken, StepTaken
from headlint.flow.values.library_values import Layer
from headlint.flow.values.python_values import Constant, Site, TupleValue, Value
from headlint.flow.values.tensor_values import Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_OF_SEQUENCES = frozenset({"recurrent", "attention", "hidden_same_shape"})

_WITHOUT_STEPS = frozenset({"index", "mean", "sum"})

PACK = "torch.nn.utils.rnn.pack_padded_sequence"
PAD = "torch.nn.utils.rnn.pad_packed_sequence"
PACKED = "packed"
PADDED = "padded"
"""The notes of what is packed and of what is unpacked again; the factor there is the ``batch_first`` of who does it."""


def note_index(machine: Machine, tensor: Tensor, key: Value, site: Site) -> None:
    """Note that ``tensor[key]`` takes one step of a sequence."""
    axis = 0
    for one in key.items if isinstance(key, TupleValue) else (key,):
        match one:
            case Constant(int() as number) if not isinstance(one.value, bool):
                _note(machine, tensor, axis, "last" if number == -1 else "first" if number == 0 else "", site)
            case Constant("..."):
                return
            case Constant(None):
                continue
        axis += 1


def note_mean(machine: Machine, tensor: Tensor, axis: int, site: Site) -> None:
    """Note that the mean over the steps of a sequence is taken."""
    _note(machine, tensor, axis, "mean", site)


def note_joined(machine: Machine, tensor: Tensor, site: Site) -> None:
    """Note that all but the first axis of a sequence are made one, as those of a sample are."""
    _note(machine, tensor, 1, "joined", site)


def note_window(machine: Machine, tensor: Tensor, site: Site) -> None:
    """Note that something looks at neighbours along the last axis of a sequence, as one convolution does, or pools them."""
    if tensor.shape.rank in (None, 3):
        _note(machine, tensor, 2, "window", site)


def has_windows(layer: Layer) -> bool:
    """Whether a layer of PyTorch is seen to look at neighbours in each channel of (batch, channels, time)."""
    if layer.kind.framework != "torch" or layer.kind.spatial != 1:
        return False
    return layer.kind.effect != "convolution" or layer.constant("kernel_size", None) not in (None, 1, (1,))


def _note(machine: Machine, tensor: Tensor, axis: int, taken: str, site: Site) -> None:
    for made, its_axis in axes.all_ways_of(tensor, axis):
        layer, at = made.origin.layer, made.origin.site
        if made.origin.note in _WITHOUT_STEPS:
            return  # of what is left when a step was taken, the first item is a sample
        if made.origin.note == PADDED and at is not None:
            _note_of_padded(machine, made, at, its_axis, taken, site)
            return
        if layer is None or at is None or not made.inputs or not is_of_sequences(layer):
            continue
        if made.origin.note in axes.OTHER_AXES:
            return
        machine.emit(StepTaken, at, layer=layer, input=made.inputs[0], axis=its_axis, taken=taken, taken_at=site)


def _note_of_padded(machine: Machine, padded: Tensor, at: Site, axis: int, taken: str, site: Site) -> None:
    match padded.origin.factor:
        case Constant(bool() as batch_first):
            columns = {"axis": axis, "taken": taken, "taken_at": site}
            machine.emit(PaddedStepTaken, at, input=padded.inputs[0], batch_first=batch_first, **columns)


def is_of_sequences(layer: Layer) -> bool:
    """Whether a layer of PyTorch takes (time, batch, features), or (batch, time, features) with ``batch_first``."""
    return layer.kind.framework == "torch" and layer.kind.effect in _OF_SEQUENCES


def is_batch_first(layer: Layer) -> bool | None:
    """Whether a layer takes the batch on the first axis; None where it is not known."""
    inner = layer.arguments.get("encoder_layer") or layer.arguments.get("decoder_layer")
    if isinstance(inner, Layer):
        return is_batch_first(inner)
    if layer.kind.short_name in ("TransformerEncoder", "TransformerDecoder"):
        return None
    if layer.rests_on_default("batch_first"):
        return None  # the default of a constructor that nobody is seen to call so
    given = layer.constant("batch_first", False)
    return given if isinstance(given, bool) else None


def is_batch(tensor: Tensor, axis: int) -> bool:
    """Whether an axis is seen to hold the samples that a data loader puts together, or that a layer takes for them."""
    return any(
        its_axis == 0 and (one.batched or _is_given_batch_first(one)) for one, its_axis in axes.way_of(tensor, axis)
    )


def is_across_windows(tensor: Tensor) -> bool | None:
    """Which axis of (time, batch, features), or (batch, time, features), held the samples for a layer like ``Conv1d``.

    False: the first, while its windows go along the second; True: the other way round; None: this is not seen.
    """
    for first, second in ((0, 1), (1, 0)):
        windows = [one for one, axis in axes.way_of(tensor, second) if axis == 2 and _made_by_windows(one)]
        if any(axis == 0 and one is other for one, axis in axes.way_of(tensor, first) for other in windows):
            return bool(first)
    return None


def _made_by_windows(made: Tensor) -> bool:
    return made.origin.layer is not None and has_windows(made.origin.layer)


def _is_given_batch_first(made: Tensor) -> bool:
    layer = made.origin.layer
    if layer is None or not made.inputs or made.inputs[0].shape.rank == 2 or made.origin.note in axes.OTHER_AXES:
        return False
    return is_of_sequences(layer) and is_batch_first(layer) is True
