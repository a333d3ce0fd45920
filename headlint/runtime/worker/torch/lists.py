"""Other inputs than one tensor for each parameter: lists of features of several levels, objects whose attributes are read,
and those that may be left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from torch import nn

from ..measuring.specs import BATCH, FEATURES, SIDE, Bundle, Given, Grouped, Inputs, Spec, TensorSpec
from ..program.uses import items_read, words_of
from .inputs import TENSOR, first_layer, forward_parameters, spec_by_use, spec_of_attribute, spec_of_layer, written_pass
from .search import Failure

FEW = 4

ASKED = re.compile(r"'(Tensor|Bundle)' object has no attribute '([a-zA-Z]\w*)'")
"""What is said of a tensor, or an object, that was asked for what it has not."""


def in_levels(inputs: Inputs, model: nn.Module) -> Iterator[Inputs]:
    """The inputs with a list in place of a tensor: for each layer of a list of layers what it takes, each half as large
    as the one before."""
    for name, _, _ in read_by_items(inputs, model):
        for layers in (part for part in model.modules() if isinstance(part, nn.ModuleList) and len(part) > 1):
            wanted = [spec_of_layer(first_layer(layer, "")) for layer in layers]
            parts = tuple(smaller(one, level) for level, one in enumerate(wanted) if one is not None)
            if len(parts) == len(layers):
                yield inputs.with_spec(name, listed(parts))


def in_lists(inputs: Inputs, model: nn.Module) -> Iterator[Inputs]:
    """The inputs with a list of several like it in place of a tensor."""
    for name, spec, count in read_by_items(inputs, model):
        for number in dict.fromkeys((count, FEW)):
            yield inputs.with_spec(name, listed((spec,) * number))
            yield inputs.with_spec(name, listed(tuple(smaller(spec, level) for level in range(number))))


def read_by_items(inputs: Inputs, model: nn.Module) -> Iterator[tuple[str, TensorSpec, int]]:
    """The inputs that are a tensor and of which the pass reads one item after the other, and how many."""
    for name in [parameter.name for parameter in forward_parameters(model)]:
        spec = dict(inputs.specs).get(name)
        if isinstance(spec, TensorSpec) and not spec.fixed and (count := items_read(written_pass(model), name)):
            yield name, spec, count


WANTED = re.compile(r"\b(\w+) is not None")
"""What an assertion says of an input that may not be left out after all."""


def with_attribute(failure: Failure, inputs: Inputs, model: nn.Module) -> Iterator[Inputs]:
    """The inputs with an object in place of a tensor that was asked for what no tensor has, or with one attribute more."""
    asked = ASKED.search(failure.message)
    if asked is None or asked[2] in TENSOR:
        return
    for name, spec in inputs.specs:
        added = spec_of_attribute(asked[2], model)
        match spec:
            case TensorSpec(fixed=False) if asked[1] == "Tensor":
                yield inputs.with_spec(name, Grouped(Bundle, (asked[2],), (added,)))
            case Grouped(kind, keys, parts) if kind is Bundle and asked[1] == "Bundle" and asked[2] not in keys:
                yield inputs.with_spec(name, Grouped(Bundle, (*keys, asked[2]), (*parts, added)))


def with_left_out(failure: Failure, inputs: Inputs, model: nn.Module) -> Iterator[Inputs]:
    """The inputs with one more that may be left out, where something that is ``None`` was asked for what it has not."""
    given = {name for name, _ in inputs.specs}
    optional = [one.name for one in forward_parameters(model) if one.default is None and one.name not in given]
    asserted = [name for name in WANTED.findall(f"{failure.message} {failure.line}") if name in optional]
    if asserted:
        added = tuple((name, spec_by_use(name, model)) for name in asserted)
        with_them = replace(inputs, specs=(*inputs.specs, *added), keywords=inputs.keywords | set(asserted))
        rows = [with_them.with_spec(name, TensorSpec((BATCH, FEATURES))) for name in asserted]
        unused = all(first_layer(model, name) is None for name in asserted)
        yield from [*rows, with_them] if unused else [with_them, *rows]
    for name in optional if "NoneType" in failure.message else ():
        yield replace(
            inputs, specs=(*inputs.specs, (name, spec_by_use(name, model))), keywords=inputs.keywords | {name}
        )


def with_other_choice(failure: Failure, inputs: Inputs, model: nn.Module) -> Iterator[Inputs]:
    """The inputs with another whole number for what may be left out, or another word, where what is then taken does not do:
    which of its stages a model runs, say."""
    if isinstance(failure.error, (IndexError, KeyError)):
        for name, spec in inputs.specs:
            if isinstance(spec, Given) and type(spec.value) is int and spec.value > 0:
                yield inputs.with_spec(name, Given(0))  # whatever it picks from has a first
    for name, spec in inputs.specs:
        if isinstance(spec, Given) and isinstance(spec.value, str) and spec.value:
            for word in words_of(written_pass(model), name):
                yield inputs.with_spec(name, Given(word))
    given = {name for name, _ in inputs.specs}
    counts = [one for one in forward_parameters(model) if type(one.default) is int and one.name not in given]
    for one in counts if isinstance(failure.error, (AttributeError, IndexError, KeyError)) else ():
        for value in (1, 2):
            if value != one.default:
                yield replace(
                    inputs, specs=(*inputs.specs, (one.name, Given(value))), keywords=inputs.keywords | {one.name}
                )


def chosen_otherwise(inputs: Inputs, model: nn.Module) -> Iterator[str]:
    """The whole numbers among the inputs that stand in place of the program's own, as ``step=1``."""
    own = {one.name: one.default for one in forward_parameters(model) if type(one.default) is int}
    for name, spec in inputs.specs:
        if isinstance(spec, Given) and name in own:
            yield f"{name}={spec.value}"


def listed(parts: tuple[Spec, ...]) -> Grouped:
    """A list of inputs."""
    return Grouped(list, tuple(str(number) for number in range(len(parts))), parts)


def smaller(spec: TensorSpec, level: int) -> TensorSpec:
    """The same with the sides of an image halved so many times."""
    sides = (max(2 * SIDE >> level, 1),) * (len(spec.shape) - 2)
    return replace(spec, shape=(*spec.shape[:2], *sides)) if len(spec.shape) > 3 else spec
