"""What the inputs of a model are like. No framework."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

BATCH = 5
LENGTH = 11
SIDE = 32
FEATURES = 16
LARGE = 200_000
"""Numbers in one input above which fewer samples do."""

FEW = 2

NUMBER_OF_SAMPLES = re.compile(r"^(batch_?size|bsz?|n_?batch(es)?)$", re.I)
"""Names of a parameter that is the number of samples."""


@dataclass(frozen=True)
class TensorSpec:
    """A random tensor: numbers from a normal distribution, integers from 0 up to but not including ``below``.

    ``fixed`` says that the user gave the shape, ``constant`` that all its numbers are that one, ``shares`` that they lie
    between 0 and 1.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    below: int | None = None
    fixed: bool = False
    constant: int | None = None
    shares: bool = False

    @property
    def is_integer(self) -> bool:
        """Whether it holds indices or counts."""
        return self.dtype.startswith(("int", "uint", "long"))

    def text(self) -> str:
        """``float32[5, 3, 32, 32]``."""
        limit = f" below {self.below}" if self.below is not None else ""
        limit = f" of {self.constant}" if self.constant is not None else " from 0 to 1" if self.shares else limit
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]{limit}"


@dataclass(frozen=True)
class Given:
    """A value that is handed over as it is: None, a number, a flag."""

    value: Any

    def text(self) -> str:
        """The value as Python writes it."""
        return repr(self.value)


class Bundle(SimpleNamespace):
    """An object whose attributes are inputs, as a batch of graphs has them."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def to(self, *arguments: Any, **keywords: Any) -> Bundle:
        """Itself: the worker decides on devices."""
        return self

    cuda = cpu = to


@dataclass(frozen=True)
class Grouped:
    """Several inputs in a tuple, list, dictionary or object; the keys are those of a dictionary, or attributes."""

    kind: type
    keys: tuple[str, ...]
    parts: tuple[Spec, ...]

    def text(self) -> str:
        """``tuple(float32[1, 5, 32], float32[1, 5, 32])``."""
        inside = ", ".join(
            f"{key}: {part.text()}" if self.kind in (dict, Bundle) else part.text()
            for key, part in zip(self.keys, self.parts, strict=True)
        )
        return f"{self.kind.__name__}({inside})"


Spec = TensorSpec | Given | Grouped


@dataclass(frozen=True)
class Inputs:
    """What a forward pass is called with, by the names of its parameters. ``keywords`` are those handed by name.

    A part of a group has the dotted name ``parameter.key``.
    """

    specs: tuple[tuple[str, Spec], ...]
    keywords: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> Spec:
        return dict(self.leaves()).get(name) or dict(self.specs)[name]

    def with_spec(self, name: str, spec: Spec) -> Inputs:
        """The same with one input, or one part of a group, replaced."""
        return replace(self, specs=tuple((key, part_replaced(key, old, name, spec)) for key, old in self.specs))

    def leaves(self) -> Iterator[tuple[str, Spec]]:
        """The inputs that are no group, and the parts of the groups."""
        for name, spec in self.specs:
            yield from leaves_of(name, spec)

    def tensors(self) -> Iterator[tuple[str, TensorSpec]]:
        """The leaves that are a tensor."""
        for name, spec in self.leaves():
            if isinstance(spec, TensorSpec):
                yield name, spec

    def texts(self) -> tuple[str, ...]:
        """For the report."""
        return tuple(f"{name}: {spec.text()}" for name, spec in self.specs)

    @property
    def is_large(self) -> bool:
        """Whether one of the tensors makes a pass slow."""
        return any(math.prod(spec.shape) > LARGE for _, spec in self.tensors())

    def lighter(self) -> Inputs:
        """The same with fewer samples, where the usual number of them makes a large tensor."""
        lighter = self
        for name, spec in self.tensors() if self.is_large else ():
            if spec.shape[:1] == (BATCH,) and not spec.fixed:
                lighter = lighter.with_spec(name, replace(spec, shape=(FEW, *spec.shape[1:])))
        return lighter.with_count_of(self.batch)

    def of_batch(self, samples: int) -> Inputs:
        """The same with so many samples in place of those that there are."""
        changed = self
        for name, spec in self.tensors():
            if spec.shape[:1] == (self.batch,) and not spec.fixed:
                changed = changed.with_spec(name, replace(spec, shape=(samples, *spec.shape[1:])))
        return changed.with_count_of(self.batch)

    def with_count_of(self, before: int) -> Inputs:
        """The same with the number of samples, where it is handed over as a number, in place of what it was before."""
        changed = self
        for name, spec in self.specs:
            if NUMBER_OF_SAMPLES.search(name) and spec == Given(before):
                changed = changed.with_spec(name, Given(self.batch))
        return changed

    @property
    def batch(self) -> int:
        """The number of samples: the first size of the first tensor."""
        return next((tensor.shape[0] for _, tensor in self.tensors() if tensor.shape), 0)


def leaves_of(name: str, spec: Spec) -> Iterator[tuple[str, Spec]]:
    """An input by its name, a group by the dotted names of its parts."""
    if isinstance(spec, Grouped) and spec.parts:
        for key, part in zip(spec.keys, spec.parts, strict=True):
            yield from leaves_of(f"{name}.{key}", part)
    else:
        yield name, spec


def part_replaced(key: str, old: Spec, name: str, spec: Spec) -> Spec:
    """``old``, which is called ``key``, with what is called ``name`` in it replaced."""
    if key == name:
        return spec
    if isinstance(old, Grouped) and name.startswith(f"{key}."):
        parts = zip(old.keys, old.parts, strict=True)
        return replace(old, parts=tuple(part_replaced(f"{key}.{inner}", part, name, spec) for inner, part in parts))
    return old
