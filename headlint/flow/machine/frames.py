"""What the machine is doing: the calls that are being interpreted, and what the user's settings say of names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct, field

from headlint.flow.values.conditions import Guard
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import ClassValue, HeapObject, Instance, Scope, Site, Value
from headlint.syntax import ir


class Frame(Struct):
    """A call (or a module's body) that is being interpreted."""

    scope: Scope
    unit: ModuleUnit
    call_site: Site | None = None
    definition: ir.FunctionDefinition | ir.Lambda | None = None
    owner: ClassValue | None = None
    receiver: Value | None = None
    path_length: int = 0
    returns: list[tuple[tuple[Guard, ...], Value]] = field(default_factory=list)
    yields: list[Value] = field(default_factory=list)
    repeating: int = 0
    """How many loops of unknown length enclose what is being interpreted."""
    conditional: int = 0
    """How many tests decide whether what is being interpreted happens."""
    by_mode: int = 0
    """How many of them ask whether the module is in training mode."""
    mode_tests: int = 0
    """How often the mode was asked for so far."""
    chosen_by_mode: list[Value] = field(default_factory=list)
    """What was given another value in another mode."""
    leaves: set[str] = field(default_factory=set)
    """The ways in which paths left the round of a loop that is being interpreted: ``break``, ``return`` …."""

    def is_given(self, value: Value) -> bool:
        """Whether a value is what a parameter of the call was given, as it came."""
        parameters = self.definition.parameters if self.definition is not None else ()
        return any(self.scope.slots.get(parameter.name) is value for parameter in parameters)

    @contextmanager
    def decided(self, by_mode: bool) -> Iterator[None]:
        """Interpret what a test decides about."""
        self.conditional += 1
        self.by_mode += by_mode
        try:
            yield
        finally:
            self.conditional -= 1
            self.by_mode -= by_mode

    @contextmanager
    def repeatedly(self) -> Iterator[None]:
        """Interpret the body of a loop of unknown length."""
        self.repeating += 1
        try:
            yield
        finally:
            self.repeating -= 1


class CallStack(list[Frame]):
    """The calls that are being interpreted, the innermost last, and what is known of something that happens in it."""

    def of_forward(self) -> Frame | None:
        """The innermost ``forward`` or ``call`` of an object; ``build`` of a layer of Keras is run once and is part of none."""
        for frame in reversed(self):
            match frame.definition, frame.receiver:
                case ir.FunctionDefinition(name="forward" | "call"), Instance():
                    return frame
                case ir.FunctionDefinition(name="build"), Instance(cls=cls) if cls.framework_base().startswith(
                    "keras."
                ):
                    return None
        return None

    def are_apart_from_steps(self) -> bool:
        """Whether a sample of a data set is being made, or a module of PyTorch is being built."""
        for frame in self:
            match frame.definition, frame.receiver:
                case ir.FunctionDefinition(name="__getitem__"), _:
                    return True
                case ir.FunctionDefinition(name="__init__"), Instance() as made:
                    if made.cls.framework_base() == "torch.nn.Module":
                        return True
        return False

    def sets_up(self, instance: Instance) -> bool:
        """Whether the constructor of an object is what asks something of it, itself or through a method."""
        inits = (frame.receiver for frame in self if getattr(frame.definition, "name", "") == "__init__")
        return any(receiver is instance for receiver in inits)

    def repeats(self, thing: HeapObject) -> bool:
        """Whether a loop of unknown length, here or around the call, does something to a thing that was there before it."""
        for frame in reversed(self):
            if frame.repeating:
                return True
            if thing.born > frame.scope.born:
                return False
        return False

    def is_behind_a_decorator(self, outer: Frame) -> bool:
        """Whether a decorator stands between a call and what is interpreted now: it may keep what it gets the first time."""
        for frame in reversed(self):
            if frame is outer:
                break
            if isinstance(frame.definition, ir.FunctionDefinition) and frame.definition.decorators:
                return True
        return False

    def mode_decides(self) -> bool:
        """Whether what is being interpreted happens in one mode of a module only."""
        return any(frame.by_mode for frame in self)

    def mode_chose(self, value: Value | None) -> bool:
        """Whether a value was given in one mode of a module only."""
        return any(value is one for frame in self for one in frame.chosen_by_mode)


class Declarations(Struct, frozen=True):
    """What the user's settings say of his own losses and layers, by dotted name."""

    losses: Mapping[str, str] = field(default_factory=dict)
    layers: Mapping[str, str] = field(default_factory=dict)
