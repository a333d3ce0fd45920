"""What a program was seen to do with the parts of its modules, on whatever path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct, field

from headlint.flow.values.conditions import Choice, Guard
from headlint.flow.values.python_values import (
    Constant,
    DictValue,
    FrameworkName,
    HeapObject,
    Instance,
    ListValue,
    Site,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.state import State

BY_HAND = frozenset(
    {
        "parameters",
        "named_parameters",
        "state_dict",
        "load_state_dict",
        "requires_grad_",
        "eval",
        "train",
    }
)
"""Methods of a module that a program calls on each part when it does not leave the parts to the module around."""


class Made(Struct, frozen=True):
    """Where something was built during a ``forward``."""

    site: Site
    forward: Instance
    """Whose ``forward`` it is."""
    since: int
    """What was born later was born during the same call."""
    conditional: bool
    """Whether a test decides about it, or another method builds it."""
    by_mode: bool
    """Whether it is built in training only, or in evaluation only."""
    without_gradient: bool
    guards: tuple[Guard, ...]


class Replaced(Struct, frozen=True):
    """A part of an object that made place for another under the same name."""

    owner: Instance
    name: str
    part: HeapObject
    site: Site
    """Where it had become an attribute."""
    by: Site


class PartsSeen(Struct):
    """Layers, modules and the collections that hold them, by what happened to them."""

    registered: set[HeapObject] = field(default_factory=set)
    """Those that were made part of a module under a name that is not known (``self.add_module(f"layer{i}", layer)``)."""
    filled: set[HeapObject] = field(default_factory=set)
    """Modules that were given a part of which nothing is known: it may be any that they keep elsewhere."""
    by_hand: set[HeapObject] = field(default_factory=set)
    """Those whose parameters or mode the program asked for one by one: it does not leave them to the module around."""
    handed_on: set[HeapObject] = field(default_factory=set)
    """Those that something not followed was given: nobody knows what it does with them."""

    assigned: dict[HeapObject, Site] = field(default_factory=dict)
    """Where lists and dicts became an attribute."""

    made_in_forward: dict[HeapObject, Made] = field(default_factory=dict)
    applied: set[HeapObject] = field(default_factory=set)
    """Those that were called."""
    copied: set[HeapObject] = field(default_factory=set)
    """Those of which there are copies: which of the two is frozen, or put into a mode, is not known."""
    released_unknown: bool = False
    """Whether the parameters of something unknown were released: it may be a part of any module."""
    weights_touched: set[HeapObject] = field(default_factory=set)
    """Layers of whose weights the program did something itself: set them, shared them, multiplied with them."""

    in_place_of: dict[HeapObject, set[HeapObject]] = field(default_factory=dict)
    """What took the place of which part, or of which one of several, under the same name or number; of none: nobody knows."""
    replaced: list[Replaced] = field(default_factory=list)
    """Parts whose attribute was given another part."""
    leaves: set[Tensor] = field(default_factory=set)
    """Tensors that a program made and asked for their own gradient (``requires_grad=True``)."""

    left_out: set[Value] = field(default_factory=set)
    """What was unpacked to names that begin with an underscore: the program does not mean to use it."""

    cut_on_demand: set[Site] = field(default_factory=set)
    """Where the gradient is cut because a test asks for it, ``if self.freeze: x = x.detach()``."""

    spent: list[Tensor] = field(default_factory=list)
    """Tensors of which something was made that is not followed: a gradient may come back to them from there."""

    def put_in_place(self, new: Value, old: Value | None) -> None:
        """A part takes the place of another one, or of one of several."""
        replaced = set(things_of(old)) if old is not None else set()
        for one in things_of(new) if replaced or isinstance(old, Unknown) else ():
            self.in_place_of.setdefault(one, set()).update(replaced - {one})

    def register(self, value: Value) -> None:
        """A module gets a part under a name that is not known."""
        self.registered.update(things_of(value))

    def hand_on(self, *values: Value) -> None:
        """Something that is not followed is given these."""
        for value in values:
            if not isinstance(value, Constant | Unknown | FrameworkName):
                self.handed_on.update(things_of(value))
                self.spend(value)

    def spend(self, *values: Value | None, made: Value | None = None) -> None:
        """Something is made of these; what the result remembers them by is followed."""
        if isinstance(made, Tensor):
            kept: tuple[Value, ...] = (made, *made.inputs)
        else:
            kept = ()
        for value in values:
            if value is not None and not isinstance(value, Constant | Unknown | FrameworkName):
                self.spent += [tensor for tensor in tensors_of(value) if all(tensor is not one for one in kept)]


def possible_items(state: State, collection: HeapObject) -> tuple[Value, ...]:
    """Every item that a list or a container may have, on whatever path."""
    held = state.read(collection, "items")
    rows = [option.value for option in state.alternatives(held)] if held is not None else []
    items = [item for row in rows if isinstance(row, TupleValue) for item in row.items]
    return tuple({id(item): item for item in items}.values())


def tensors_of(value: Value, depth: int = 4) -> Iterator[Tensor]:
    """The tensors that a value is, on any path, or holds as a tuple, a list or a dict."""
    match value:
        case Tensor():
            yield value
        case Choice(options):
            for option in options:
                yield from tensors_of(option.value, depth)
        case TupleValue(items):
            for item in items:
                yield from tensors_of(item, depth - 1) if depth else ()
        case ListValue() | DictValue():
            for item in value.slots.values():
                yield from tensors_of(item, depth - 1) if depth else ()
        case _:
            pass


def things_of(value: Value) -> Iterator[HeapObject]:
    """The things with an identity that a value is, on any path, or holds as a tuple."""
    match value:
        case HeapObject():
            yield value
        case Choice(options):
            for option in options:
                yield from things_of(option.value)
        case TupleValue(items):
            for item in items:
                yield from things_of(item)
        case _:
            pass
