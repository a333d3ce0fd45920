"""What a training loop is made of: parameters, the optimizer that holds them, and what stands around its step."""

from __future__ import annotations

from msgspec import Struct

from headlint.flow.values.python_values import HeapObject, Site, Value


class Parameters(Value, Struct, frozen=True, eq=False):
    """Some or all parameters of some modules, as ``model.parameters()`` gives them.

    ``members`` are the layers, ready-made models, tensors and unknown modules that they belong to. Not ``complete``: there
    may be more. ``partial``: a condition leaves some of the members' parameters out.
    """

    members: frozenset[Value]
    complete: bool = True
    partial: bool = False
    named: bool = False
    """Whether each comes with its name."""
    owners: frozenset[Value] = frozenset()
    """The modules that were asked for them."""

    def joined_with(self, other: Parameters) -> Parameters:
        """These and others."""
        return Parameters(
            self.members | other.members,
            self.complete and other.complete,
            self.partial or other.partial,
            self.named,
            self.owners | other.owners,
        )


class OneParameter(Value, Struct, frozen=True, eq=False):
    """One parameter out of several, whichever."""

    of: Parameters


class Trainable(Value, Struct, frozen=True):
    """Whether parameters get gradients: what is stored with a layer whose parameters were frozen or released."""

    value: bool | None


IN_TRAINING = "training"
"""Under what a layer of Keras keeps that it is applied with ``training=True``, whatever the mode of its model is."""

TRAINABLE_SLOT = "whether its parameters get gradients"


class Optimizer(HeapObject):
    """An optimizer of a library, with the parameters that it was given."""

    __slots__ = ("held", "name", "opened", "rounds", "site")

    def __init__(self, name: str, site: Site, held: Parameters, rounds: tuple[Round, ...] = ()) -> None:
        super().__init__()
        self.name = name
        self.site = site
        self.held = held
        self.rounds = rounds
        """The rounds of loops in which it was built."""
        self.opened = False
        """Whether the program went to the parameters of its groups, and may have put others there."""


class Scheduler(HeapObject):
    """A schedule of the learning rate over an optimizer."""

    __slots__ = ("name", "optimizer", "site")

    def __init__(self, name: str, site: Site, optimizer: Value) -> None:
        super().__init__()
        self.name = name
        self.site = site
        self.optimizer = optimizer


class Scaler(HeapObject):
    """A ``GradScaler``, which scales losses up and gradients down."""

    __slots__ = ("site",)

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site = site


class Loop(Struct, frozen=True, eq=False):
    """A loop that is being run."""

    site: Site
    over: Value | None = None
    """What it goes through; None for a ``while``."""


class Round(Struct, frozen=True, eq=False):
    """One round of a loop."""

    loop: Loop
    number: int
    began: int = 0
    """Of the things of a program, those with a lower number were there before the round."""
