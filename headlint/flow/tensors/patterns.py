"""Axes by their names in a text: einops' ``rearrange``, ``repeat`` and ``reduce``, and the letters of ``einsum``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.tensors import axes, mixtures, shapes, shares
from headlint.flow.tensors.operation import Operation, tensor_of
from headlint.flow.values.python_values import Constant, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

Group = tuple[str, ...]
"""The names of what one axis is made of; none for an axis of one item."""

EINSUM = "einsum"
"""The note of a product by letters; its factor is the text."""

_PART = re.compile(r"\([^()]*\)|\S+")


def rearrange(machine: Machine, tensor: Tensor, operation: Operation, pattern: object) -> Tensor:
    """What ``rearrange``, ``repeat`` and ``reduce`` make of a tensor."""
    sides = pattern.split("->") if isinstance(pattern, str) else ()
    plain = tensor.derive(shape=ANY_SHAPE, origin=operation.origin(), axis=None, heads=(), labels=None)
    if len(sides) != 2 or "..." in str(pattern):
        return plain
    before, after = _groups(sides[0]), _groups(sides[1])
    if tensor.shape.rank not in (None, len(before)):
        return plain
    lengths = _lengths(tensor.shape, before, operation.arguments)
    places = {group[0]: place for place, group in enumerate(before) if len(group) == 1}
    said = tuple(_said(group, operation.arguments) for group in after)
    return tensor.derive(
        shape=Shape(tuple(_product(group, lengths) for group in after)),
        origin=replace(operation.origin(), factor=TupleValue(said)),
        axis=None,
        heads=(),
        labels=None,
        order=tuple(places.get(group[0], axes.NEW) if len(group) == 1 else axes.NEW for group in after),
        merged=tuple(tuple(places[name] for name in group) if {*group} <= {*places} else () for group in after),
    )


def stacks_samples(product: Tensor) -> bool:
    """Whether a product by letters is one of each sample: ``bhid,bhjd->bhij``."""
    match product.origin.factor:
        case Constant(str() as text):
            inputs, letters = text.replace(" ", "").lower().split("->")
            return all(names.startswith("b") for names in (*inputs.split(","), letters))
        case _:
            return False


def _groups(side: str) -> list[Group]:
    """The axes of one side: ``b (h w) 1`` has three."""
    parts = _PART.findall(side)
    return [tuple(name for name in part.strip("()").split() if name != "1") for part in parts]


def _lengths(shape: Shape, groups: Sequence[Group], arguments: Mapping[str, Value]) -> dict[str, int]:
    """The sizes of names, as far as the tensor or the call gives them."""
    found = {name: size for name, value in arguments.items() if (size := _size(value)) is not None}
    for place, group in enumerate(groups):
        whole = shape.dims[place] if shape.dims is not None else None
        open_names = [name for name in group if name not in found]
        rest = prod(found[name] for name in group if name in found)
        if whole is not None and len(open_names) == 1 and rest and whole % rest == 0:
            found[open_names[0]] = whole // rest
    return found


def _size(value: Value) -> int | None:
    match value:
        case Constant(int() as size) if not isinstance(size, bool):
            return size
        case _:
            return None


def _product(group: Group, lengths: Mapping[str, int]) -> int | None:
    known = [lengths.get(name) for name in group]
    return None if None in known else prod(size for size in known if size is not None)


def _said(group: Group, arguments: Mapping[str, Value]) -> Value:
    return arguments.get(group[0], Constant(None)) if len(group) == 1 else Constant(None)


def _rearrange(machine: Machine, operation: Operation) -> Value:
    tensor = tensor_of(machine, operation.main)
    return rearrange(machine, tensor, operation, operation.constant("pattern")) if tensor is not None else Unknown()


def _einsum(machine: Machine, operation: Operation) -> Value:
    """``einsum("bid,bjd->bij", q, k)``: each axis of the product is one of an operand's."""
    match operation.main, shapes.as_written(machine, operation.arguments.get("operands")):
        case Constant(str() as text), TupleValue(operands) if "->" in text and "." not in text:
            parts = [part for one in operands if (part := tensor_of(machine, one)) is not None]
            inputs, letters = text.replace(" ", "").split("->")
            names = inputs.split(",")
            if parts and len(parts) == len(operands) == len(names):
                return _product_by_letters(machine, operation, parts, names, letters)
    return Unknown()


def _product_by_letters(
    machine: Machine, operation: Operation, parts: Sequence[Tensor], names: Sequence[str], letters: str
) -> Tensor:
    sizes: dict[str, int | None] = {}
    for part, its_names in zip(parts, names, strict=True):
        if part.shape.rank == len(its_names):
            sizes.update({name: size for name, size in zip(its_names, part.shape.dims or (), strict=True) if size})
    shares.note_by_letters(machine, operation.site, parts, names, letters)
    first = names[0]
    shape = Shape(tuple(sizes.get(letter) for letter in letters))
    if _takes_shares_of_rows(parts, names, letters):
        return mixtures.mixed(shape, tuple(parts), EINSUM, operation.site)
    return Tensor(
        Domain.UNKNOWN,
        shape,
        replace(operation.origin(EINSUM), factor=operation.main),
        tuple(parts),
        attached=any(part.attached for part in parts) and not machine.without_gradient,
        order=tuple(first.index(letter) if letter in first else axes.NEW for letter in letters),
    )


def _takes_shares_of_rows(parts: Sequence[Tensor], names: Sequence[str], letters: str) -> bool:
    """Whether shares, which sum to one along the axis that is summed over, are taken of one-hot rows."""
    if len(parts) != 2 or not letters:
        return False
    return any(
        mixtures.shares_of_rows(parts[one], parts[other])
        and parts[one].axis in (-1, len(names[one]) - 1)
        and names[one][-1:] not in letters
        and names[one][-1:] in names[other]
        and names[other][-1:] == letters[-1:]
        for one, other in ((0, 1), (1, 0))
    )


EFFECTS: dict[str, Callable[[Machine, Operation], Value]] = {
    "rearrange": _rearrange,
    "einsum": _einsum,
}
"""The function for each effect of the tables in ``headlint.frameworks`` that is of this kind."""
