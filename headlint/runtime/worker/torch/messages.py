"""From the text of an error in a forward pass to inputs that may do better: ranks, sizes, keys."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from ..measuring.specs import BATCH, FEATURES, LENGTH, SIDE, Given, Grouped, Inputs, TensorSpec
from ..program.conditions import sizes_compared
from ..program.guessing import VOCABULARY
from .search import Failure, sources
from .sizes import matched, scaled, with_batch, with_size


def repaired_message(failure: Failure, inputs: Inputs) -> Iterator[Inputs]:
    """What the text of the error says about ranks, sizes and keys, the most exact reading first."""
    names = [name for name in sources(failure, inputs) if isinstance(inputs[name], TensorSpec)]
    if _ABOUT_LENGTHS.search(failure.message):
        yield from lengths(inputs)
    if failure.unsqueezed is not None:
        yield from _flatter(inputs, *failure.unsqueezed)
    yield from _of_other_rank(failure, inputs)
    if _ABOUT_RANKS.search(failure.message):
        yield from _longer_together(inputs)
        yield from _single_indices(inputs)
    for one, other in sizes_compared(failure.error):
        yield from matched(inputs, one, other)
    for pattern, reading in _READINGS:
        if match := pattern.search(failure.message):
            yield from reading(inputs, names, match)


def _of_other_rank(failure: Failure, inputs: Inputs) -> Iterator[Inputs]:
    text = failure.message
    wanted = wanted_rank(text)
    batched = re.search(r"or (\d)D \(batched\) input", text)
    missing = int(batched[1]) - failure.got[0].dim() if batched and failure.got else None
    for name, spec in inputs.tensors():
        if spec.fixed:
            continue
        rank = wanted if missing is None else len(spec.shape) + missing
        if rank is not None and spec.is_integer and rank - 1 == len(spec.shape) + 1:
            yield inputs.with_spec(name, of_rank(spec, rank - 1))  # an embedding gives them one axis more
        if rank is not None and rank != len(spec.shape):
            yield inputs.with_spec(name, of_rank(spec, rank))
        elif re.search(
            r"but got 0D|Dimension out of range|too many indices|tuple index out of range|not enough values", text
        ):
            yield inputs.with_spec(name, of_rank(spec, len(spec.shape) + 1))
            yield inputs.with_spec(name, replace(spec, shape=(*spec.shape[:1], 1, *spec.shape[1:])))
        elif "too many values to unpack" in text:
            yield inputs.with_spec(name, of_rank(spec, len(spec.shape) - 1))


def _flatter(inputs: Inputs, axis: int, size: int) -> Iterator[Inputs]:
    """Images so low or narrow that an axis which is to be taken away has one place left."""
    for name, spec in inputs.tensors():
        if 2 <= axis < len(spec.shape) and not spec.fixed:
            for less in (spec.shape[axis] // size, -(-spec.shape[axis] // size), spec.shape[axis] - size + 1):
                if 0 < less < spec.shape[axis]:
                    yield inputs.with_spec(name, with_size(spec, axis, less))


def _longer_together(inputs: Inputs) -> Iterator[Inputs]:
    """Sequences in place of rows, for all inputs at once."""
    rows = [
        (name, spec)
        for name, spec in inputs.tensors()
        if len(spec.shape) == 2 and not spec.is_integer and not spec.fixed
    ]
    changed = inputs
    for name, spec in rows if len(rows) > 1 else ():
        changed = changed.with_spec(name, replace(spec, shape=(spec.shape[0], LENGTH, spec.shape[1])))
    if changed != inputs:
        yield changed


def _single_indices(inputs: Inputs) -> Iterator[Inputs]:
    """One index a sample in place of a row of them, for all inputs at once."""
    changed = inputs
    for name, spec in inputs.tensors():
        if len(spec.shape) == 2 and spec.is_integer and not spec.fixed:
            changed = changed.with_spec(name, replace(spec, shape=spec.shape[:1]))
    if changed != inputs:
        yield changed


_ABOUT_RANKS = re.compile(
    r"shape '\[[-\d, ]+\]' is invalid|Dimension out of range|too many indices|not enough values|number of dimensions"
    r"|index out of range|expects? a tensor with|must be a \dD tensor|supposed to be a vector|converted to Scalar"
)
"""What is said of values with fewer axes than the program takes them to have."""

_ABOUT_LENGTHS = re.compile(r"'?`?lengths'?`?.*(argument|batch_size|sorted|greater than 0)|Length of all samples")
"""What packing a sequence says about the lengths that it was given."""

Reading = Callable[[Inputs, list[str], "re.Match[str]"], Iterator[Inputs]]
"""Inputs that may do better: those that failed, the names of those that were at fault, and what was said."""


def _free(inputs: Inputs, names: list[str]) -> Iterator[tuple[str, TensorSpec]]:
    """The inputs of some names whose shape nobody has fixed."""
    for name in names:
        spec = inputs[name]
        if isinstance(spec, TensorSpec) and not spec.fixed:
            yield name, spec


def _larger(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    for name, spec in _free(inputs, names):
        yield from scaled(inputs, name, spec, 4.0)
        yield from scaled(inputs, name, spec, 16.0)
        yield from scaled(inputs, name, spec, 49.0)


def _viewed(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    yield from reshaped(inputs, names, [int(size) for size in match[1].split(",")], int(match[2]))


def _first_as_second(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    yield from with_steps(inputs, int(match["one"]), int(match["other"]))
    yield from with_places(inputs, names, int(match["one"]), int(match["other"]))
    yield from matched(inputs, int(match["one"]), int(match["other"]))


def _either_as_other(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    yield from matched(inputs, int(match[1]), int(match[2]))
    yield from matched(inputs, int(match[2]), int(match[1]))


def _pairwise(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    for one, other in zip(match[1].split(","), match[2].split(","), strict=False):
        if int(one) != int(other):
            yield from matched(inputs, int(one), int(other))


def _usual_sides(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    for name, spec in _free(inputs, names):
        if len(spec.shape) >= 4:
            for side in (64, 128, 224, 256, 96, 48, 28):
                sides = [side] * (len(spec.shape) - 2)
                yield inputs.with_spec(name, replace(spec, shape=(*spec.shape[:2], *sides)))


def _one_index(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    if int(match[2]) % int(match[1]) == 0:
        yield from one_at_a_time(inputs, int(match[2]) // int(match[1]))


def _axis_of_size(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    axis, size = int(match[1]), int(match[2])
    for name, spec in _free(inputs, names):
        if axis < len(spec.shape) and spec.shape[axis] != size:
            yield inputs.with_spec(name, replace(spec, shape=(*spec.shape[:axis], size, *spec.shape[axis + 1 :])))


def _with_key(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    yield from keyed(inputs, match[1])


def _no_tensors(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    for name, _ in list(inputs.tensors())[:0:-1]:
        for value in (None, 0.5, False, 2):
            yield inputs.with_spec(name, Given(value))


def _masks_for_none(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    for name, one in inputs.leaves():
        if isinstance(one, Given):
            kinds = (TensorSpec((BATCH, LENGTH), "bool"), TensorSpec((BATCH, LENGTH)), TensorSpec((BATCH, FEATURES)))
            for spec in kinds if "mask" in name else kinds[::-1]:
                yield inputs.with_spec(name, spec)


def _all_alike(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    for name, one in _free(inputs, names):
        alike = inputs
        for other, spec in inputs.tensors():
            alike = alike if other == name or spec.fixed else alike.with_spec(other, one)
        if alike != inputs:
            yield alike


def _of_that_rank(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    every = inputs
    for name, spec in _free(inputs, [name for name, _ in inputs.tensors()]):
        if len(spec.shape) != int(match[1]):
            yield inputs.with_spec(name, of_rank(spec, int(match[1])))
            every = every.with_spec(name, of_rank(spec, int(match[1])))
    yield every


def _rows_as_many(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    """A row of numbers with a few more or less, as where each sample begins and the last one ends."""
    more = int(match["other"]) - int(match["one"])
    for name, spec in _free(inputs, [name for name, _ in inputs.tensors()]):
        if len(spec.shape) == 1 and 0 < abs(more) <= 2 < spec.shape[0]:
            yield inputs.with_spec(name, replace(spec, shape=(spec.shape[0] + more,)))
    yield from _first_as_second(inputs, names, match)


def _weight_of_classes(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    for name, spec in _free(inputs, [name for name, _ in inputs.tensors() if "weight" in name]):
        yield inputs.with_spec(name, replace(spec, shape=(int(match[1]),)))


def _other_ranks(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    for name, spec in _free(inputs, names):
        yield inputs.with_spec(name, replace(spec, shape=(*spec.shape[:1], 1, *spec.shape[1:])))
        for rank in (len(spec.shape) + 1, len(spec.shape) - 1, len(spec.shape) + 2):
            if 1 <= rank <= 5:
                yield inputs.with_spec(name, of_rank(spec, rank))


def _as_many_axes(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    few, many = sorted((int(match["one"]), int(match["other"])))
    for name, spec in _free(inputs, [name for name, _ in inputs.tensors()]) if many == few + 1 else ():
        if spec.shape and not spec.is_integer:
            yield inputs.with_spec(name, replace(spec, shape=(*spec.shape, 1)))
    for name, spec in _free(inputs, [name for name, _ in inputs.tensors()]):
        if len(spec.shape) == 2 and spec.is_integer:
            yield inputs.with_spec(name, replace(spec, shape=spec.shape[:1]))
        if len(spec.shape) == few and spec.is_integer:
            yield inputs.with_spec(name, TensorSpec((*spec.shape, FEATURES)))
        elif len(spec.shape) == few:
            yield inputs.with_spec(name, of_rank(spec, many))


def _dictionaries(inputs: Inputs, names: list[str], match: re.Match[str]) -> Iterator[Inputs]:
    for name, _ in inputs.tensors():
        yield inputs.with_spec(name, Grouped(dict, (), ()))


_READINGS: tuple[tuple[re.Pattern[str], Reading], ...] = tuple(
    (re.compile(pattern), reading)
    for pattern, reading in (
        (r"[Oo]utput size is too small|[Cc]omputed output size|selected index k out of range", _larger),
        (r"shape '\[([-\d, ]+)\]' is invalid for input of size (\d+)", _viewed),
        (r"size of tensor a \((?P<one>\d+)\) must match the size of tensor b \((?P<other>\d+)\)", _first_as_second),
        (
            r"expanded size of the tensor \((?P<other>\d+)\) must match the existing size \((?P<one>\d+)\)",
            _rows_as_many,
        ),
        (r"\(?\d+x(?P<one>\d+) and (?P<other>\d+)x\d+\)?", _first_as_second),
        (r"[Ee]xpected size (?P<other>\d+) but got size (?P<one>\d+)", _first_as_second),
        (
            r"batch2 tensor to be: \[(?P<same>\d+), (?P<one>\d+)\] but got: \[(?P=same), (?P<other>\d+)\]",
            _first_as_second,
        ),
        (
            r"batch2 tensor to be: \[(?P<one>\d+), (?P<same>\d+)\] but got: \[(?P<other>\d+), (?P=same)\]",
            _first_as_second,
        ),
        (r"equal size, but got \[([\d, ]+)\] at entry 0 and \[([\d, ]+)\] at entry", _pairwise),
        (r"(\d+)\D* (?:!=|vs\.?|but got|does not match|doesn't match)\D*(\d+)", _either_as_other),
        (r"(?:\bdim|dimension|axis) (\d) (?:to|should|must|has to) (?:be|have size) (\d+)", _axis_of_size),
        (r"operand \d+ \((?P<one>\d+)\) does not match previous terms \((?P<other>\d+)\)", _first_as_second),
        (r"maximum size for tensor at dimension \d is (?P<one>\d+) but size is (?P<other>\d+)", _first_as_second),
        (
            r"subscript \w has size (?P<other>\d+) .*previously seen size (?P<one>\d+)",
            _first_as_second,
        ),
        (r"running_mean should contain (?P<one>\d+) elements not (?P<other>\d+)", _first_as_second),
        (r"number of subscripts in the equation \((\d)\) does not match", _of_that_rank),
        (r"Boolean value of Tensor with more than one value is ambiguous", _no_tensors),
        (r"got \((?:bool|NoneType),", _masks_for_none),
        (r"weight tensor should be defined either for all (\d+) classes", _weight_of_classes),
        (
            r"shapes? .*(?:match|same|equal)|same (?:shape|size)|different shapes|(?:shape|size\(\)) == \w+\.(?:shape|size)",
            _all_alike,
        ),
        (r"Sizes of tensors must match|must match|mismatch|divisible|same size|size", _usual_sides),
        (r"Expected (\d+), got (\d+)", _one_index),
        (r"^'([A-Za-z_]\w*)'$", _with_key),
        (r"same number of dimensions: got (?P<one>\d) and (?P<other>\d)", _as_many_axes),
        (r"number of dimensions|expanded size|is invalid for input|must match the size|dims", _other_ranks),
        (r"NoneType|'(?:bool|int|float|str)' object (?:has no attribute|is not subscriptable)", _masks_for_none),
        (r"indices must be|only integers|string|new\(\): invalid data type 'str'", _dictionaries),
    )
)
"""What an error says and what is done about it, in the order in which it is tried."""


def wanted_rank(text: str) -> int | None:
    """The number of axes that an error asks for."""
    patterns = (
        r"not enough values to unpack \(expected (\d)",
        r"too many values to unpack \(expected (\d)",
        r"len\(dims\) = (\d)",
        r"[Ee]xpect(?:s|ed|ing)?:? (?:an? )?(?:input |tensor )?(?:of |with |to be )*(?:an? )?(\d)[- ]?[Dd]\b",
        r"must be (?:an? )?(\d)-?[Dd]",
        r"(?:\bdim\(\)|\bndim|\bndimension\(\)|len\([\w.]+\.(?:shape|size\(\))\)) == (\d)",
        r"(\d)D tensor expected",
        r"[Ee]xpected (?:a )?(\d)-dimensional",
    )
    found = next((match for pattern in patterns if (match := re.search(pattern, text))), None)
    named = re.search(r"[Ee]xpect\w*[^\[(]{0,40}[\[(] ?([A-Za-z]\w*(?: ?[,x×] ?[\w*+-]+)+) ?[\])]", text)
    if sides := re.search(r"same number of spatial dimensions.*output size of [(\[]([\d, ]+)", text):
        return 2 + len(re.findall(r"\d+", sides[1]))
    rank = int(found[1]) if found else len(re.findall(r"[\w*+-]+(?= ?[,x×]|$)", named[1])) if named else None
    return rank if rank is not None and 1 <= rank <= 5 else None


def of_rank(spec: TensorSpec, rank: int) -> TensorSpec:
    """The same kind of input with another number of axes; sizes that were known are kept at the end."""
    if rank < 1:
        return spec
    if rank < len(spec.shape):
        return replace(spec, shape=(*spec.shape[: max(rank - 1, 1)], *spec.shape[-1:])[:rank])
    plain: dict[int, tuple[int, ...]] = {
        2: (BATCH, FEATURES),
        3: (BATCH, LENGTH, spec.shape[-1] if len(spec.shape) > 1 else FEATURES),
        4: (BATCH, spec.shape[1] if len(spec.shape) == 3 else 3, SIDE, SIDE),
        5: (BATCH, 3, 16, SIDE, SIDE),
    }
    return replace(spec, shape=plain.get(rank, spec.shape))


def reshaped(inputs: Inputs, names: list[str], wanted: list[int], size: int) -> Iterator[Inputs]:
    """Inputs whose values fit into ``view(wanted)``; ``size`` values were to be put there."""
    product = math.prod(one for one in wanted if one > 0)
    rest = math.prod(one for one in wanted[1:] if one > 0)
    for name in names:
        spec = inputs[name]
        if not isinstance(spec, TensorSpec) or spec.fixed or product <= 0:
            continue
        own = math.prod(spec.shape)
        if own == size:
            if wanted[0] in (-1, spec.shape[0]) and -1 not in wanted[1:]:
                yield inputs.with_spec(name, replace(spec, shape=(spec.shape[0], *wanted[1:])))
                yield inputs.with_spec(name, replace(spec, shape=(spec.shape[0], rest)))
            if wanted[0] > 0 and -1 not in wanted:
                yield inputs.with_spec(name, replace(spec, shape=tuple(wanted)))
                yield from with_batch(inputs, wanted[0])
            if -1 in wanted[1:] and len(wanted) == len(spec.shape):
                sizes = [one if one > 0 else size for one, size in zip(wanted, spec.shape, strict=True)]
                yield inputs.with_spec(name, replace(spec, shape=(spec.shape[0], *sizes[1:])))
            if -1 in wanted[1:] and len(wanted) >= 2:
                sizes = [one if one > 0 else LENGTH for one in wanted[1:]]
                yield inputs.with_spec(name, replace(spec, shape=(spec.shape[0], *sizes)))
        if -1 in wanted[1:] and rest > 1 and len(spec.shape) == 2 and spec.is_integer:
            yield from (inputs.with_spec(name, with_size(spec, 1, rest * times)) for times in (1, 2, 3, 4))
        batch = spec.shape[0] if spec.shape else 1
        each = size / batch
        if rest > 0 and each:
            yield from scaled(inputs, name, spec, rest / each)
    if wanted and wanted[0] > 0:
        yield from with_batch(inputs, wanted[0])


def lengths(inputs: Inputs) -> Iterator[Inputs]:
    """Full lengths of all sequences, with the batch on the first axis or on the second; masks that hide nothing."""
    masks = [(name, spec) for name, spec in inputs.tensors() if "mask" in name and spec.constant is None]
    for value in (0, 1) if masks else ():
        changed = inputs
        for name, spec in masks:
            changed = changed.with_spec(name, replace(spec, constant=value))
        yield changed
    for name, _ in inputs.tensors():
        if re.search(r"len|size", name):
            yield inputs.with_spec(name, TensorSpec((BATCH,), "int64", constant=LENGTH))
            yield inputs.with_spec(name, TensorSpec((LENGTH,), "int64", constant=BATCH))


def with_steps(inputs: Inputs, one: int, other: int) -> Iterator[Inputs]:
    """Inputs in which one has as many steps as another, where a size is that many times the other: the program lets the
    samples of the longer one and their steps run into one axis."""
    few, many = sorted((one, other))
    steps = many // few if few > 1 and many % few == 0 else 1
    longer = [name for name, spec in inputs.tensors() if len(spec.shape) > 2 and spec.shape[:2] == (few, steps)]
    for name, spec in inputs.tensors():
        if longer and len(spec.shape) == 2 and spec.shape[0] == few and not spec.fixed:
            yield inputs.with_spec(name, replace(spec, shape=(few, steps, *spec.shape[1:])))


def with_places(inputs: Inputs, names: list[str], one: int, other: int) -> Iterator[Inputs]:
    """Inputs of which one has another axis before its last, where the program wants so many of what there is only one of."""
    few, many = sorted((one, other))
    for name, spec in _free(inputs, names) if few == 1 < many else ():
        if len(spec.shape) > 1 and not spec.is_integer:
            yield inputs.with_spec(name, replace(spec, shape=(*spec.shape[:-1], many, spec.shape[-1])))


def one_at_a_time(inputs: Inputs, count: int) -> Iterator[Inputs]:
    """A single index in place of as many as there were: the program lets them run into one row."""
    for name, spec in inputs.tensors():
        if spec.is_integer and not spec.fixed and math.prod(spec.shape) == count:
            yield inputs.with_spec(name, replace(spec, shape=(1,) * len(spec.shape)))


def keyed(inputs: Inputs, key: str) -> Iterator[Inputs]:
    """Inputs in which a dictionary has the key that the program asked for."""
    for name, spec in inputs.specs:
        if isinstance(spec, Grouped) and spec.kind is dict and key not in spec.keys:
            for part in (TensorSpec((BATCH, 3, SIDE, SIDE)), TensorSpec((BATCH, LENGTH), "int64", VOCABULARY)):
                yield inputs.with_spec(name, Grouped(dict, (*spec.keys, key), (*spec.parts, part)))
