"""Other inputs than one tensor for each parameter: lists of features of several levels, and those that may be left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from torch import nn

from ..measuring.specs import SIDE, Grouped, Inputs, Spec, TensorSpec
from ..program.uses import items_read
from .inputs import first_layer, forward_parameters, spec_by_use, spec_of_layer, written_pass
from .search import Failure

LISTS = re.compile(r"\b([Ll]ist|[Tt]uple|Sequence|Iterable)\b")
"""Annotations of parameters that take several tensors."""

FEW = 4


def in_lists(inputs: Inputs, model: nn.Module) -> Iterator[Inputs]:
    """The inputs with a list in place of a tensor whose items the pass reads one by one."""
    for name in [parameter.name for parameter in forward_parameters(model)]:
        spec = dict(inputs.specs).get(name)
        if isinstance(spec, TensorSpec) and not spec.fixed and (count := items_read(written_pass(model), name)):
            for parts in levels(model, count, spec):
                yield inputs.with_spec(name, listed(parts))


def with_left_out(failure: Failure, inputs: Inputs, model: nn.Module) -> Iterator[Inputs]:
    """The inputs with one more that may be left out, where something that is ``None`` was asked for what it has not."""
    given = {name for name, _ in inputs.specs}
    optional = [one.name for one in forward_parameters(model) if one.default is None and one.name not in given]
    for name in optional if "NoneType" in failure.message else ():
        yield replace(
            inputs, specs=(*inputs.specs, (name, spec_by_use(name, model))), keywords=inputs.keywords | {name}
        )


def is_list(annotation: object) -> bool:
    """Whether an annotation asks for several tensors."""
    written = annotation if isinstance(annotation, str) else str(annotation)
    return "Tensor" in written and LISTS.search(written) is not None


def listed(parts: tuple[Spec, ...]) -> Grouped:
    """A list of inputs."""
    return Grouped(list, tuple(str(number) for number in range(len(parts))), parts)


def levels(model: nn.Module, count: int, spec: TensorSpec) -> Iterator[tuple[Spec, ...]]:
    """What may be in the list: for each layer of a list of layers what it takes, each half as large as the one before;
    else the same several times."""
    for layers in (part for part in model.modules() if isinstance(part, nn.ModuleList) and len(part) > 1):
        wanted = [spec_of_layer(first_layer(layer, "")) for layer in layers]
        if all(one is not None for one in wanted):
            yield tuple(smaller(one, level) for level, one in enumerate(wanted) if one is not None)
    for number in dict.fromkeys((count, FEW)):
        yield (spec,) * number
        yield tuple(smaller(spec, level) for level in range(number))


def smaller(spec: TensorSpec, level: int) -> TensorSpec:
    """The same with the sides of an image halved so many times."""
    sides = (max(2 * SIDE >> level, 1),) * (len(spec.shape) - 2)
    return replace(spec, shape=(*spec.shape[:2], *sides)) if len(spec.shape) > 3 else spec
