"""The columns of the tables: kinds of layers, losses, operations and trainers, and the frameworks that have them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

WEIGHTED_EFFECTS = frozenset(
    {"dense", "bilinear", "convolution", "norm", "layer_norm", "embedding", "embedding_bag", "recurrent"}
    | {"recurrent_cell", "recurrent_cell_pair", "attention", "hidden_same_shape", "graph"}
)
"""What layers with weights do to a tensor."""


class LayerKind(Struct, frozen=True):
    """A layer of a library.

    ``effect`` says what it does to a tensor (see ``headlint.flow.libraries.layers``), ``parameters`` are the constructor's, in
    order. ``units`` and ``features`` name the parameters that hold the width it gives and the width it wants.
    """

    name: str
    framework: str
    effect: str
    parameters: tuple[str, ...] = ()
    units: str = ""
    features: str = ""
    spatial: int = 0
    """The number of spatial axes of a convolution or pooling layer."""
    bias: str = ""
    """The parameter that switches the bias off."""
    activation: str = ""
    """The activation that the layer is, or applies when its parameter ``activation`` is not given."""

    @property
    def has_weights(self) -> bool:
        """Whether its layers have weights unless their arguments say otherwise."""
        return self.short_name == "PReLU" or (self.effect in WEIGHTED_EFFECTS and "InstanceNorm" not in self.name)

    @property
    def short_name(self) -> str:
        """The last part of its name, as it is written in programs."""
        return self.name.rsplit(".", 1)[-1]


class LossKind(Struct, frozen=True):
    """A loss of a library.

    ``family`` is ``cross_entropy``, ``sparse_cross_entropy``, ``nll``, ``binary_cross_entropy``, ``kl_div``, ``ctc``,
    ``regression``, ``count`` (rates), ``overlap`` (of masks; ``mode`` tells which) or ``other``. ``expects`` is
    ``logits``, ``probabilities``, ``log_probabilities``, ``values`` or ``from_logits`` (the argument of that name
    decides). ``prediction`` and ``target`` name the arguments of the call, ``call`` lists them in order, ``parameters``
    lists the constructor's (empty for a function).
    """

    name: str
    framework: str
    family: str
    expects: str
    call: tuple[str, ...] = ("input", "target")
    parameters: tuple[str, ...] = ()
    prediction: str = "input"
    target: str = "target"
    symmetric: bool = False
    by_hand: bool = False
    """Whether the program writes the loss out, so that no name stands for it."""
    takes_logits: bool = False
    """What ``from_logits`` is where it is not given."""
    any_type: bool = False
    """Whether it takes targets of any type of numbers, where others of its family want floats."""

    @property
    def short_name(self) -> str:
        """The last part of its name, as it is written in programs."""
        return self.name.rsplit(".", 1)[-1]


class OperationKind(Struct, frozen=True):
    """A function or method on tensors: what it does (see ``headlint.flow.tensors.tensors``) and its parameters in order."""

    name: str
    effect: str
    parameters: tuple[str, ...] = ("input",)


class TrainerKind(Struct, frozen=True):
    """A class or function of a library that takes a model and a loss and calls the one with what the other gives.

    ``parameters`` are its own, in order; ``model`` and ``loss`` name two of them. Where no loss is given,
    ``default_loss`` is taken. ``strings`` are losses by name. ``between`` are parameters that change what the model
    gives before the loss takes it. ``made_by`` says who builds model and loss: the program (empty), the library from a
    ``class``, with the options that begin with ``module__``, or the library by a call of a ``creator``.
    """

    name: str
    parameters: tuple[str, ...]
    model: str
    loss: str
    default_loss: str = ""
    strings: tuple[tuple[str, str], ...] = ()
    between: tuple[str, ...] = ()
    made_by: str = ""


class Framework(Struct, frozen=True):
    """All that a framework brings. A new one is a folder that makes this, and a line in ``registry`` that registers it.

    ``packages`` are what programs import; ``words`` are what the text of every program has that uses it. ``names`` mean
    something without standing in a table, ``aliases`` are other names of losses. ``calls`` is a module, imported when a
    program is followed, whose ``CALLS`` say by dotted name what calls do beyond the tables. ``adapter`` is the module
    whose ``ADAPTER`` builds and measures models in the worker: with a leading dot one of the worker's own; it is empty
    where nothing builds them, or ``built_as`` names the framework that does. ``install`` says what to do where the
    framework is missing.
    """

    name: str
    packages: frozenset[str]
    words: tuple[str, ...] = ()
    layers: tuple[LayerKind, ...] = ()
    function_layers: tuple[LayerKind, ...] = ()
    losses: tuple[LossKind, ...] = ()
    operations: tuple[OperationKind, ...] = ()
    trainers: tuple[TrainerKind, ...] = ()
    containers: Mapping[str, str] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    aliases: Mapping[str, str] = field(default_factory=dict)
    calls: str = ""
    adapter: str = ""
    built_as: str = ""
    install: str = ""
