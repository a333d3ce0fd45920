"""From a forward pass that failed to inputs that may do better: what the failing layer takes, or what the error says."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from ..measuring.specs import BATCH, FEATURES, LENGTH, SIDE, Given, Grouped, Inputs, Spec, TensorSpec
from ..program.guessing import CLASSES, VOCABULARY
from .changes import solved_by_steps
from .inputs import spec_of_layer
from .lists import in_levels, in_lists, with_attribute, with_left_out, with_other_choice
from .messages import repaired_message
from .search import Failure, is_direct, origin_of, sources, widened
from .sizes import (
    declared_sizes,
    halved_evenly,
    large_enough,
    longer,
    narrower,
    scaled,
    solved,
    usual_sides,
    with_batch,
    with_size,
)

STATES = re.compile(r"^(h|c|hx|cx)_?\d?$|hid|state|memory|prev|cell")
"""Names of what a recurrent layer keeps from step to step."""

STACKED = 4
"""States of layers that lie one above the other, of which a program takes as many as it has layers."""


def repairs(failure: Failure, inputs: Inputs, model: nn.Module) -> Iterator[Inputs]:
    """The next tries after a failure, the likeliest first; behind each that gives one input more or fewer steps, the same for
    all that have as many."""
    for one in single_repairs(failure, inputs, model):
        yield one
        yield from changed_together(inputs, one)


def single_repairs(failure: Failure, inputs: Inputs, model: nn.Module) -> Iterator[Inputs]:
    """The next tries, each for itself."""
    yield from in_levels(inputs, model)
    if failure.emptied is not None:
        yield from widened(inputs, failure.emptied)
    yield from with_attribute(failure, inputs, model)
    yield from repaired_types(failure, inputs)
    yield from shaped_alike(failure, inputs)
    yield from within(failure, inputs)
    yield from longer(failure, inputs)
    yield from large_enough(failure, inputs)
    yield from halved_evenly(failure, inputs)
    yield from solved(failure, inputs, model)
    yield from solved_by_steps(failure, inputs, model)
    if failure.layer is not None and is_known(failure.layer):
        yield from repaired_layer(failure, inputs)
    yield from repaired_message(failure, inputs)
    yield from in_lists(inputs, model)
    yield from with_left_out(failure, inputs, model)
    yield from declared_sizes(failure, inputs)
    yield from usual_sides(inputs)
    yield from with_other_choice(failure, inputs, model)
    yield from other_kinds(failure, inputs)


def shaped_alike(failure: Failure, inputs: Inputs) -> Iterator[Inputs]:
    """An input of the shape of what it is compared with value by value: a model that computes a loss of its own says of an
    image what its decoder gives."""
    if len(failure.operands) != 2 or not re.search(r"must match|same size|target size", failure.message):
        return
    for one, other in (failure.operands, failure.operands[::-1]):
        origin = origin_of(one)
        if origin is None or not origin.direct or len(origin.names) != 1 or one.shape[:1] != other.shape[:1]:
            continue
        name = min(origin.names)
        spec = inputs[name]
        if isinstance(spec, TensorSpec) and not spec.fixed and spec.shape == tuple(one.shape):
            yield inputs.with_spec(name, replace(spec, shape=tuple(other.shape)))


OUTSIDE = re.compile(r"index \d+ is out of bounds for dimension \d with size (\d+)|index out of range in self")
"""What PyTorch says of an index behind the last place."""


def within(failure: Failure, inputs: Inputs) -> Iterator[Inputs]:
    """The indices that were looked up below the number of places that there are: another input may have fewer than there are
    words."""
    found = OUTSIDE.search(failure.message)
    looked_in = [value for value in failure.operands if value.is_floating_point() and value.dim()]
    if found is None or not (found[1] or looked_in):
        return
    places = int(found[1] or looked_in[0].shape[0])
    changed = inputs
    for value in failure.operands:
        origin = origin_of(value)
        names = origin.names if origin is not None and origin.direct and not value.is_floating_point() else ()
        for name in names:
            spec = inputs[name]
            if isinstance(spec, TensorSpec) and spec.is_integer and not spec.fixed and 0 < places < (spec.below or 0):
                changed = changed.with_spec(name, replace(spec, below=places))
    if changed != inputs:
        yield changed


def changed_together(inputs: Inputs, other: Inputs) -> Iterator[Inputs]:
    """Where other inputs differ in the number of steps of one, which lie behind the samples: those in which all differ that
    have as many steps there."""
    before = dict(inputs.tensors())
    changed = [(name, spec) for name, spec in other.tensors() if name in before and spec.shape != before[name].shape]
    if len(changed) != 1 or len(before) < 2:
        return
    name, spec = changed[0]
    own = before[name].shape
    if len(own) < 3 or len(own) != len(spec.shape) or own != (*own[:1], own[1], *spec.shape[2:]):
        return
    for one, like in before.items():
        if one != name and len(like.shape) > 1 and like.shape[1] == own[1] and not like.fixed:
            other = other.with_spec(one, with_size(like, 1, spec.shape[1]))
    if len([one for one, like in other.tensors() if before.get(one) != like]) > 1:
        yield other


def is_known(layer: nn.Module) -> bool:
    """Whether what the layer takes is known."""
    return spec_of_layer(layer) is not None


def repaired_types(failure: Failure, inputs: Inputs) -> Iterator[Inputs]:
    """Integers where indices are wanted, numbers where products are formed, no more indices than there are rows."""
    text = failure.message
    wants_indices = re.search(
        r"indices.*scalar types?: Long|expected.* Long|index tensor|used as indices|integer", text
    )
    wants_numbers = re.search(
        r"must have the same dtype|expected scalar type (Float|Half|Double|BFloat16)|not implemented for '(Long|Int|Byte|Bool)'"
        r"|Input type \(.*Long.*\)|could only be calculated|Got Long|got: long|can only be floating|Float but found Long"
        r"|with a bool tensor is not supported",
        text,
    )
    if OF_SHARES.search(text):
        for name, one in inputs.tensors():
            if not one.is_integer and one.dtype != "bool" and not one.shares:
                yield inputs.with_spec(name, replace(one, shares=True))
    told = type_told(text)
    below = failure.layer.num_embeddings if isinstance(failure.layer, (nn.Embedding, nn.EmbeddingBag)) else None
    for name in sources(failure, inputs):
        spec = inputs[name]
        if not isinstance(spec, TensorSpec):
            continue
        if wants_indices and not spec.is_integer:
            shape = spec.shape if spec.fixed or len(spec.shape) <= 2 else (BATCH, LENGTH)
            if not spec.fixed and below is not None:
                shape = (BATCH, LENGTH)
            yield inputs.with_spec(name, replace(spec, shape=shape, dtype="int64", below=below or VOCABULARY))
            yield inputs.with_spec(name, replace(spec, shape=(BATCH,), dtype="int64", below=below or VOCABULARY))
        if told is not None and spec.dtype != told and not spec.fixed:
            below = (VOCABULARY if told.startswith("int") else None) if spec.below is None else spec.below
            yield inputs.with_spec(name, replace(spec, dtype=told, below=below))
        if wants_numbers and (spec.is_integer or spec.dtype == "bool"):
            yield inputs.with_spec(name, replace(spec, dtype="float32", below=None))
        if "out of range" in text or "out of bounds" in text:
            if spec.is_integer and below is not None and (spec.below or 0) > below:
                yield inputs.with_spec(name, replace(spec, below=below))
            elif not spec.is_integer and below is not None:
                yield inputs.with_spec(name, replace(spec, dtype="int64", below=below))
            elif spec.is_integer and (spec.below or 0) > 2:
                yield inputs.with_spec(name, replace(spec, below=max((spec.below or 2) // 4, 2)))
            if below is not None and len(spec.shape) >= 2 and spec.shape[1] > below and not spec.fixed:
                yield inputs.with_spec(name, replace(spec, shape=(spec.shape[0], below, *spec.shape[2:])))
        weight = getattr(failure.layer, "weight", None)
        if wants_numbers and not spec.is_integer and isinstance(weight, torch.Tensor) and weight.is_floating_point():
            yield inputs.with_spec(name, replace(spec, dtype=str(weight.dtype).removeprefix("torch.")))


OF_SHARES = re.compile(
    r"should be between 0 and 1|must be (?:in|between) (?:the range |\[)?0(?:\.0?)?(?:,| and| to) ?1", re.I
)
"""What is said of numbers that are no probabilities."""

TYPES = {"bool": "bool", "long": "int64", "int64": "int64", "int": "int32", "int32": "int32", "float": "float32"}
TYPES |= {"float32": "float32", "double": "float64", "float64": "float64"}


def type_told(text: str) -> str | None:
    """The type of the values that a message asks for, as in ``mask.dtype must be torch.bool``; None where it names none."""
    found = re.search(
        r"(?:must|should|has to|to) (?:be|have)[\w ]*? (?:of (?:d?type|kind) )?'?(?:torch\.)(\w+)", text
    ) or re.search(r"dtype == torch\.(\w+)", text)
    return TYPES.get(found[1]) if found else None


def repaired_layer(failure: Failure, inputs: Inputs) -> Iterator[Inputs]:
    """What the failing layer wants against what it got."""
    layer = failure.layer
    assert layer is not None
    wanted = spec_of_layer(layer)
    if wanted is None or not failure.got:
        return
    got = tuple(failure.got[0].shape)
    names = sources(failure, inputs)
    if isinstance(layer, (nn.RNNBase, nn.RNNCellBase)):
        yield from repaired_states(failure, inputs, layer)
    want_size, got_size = width_of(layer, wanted), size_at(layer, got)
    if want_size and got_size and want_size != got_size and len(names) > 1:
        yield from narrower(inputs, names, got_size - want_size, 1 if by_channel(layer) else -1)
    for name in names:
        spec = inputs[name]
        if isinstance(spec, Given) and spec.value is None:
            continue
        if not isinstance(spec, TensorSpec):
            yield inputs.with_spec(name, wanted)
            continue
        if spec.fixed:
            continue
        if by_channel(layer) and len(got) == len(spec.shape) < len(wanted.shape) and len(spec.shape) > 1:
            yield inputs.with_spec(name, replace(spec, shape=(*spec.shape[:2], *wanted.shape[2:])))
        if want_size and got_size and want_size != got_size:
            for axis in range(len(spec.shape) - 1, 0, -1):
                if spec.shape[axis] == got_size and (axis in (1, len(spec.shape) - 1)):
                    yield inputs.with_spec(name, with_size(spec, axis, want_size))
            if len(spec.shape) == 2 and spec.shape[0] == got_size:
                yield inputs.with_spec(name, with_size(spec, 0, want_size))
        if is_direct(failure):
            if 0 < (missing := len(wanted.shape) - len(got)) < len(wanted.shape) and len(got) < len(spec.shape):
                yield inputs.with_spec(
                    name, replace(spec, shape=(*spec.shape[:1], *(LENGTH,) * missing, *spec.shape[1:]))
                )
            yield inputs.with_spec(name, wanted)
            for shape in other_ranks(layer, wanted):
                yield inputs.with_spec(name, TensorSpec(shape, wanted.dtype, wanted.below))
        if want_size and got_size and want_size != got_size:
            yield from as_wide_together(inputs, spec.shape[-1:], want_size, got_size)
            yield from scaled(inputs, name, spec, want_size / got_size)
        elif isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.MaxPool2d, nn.AvgPool2d)):
            yield from scaled(inputs, name, spec, 4.0)
    if re.search(r"more than 1 value per channel|too small|smaller than|greater than actual", failure.message):
        yield from declared_sizes(failure, inputs)
        for name in names:
            spec = inputs[name]
            if isinstance(spec, TensorSpec) and not spec.fixed:
                yield from scaled(inputs, name, spec, 4.0)
                yield from scaled(inputs, name, spec, 49.0)


def as_wide_together(inputs: Inputs, width: tuple[int, ...], want: int, got: int) -> Iterator[Inputs]:
    """The inputs of one width all that much wider or narrower, where a layer is given several of them side by side."""
    alike = [
        (name, spec)
        for name, spec in inputs.tensors()
        if spec.shape[-1:] == width and not spec.is_integer and not spec.fixed
    ]
    if len(alike) > 1 and width[0] * want % got == 0:
        for name, spec in alike:
            inputs = inputs.with_spec(name, with_size(spec, len(spec.shape) - 1, width[0] * want // got))
        yield inputs


def width_of(layer: nn.Module, wanted: TensorSpec) -> int:
    """How many channels or features a layer takes."""
    return wanted.shape[1] if by_channel(layer) else wanted.shape[-1] if not wanted.is_integer else 0


def by_channel(layer: nn.Module) -> bool:
    """Whether the layer's features lie on axis 1."""
    return isinstance(
        layer,
        (nn.modules.conv._ConvNd, nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm, nn.GroupNorm),
    )


def size_at(layer: nn.Module, got: tuple[int, ...]) -> int:
    """What the layer was given in place of ``width_of``; 0 where it had no such axis."""
    if by_channel(layer):
        return got[1] if len(got) > 1 else 0
    return got[-1] if got else 0


def other_ranks(layer: nn.Module, wanted: TensorSpec) -> Iterator[tuple[int, ...]]:
    """Further shapes of which a program may make what the layer takes."""
    batch, *rest = wanted.shape
    match layer:
        case nn.Linear():
            features = rest[0]
            yield (batch, LENGTH, features)
            side = math.isqrt(features)
            if side * side == features and side >= 8:
                yield (batch, 1, side, side)
                yield (batch, side, side)
            third = math.isqrt(features // 3)
            if features % 3 == 0 and third * third * 3 == features:
                yield (batch, 3, third, third)
            yield (features,)
        case nn.Conv2d() | nn.ConvTranspose2d() | nn.BatchNorm2d():
            channels, *sides = rest
            yield (batch, *sides, channels)
            yield (batch, *sides)
            yield (batch, LENGTH, channels, *sides)
            yield (batch, channels * sides[0] * sides[1])
        case nn.Conv1d() | nn.BatchNorm1d():
            channels = rest[0]
            yield (batch, 2 * SIDE, channels)
            yield (batch, channels, 2 * SIDE)
            yield (batch, 2 * SIDE)
            yield (batch, channels)
        case nn.RNNBase() | nn.MultiheadAttention() | nn.LayerNorm():
            features = rest[-1]
            yield (batch, features)
            yield (batch, LENGTH)
            yield (batch, features, LENGTH)
            side = math.isqrt(features)
            yield (batch, 1, side if side * side == features else features, features)
        case nn.Embedding():
            yield (batch,)
            yield (batch, 3, LENGTH)


def repaired_states(failure: Failure, inputs: Inputs, layer: Any) -> Iterator[Inputs]:
    """The hidden state that a recurrent layer takes, where the program hands one in."""
    specs: list[Spec] = []
    samples = inputs.batch or BATCH
    if isinstance(layer, nn.RNNBase):
        directions = 2 if layer.bidirectional else 1
        state = TensorSpec((layer.num_layers * directions, samples, layer.proj_size or layer.hidden_size))
        cell = replace(state, shape=(*state.shape[:2], layer.hidden_size))
        specs = [Grouped(tuple, ("h", "c"), (state, cell)), state] if isinstance(layer, nn.LSTM) else [state]
    elif isinstance(layer, nn.RNNCellBase):
        state = TensorSpec((samples, layer.hidden_size))
        pair = Grouped(tuple, ("h", "c"), (state, state))
        specs = [pair, state] if isinstance(layer, nn.LSTMCell) else [state]
    wanted = re.search(r"Expected hidden(?:\[\d\])? size \(([\d, ]+)\), got \[([\d, ]+)\]", failure.message)
    whole = [name for name, _ in inputs.specs if STATES.search(name)]
    for name in whole:
        for spec in specs:
            yield inputs.with_spec(name, spec)
    parts = [name for name, _ in inputs.leaves() if name not in whole and STATES.search(name.rpartition(".")[2])]
    origins = [origin for value in failure.got[1:] if (origin := origin_of(value)) is not None and origin.direct]
    own = [name for name in parts if any(name in origin.names for origin in origins)]
    parts = own or parts  # of several cells each has states of its own
    for one in specs[-1:] if parts else ():
        assert isinstance(one, TensorSpec)
        for each in (one, replace(one, shape=(STACKED, samples, one.shape[-1]))):
            changed = inputs
            for name in parts:
                changed = changed.with_spec(name, each)
            yield changed
    if wanted:
        want, got = ([int(size) for size in group.split(",")] for group in wanted.groups())
        if len(want) == len(got) == 3 and want[1] != got[1]:
            yield from with_states_of(inputs, whole, want[1])
            yield from with_batch(inputs, want[1])
            yield from with_batch(inputs, got[1])
            yield from (
                inputs.with_spec(name, replace(spec, shape=(spec.shape[0], got[1], *spec.shape[2:])))
                for name, spec in inputs.tensors()
                if len(spec.shape) >= 2 and not spec.fixed
            )


def with_states_of(inputs: Inputs, names: list[str], batch: int) -> Iterator[Inputs]:
    """The inputs with states for so many samples."""
    changed = inputs
    for name, spec in inputs.tensors():
        if name.partition(".")[0] in names and len(spec.shape) == 3 and not spec.fixed:
            changed = changed.with_spec(name, with_size(spec, 1, batch))
    yield changed


def other_kinds(failure: Failure, inputs: Inputs) -> Iterator[Inputs]:
    """Quite other inputs, where nothing told anything."""
    if failure.depth > 0 and isinstance(failure.error, (RuntimeError, ValueError)):
        return
    for name in sources(failure, inputs):
        spec = inputs[name]
        if isinstance(spec, TensorSpec) and spec.fixed:
            continue
        if isinstance(spec, Given):
            yield inputs.with_spec(name, TensorSpec((BATCH, LENGTH), "bool"))
        for other in (
            TensorSpec((BATCH, FEATURES)),
            TensorSpec((BATCH, LENGTH, FEATURES)),
            TensorSpec((BATCH, 3, SIDE, SIDE)),
            TensorSpec((BATCH, LENGTH), "int64", VOCABULARY),
            TensorSpec((BATCH,), "int64", CLASSES),
            Given(2),
            Given(None),
        ):
            yield inputs.with_spec(name, other)
