"""Layers of a Keras model that get no gradient, or one that is no number: never applied, cut off, or built at each call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy

from ..measuring.mentions import classes_of, is_handed_in, is_mentioned, is_used_apart, place_of, written_at
from ..measuring.suspects import Suspect
from .gradients import Tape
from .outputs import numbers
from .watch import Trace

PASSES = 2
"""Passes over other batches: what a router leaves out of one it may take in another."""

WITH_WEIGHTS = ("kernel_initializer", "embeddings_initializer", "gamma_initializer")
"""What a layer has from the start that will have weights once it is called."""

Run = Callable[[], tuple[Any, Tape, Trace, bool]]
"""One pass in training mode: a scalar, the tape that it is on, what was seen, and whether every output learns."""


def without_gradient(model: Any, run: Run, root: Path | None = None) -> tuple[Suspect, ...]:
    """The layers that are to be trained and are given no gradient."""
    passes = [run() for _ in range(PASSES)]
    variables = model.trainable_variables
    gradients = [tape.gradients(scalar, [one.value for one in variables]) for scalar, tape, _, _ in passes]
    reached = {
        id(one) for found in gradients for one, gradient in zip(variables, found, strict=True) if gradient is not None
    }
    if not reached:
        return ()
    if all(finite(scalar) for scalar, *_ in passes) and (spoiled := without_numbers(model, variables, gradients)):
        place = written_at(model, "call")
        return (Suspect(spoiled[0], "pass", "not a number", len(spoiled), *place),) if place[0] else ()
    called = {key: layer for _, _, trace, _ in passes for key, layer in trace.called.items()}
    every = all(learns for *_, learns in passes)
    own = list(_own(model, reached, called, every, root))
    return (*own, *_rebuilt(model, [trace for _, _, trace, _ in passes]))


def without_numbers(model: Any, variables: list[Any], gradients: list[list[Any]]) -> list[str]:
    """The variables whose gradient is infinite or NaN in every pass, by the names that the program knows them by."""
    spoiled = [
        one
        for number, one in enumerate(variables)
        if all(found[number] is not None and not finite(found[number]) for found in gradients)
    ]
    parts = list(_parts(model))
    return [
        next(
            (f"{name}.{one.name}" for name, part in parts if any(one is own for own in part.trainable_variables)),
            one.name,
        )
        for one in spoiled
    ]


def finite(tensor: Any) -> bool:
    """Whether all numbers of a tensor are numbers."""
    values = numbers(getattr(tensor, "values", tensor) if not callable(getattr(tensor, "values", None)) else tensor)
    return bool((values - values == 0).all())


def _own(
    owner: Any, reached: set[int], called: dict[int, Any], every: bool, root: Path | None, path: str = ""
) -> Iterator[Suspect]:
    """The largest parts below a layer that get no gradient."""
    if not classes_of(owner):
        return
    for attribute, part in _parts(owner):
        name = f"{path}.{attribute}" if path else attribute
        weights = part.trainable_variables
        if any(id(one) in reached for one in weights):
            yield from _own(part, reached, called, every, root, name)
            continue
        count = sum(int(one.value.numpy().size) if hasattr(one.value, "numpy") else 0 for one in weights)
        parts = {id(part), *(id(one) for one in part._flatten_layers())}
        if not parts & called.keys():
            has_weights = weights or (not part.built and any(hasattr(part, one) for one in WITH_WEIGHTS))
            if has_weights and not is_mentioned(owner, attribute, root):
                yield Suspect(name, type(part).__name__, "unused", count, *place_of(owner, attribute))
        elif weights and every and not _has_twin(owner, part, reached):
            if is_handed_in(owner, attribute) or is_used_apart(owner, attribute, "call"):
                continue
            yield Suspect(name, type(part).__name__, "cut", count, *place_of(owner, attribute))


def _parts(owner: Any) -> Iterator[tuple[str, Any]]:
    """The layers that are attributes of their own. Those in lists are not looked at: some may be used and others not."""
    direct = {id(one) for one in owner._layers}
    for attribute, part in vars(owner).items():
        if not attribute.startswith("_") and id(part) in direct and hasattr(part, "trainable_variables"):
            yield attribute, part


def _has_twin(owner: Any, part: Any, reached: set[int]) -> bool:
    """Whether another part is built alike and does learn: the part is then its teacher or its average."""
    shapes = [tuple(one.shape) for one in part.trainable_variables]
    return any(
        type(other) is type(part)
        and other is not part
        and [tuple(one.shape) for one in other.trainable_variables] == shapes
        and any(id(one) in reached for one in other.trainable_variables)
        for other in owner._flatten_layers()
    )


def _rebuilt(model: Any, traces: list[Trace]) -> Iterator[Suspect]:
    """Layers with weights that are made anew at each call."""
    known = {id(one) for one in model._flatten_layers()}
    own = {id(one) for one in model.variables}
    for key, layer in traces[0].called.items():
        again = any(key in trace.called for trace in traces[1:])
        foreign = [one for one in layer.trainable_variables if id(one) not in own]
        if key in known or again or not foreign or not traces[0].lines.get(key):
            continue
        others = [
            [one for one in other.trainable_variables if id(one) not in own]
            for trace in traces[1:] for place, other in trace.called.items()
            if trace.lines.get(place) == traces[0].lines[key] and type(other) is type(layer)
        ]  # fmt: skip
        if not others or any(same_values(foreign, one) for one in others):
            continue
        count = sum(int(one.value.numpy().size) if hasattr(one.value, "numpy") else 0 for one in foreign)
        yield Suspect("", type(layer).__name__, "rebuilt", count, *traces[0].lines[key])


def same_values(some: list[Any], others: list[Any]) -> bool:
    """Whether variables have the same values."""
    pairs = zip(some, others, strict=False)
    return len(some) == len(others) and all(
        numpy.array_equal(numbers(one.value), numbers(two.value)) for one, two in pairs
    )
