"""What a program sets up for training: losses, the modules that optimizers hold, and pairs that are handed on together."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Guard
from headlint.flow.values.library_values import Loss
from headlint.flow.values.python_values import Site, Unknown, Value
from headlint.flow.values.training_values import Optimizer


class Pair(Struct, frozen=True, eq=False):
    """A model and a loss that something which cannot be read was given together."""

    model: Value
    loss: Value
    site: Site
    """Where the loss stands in the call."""
    call: Site
    guards: tuple[Guard, ...]


class Wrapped(Struct, frozen=True, eq=False):
    """A function that builds a model, what a wrapper hands to it, and what the wrapper compiles the model with."""

    build: Value
    given: Mapping[str, Value]
    compiled_with: Mapping[str, Value]
    sites: Mapping[int | str, Site]
    site: Site
    guards: tuple[Guard, ...]


class SetUp(Struct):
    """The parts of training runs, in the order in which they came into being."""

    losses: list[Loss] = field(default_factory=list)
    optimizers: list[Optimizer] = field(default_factory=list)
    configured: dict[Value, Value] = field(default_factory=dict)
    """What ``configure_optimizers`` of modules of Lightning gave."""
    batches: dict[Value, Value] = field(default_factory=dict)
    """What loaders give to the training steps of modules of Lightning, by the modules."""
    pairs: list[Pair] = field(default_factory=list)
    wrapped: dict[Unknown, Wrapped] = field(default_factory=dict)
    """The models that are built for scikit-learn, by the wrappers that build them."""
    estimated: dict[Unknown, Arguments] = field(default_factory=dict)
    """What the wrappers of regressions are fitted to, features and amounts, by the wrappers."""
    holders: dict[Value, Unknown] = field(default_factory=dict)
    """The searches and pipelines that hold a wrapper of a regression, which is one itself."""
    tuned: dict[Unknown, Value] = field(default_factory=dict)
    """What builds the models of Keras Tuner's tuners, by the tuners."""
