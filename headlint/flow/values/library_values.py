"""The things that libraries give a program: layers, models, losses, metrics, data sets."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from msgspec import Struct

from headlint.flow.values.intervals import Interval
from headlint.flow.values.python_values import Constant, HeapObject, Instance, Site, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Labels, Origin, Shape, Tensor
from headlint.frameworks.kinds import LayerKind, LossKind


def width_of(value: Value | None) -> int | None:
    """The number of units that an argument says."""
    match value:
        case Constant(int() as width) if not isinstance(width, bool):
            return width
        case _:
            return None


class Layer(HeapObject):
    """A layer or a stored activation of a library, with the arguments it was built with."""

    __slots__ = ("arguments", "kind", "removed", "site", "sites")

    def __init__(self, kind: LayerKind, arguments: Mapping[str, Value], site: Site, sites: Mapping[str, Site]) -> None:
        super().__init__()
        self.kind = kind
        self.arguments = dict(arguments)
        self.site = site
        self.sites = dict(sites)
        """Where each argument's value stands."""
        self.removed = False
        """Whether it was taken out of a model again."""

    def constant(self, name: str, default: Any = None) -> Any:
        """The argument's Python value, ``default`` where it is not given, None where it is not known."""
        value = self.arguments.get(name)
        if value is None:
            return default
        return value.value if isinstance(value, Constant) else None

    def rests_on_default(self, name: str) -> bool:
        """Whether the argument is the default of a constructor or an option of the program, which somebody may replace."""
        return bool(getattr(self.arguments.get(name), "assumptions", None))

    def given(self, name: str) -> bool:
        """Whether the argument was passed."""
        return name in self.arguments

    @property
    def units(self) -> int | None:
        """The width that it gives, where it is known."""
        return width_of(self.arguments.get(self.kind.units)) if self.kind.units else None

    @property
    def has_weights(self) -> bool:
        """Whether it has parameters of its own: its kind has, and no argument switches them off."""
        switches = (self.arguments.get(name) for name in ("affine", "elementwise_affine", "center", "scale"))
        return self.kind.has_weights and not any(switch == Constant(False) for switch in switches)

    def origin(self, site: Site, note: str = "") -> Origin:
        """This layer as what made a tensor."""
        return Origin("layer", self.kind.name, site, self.site, self, note)


class Container(HeapObject):
    """A ``Sequential``, ``ModuleList`` or ``ModuleDict``. Slot ``items`` is a TupleValue of its members."""

    __slots__ = ("approximate", "grown", "kind", "names", "site")

    def __init__(self, kind: str, items: tuple[Value, ...], names: tuple[str, ...], site: Site) -> None:
        super().__init__({"items": TupleValue(items)})
        self.kind = kind
        self.names = names
        self.site = site
        self.approximate = False
        self.grown: range | None = None
        """The places of what a round of a loop of unknown length put into it; what stands before them is as it is."""

    @property
    def items(self) -> tuple[Value, ...]:
        """The members as they are now."""
        value = self.slots["items"]
        return value.items if isinstance(value, TupleValue) else ()


MODULES = (Layer, Container, Instance)
"""What a model of PyTorch is made of: layers, containers of them, and objects of classes that the program writes."""


class Model(HeapObject):
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


class Backbone(HeapObject):
    """A ready-made model of a library whose body is unknown but whose head is: its slots are replaced attributes."""

    __slots__ = ("head_names", "name", "site", "units")

    def __init__(self, name: str, site: Site, units: int | None, head_names: tuple[str, ...]) -> None:
        super().__init__()
        self.name = name
        self.site = site
        self.units = units
        self.head_names = head_names


class Loss(HeapObject):
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


class Part(Value, Struct, frozen=True):
    """Something inside a ready-made model, by the attributes and indices that lead to it."""

    backbone: Backbone
    steps: tuple[Hashable, ...]


class Parser(HeapObject):
    """An ``argparse`` parser; its slots are the options' defaults by their names."""

    __slots__ = ("command", "commands")

    def __init__(self, slots: Mapping[Hashable, Value] | None = None) -> None:
        super().__init__(slots)
        self.command: Unknown | None = None
        """Which of its commands is given, where it has some."""
        self.commands: dict[str, Parser] = {}
        """The parsers of its commands."""


class Dataset(HeapObject):
    """Something that gives pairs of data and labels: a data set, a loader, a generator."""

    __slots__ = ("item", "name")

    def __init__(self, name: str, item: Value) -> None:
        super().__init__()
        self.name = name
        self.item = item
        """What iterating over it gives."""


class FieldBatch(HeapObject):
    """A batch of torchtext, whose attributes are its fields; its slots are the labels among them."""

    def __init__(self, fields: Mapping[str, Value]) -> None:
        super().__init__()
        self.slots.update(fields)


class Rows(Dataset):
    """A data set of Hugging Face, whose rows are dicts; its slots are the columns of which something is known.

    What holds several of them, by the names of their splits, gives one of them as ``part``.
    """

    __slots__ = ("part",)

    def __init__(self, item: Value, part: Rows | None = None) -> None:
        super().__init__("rows", item)
        self.part = part


class Table(Dataset):
    """A table of pandas; its slots are those of its columns of which something is known."""

    __slots__ = ("columns", "complete", "cuts", "dummies", "of", "site", "wide")

    def __init__(self, site: Site, columns: dict[Hashable, Tensor] | None = None, wide: bool = False) -> None:
        super().__init__("table", Unknown("a name of a column"))
        self.wide = wide
        """Whether it has several columns, however many."""
        self.site = site
        self.columns = columns if columns is not None else {}
        """The columns that were asked for and that nothing is known of; the same one each time."""
        self.complete = False
        """Whether there are no columns but those of the slots."""
        self.dummies: Tensor | None = None
        """What its last columns are where ``get_dummies`` has put them in the place of one."""
        self.cuts: set[object] = set()
        """Where the program has cut the features off that stand before them."""
        self.of: Table | None = None
        """The table that it is one row of."""

    def column(self, name: Hashable) -> Tensor:
        """A column of which nothing is known but that it has one value for each row."""
        if name not in self.columns:
            source = f"the column {name!r}"
            origin = Origin("input", source, self.site)
            self.columns[name] = Tensor(shape=Shape((None,)), origin=origin, labels=Labels(source=source))
        return self.columns[name]


class Transform(Value, Struct, frozen=True, eq=False):
    """What transforms of torchvision do to pixels, one after the other.

    An interval is where pixels are brought to, whatever they were; pairs are the mean and the deviation of each channel.
    """

    parts: tuple[Interval | tuple[tuple[float, float], ...], ...]


class Metric(Value, Struct, frozen=True, eq=False):
    """A metric object of Keras, by its class and the arguments it was built with."""

    name: str
    arguments: tuple[tuple[str, Value], ...] = ()


class CompiledLoss(Struct, frozen=True, eq=False):
    """One loss of a compiled model: what it takes, and the metrics beside it."""

    loss: LossKind
    prediction: Value
    from_logits: bool | None
    site: Site
    metrics: tuple[tuple[str, Site], ...] = ()


class Compiled(Value, Struct, frozen=True, eq=False):
    """What ``compile`` was told, remembered for ``fit``."""

    losses: tuple[CompiledLoss, ...]
