"""What an expression can be, as far as headlint follows it.

Values are immutable, apart from the things of a program that have an identity (instances, lists, layers …): those are
``HeapObject``s, whose slots are written through ``headlint.flow.machine.state.State`` only, so that branches can be undone and joined.
Whatever is not followed is an ``Unknown``, and nothing is ever reported about an Unknown.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from headlint.flow.values.assumptions import Assumption
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.values.modules import ModuleUnit


class Site(Struct, frozen=True, gc=False):
    """An expression of a module: the module's path and the expression's number in it."""

    path: str
    at: int


class Value:
    """Anything an expression can be."""

    __slots__ = ()


ITEM_NUMBER = "the number of an item of a data set"
"""The note of an unknown that is a single integer."""

NOT_FOLLOWED = "a call that takes too long to be followed"
"""The note of what such a call would have given."""


RANGE_NUMBER = "a number of a range"
"""The note of what a loop over a ``range`` of unknown length counts."""

COUNTED = "counted in a loop"
"""The note of a number that the rounds of a loop of unknown length count up."""

CLASS_NUMBER = "the place of a name in a list"
"""The note of what ``names.index(name)`` gives: the number of a class."""

DRAWN = "a whole number that is drawn"
"""The note of what ``random.randint`` and its like give."""

_WHOLE = frozenset({RANGE_NUMBER, ITEM_NUMBER, CLASS_NUMBER, COUNTED, DRAWN})

_KEEPS_WHOLE = frozenset({"+", "-", "*", "//", "%", "&", "|", "^", ">>", "<<"})
"""Operations that make a whole number of two."""

BATCH = "a batch"
"""The note of what a loader makes of several samples."""

STACKED = "a batch of rows"
"""The same, where each sample is a row of the first axis."""

COUNTER = "counter"
"""The key of a number that a loop counts up to its parent."""


_COMPUTING = ("torch.nn.functional.", "torch.fft.", "torch.linalg.", "torchvision.ops.", "kornia.", "einops.")
"""What the names of functions begin with that compute with tensors."""


class Unknown(Value):
    """A value that is not followed.

    It has an identity: what is asked of the same Unknown twice is the same Unknown again, so that two tests of
    ``options.binary`` are seen to be the same condition.
    """

    __slots__ = ("children", "key", "note", "parent")

    def __init__(self, note: str = "", parent: Unknown | None = None, key: Hashable = None) -> None:
        self.note = note
        self.parent = parent
        self.key = key
        self.children: dict[Hashable, Unknown] = {}

    def child(self, key: Hashable, note: str = "") -> Unknown:
        """The unknown part ``key`` of this unknown."""
        if key not in self.children:
            self.children[key] = Unknown(note, self, key)
        return self.children[key]

    def outwards(self) -> Iterator[Unknown]:
        """It, what it is a part of or was asked of, what that is a part of, and so on."""
        part: Unknown | None = self
        while part is not None:
            yield part
            part = part.parent

    def counter(self) -> Unknown:
        """What counts up to this number, one less at the end."""
        return Unknown(RANGE_NUMBER, self, COUNTER)

    @property
    def is_range_number(self) -> bool:
        """Whether it is what a loop over a ``range`` of unknown length counts."""
        return self.note == RANGE_NUMBER

    @property
    def is_item_number(self) -> bool:
        """Whether it is a single integer, which picks one item."""
        return self.note == ITEM_NUMBER

    @property
    def is_whole_number(self) -> bool:
        """Whether it is a single integer, whichever."""
        if self.note in _WHOLE or self.key == "int":
            return True
        match self.key, self.parent:
            case (str() as symbol, *_, (("int" | "bool"), _)), Unknown() as number if symbol in _KEEPS_WHOLE:
                return number.is_whole_number
            case (str() as symbol, Unknown() as other), Unknown() as number if symbol in _KEEPS_WHOLE:
                return number.is_whole_number and other.is_whole_number
            case _:
                return False

    @property
    def is_converted(self) -> bool:
        """Whether it is a length, or what ``int`` and their like gave: a number, and so not None."""
        return self.key in ("int", "float", "str", "len") or (isinstance(self.key, tuple) and self.key[:1] == ("len",))

    @property
    def is_computed(self) -> bool:
        """Whether it is, or is part of, what an operation or a call gave that is not followed; not data as it was read."""
        match self.key:
            case ("call", *_):
                return not self._is_of_plain_numbers
            case (str() as function, Site()) if function.startswith(_COMPUTING):
                return True
        return self.parent.is_computed if self.parent is not None else self.note in ("", NOT_FOLLOWED)

    @property
    def _is_of_plain_numbers(self) -> bool:
        """Whether an environment to play in gave it, whose numbers have no graph: ``gym.make(name).step(action)``."""
        match self.key:
            case ("name", _, "gym" | "gymnasium", *_):
                return True
            case _:
                return self.parent is not None and self.parent._is_of_plain_numbers

    @property
    def is_result(self) -> bool:
        """Whether a call gave it, and none of those that give None where something is missing."""
        if not (isinstance(self.key, tuple) and self.key[:1] == ("call",)) or self.parent is None:
            return False
        return self.parent.key not in ("get", "pop", "setdefault")

    @property
    def is_batch_item(self) -> bool:
        """Whether it is what a loop goes through, or one of the items that this is unpacked into."""
        holder = self.parent if isinstance(self.key, tuple) and self.key[:1] == ("item",) else self
        return holder is not None and holder.key == "element"

    @property
    def is_given_by_a_loop(self) -> bool:
        """Whether it is, or is part of, a number that a loop counts or an item of what it goes through."""
        if self.key == "element" or self.is_range_number or self.is_item_number:
            return True
        return self.parent is not None and self.parent.is_given_by_a_loop

    @property
    def is_batch(self) -> bool:
        """Whether it is what a loader makes of several samples."""
        return self.note in (BATCH, STACKED)

    @property
    def is_stacked(self) -> bool:
        """Whether it is what a loader puts together of samples, or one of the parts that a sample has."""
        match self:
            case Unknown(key=("item", int() | str()) | str(), parent=Unknown(parent=None) as whole):
                return whole.note == STACKED
            case _:
                return self.parent is None and self.note == STACKED

    @property
    def is_parameter(self) -> bool:
        """Whether it is what callers who were not seen give a parameter."""
        return isinstance(self.key, tuple) and self.key[:1] == ("parameter",)

    @property
    def is_given(self) -> bool:
        """Whether it is, or is part of, a parameter or an item of what a loop goes through."""
        if self.key == "element" or self.is_parameter:
            return True
        return self.parent is not None and self.parent.is_given


class Constant(Value, Struct, frozen=True):
    """A Python scalar. An assumed constant is a default that somebody may override; ``symbol`` stands for it in tests."""

    value: str | bytes | int | float | complex | bool | None
    assumptions: frozenset[Assumption] = frozenset()
    symbol: Unknown | None = None


TRAINING = Constant(True)
"""What ``module.training`` is: the same object wherever it is handed on, so that a test of it is known for one."""


births = count()
"""Numbers things in the order in which they come into being."""


class HeapObject(Value):
    """Something with an identity and slots that can be written.

    Written through ``State.write`` only.
    """

    __slots__ = ("__weakref__", "born", "slots")

    def __init__(self, slots: Mapping[Hashable, Value] | None = None) -> None:
        self.born = next(births)
        self.slots: dict[Hashable, Value] = dict(slots or {})


class Scope(HeapObject):
    """The variables of a module, a class body or a call of a function."""

    __slots__ = ("kind", "outer", "outer_names", "unit")

    def __init__(self, unit: ModuleUnit, kind: str, outer: Scope | None) -> None:
        super().__init__()
        self.unit = unit
        self.kind = kind
        self.outer = outer
        self.outer_names: dict[str, str] = {}


class TupleValue(Value, Struct, frozen=True):
    """A tuple whose items are known."""

    items: tuple[Value, ...]


class ListValue(HeapObject):
    """A list. Slot ``items`` is a TupleValue; ``approximate`` tells that a loop of unknown length filled it."""

    __slots__ = ("approximate", "grown", "sites")

    def __init__(self, items: tuple[Value, ...] = (), approximate: bool = False, sites: tuple[Site, ...] = ()) -> None:
        super().__init__({"items": TupleValue(items)})
        self.approximate = approximate
        self.sites = sites
        """Where the items stand, for a list that is written out."""
        self.grown: range | None = None
        """The places of what a round of a loop of unknown length put into it; what stands before them is as it is."""

    @property
    def items(self) -> tuple[Value, ...]:
        """The items as they are now."""
        value = self.slots["items"]
        return value.items if isinstance(value, TupleValue) else ()


class DictValue(HeapObject):
    """A dict whose keys are constants; slots are its entries. ``rest`` stands for what is stored under other keys."""

    __slots__ = ("complete", "may_be_filled", "others", "rest", "sites")

    def __init__(self, entries: Mapping[Hashable, Value] | None = None, complete: bool = True) -> None:
        super().__init__(entries)
        self.complete = complete
        self.sites: dict[Hashable, Site] = {}
        """Where the entries' values stand, for a dict that is written out."""
        self.rest = Unknown("an entry of a dict")
        self.others: list[Value] = []
        """What was seen to be stored under keys that are not known."""
        self.may_be_filled = False
        """Whether it began empty, so that modules may fill it that nothing has asked for yet."""


class FrameworkName(Value, Struct, frozen=True):
    """A name of a library that headlint has tables for, by its canonical dotted path."""

    path: str


class FrameworkMethod(Value, Struct, frozen=True, eq=False):
    """A method of a tensor, a layer, a model or another thing of a library."""

    receiver: Value
    name: str


class ModuleValue(Value, Struct, frozen=True):
    """A module of the project."""

    unit: ModuleUnit


class FunctionValue(Value, Struct, frozen=True, eq=False):
    """A function of the program, with the scope it was defined in and the class whose body holds it."""

    definition: ir.FunctionDefinition | ir.Lambda
    scope: Scope
    name: str
    defaults: tuple[tuple[str, Value], ...] = ()
    owner: ClassValue | None = None
    kind: str = "function"
    """``function``, ``static``, ``class`` or ``property``."""
    without_gradient: bool = False
    generator: bool = False
    cached: bool = False
    """Whether Python remembers what it gave for the same arguments."""


class BoundMethod(Value, Struct, frozen=True, eq=False):
    """A function of a class bound to an instance (or to the class itself)."""

    receiver: Value
    function: FunctionValue
    owner: ClassValue | None = None


class SuperValue(Value, Struct, frozen=True, eq=False):
    """``super()``: the attributes of ``receiver`` looked up behind ``owner``."""

    receiver: Value
    owner: ClassValue


class ClassValue(HeapObject):
    """A class of the program; its slots are its attributes."""

    __slots__ = ("_ancestors", "bases", "dataclass", "declared", "definition", "name", "scope", "unit")

    def __init__(
        self, definition: ir.ClassDefinition, unit: ModuleUnit, scope: Scope, bases: tuple[Value, ...]
    ) -> None:
        super().__init__()
        self.definition = definition
        self.unit = unit
        self.scope = scope
        self.bases = bases
        self._ancestors: tuple[Value, ...] = ()
        self.name = definition.name
        self.dataclass = False
        self.declared = {
            statement.target.name: statement.annotation
            for statement in definition.body
            if isinstance(statement, ir.Declare) and isinstance(statement.target, ir.Name)
        }
        """The attributes that its body only annotates."""

    def ancestors(self) -> tuple[Value, ...]:
        """The class itself and everything it inherits from, in the order in which Python looks (C3)."""
        if not self._ancestors:
            self._ancestors = tuple(self._line())
        return self._ancestors

    def _line(self) -> list[Value]:
        order: list[Value] = [self]
        lines = [list(base.ancestors()) if isinstance(base, ClassValue) else [base] for base in self.bases]
        lines.append(list(self.bases))
        while lines := [line for line in lines if line]:
            heads = (line[0] for line in lines)
            following = next((head for head in heads if all(head not in line[1:] for line in lines)), lines[0][0])
            order.append(following)
            lines = [[ancestor for ancestor in line if ancestor != following] for line in lines]
        return order

    def framework_base(self) -> str:
        """The canonical name of the nearest library class it inherits from, or an empty text."""
        return next((base.path for base in self.ancestors() if isinstance(base, FrameworkName)), "")

    @property
    def opaque(self) -> bool:
        """Whether it inherits from something that is not followed."""
        return any(not isinstance(base, ClassValue | FrameworkName) for base in self.ancestors())


class Instance(HeapObject):
    """An object of a class of the program; its slots are its attributes."""

    __slots__ = ("cls", "made_at", "sites", "whole")

    def __init__(self, cls: ClassValue, made_at: Site | None) -> None:
        super().__init__()
        self.cls = cls
        self.made_at = made_at
        self.sites: dict[str, Site] = {}
        """Where each attribute was written last."""
        self.whole = True
        """Whether all of its ``__init__`` was followed."""


class Partial(Value, Struct, frozen=True, eq=False):
    """``functools.partial``: a function with some arguments given already."""

    function: Value
    positional: tuple[Value, ...]
    named: tuple[tuple[str, Value], ...]


class SliceValue(Value, Struct, frozen=True):
    """``lower:upper:step`` inside a subscript."""

    lower: Value
    upper: Value
    step: Value


class PackagePath(Value, Struct, frozen=True):
    """A folder of the project without an ``__init__.py``, as an import in ``importer`` names it."""

    importer: Path
    dotted: str


class Late(Value, Struct, frozen=True):
    """What an import binds, before anything asks for it: most of what modules import is never needed.

    ``name`` is what is imported from the module, or empty for the module itself.
    """

    unit: ModuleUnit
    level: int
    module: str
    name: str = ""


class LateDefinition(Value, Struct, frozen=True, eq=False):
    """What a module that is imported defines at its top level, before anything asks for it: most of it is never needed."""

    unit: ModuleUnit
    name: str
    statement: ir.Statement
    mentioned: frozenset[str] = frozenset()
    """The names that a call mentions whose result it is: what is done to them later must not be seen in it."""
