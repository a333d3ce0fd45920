"""Tensors: what their numbers mean, what is known of their shape and labels, and what made them."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.intervals import Interval
from headlint.flow.values.python_values import Site, Value

if TYPE_CHECKING:
    from headlint.flow.values.library_values import Layer


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


class Shape(Struct, frozen=True):
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


class Labels(Struct, frozen=True):
    """What is known of an array of labels.

    ``encoding`` is ``index`` (one integer a sample), ``one_hot``, ``multi_hot``, ``binary`` (0/1 a sample), ``values``
    (amounts, as for a regression) or empty. ``dtype`` is ``integer``, ``float``, ``boolean`` or empty. ``column`` tells
    a trailing axis of size one. ``source`` says in words where this is known from. ``interval`` is how far the numbers
    reach. ``noise`` tells plain random numbers, and those that only count, which short programs put in the place of
    anything.
    """

    encoding: str = ""
    classes: int | None = None
    dtype: str = ""
    column: bool | None = None
    source: str = ""
    rescaled: bool = False
    exclusive: bool = False
    site: Site | None = None
    interval: Interval | None = None
    noise: bool = False


COMPUTED = "computed"
"""The note of an input that is not data as it was read, but comes from something that is not followed."""

GIVEN = "given"
"""The note of an input that a caller gives, or a loop over data."""


class Origin(Struct, frozen=True):
    """What made a tensor: a layer, an activation, an operation, an input, or labels read from somewhere.

    ``site`` is where it happened and ``built_at`` where the thing that did it was built (a layer's constructor call).
    """

    role: str
    name: str
    site: Site | None = None
    built_at: Site | None = None
    layer: Layer | None = None
    note: str = ""
    factor: Value | None = None
    """What is not a tensor in a sum, product or quotient, or what is seen as a tensor without being known as one."""


class Tensor(Value, Struct, frozen=True, eq=False):
    """A tensor, with what its numbers mean and the tensors it was computed from."""

    domain: Domain = Domain.UNKNOWN
    shape: Shape = ANY_SHAPE
    origin: Origin = Origin("input", "")
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
    order: tuple[int, ...] = ()
    """Of an operation that only reorders axes: which axis of the input each of the first axes was."""
    kept: tuple[int, ...] = ()
    """The axes that a reshape leaves what they were in the input."""
    merged: tuple[tuple[int, ...], ...] = ()
    """Of a reshape that joins axes: which axes of the input each of the first axes is made of."""
    batched: bool = False
    """Whether it is what a data loader gives, so that its first axis holds the samples of a batch."""

    def derive(self, **changes: Any) -> Tensor:
        """A tensor like this one but for the changes, computed from it."""
        changes.setdefault("inputs", (self,))
        for name, unset in (("order", ()), ("kept", ()), ("merged", ()), ("batched", False)):
            changes.setdefault(name, unset)
        return replace(self, **changes)


def comes_from_layer(tensor: Tensor) -> bool:
    """Whether a layer of a library gave a tensor or the first one that it was computed from, and so on."""
    for _ in range(24):
        if tensor.origin.layer is not None:
            return True
        if not tensor.inputs:
            return False
        tensor = tensor.inputs[0]
    return False
