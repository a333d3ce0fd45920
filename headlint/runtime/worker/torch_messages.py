"""From the text of an error in a forward pass to inputs that may do better: ranks, sizes, keys."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace

from .guessing import VOCABULARY
from .likes import BATCH, FEATURES, LENGTH, SIDE, Given, Grouped, Inputs, TensorLike
from .torch_search import Failure, sources
from .torch_sizes import matched, scaled, with_batch


def repaired_message(failure: Failure, inputs: Inputs) -> Iterator[Inputs]:
    """What the text of the error says about ranks and sizes."""
    text = failure.message
    names = [name for name in sources(failure, inputs) if isinstance(inputs[name], TensorLike)]
    wanted = wanted_rank(text)
    batched = re.search(r"or (\d)D \(batched\) input", text)
    missing = int(batched[1]) - failure.got[0].dim() if batched and failure.got else None
    for name in [one for one, like in inputs.tensors() if not like.fixed]:
        like = inputs[name]
        assert isinstance(like, TensorLike)
        rank = wanted if missing is None else len(like.shape) + missing
        if rank is not None and rank != len(like.shape):
            yield inputs.with_like(name, of_rank(like, rank))
        elif re.search(r"Dimension out of range|too many indices|tuple index out of range|not enough values", text):
            yield inputs.with_like(name, of_rank(like, len(like.shape) + 1))
            yield inputs.with_like(name, replace(like, shape=(*like.shape[:1], 1, *like.shape[1:])))
        elif re.search(r"too many values to unpack", text):
            yield inputs.with_like(name, of_rank(like, len(like.shape) - 1))
    if re.search(r"[Oo]utput size is too small", text):
        for name in names:
            like = inputs[name]
            if isinstance(like, TensorLike) and not like.fixed:
                yield from scaled(inputs, name, like, 4.0)
                yield from scaled(inputs, name, like, 16.0)
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


def keyed(inputs: Inputs, key: str) -> Iterator[Inputs]:
    """Inputs in which a dictionary has the key that the program asked for."""
    for name, like in inputs.likes:
        if isinstance(like, Grouped) and like.kind is dict and key not in like.keys:
            for part in (TensorLike((BATCH, 3, SIDE, SIDE)), TensorLike((BATCH, LENGTH), "int64", VOCABULARY)):
                yield inputs.with_like(name, Grouped(dict, (*like.keys, key), (*like.parts, part)))
