"""The abstract interpreter's hub: the state, the stack of calls, the budget, and the facts found so far.

What expressions, tensors and names of libraries mean is given to it (``semantics``); the packages that say so import the
machine, and reach each other's meaning through it.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from headlint.flow.machine.branches import Branches, Tested, needs_one_flag
from headlint.flow.machine.budget import (
    DEEPEST_CALL,
    LEAST_STEPS_FOR_ROOTS,
    MOST_STEPS,
    MOST_STEPS_OF_A_ROOT,
    SHARE_OF_ONE_OPTION,
    SHARE_OF_OPTIONS,
    STEPS_PER_COMBINATION,
    BudgetSpent,
)
from headlint.flow.machine.counting import Counting
from headlint.flow.machine.frames import CallStack, Declarations, Frame
from headlint.flow.machine.mentions import Mentions
from headlint.flow.machine.parts import Made, PartsSeen
from headlint.flow.machine.semantics import LibrarySemantics, PythonSemantics, TensorSemantics
from headlint.flow.machine.set_up import SetUp
from headlint.flow.machine.state import TOO_MANY, State
from headlint.flow.values.arguments import NO_ARGUMENTS, Arguments
from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.conditions import Guard
from headlint.flow.values.facts import (
    Backward,
    Event,
    Fact,
    Fed,
    LabelsUse,
    LayerApplied,
    LossUse,
    PredictionUse,
    TrainingEvent,
)
from headlint.flow.values.library_values import Container, Layer
from headlint.flow.values.modules import Loader, ModuleUnit
from headlint.flow.values.python_values import (
    ClassValue,
    Constant,
    DictValue,
    FrameworkName,
    HeapObject,
    Instance,
    ListValue,
    Scope,
    Site,
    Unknown,
    Value,
    births,
)
from headlint.flow.values.tensor_values import COMPUTED, GIVEN, Domain, Origin, Tensor
from headlint.flow.values.training_values import Loop, Round
from headlint.frameworks.vocabulary import GRADIENT_METHODS, OF_TENSORFLOW
from headlint.syntax import ir


class Machine:
    """Interprets modules and collects facts."""

    def __init__(
        self,
        python: PythonSemantics,
        tensors: TensorSemantics,
        libraries: LibrarySemantics,
        loader: Loader,
        declarations: Declarations | None = None,
        most_steps: int = MOST_STEPS,
    ) -> None:
        self.python = python
        self.tensors = tensors
        self.libraries = libraries
        self.loader = loader
        self.declarations = declarations or Declarations()
        self.declared_packages = frozenset(
            path.split(".", 1)[0] for path in (*self.declarations.losses, *self.declarations.layers)
        )
        self.state = State()
        self.read: Callable[[Any, Hashable], Value | None] = self.state.read
        """A slot on the current path."""
        self.evaluate: Callable[[ir.Expression], Value] = partial(python.evaluate, self)
        """The value of an expression; like ``read`` it is asked for so often that a call in between would count."""
        self.facts: list[Fact] = []
        self.frames = CallStack()
        self.frames_around = 0
        """The calls, and imports, that are being interpreted while a module is imported."""
        self.units: dict[Path, ModuleUnit | None] = {}
        self.reached: set[int] = set()
        """Identities of the function definitions that were called with arguments of the program."""
        self.overrides: set[Assumption] = set()
        self.names_assumed: dict[FrameworkName, set[Assumption]] = {}
        """The defaults that are names of a library, such as classes of layers, and taken where nobody is seen to give any."""
        self.given: set[Unknown] = set()
        """Values that are not known, but surely not None: they were computed and given where None is the default."""
        self.branches = Branches()
        self.counting = Counting()
        self.stand_ins: dict[tuple[ClassValue, bool], Value | None] = {}
        """Objects that annotations promise, by their class and by whether functions are run once more."""
        self.open = False
        """Whether a function calls or takes a loss of something that only its callers know."""
        self.growth = 0
        """Counts what loops do that another round may do otherwise: layers built, or picked one after the other."""
        self.no_gradient_at: Site | None = None
        """The innermost ``with torch.no_grad():`` around what is being interpreted."""
        self.without_gradient = 0
        """How many enclosing blocks or functions switch the gradient off."""
        self.globals = Unknown("a name that nothing defines")
        self.extras = HeapObject()
        """What programs store under names of libraries (``tf.model = …``), and in what is not known (``options.net = …``)."""
        self.instances: list[Instance] = []
        self.parts = PartsSeen()
        self.set_up = SetUp()
        self.cut_short = 0
        """How many calls and modules were not followed to their end."""
        self.sequences: list[Container] = []
        """Every ``Sequential`` that was built, and those of them that were applied."""
        self.applied: set[Container] = set()
        self.custom_objects = DictValue(complete=False)
        """What the program registered with Keras under names of its own."""
        self.class_being_defined: ClassValue | None = None
        self.muted = 0
        """How many blocks are being run in which a mistake is made on purpose (``with pytest.raises(…)``)."""
        self.in_root = False
        """Whether a function is run that nothing calls: nobody knows at which moment it would be called."""
        self.chosen_by: tuple[Guard, ...] = ()
        """The conditions under which the calls that are being interpreted are those of what they call."""
        self.in_container = False
        """Whether a Sequential is applying its members."""
        self.mentions = Mentions()
        self.rounds: tuple[Round, ...] = ()
        """The rounds of loops that are being run, in whatever function, outermost first."""
        self.applying = False
        """Whether a module is being applied, so that what it applies are its own parts."""
        self.leaves_out_forwards = False
        """Whether modules of the program are not followed into where they are applied."""
        self.comprehending = 0
        """How many comprehensions around are being evaluated."""
        self.rounds_of_comprehension: tuple[Round, ...] = ()
        """The rounds of loops around the innermost of them."""
        self.begun: dict[tuple[Scope, str], Round] = {}
        """Variables that were set in a round of a loop, and not to what is made of them, so that sums in them begin anew."""
        self.sums: dict[tuple[Scope, str], tuple[Site, Round]] = {}
        """Variables that something was added to, where and in which round of a loop."""
        self.root = 0
        """Counts the functions that were run because nothing calls them."""
        self._root_begins = [0]
        self.worth_running: frozenset[str] | None = None
        """The functions and classes of the analysed module that can reach a library, by name; None: all may."""
        self.remembered: dict[Hashable, Value] = {}
        """What cached functions of the program gave, by what they got."""
        self.overwhelmed = False
        """Whether a tensor was computed from a value with more alternatives than are followed."""
        self._tensors: dict[Unknown, Tensor] = {}
        self.steps_of_a_root = MOST_STEPS_OF_A_ROOT
        """Those that a function nothing calls may take."""
        self._steps_left = most_steps
        self._steps_for_options = most_steps // SHARE_OF_OPTIONS
        self._spent_in: tuple[Round, ...] = ()

    # The program

    @property
    def frame(self) -> Frame:
        """The innermost call."""
        return self.frames[-1]

    @property
    def unit(self) -> ModuleUnit:
        """The module whose text is being interpreted."""
        return self.frames[-1].unit

    def site(self, node: ir.Expression | ir.Statement | int) -> Site:
        """The place of a node of the module that is being interpreted."""
        return Site(self.frames[-1].unit.path, node if isinstance(node, int) else node.at)

    def make_room(self, steps: int = LEAST_STEPS_FOR_ROOTS) -> None:
        """See to it that there are so many steps for what follows, whatever was spent before."""
        self._steps_left = max(self._steps_left, steps + self.state.work * STEPS_PER_COMBINATION)

    def begin_root(self) -> None:
        """What follows is run because nothing calls it: nobody knows whether before or after the others."""
        self.root += 1
        self._root_begins.append(next(births))

    def root_of(self, thing: HeapObject) -> int:
        """Which of them something came into being in."""
        return bisect(self._root_begins, thing.born) - 1

    def release(self) -> None:
        """Let go of the program: its modules, classes and objects know each other, and nobody looks for cycles in time."""
        for unit in self.units.values():
            if unit is not None:
                unit.release()
        for instance in self.instances:
            instance.slots.clear()
        vars(self).clear()

    def within(self, unit: ModuleUnit, run: Callable[[], None]) -> None:
        """Do something as if a module's top level did it."""
        self.frames.append(Frame(unit.scope, unit))
        try:
            run()
        finally:
            self.frames.pop()
            self.state.path = ()

    def with_share(
        self, run: Callable[[], object], most_steps: int | None = None, event: Event = Event.CUT_SHORT
    ) -> None:
        """Do something that may take only a part of the steps that are left; what it does not reach stays unknown."""
        share = (self.steps_of_a_root if most_steps is None else most_steps) + self.state.work * STEPS_PER_COMBINATION
        kept = max(0, self._steps_left - share)
        self._steps_left -= kept
        depth, before = len(self.frames), self.state.path
        try:
            run()
        except BudgetSpent:
            self.cut_short += 1
            del self.frames[depth:]
            self.state.path = before
            if event is not Event.LEFT_OUT or self._may_matter(self.frames[-1].definition):
                inner = tuple(one.loop for one in self._spent_in if one not in self.rounds)
                self.note_event(event, self.site(0), self.globals, broken=inner)
        self._steps_left += kept

    def with_share_of_options(self, run: Callable[[], object]) -> None:
        """Follow what only another than the default leads to: all of that has steps of its own, which the default keeps."""
        kept, granted = self._steps_left, self._steps_for_options // SHARE_OF_ONE_OPTION
        self._steps_left = granted + self.state.work * STEPS_PER_COMBINATION
        try:
            self.with_share(run, granted, Event.LEFT_OUT)
        finally:
            self._steps_for_options -= granted - max(0, self.steps_left)
            self._steps_left = kept

    def _may_matter(self, definition: ir.FunctionDefinition | ir.Lambda | None) -> bool:
        """Whether a call that is left out may be part of a step; a ``forward``, a sample and what builds a module are none."""
        apart = self.applying or self.frames.are_apart_from_steps()
        return not apart and self.may_be_part_of_a_step(definition)

    def may_be_part_of_a_step(self, definition: ir.FunctionDefinition | ir.Lambda | None) -> bool:
        """Whether a function may do anything of a training step, or switch a mode."""
        units = (unit for unit in (self.unit, *self.units.values()) if unit is not None)
        return self.mentions.may_be_part_of_a_step(units, definition)

    def with_share_of_a_call(self, run: Callable[[], object]) -> None:
        """Follow a call, which may not take so many steps that its caller could not go on."""
        self.with_share(run, self.steps_left * 3 // 4, Event.LEFT_OUT)

    def step(self) -> None:
        """Count one step.

        Raises:
            BudgetSpent: when there are none left.
        """
        self._steps_left -= 1
        if self._steps_left <= self.state.work * STEPS_PER_COMBINATION:
            self._spent_in = self.rounds
            raise BudgetSpent

    @property
    def steps_left(self) -> int:
        """The steps that may still be taken."""
        return self._steps_left - self.state.work * STEPS_PER_COMBINATION

    def too_deep(self) -> bool:
        """Whether as many calls are being followed as may be."""
        return self.frames_around + len(self.frames) > DEEPEST_CALL

    @contextmanager
    def entering(
        self,
        scope: Scope,
        definition: ir.FunctionDefinition | ir.Lambda,
        owner: ClassValue | None,
        receiver: Value | None,
        at: int,
    ) -> Iterator[Frame]:
        """Interpret a call in a scope of its own."""
        call_site = self.site(at) if at else None
        frame = Frame(scope, scope.unit, call_site, definition, owner, receiver, len(self.state.path))
        self.frames.append(frame)
        before, self.class_being_defined = self.class_being_defined, None
        try:
            yield frame
        finally:
            self.frames.pop()
            self.class_being_defined = before

    @contextmanager
    def calling_one_of(self, guards: tuple[Guard, ...]) -> Iterator[None]:
        """Interpret a call of what is only under these conditions what is called."""
        before, self.chosen_by = self.chosen_by, (*self.chosen_by, *guards)
        try:
            yield
        finally:
            self.chosen_by = before

    @contextmanager
    def in_round(self, loop: Loop, number: int = 0) -> Iterator[None]:
        """Interpret one round of a loop."""
        before, self.rounds = self.rounds, (*self.rounds, Round(loop, number, next(births)))
        try:
            yield
        finally:
            self.rounds = before

    def applied_to(self, module: Value, arguments: Arguments, at: int, apply: Callable[[], Value]) -> Value:
        """Apply a module, and note that when it is not done by a module around it."""
        before, self.applying = self.applying, True
        try:
            result = self._unread(module, at) if self.leaves_out_forwards and not before else apply()
        finally:
            self.applying = before
        if not before:
            asked = arguments.named.get("training")
            says_mode = asked is not None or len(arguments.positional) > 1 or not arguments.complete
            self.note_event(
                Event.APPLIED,
                self.site(at),
                module,
                by=result,
                given=arguments.positional,
                training=asked == Constant(True) and not self.comprehending,
                says_mode=says_mode,
                within=self.frames[-1].receiver,
            )
        return result

    def _unread(self, module: Value, at: int) -> Value:
        """What a module gives that is not followed into."""
        return self.globals.child((module, "forward")).child(("call", self.site(at)))

    def give_back(self, value: Value) -> None:
        """Note what the call that is being interpreted returns on this path."""
        frame = self.frame
        guards = tuple(guard for guard in self.state.path[frame.path_length :] if not guard.required)
        frame.returns.append((guards, value))

    def on_path(self, guards: tuple[Guard, ...], run: Callable[[], object]) -> None:
        """Do something under further conditions."""
        if not self.state.allows(guards):
            return
        before = self.state.path
        self.state.path = (*before, *guards)
        try:
            run()
        finally:
            self.state.path = before

    def follow(self, node: Tested, test: ir.Expression, outcome: bool, guards: tuple[Guard, ...] = ()) -> None:
        """Note that a test has an outcome here, under further conditions."""
        self.branches.follow(node, test, outcome, self.frame.definition, (*self.state.path, *guards))

    def note_made(self, thing: HeapObject, at: int) -> None:
        """A layer, a container or a module is built: during a ``forward`` that happens again at each call."""
        frame = self.frames.of_forward()
        if frame is None or self.muted or self.frames.is_behind_a_decorator(frame):
            return
        assert isinstance(frame.receiver, Instance)
        rate = thing.arguments.get("p") if isinstance(thing, Layer) else None
        self.parts.made_in_forward[thing] = Made(
            self.site(at),
            frame.receiver,
            frame.scope.born,
            conditional=bool(frame.conditional) or self.frame is not frame,
            by_mode=self.frames.mode_decides() or self.frames.mode_chose(rate),
            without_gradient=bool(self.without_gradient),
            guards=self.state.path,
        )

    def note_applied(self, site: Site, **columns: Any) -> None:
        """A layer is applied to a tensor."""
        off = bool(self.without_gradient)
        self.emit(LayerApplied, site, without_gradient=off, cut_at=self.no_gradient_at if off else None, **columns)

    def knows_string(self, text: str, table: Mapping[str, object] | frozenset[str]) -> bool:
        """Whether Keras, or the program through ``custom_objects``, knows a string; a blank to fill in (``"??"``) too."""
        return text in table or text in self.custom_objects.slots or not any(letter.isalpha() for letter in text)

    # Facts

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Follow something of which nothing is noted."""
        self.muted += 1
        try:
            yield
        finally:
            self.muted -= 1

    def emit(
        self,
        kind: type[Fact],
        site: Site,
        certain: bool = True,
        outside: tuple[Guard, ...] | None = None,
        /,
        **columns: Any,
    ) -> None:
        """Note a fact on the current path; ``outside`` are its conditions but for those that chose a model."""
        unseen = self.branches.is_unseen(self.state.path, outside)
        if self.muted or unseen is None or self.counting.is_over(self.state.path):
            return
        if kind in (TrainingEvent, LabelsUse, LossUse, PredictionUse, Fed) and needs_one_flag(self.state.path):
            unseen = False  # a program is written to be run with any one of its flags
        call_sites = tuple(frame.call_site for frame in self.frames if frame.call_site is not None)
        guards = tuple(guard for guard in self.state.path if not guard.required)
        self.facts.append(kind(site=site, guards=guards, certain=certain, unseen=unseen, calls=call_sites, **columns))

    def note_event(
        self,
        event: Event,
        site: Site,
        subject: Value,
        by: Value | None = None,
        given: tuple[Value, ...] = (),
        **more: Any,
    ) -> None:
        """Note that something happens in a training loop. The last round is run for its values only."""
        if self.counting.in_a_last_round:
            return
        self.emit(
            TrainingEvent,
            site,
            event=event,
            subject=subject,
            by=by,
            given=given,
            rounds=self.rounds,
            root=self.root,
            without_gradient=bool(self.without_gradient),
            in_comprehension=self.comprehending > 0 and self.rounds == self.rounds_of_comprehension,
            **more,
        )

    # Meaning

    def decide(self, expression: ir.Expression) -> list[tuple[tuple[Guard, ...], bool]]:
        """The outcomes that a test can have, each with its conditions."""
        return self.python.decide(self, expression)

    def under(self, guards: tuple[Guard, ...], expression: ir.Expression) -> Value:
        """The value of an expression under further conditions."""
        before = self.state.path
        self.state.path = (*before, *guards)
        try:
            return self.evaluate(expression)
        finally:
            self.state.path = before

    def item(self, owner: Value, index: Value, at: int) -> Value:
        """``owner[index]``."""
        return self.python.read_item(self, owner, index, at)

    def execute(self, body: Iterable[ir.Statement]) -> bool:
        """Run statements; False when the end is not reached."""
        return self.python.execute(self, body)

    def assign(self, target: ir.Expression, value: Value) -> None:
        """Bind a target to a value."""
        self.python.assign(self, target, value)

    def call(self, function: Value, arguments: Arguments = NO_ARGUMENTS, at: int = 0) -> Value:
        """The result of a call."""
        return self.python.call(self, function, arguments, at)

    def attribute(self, owner: Value, name: str, at: int = 0) -> Value:
        """``owner.name``."""
        return self.python.read_attribute(self, owner, name, at)

    def method(self, instance: Instance, name: str) -> Value | None:
        """The bound method that the program itself gives a class, or None."""
        return self.python.method(self, instance, name)

    def set_attribute(self, owner: Value, name: str, value: Value, at: int = 0) -> None:
        """``owner.name = value``."""
        self.python.write_attribute(self, owner, name, value, self.site(at) if at else None)

    def set_item(self, owner: Value, index: Value, value: Value, at: int) -> None:
        """``owner[index] = value``."""
        self.python.write_item(self, owner, index, value, self.site(at))

    def delete_item(self, owner: Value, index: Value) -> None:
        """``del owner[index]``."""
        self.python.delete_item(self, owner, index)

    def call_with(self, function: Value, *values: Value) -> Value:
        """Call something with positional arguments that stand nowhere in the program."""
        return self.call(function, Arguments(values))

    def extend(self, target: ListValue, more: list[Value]) -> None:
        """Put values at the end of a list."""
        self.python.extend(self, target, more)

    def add_member(self, container: Container, name: str, value: Value) -> None:
        """Put a layer into a container."""
        self.libraries.add_member(self, container, name, value)

    def library_attribute(self, heap_object: HeapObject, name: str) -> Value:
        """An attribute that a library gives to one of its things."""
        return self.libraries.attribute(self, heap_object, name)

    def is_library_method(self, heap_object: Value, name: str) -> bool:
        """Whether a name is a method that a library gives to things like this one."""
        return self.libraries.is_method(heap_object, name)

    def is_without_gradient(self, item: ir.Expression, value: Value) -> bool:
        """Whether ``with value:`` switches the gradient off."""
        return value == FrameworkName("torch.no_grad")

    def tensor_of(self, value: Unknown) -> Tensor:
        """Something unknown, seen as a tensor; the same one each time."""
        self.overwhelmed = self.overwhelmed or value.note == TOO_MANY
        if value not in self._tensors:
            origin = Origin("input", "", note=_note_of(value), factor=value)
            self._tensors[value] = Tensor(origin=origin, batched=value.is_stacked)
        return self._tensors[value]

    def see_as(self, value: Unknown, tensor: Tensor) -> None:
        """Say what something unknown is where it is seen as a tensor."""
        self._tensors[value] = tensor

    def note_open(self, value: Unknown) -> None:
        """Something is done with a value that is not known: if it is a parameter's, callers elsewhere may pass it."""
        root = value
        while root.parent is not None and root.parent is not self.globals:
            root = root.parent
        if root.is_parameter:
            self.open = True

    def note_gradient(self, function: Unknown, arguments: Arguments, at: int) -> None:
        """``tape.gradient(loss, …)``, ``optimizer.minimize(loss)``, ``accelerator.backward(loss)`` differentiate a loss."""
        if function.key in GRADIENT_METHODS:
            in_tensorflow, given = function.key in OF_TENSORFLOW, arguments.positional[1:2]
            for value in arguments.positional[:1]:
                self.note_backward(value, self.site(0), in_torch=not in_tensorflow)
                self.note_event(
                    Event.DIFFERENTIATED,
                    self.site(at),
                    value,
                    by=function.parent,
                    given=given,
                    by_tensorflow=in_tensorflow,
                )

    def note_backward(self, value: Value, site: Site, in_torch: bool | None = None) -> None:
        """A loss is differentiated."""
        if isinstance(value, Tensor) and value.domain is Domain.LOSS:
            self.emit(Backward, site, loss=value, in_torch=in_torch)

    def unknown(self, note: str = "") -> Unknown:
        """A new value that is not followed."""
        return Unknown(note)


def _note_of(value: Unknown) -> str:
    """What the tensor that something unknown is seen as tells of where it comes from."""
    if value.is_computed:
        return COMPUTED
    return GIVEN if value.is_given else ""
