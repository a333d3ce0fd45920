"""The search for inputs that a Keras model takes: tries, what the error says, and the next tries."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ..measuring.specs import BATCH, FEATURES, LENGTH, SIDE, Grouped, Inputs, TensorSpec
from ..program.standins import find_stand_in, missing_package
from ..reasons import Unmeasurable, describe
from .inputs import VOCABULARY, fresh_values, layers_of

MOST_TRIES = 40

SIDES = (64, 256)
"""Sides of images that can be halved often."""

LAST_AXIS = (
    r"expected axis -1 of input shape to have value (\d+)",
    r"In\[1\]: \[(\d+),",
    r"mat1 and mat2 shapes cannot be multiplied \(\d+x\d+ and (\d+)x",
    r"expected shape=\([^)]*, (\d+)\), found shape",
    r"expected shape \([^)]*, (\d+)\), but",
)
"""What an error says about the size of the last axis."""


def search(fresh: Callable[[], Any], first: list[Inputs], training: bool, seconds: float) -> tuple[Any, Inputs]:
    """A model and inputs that it takes. Every try has a new model, for a try that fails may have built half of it.

    Raises:
        Unmeasurable: none was found; the error is that of the first guess.
    """
    waiting = [one.lighter() for one in first]
    seen = set(waiting)
    failures: list[Exception] = []
    until = time.monotonic() + seconds
    for tried in range(MOST_TRIES):
        if not waiting or (tried and time.monotonic() > until):
            break
        inputs = waiting.pop(0)
        model = fresh()
        try:
            by_place, by_name = fresh_values(inputs, seed=0)
            result = call(model, by_place, by_name, training)
            replaced = find_stand_in(result)
            if replaced is not None:
                raise Unmeasurable("missing-dependency", missing_package(repr(replaced)) or replaced.__name__)
            if result is not None:
                return model, inputs
            failures.append(Unmeasurable("output", "call gives nothing"))
        except Exception as error:  # whatever the user's code raises
            failures.append(error)
            successors = [one for repair in repairs(str(error), inputs, model) if (one := repair.lighter()) not in seen]
            seen.update(successors)
            waiting = successors + waiting
    first_failure = failures[0]
    if isinstance(first_failure, Unmeasurable):
        raise first_failure
    raise Unmeasurable("inputs", describe(first_failure))


def call(model: Any, by_place: list[Any], by_name: dict[str, Any], training: bool) -> Any:
    """One pass; with ``training`` where the model takes it."""
    return model(*by_place, **by_name, **({"training": training} if model._call_has_training_arg else {}))


def repairs(message: str, inputs: Inputs, model: Any) -> Iterator[Inputs]:
    """What to try after an error."""
    yield from of_other_batch(message, inputs)
    for name, spec in inputs.specs:
        match spec:
            case TensorSpec():
                for better in repaired(message, spec, model):
                    yield inputs.with_spec(name, better)
                yield from (inputs.with_spec(name, group) for group in grouped(message, spec))
            case Grouped(kind, keys, parts):
                longer = tuple(
                    with_more_axes(message, part) if isinstance(part, TensorSpec) else part for part in parts
                )
                if longer != parts:
                    yield inputs.with_spec(name, Grouped(kind, keys, longer))
                for index, part in enumerate(parts):
                    if isinstance(part, TensorSpec):
                        for better in repaired(message, part, model):
                            changed = (*parts[:index], better, *parts[index + 1 :])
                            yield inputs.with_spec(name, Grouped(kind, keys, changed))


def repaired(message: str, spec: TensorSpec, model: Any) -> Iterator[TensorSpec]:
    """Other shapes and types for one tensor."""
    for pattern in LAST_AXIS:
        found = re.search(pattern, message)
        if found and spec.shape:
            yield replace(spec, shape=(*spec.shape[:-1], int(found[1])))
    yield from of_other_size(message, spec)
    if re.search(r"ndim=(\d+)", message):
        yield from of_rank(message, spec)
    if (longer := with_more_axes(message, spec)) != spec:
        yield longer
    total = re.search(r"input_shape=\((?:\d+, )?(\d+),\), target_shape=\(([\d, ]+)\)", message)
    if total:
        sizes = [int(size) for size in total[2].split(",") if size.strip()]
        yield replace(spec, shape=(*spec.shape[:1], math.prod(sizes)))
    rows = re.search(r"not in \[0, (\d+)\)", message)
    if rows and spec.is_integer and (spec.below or VOCABULARY) > int(rows[1]):
        yield replace(spec, below=int(rows[1]))
    if "indices" in message or "out of range" in message or "index" in message.lower():
        limits = [layer.input_dim for layer in layers_of(model) if hasattr(layer, "input_dim")]
        below = min((int(limit) for limit in limits if limit), default=VOCABULARY)
        if spec.below != below:
            yield replace(spec, dtype="int32", below=below)
    if "string" in message.lower() and spec.dtype != "string":
        yield TensorSpec(spec.shape[:1], "string")
    if (
        re.search(r"ConcatOp|must be equal|inputs with matching shapes|Incompatible shapes", message)
        and len(spec.shape) == 4
    ):
        yield from (replace(spec, shape=(spec.shape[0], side, side, spec.shape[3])) for side in SIDES if not spec.fixed)
    smaller = re.search(
        r"Negative dimension|negative dimension|smaller than|output size would be (negative|zero)|empty output",
        message,
    )
    if smaller and len(spec.shape) == 4 and spec.shape[2] < 256:
        yield with_larger_sides(spec)


FEW_CHANNELS = 4


def with_larger_sides(spec: TensorSpec) -> TensorSpec:
    """An image with sides twice as long; of two layouts the one in which it has few channels, else that with channels last."""
    samples, *sizes = spec.shape
    first = sizes[0] <= FEW_CHANNELS < sizes[-1]
    doubled = [size if axis == (0 if first else 2) else 2 * size for axis, size in enumerate(sizes)]
    return replace(spec, shape=(samples, *doubled))


BATCHES = re.compile(
    r"Incompatible shapes: \[(\d+)[\d,]*\] vs\. \[(\d+)[\d,]*\]"
    r"|size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension 0"
)
"""What an error says about two numbers of samples that do not fit."""


def of_other_batch(message: str, inputs: Inputs) -> Iterator[Inputs]:
    """The inputs with the number of samples that the program is written for."""
    found = BATCHES.search(message)
    sizes = {int(size) for size in found.groups() if size} if found else set()
    others = sizes - {inputs.batch, 0, 1}
    if inputs.batch in sizes and others:
        yield inputs.of_batch(others.pop())


PAIRS = re.compile(
    r"Incompatible shapes: \[([\d,]+)\] vs\. \[([\d,]+)\]|must be equal, but are (\d+) and (\d+)|shapes \(([\d, ]+)\) and \(([\d, ]+)\)"
    r"|(?:must|should) be (?:equal to )?(\d+)\D{1,40}?(\d+)"
)
"""What an error says about two shapes that do not fit."""


def of_other_size(message: str, spec: TensorSpec) -> Iterator[TensorSpec]:
    """The tensor with the size that one of two shapes has in place of that of the other."""
    found = PAIRS.search(message)
    one, other = [text for text in found.groups() if text] if found else ("", "")
    pairs = [(int(first), int(second)) for first, second in zip(numbers(one), numbers(other), strict=False)]
    for wanted, got in [*pairs, *((second, first) for first, second in pairs)]:
        for axis in range(len(spec.shape) - 1, 0, -1):
            if wanted != got and spec.shape[axis] == got and not spec.fixed:
                yield replace(spec, shape=(*spec.shape[:axis], wanted, *spec.shape[axis + 1 :]))


def numbers(text: str) -> list[str]:
    """The numbers in a text."""
    return re.findall(r"\d+", text)


def of_rank(message: str, spec: TensorSpec) -> Iterator[TensorSpec]:
    """The tensor with the number of axes that an error asks for, where it has the one that was found."""
    wanted = re.search(r"expected (?:min_)?ndim=(\d+), found ndim=(\d+)", message)
    if wanted is None or int(wanted[2]) != len(spec.shape):
        return
    match int(wanted[1]):
        case 2:
            yield TensorSpec((BATCH, spec.shape[-1] if spec.shape else FEATURES))
        case 3:
            yield TensorSpec((BATCH, LENGTH, FEATURES))
        case 4:
            yield TensorSpec((BATCH, SIDE, SIDE, 3))
        case 5:
            yield TensorSpec((BATCH, 16, SIDE, SIDE, 3))


AXIS_MISSING = re.compile(
    r"slice index (\d) of dimension 0 out of bounds|dimensions in the range \[-\d, \d\), but got (\d)"
)
"""What TensorFlow says of a value that lacks an axis that the program reads."""

WITH_AXES = {3: (BATCH, LENGTH, FEATURES), 4: (BATCH, SIDE, SIDE, 3), 5: (BATCH, 16, SIDE, SIDE, 3)}
"""Usual shapes, by the number of axes."""


def with_more_axes(message: str, spec: TensorSpec) -> TensorSpec:
    """The tensor with as many axes as the program reads, where it has fewer."""
    found = AXIS_MISSING.search(message)
    rank = int(found[1] or found[2]) + 1 if found else 0
    if rank in WITH_AXES and len(spec.shape) < rank and not spec.fixed:
        return replace(spec, shape=WITH_AXES[rank])
    return spec


def grouped(message: str, spec: TensorSpec) -> Iterator[Grouped]:
    """A list of several such tensors, where an error says how many values were to be unpacked."""
    expected = re.search(r"values to unpack \(expected (\d+)", message)
    if expected and 2 <= int(expected[1]) <= 6:
        count = int(expected[1])
        yield Grouped(list, tuple(map(str, range(count))), (spec,) * count)
    elif "should be called on a list of" in message or "must be a list" in message:
        yield Grouped(list, ("0", "1"), (spec, spec))
