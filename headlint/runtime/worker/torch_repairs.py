"""From a forward pass that failed to inputs that may do better: what the failing layer takes, or what the error says."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from .guessing import CLASSES, VOCABULARY
from .torch_inputs import BATCH, FEATURES, LENGTH, SIDE, Given, Grouped, Inputs, Like, TensorLike, like_of_layer
from .torch_search import Failure, origin_of

COMMON_SIDES = (28, 32, 64, 96, 112, 128, 224, 227, 256, 299, 384, 512)
LARGEST_SIDE = 700
SIZE_NAME = re.compile(
    r"^(img|image|input|crop|patch)?_?(size|res|resolution|shape|dim|height|width|length|len)$|max_?len|block_size|seq_?len"
)


def repairs(failure: Failure, inputs: Inputs, model: nn.Module) -> Iterator[Inputs]:
    """The next tries after a failure, the likeliest first."""
    yield from repaired_types(failure, inputs)
    if failure.layer is not None and is_known(failure.layer):
        yield from repaired_layer(failure, inputs)
    yield from repaired_message(failure, inputs, model)
    yield from declared_sizes(failure, inputs)
    yield from other_kinds(failure, inputs)


def is_known(layer: nn.Module) -> bool:
    """Whether what the layer takes is known."""
    return like_of_layer(layer) is not None


def sources(failure: Failure, inputs: Inputs) -> list[str]:
    """The inputs that the failing layer's values came from, else all."""
    origins = [origin for value in failure.got if (origin := origin_of(value)) is not None]
    named = [name for origin in origins for name in sorted(origin.names)]
    return list(dict.fromkeys(named)) or [name for name, _ in inputs.likes]


def is_direct(failure: Failure) -> bool:
    """Whether the failing layer was given an input as it is, reshaped at most."""
    origins = [origin for value in failure.got[:1] if (origin := origin_of(value)) is not None]
    return bool(origins) and all(origin.direct for origin in origins)


def repaired_types(failure: Failure, inputs: Inputs) -> Iterator[Inputs]:
    """Integers where indices are wanted, numbers where products are formed, no more indices than there are rows."""
    text = failure.message
    wants_indices = re.search(
        r"indices.*scalar types?: Long|expected.* Long|index tensor|used as indices|integer", text
    )
    wants_numbers = re.search(
        r"must have the same dtype|expected scalar type (Float|Half|Double|BFloat16)|not implemented for '(Long|Int|Byte|Bool)'"
        r"|Input type \(.*Long.*\)|could only be calculated|Got Long|got: long|can only be floating|Float but found Long",
        text,
    )
    below = failure.layer.num_embeddings if isinstance(failure.layer, (nn.Embedding, nn.EmbeddingBag)) else None
    for name in sources(failure, inputs):
        like = inputs[name]
        if not isinstance(like, TensorLike):
            continue
        if wants_indices and not like.is_integer:
            shape = like.shape if like.fixed or len(like.shape) <= 2 else (BATCH, LENGTH)
            if not like.fixed and below is not None:
                shape = (BATCH, LENGTH)
            yield inputs.with_like(name, replace(like, shape=shape, dtype="int64", below=below or VOCABULARY))
            yield inputs.with_like(name, replace(like, shape=(BATCH,), dtype="int64", below=below or VOCABULARY))
        if wants_numbers and like.is_integer:
            yield inputs.with_like(name, replace(like, dtype="float32", below=None))
        if "out of range" in text or "out of bounds" in text:
            if like.is_integer and below is not None and (like.below or 0) > below:
                yield inputs.with_like(name, replace(like, below=below))
            elif like.is_integer and (like.below or 0) > 2:
                yield inputs.with_like(name, replace(like, below=max((like.below or 2) // 4, 2)))
            if below is not None and len(like.shape) >= 2 and like.shape[1] > below and not like.fixed:
                yield inputs.with_like(name, replace(like, shape=(like.shape[0], below, *like.shape[2:])))
        weight = getattr(failure.layer, "weight", None)
        if wants_numbers and not like.is_integer and isinstance(weight, torch.Tensor) and weight.is_floating_point():
            yield inputs.with_like(name, replace(like, dtype=str(weight.dtype).removeprefix("torch.")))


def repaired_layer(failure: Failure, inputs: Inputs) -> Iterator[Inputs]:
    """What the failing layer wants against what it got."""
    layer = failure.layer
    assert layer is not None
    wanted = like_of_layer(layer)
    if wanted is None or not failure.got:
        return
    got = tuple(failure.got[0].shape)
    names = sources(failure, inputs)
    if isinstance(layer, (nn.RNNBase, nn.RNNCellBase)):
        yield from repaired_states(failure, inputs, layer)
    want_size, got_size = width_of(layer, wanted), size_at(layer, got)
    for name in names:
        like = inputs[name]
        if isinstance(like, Given) and like.value is None:
            continue
        if not isinstance(like, TensorLike):
            yield inputs.with_like(name, wanted)
            continue
        if like.fixed:
            continue
        if want_size and got_size and want_size != got_size:
            for axis in range(len(like.shape) - 1, 0, -1):
                if like.shape[axis] == got_size and (axis in (1, len(like.shape) - 1)):
                    yield inputs.with_like(name, with_size(like, axis, want_size))
        if is_direct(failure):
            yield inputs.with_like(name, wanted)
            for shape in other_ranks(layer, wanted):
                yield inputs.with_like(name, TensorLike(shape, wanted.dtype, wanted.below))
        if want_size and got_size and want_size != got_size:
            yield from scaled(inputs, name, like, want_size / got_size)
        elif isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.MaxPool2d, nn.AvgPool2d)):
            yield from scaled(inputs, name, like, 4.0)
    if re.search(r"more than 1 value per channel|too small|smaller than|greater than actual", failure.message):
        for name in names:
            like = inputs[name]
            if isinstance(like, TensorLike) and not like.fixed:
                yield from scaled(inputs, name, like, 4.0)
                yield from scaled(inputs, name, like, 49.0)


def width_of(layer: nn.Module, wanted: TensorLike) -> int:
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


def with_size(like: TensorLike, axis: int, size: int) -> TensorLike:
    """The same with one size changed."""
    return replace(like, shape=(*like.shape[:axis], size, *like.shape[axis + 1 :]))


def other_ranks(layer: nn.Module, wanted: TensorLike) -> Iterator[tuple[int, ...]]:
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


def scaled(inputs: Inputs, name: str, like: TensorLike, factor: float) -> Iterator[Inputs]:
    """The input with its free sizes changed so that a product over them changes by about ``factor``."""
    if like.fixed or len(like.shape) < 2:
        return
    first = 2 if len(like.shape) >= 4 else 1
    free = list(range(first, len(like.shape)))
    if len(like.shape) == 3:
        yield from (inputs.with_like(name, shape) for axis in (2, 1) for shape in resized(like, (axis,), factor))
        return
    yield from (inputs.with_like(name, shape) for shape in resized(like, tuple(free), factor ** (1 / len(free))))
    if len(free) == 2:
        for axis in free:
            yield from (inputs.with_like(name, shape) for shape in list(resized(like, (axis,), factor))[:2])


def resized(like: TensorLike, axes: tuple[int, ...], factor: float) -> Iterator[TensorLike]:
    """The sizes on some axes times ``factor``: rounded, the nearest common ones, and the neighbours."""
    aim = like.shape[axes[0]] * factor
    near = sorted(COMMON_SIDES, key=lambda side: abs(math.log(side / max(aim, 1.0))))[:2]
    rounded = max(round(aim), 1)
    for size in dict.fromkeys((rounded, *near, rounded + 1, rounded - 1, rounded + 2, rounded + 4, rounded - 2)):
        if 0 < size <= LARGEST_SIDE * (20 if len(like.shape) < 4 else 1) and size != like.shape[axes[0]]:
            shape = list(like.shape)
            for axis in axes:
                shape[axis] = size
            yield replace(like, shape=tuple(shape))


def repaired_states(failure: Failure, inputs: Inputs, layer: Any) -> Iterator[Inputs]:
    """The hidden state that a recurrent layer takes, where the program hands one in."""
    likes: list[Like] = []
    if isinstance(layer, nn.RNNBase):
        directions = 2 if layer.bidirectional else 1
        state = TensorLike((layer.num_layers * directions, BATCH, layer.proj_size or layer.hidden_size))
        cell = replace(state, shape=(*state.shape[:2], layer.hidden_size))
        likes = [Grouped(tuple, ("h", "c"), (state, cell)), state] if isinstance(layer, nn.LSTM) else [state]
    elif isinstance(layer, nn.RNNCellBase):
        state = TensorLike((BATCH, layer.hidden_size))
        pair = Grouped(tuple, ("h", "c"), (state, state))
        likes = [pair, state] if isinstance(layer, nn.LSTMCell) else [state]
    wanted = re.search(r"Expected hidden(?:\[\d\])? size \(([\d, ]+)\), got \[([\d, ]+)\]", failure.message)
    states = [name for name, _ in inputs.likes if re.search(r"^(h|c|hx|cx)_?\d?$|hid|state|memory|prev", name)]
    for name in states:
        for like in likes:
            yield inputs.with_like(name, like)
    if wanted:
        want, got = ([int(size) for size in group.split(",")] for group in wanted.groups())
        if len(want) == len(got) == 3 and want[1] != got[1]:
            yield from with_batch(inputs, got[1])
            yield from (
                inputs.with_like(name, replace(like, shape=(like.shape[0], got[1], *like.shape[2:])))
                for name, like in inputs.tensors()
                if len(like.shape) >= 2 and not like.fixed
            )


def with_batch(inputs: Inputs, size: int) -> Iterator[Inputs]:
    """The inputs with another number of samples."""
    changed = inputs
    for name, like in inputs.tensors():
        if like.shape and like.shape[0] == BATCH and not like.fixed:
            changed = changed.with_like(name, with_size(like, 0, size))
    if changed != inputs and 0 < size <= 512:
        yield changed


def repaired_message(failure: Failure, inputs: Inputs, model: nn.Module) -> Iterator[Inputs]:
    """What the text of the error says about ranks and sizes."""
    text = failure.message
    names = [name for name in sources(failure, inputs) if isinstance(inputs[name], TensorLike)]
    rank = wanted_rank(text)
    for name in [one for one, like in inputs.tensors() if not like.fixed]:
        like = inputs[name]
        assert isinstance(like, TensorLike)
        if rank is not None and rank != len(like.shape):
            yield inputs.with_like(name, of_rank(like, rank))
        elif re.search(r"Dimension out of range|too many indices|tuple index out of range|not enough values", text):
            yield inputs.with_like(name, of_rank(like, len(like.shape) + 1))
        elif re.search(r"too many values to unpack", text):
            yield inputs.with_like(name, of_rank(like, len(like.shape) - 1))
    if match := re.search(r"shape '\[([-\d, ]+)\]' is invalid for input of size (\d+)", text):
        yield from reshaped(inputs, names, [int(size) for size in match[1].split(",")], int(match[2]))
    if match := re.search(r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)", text):
        yield from matched(inputs, int(match[1]), int(match[2]))
    if match := re.search(r"\(?(\d+)x(\d+) and (\d+)x(\d+)\)?", text):
        yield from matched(inputs, int(match[2]), int(match[3]))
    if match := re.search(r"[Ee]xpected size (\d+) but got size (\d+)", text):
        yield from matched(inputs, int(match[2]), int(match[1]))
    if match := re.search(r"(\d+)\D* (?:!=|vs\.?|but got|does not match|doesn't match)\D*(\d+)", text):
        yield from matched(inputs, int(match[1]), int(match[2]))
        yield from matched(inputs, int(match[2]), int(match[1]))
    if re.search(r"Sizes of tensors must match|must match|mismatch|divisible|same size|size", text):
        for name in names:
            like = inputs[name]
            if isinstance(like, TensorLike) and len(like.shape) >= 4 and not like.fixed:
                for side in (64, 128, 224, 256, 96, 48, 28):
                    yield inputs.with_like(
                        name, replace(like, shape=(*like.shape[:2], *[side] * (len(like.shape) - 2)))
                    )
    if match := re.search(r"^'([A-Za-z_]\w*)'$", text):
        yield from keyed(inputs, match[1])
    if "NoneType" in text:
        for name, one in inputs.likes:
            if one == Given(None):
                yield inputs.with_like(name, TensorLike((BATCH, LENGTH), "bool"))
                yield inputs.with_like(name, TensorLike((BATCH, LENGTH)))
    if re.search(r"indices must be|only integers|string|new\(\): invalid data type 'str'", text):
        for name, _ in inputs.tensors():
            yield inputs.with_like(name, Grouped(dict, (), ()))


def wanted_rank(text: str) -> int | None:
    """The number of axes that an error asks for."""
    patterns = (
        r"not enough values to unpack \(expected (\d)",
        r"too many values to unpack \(expected (\d)",
        r"len\(dims\) = (\d)",
        r"[Ee]xpected (\d)[- ]?[Dd]",
        r"must be (\d)-?[Dd]",
        r"(\d)D tensor expected",
        r"[Ee]xpected (?:a )?(\d)-dimensional",
    )
    found = next((match for pattern in patterns if (match := re.search(pattern, text))), None)
    rank = int(found[1]) if found else None
    return rank if rank is not None and 1 <= rank <= 5 else None


def of_rank(like: TensorLike, rank: int) -> TensorLike:
    """The same kind of input with another number of axes; sizes that were known are kept at the end."""
    if rank < 1:
        return like
    if rank < len(like.shape):
        return replace(like, shape=(*like.shape[: max(rank - 1, 1)], *like.shape[-1:])[:rank])
    plain: dict[int, tuple[int, ...]] = {
        2: (BATCH, FEATURES),
        3: (BATCH, LENGTH, like.shape[-1] if len(like.shape) > 1 else FEATURES),
        4: (BATCH, like.shape[1] if len(like.shape) == 3 else 3, SIDE, SIDE),
        5: (BATCH, 3, 16, SIDE, SIDE),
    }
    return replace(like, shape=plain.get(rank, like.shape))


def reshaped(inputs: Inputs, names: list[str], wanted: list[int], size: int) -> Iterator[Inputs]:
    """Inputs whose values fit into ``view(wanted)``; ``size`` values were to be put there."""
    product = math.prod(one for one in wanted if one > 0)
    rest = math.prod(one for one in wanted[1:] if one > 0)
    for name in names:
        like = inputs[name]
        if not isinstance(like, TensorLike) or like.fixed or product <= 0:
            continue
        own = math.prod(like.shape)
        if own == size:
            if wanted[0] in (-1, like.shape[0]) and -1 not in wanted[1:]:
                yield inputs.with_like(name, replace(like, shape=(like.shape[0], *wanted[1:])))
                yield inputs.with_like(name, replace(like, shape=(like.shape[0], rest)))
            if wanted[0] > 0 and -1 not in wanted:
                yield inputs.with_like(name, replace(like, shape=tuple(wanted)))
                yield from with_batch(inputs, wanted[0])
            if -1 in wanted[1:] and len(wanted) >= 2:
                sizes = [one if one > 0 else LENGTH for one in wanted[1:]]
                yield inputs.with_like(name, replace(like, shape=(like.shape[0], *sizes)))
        batch = like.shape[0] if like.shape else 1
        each = size / batch
        if rest > 0 and each:
            yield from scaled(inputs, name, like, rest / each)
    if wanted and wanted[0] > 0:
        yield from with_batch(inputs, wanted[0])


def matched(inputs: Inputs, got: int, wanted: int) -> Iterator[Inputs]:
    """Inputs in which a size that was ``got`` becomes ``wanted``."""
    for one, other in ((got, wanted), (wanted, got)):
        for name, like in inputs.tensors():
            for axis in range(len(like.shape) - 1, 0, -1):
                if like.shape[axis] == one and not like.fixed:
                    yield inputs.with_like(name, with_size(like, axis, other))
    for name, like in inputs.tensors():
        if not like.fixed and got > 1 and wanted > 1:
            yield from scaled(inputs, name, like, wanted / got)
            yield from scaled(inputs, name, like, (wanted - 1) / (got - 1))
    yield from with_batch(inputs, wanted)
    yield from with_batch(inputs, got)


def keyed(inputs: Inputs, key: str) -> Iterator[Inputs]:
    """Inputs in which a dictionary has the key that the program asked for."""
    for name, like in inputs.likes:
        if isinstance(like, Grouped) and like.kind is dict and key not in like.keys:
            for part in (TensorLike((BATCH, 3, SIDE, SIDE)), TensorLike((BATCH, LENGTH), "int64", VOCABULARY)):
                yield inputs.with_like(name, Grouped(dict, (*like.keys, key), (*like.parts, part)))


def declared_sizes(failure: Failure, inputs: Inputs) -> Iterator[Inputs]:
    """Sizes that the running modules hold in attributes such as ``img_size``."""
    found: dict[int, None] = {}
    for module in reversed(failure.running):
        for key, value in vars(module).items():
            first = value[0] if isinstance(value, (tuple, list)) and value else value
            if SIZE_NAME.search(key) and isinstance(first, int) and 1 < first <= 1024:
                found[first] = None
    for size in list(found)[:6]:
        for name, like in inputs.tensors():
            if like.fixed:
                continue
            if len(like.shape) >= 4:
                yield inputs.with_like(name, replace(like, shape=(*like.shape[:2], *[size] * (len(like.shape) - 2))))
            elif len(like.shape) >= 2:
                yield inputs.with_like(name, with_size(like, 1, size))
                yield inputs.with_like(name, with_size(like, len(like.shape) - 1, size))


def other_kinds(failure: Failure, inputs: Inputs) -> Iterator[Inputs]:
    """Quite other inputs, where nothing told anything."""
    if failure.depth > 0 and isinstance(failure.error, (RuntimeError, ValueError)):
        return
    for name in sources(failure, inputs):
        like = inputs[name]
        if isinstance(like, TensorLike) and like.fixed:
            continue
        if isinstance(like, Given):
            yield inputs.with_like(name, TensorLike((BATCH, LENGTH), "bool"))
        for other in (
            TensorLike((BATCH, FEATURES)),
            TensorLike((BATCH, LENGTH, FEATURES)),
            TensorLike((BATCH, 3, SIDE, SIDE)),
            TensorLike((BATCH, LENGTH), "int64", VOCABULARY),
            TensorLike((BATCH,), "int64", CLASSES),
            Given(2),
            Given(None),
        ):
            yield inputs.with_like(name, other)
