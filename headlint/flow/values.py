"""What an expression can be, as far as headlint follows it.

Values are immutable, apart from the things of a program that have an identity (instances, lists, layers …): those are
``Thing``s, whose slots are written through ``headlint.flow.state.State`` only, so that branches can be undone and joined.
Whatever is not followed is an ``Unknown``, and nothing is ever reported about an Unknown.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headlint.frameworks.kinds import LayerKind, LossKind

if TYPE_CHECKING:
    from headlint.flow.modules import ModuleUnit
    from headlint.syntax import ir


@dataclass(frozen=True, slots=True)
class Site:
    """An expression of a module: the module's path and the expression's number in it."""

    path: str
    at: int


class Value:
    """Anything an expression can be."""

    __slots__ = ()


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


@dataclass(frozen=True, slots=True)
class Assumption:
    """A default that holds only while nobody passes something else: a function's parameter or a command-line option."""

    path: str
    function: str
    parameter: str


@dataclass(frozen=True, slots=True)
class Constant(Value):
    """A Python scalar. An assumed constant is a default that somebody may override; ``symbol`` stands for it in tests."""

    value: str | bytes | int | float | complex | bool | None
    assumptions: frozenset[Assumption] = frozenset()
    symbol: Unknown | None = None


class Domain(Enum):
    """What the numbers of a tensor mean."""

    UNKNOWN = "unknown"
    LINEAR = "raw scores"
    SOFTMAX = "softmax probabilities"
    LOG_SOFTMAX = "log-probabilities"
    SIGMOID = "sigmoid probabilities"
    LOG_SIGMOID = "logarithms of sigmoid probabilities"
    RECTIFIED = "rectified values"
    TANH = "values between -1 and 1"
    HARD = "decisions"
    ONE_HOT = "one-hot vectors"
    TARGET = "labels"
    LOSS = "a loss"


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a tensor's shape. ``dims`` is given where the rank is known; None stands for an unknown size.

    Where the rank is unknown ``last`` may still be (a dense layer's width) and ``channel`` (axis 1 of an image).
    """

    dims: tuple[int | None, ...] | None = None
    last: int | None = None
    channel: int | None = None

    @property
    def rank(self) -> int | None:
        """The number of axes, or None."""
        return None if self.dims is None else len(self.dims)

    @property
    def units(self) -> int | None:
        """The size of the last axis, or None."""
        if self.dims is not None:
            return self.dims[-1] if self.dims else None
        return self.last

    def size(self, axis: int | None) -> int | None:
        """The size along an axis, or None."""
        if axis is None:
            return None
        if self.dims is not None:
            return self.dims[axis] if -len(self.dims) <= axis < len(self.dims) else None
        if axis == -1:
            return self.last
        return self.channel if axis == 1 else None

    def with_last(self, size: int | None) -> Shape:
        """The same shape with another last axis."""
        if self.dims:
            return Shape((*self.dims[:-1], size))
        return Shape(None, size)


ANY_SHAPE = Shape()


@dataclass(frozen=True, slots=True)
class Labels:
    """What is known of an array of labels.

    ``encoding`` is ``index`` (one integer a sample), ``one_hot``, ``multi_hot``, ``binary`` (0/1 a sample), ``values``
    (a regression target) or empty. ``dtype`` is ``integer``, ``float`` or empty. ``column`` tells a trailing axis of
    size one. ``source`` says in words where this is known from.
    """

    encoding: str = ""
    classes: int | None = None
    dtype: str = ""
    column: bool | None = None
    source: str = ""
    rescaled: bool = False
    exclusive: bool = False
    site: Site | None = None


@dataclass(frozen=True, slots=True)
class Maker:
    """What made a tensor: a layer, an activation, an operation, an input, or labels read from somewhere.

    ``site`` is where it happened and ``origin`` where the thing that did it was built (a layer's constructor call).
    """

    role: str
    name: str
    site: Site | None = None
    origin: Site | None = None
    layer: Layer | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Tensor(Value):
    """A tensor, with what its numbers mean and the tensors it was computed from."""

    domain: Domain = Domain.UNKNOWN
    shape: Shape = ANY_SHAPE
    maker: Maker = Maker("input", "")
    inputs: tuple[Tensor, ...] = ()
    axis: int | None = None
    """The axis of the softmax; only meaningful in the domains that a softmax or argmax makes."""
    axis_given: bool = False
    attached: bool = True
    """Whether a gradient still flows back through it to the model."""
    cut: Site | None = None
    """Where the gradient was cut."""
    guarded: bool = False
    """Whether something keeps it away from zero before a logarithm is taken."""
    labels: Labels | None = None
    heads: tuple[Tensor, ...] = ()
    """The heads that were concatenated into it."""
    assumptions: frozenset[Assumption] = frozenset()
    seen: bool = False
    """Whether it comes out of a model that the program was seen to build."""
    symbolic: bool = False
    """Whether it is a Keras symbolic tensor or the output of a model (as against data)."""

    def derive(self, **changes: Any) -> Tensor:
        """A tensor like this one but for the changes, computed from it."""
        changes.setdefault("inputs", (self,))
        return replace(self, **changes)


births = count()
"""Numbers things in the order in which they come into being."""


class Thing(Value):
    """Something with an identity and slots that can be written.

    Written through ``State.write`` only.
    """

    __slots__ = ("born", "slots")

    def __init__(self, slots: Mapping[Hashable, Value] | None = None) -> None:
        self.born = next(births)
        self.slots: dict[Hashable, Value] = dict(slots or {})


class Scope(Thing):
    """The variables of a module, a class body or a call of a function."""

    __slots__ = ("kind", "outer", "outer_names", "unit")

    def __init__(self, unit: ModuleUnit, kind: str, outer: Scope | None) -> None:
        super().__init__()
        self.unit = unit
        self.kind = kind
        self.outer = outer
        self.outer_names: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class TupleValue(Value):
    """A tuple whose items are known."""

    items: tuple[Value, ...]


class ListValue(Thing):
    """A list. Slot ``items`` is a TupleValue; ``approximate`` tells that a loop of unknown length filled it."""

    __slots__ = ("approximate", "sites")

    def __init__(self, items: tuple[Value, ...] = (), approximate: bool = False, sites: tuple[Site, ...] = ()) -> None:
        super().__init__({"items": TupleValue(items)})
        self.approximate = approximate
        self.sites = sites
        """Where the items stand, for a list that is written out."""

    @property
    def items(self) -> tuple[Value, ...]:
        """The items as they are now."""
        value = self.slots["items"]
        return value.items if isinstance(value, TupleValue) else ()


class DictValue(Thing):
    """A dict whose keys are constants; slots are its entries. ``rest`` stands for what is stored under other keys."""

    __slots__ = ("complete", "rest", "sites")

    def __init__(self, entries: Mapping[Hashable, Value] | None = None, complete: bool = True) -> None:
        super().__init__(entries)
        self.complete = complete
        self.sites: dict[Hashable, Site] = {}
        """Where the entries' values stand, for a dict that is written out."""
        self.rest = Unknown("an entry of a dict")


@dataclass(frozen=True, slots=True)
class FrameworkName(Value):
    """A name of a library that headlint has tables for, by its canonical dotted path."""

    path: str


@dataclass(frozen=True, slots=True, eq=False)
class FrameworkMethod(Value):
    """A method of a tensor, a layer, a model or another thing of a library."""

    receiver: Value
    name: str


@dataclass(frozen=True, slots=True)
class ModuleValue(Value):
    """A module of the project."""

    unit: ModuleUnit


@dataclass(frozen=True, slots=True, eq=False)
class FunctionValue(Value):
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


@dataclass(frozen=True, slots=True, eq=False)
class BoundMethod(Value):
    """A function of a class bound to an instance (or to the class itself)."""

    receiver: Value
    function: FunctionValue
    owner: ClassValue | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SuperValue(Value):
    """``super()``: the attributes of ``receiver`` looked up behind ``owner``."""

    receiver: Value
    owner: ClassValue


class ClassValue(Thing):
    """A class of the program; its slots are its attributes."""

    __slots__ = ("bases", "dataclass", "definition", "name", "scope", "unit")

    def __init__(
        self, definition: ir.ClassDefinition, unit: ModuleUnit, scope: Scope, bases: tuple[Value, ...]
    ) -> None:
        super().__init__()
        self.definition = definition
        self.unit = unit
        self.scope = scope
        self.bases = bases
        self.name = definition.name
        self.dataclass = False

    def ancestors(self) -> list[Value]:
        """The class itself and everything it inherits from, nearest first (depth first, each once)."""
        order: list[Value] = [self]
        for base in self.bases:
            for ancestor in base.ancestors() if isinstance(base, ClassValue) else [base]:
                if all(ancestor is not known and ancestor != known for known in order):
                    order.append(ancestor)
        return order

    def framework_base(self) -> str:
        """The canonical name of the nearest library class it inherits from, or an empty text."""
        return next((base.path for base in self.ancestors() if isinstance(base, FrameworkName)), "")

    @property
    def opaque(self) -> bool:
        """Whether it inherits from something that is not followed."""
        return any(not isinstance(base, ClassValue | FrameworkName) for base in self.ancestors())


class Instance(Thing):
    """An object of a class of the program; its slots are its attributes."""

    __slots__ = ("cls", "made_at")

    def __init__(self, cls: ClassValue, made_at: Site | None) -> None:
        super().__init__()
        self.cls = cls
        self.made_at = made_at


class Layer(Thing):
    """A layer or a stored activation of a library, with the arguments it was built with."""

    __slots__ = ("arguments", "kind", "site", "sites")

    def __init__(self, kind: LayerKind, arguments: Mapping[str, Value], site: Site, sites: Mapping[str, Site]) -> None:
        super().__init__()
        self.kind = kind
        self.arguments = dict(arguments)
        self.site = site
        self.sites = dict(sites)
        """Where each argument's value stands."""

    def constant(self, name: str, default: Any = None) -> Any:
        """The argument's Python value, ``default`` where it is not given, None where it is not known."""
        value = self.arguments.get(name)
        if value is None:
            return default
        return value.value if isinstance(value, Constant) else None

    def given(self, name: str) -> bool:
        """Whether the argument was passed."""
        return name in self.arguments


class Container(Thing):
    """A ``Sequential``, ``ModuleList`` or ``ModuleDict``. Slot ``items`` is a TupleValue of its members."""

    __slots__ = ("approximate", "kind", "names", "site")

    def __init__(self, kind: str, items: tuple[Value, ...], names: tuple[str, ...], site: Site) -> None:
        super().__init__({"items": TupleValue(items)})
        self.kind = kind
        self.names = names
        self.site = site
        self.approximate = False

    @property
    def items(self) -> tuple[Value, ...]:
        """The members as they are now."""
        value = self.slots["items"]
        return value.items if isinstance(value, TupleValue) else ()


class Model(Thing):
    """A Keras model made of layers (``Sequential``) or tensors (functional).

    Slots: ``items`` (TupleValue of layers, for a Sequential), ``inputs`` and ``outputs`` (functional).
    """

    __slots__ = ("approximate", "kind", "name", "site")

    def __init__(self, kind: str, slots: Mapping[Hashable, Value], site: Site) -> None:
        super().__init__(slots)
        self.kind = kind
        self.site = site
        self.name = ""
        self.approximate = False


class Backbone(Thing):
    """A ready-made model of a library whose body is unknown but whose head is: its slots are replaced attributes."""

    __slots__ = ("head_names", "name", "site", "units")

    def __init__(self, name: str, site: Site, units: int | None, head_names: tuple[str, ...]) -> None:
        super().__init__()
        self.name = name
        self.site = site
        self.units = units
        self.head_names = head_names


class Loss(Thing):
    """A loss object, with the arguments it was built with."""

    __slots__ = ("arguments", "kind", "site")

    def __init__(self, kind: LossKind, arguments: Mapping[str, Value], site: Site) -> None:
        super().__init__()
        self.kind = kind
        self.arguments = dict(arguments)
        self.site = site

    def constant(self, name: str, default: Any = None) -> Any:
        """The argument's Python value, ``default`` where it is not given, None where it is not known."""
        value = self.arguments.get(name)
        if value is None:
            return default
        return value.value if isinstance(value, Constant) else None


@dataclass(frozen=True, slots=True)
class Part(Value):
    """Something inside a ready-made model, by the attributes and indices that lead to it."""

    backbone: Backbone
    steps: tuple[Hashable, ...]


class Parser(Thing):
    """An ``argparse`` parser; its slots are the options' defaults by their names."""

    __slots__ = ()


class Dataset(Thing):
    """Something that gives pairs of data and labels: a data set, a loader, a generator."""

    __slots__ = ("item", "name")

    def __init__(self, name: str, item: Value) -> None:
        super().__init__()
        self.name = name
        self.item = item
        """What iterating over it gives."""


@dataclass(frozen=True, slots=True)
class Option:
    """One of the values of a Choice and the conditions under which it is that."""

    guards: tuple[Guard, ...]
    value: Value


@dataclass(frozen=True, slots=True)
class Choice(Value):
    """A value that depends on the branch taken."""

    options: tuple[Option, ...]


class Condition:
    """A test on an unknown value: ``operator`` is ``truth``, ``==``, ``<``, … or ``site`` for a test like no other.

    Conditions are compared very often, so the hash is computed once.
    """

    __slots__ = ("_hash", "operand", "operator", "subject")

    def __init__(self, operator: str, subject: Hashable, operand: Hashable = None) -> None:
        self.operator = operator
        self.subject = subject
        self.operand = operand
        self._hash = hash((operator, subject, operand))

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Condition)
            and self._hash == other._hash
            and (self.operator, self.subject, self.operand) == (other.operator, other.subject, other.operand)
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Condition({self.operator!r}, {self.subject!r}, {self.operand!r})"


class Guard:
    """A condition with the outcome it has on a path; ``expected`` tells the outcome that defaults give."""

    __slots__ = ("_hash", "condition", "expected", "outcome")

    def __init__(self, condition: Condition, outcome: bool, expected: bool | None = None) -> None:
        self.condition = condition
        self.outcome = outcome
        self.expected = expected
        self._hash = hash((condition, outcome))

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Guard) and self.outcome is other.outcome and self.condition == other.condition
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Guard({self.condition!r}, {self.outcome})"


@dataclass(frozen=True, slots=True)
class Test(Value):
    """The outcome of a comparison that is not known, so that two equal tests are seen to be one condition."""

    condition: Condition
    outcome: bool = True
    expected: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Partial(Value):
    """``functools.partial``: a function with some arguments given already."""

    function: Value
    positional: tuple[Value, ...]
    named: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class SliceValue(Value):
    """``lower:upper:step`` inside a subscript."""

    lower: Value
    upper: Value
    step: Value


@dataclass(frozen=True, slots=True)
class PackagePath(Value):
    """A folder of the project without an ``__init__.py``, as an import in ``importer`` names it."""

    importer: Path
    dotted: str


@dataclass(frozen=True, slots=True, eq=False)
class Metric(Value):
    """A metric object of Keras, by its class and the arguments it was built with."""

    name: str
    arguments: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class CompiledLoss:
    """One loss of a compiled model: what it takes, and the metrics beside it."""

    loss: LossKind
    prediction: Value
    from_logits: bool | None
    site: Site
    metrics: tuple[tuple[str, Site], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Compiled(Value):
    """What ``compile`` was told, remembered for ``fit``."""

    losses: tuple[CompiledLoss, ...]


@dataclass(frozen=True, slots=True)
class Late(Value):
    """What an import binds, before anything asks for it: most of what modules import is never needed.

    ``name`` is what is imported from the module, or empty for the module itself.
    """

    unit: ModuleUnit
    level: int
    module: str
    name: str = ""
