"""What the inputs of a model are like. No framework."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

BATCH = 5
LENGTH = 11
SIDE = 32
FEATURES = 16


@dataclass(frozen=True)
class TensorLike:
    """A random tensor: numbers from a normal distribution, integers from 0 up to but not including ``below``.

    ``fixed`` says that the user gave the shape.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    below: int | None = None
    fixed: bool = False

    @property
    def is_integer(self) -> bool:
        """Whether it holds indices or counts."""
        return self.dtype.startswith(("int", "uint", "long"))

    def text(self) -> str:
        """``float32[5, 3, 32, 32]``."""
        limit = f" below {self.below}" if self.below is not None else ""
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]{limit}"


@dataclass(frozen=True)
class Given:
    """A value that is handed over as it is: None, a number, a flag."""

    value: Any

    def text(self) -> str:
        """The value as Python writes it."""
        return repr(self.value)


@dataclass(frozen=True)
class Grouped:
    """Several inputs in a tuple, list or dictionary; the keys are those of a dictionary."""

    kind: type
    keys: tuple[str, ...]
    parts: tuple[Like, ...]

    def text(self) -> str:
        """``tuple(float32[1, 5, 32], float32[1, 5, 32])``."""
        inside = ", ".join(
            f"{key}: {part.text()}" if self.kind is dict else part.text()
            for key, part in zip(self.keys, self.parts, strict=True)
        )
        return f"{self.kind.__name__}({inside})"


Like = TensorLike | Given | Grouped


@dataclass(frozen=True)
class Inputs:
    """What a forward pass is called with, by the names of its parameters. ``positional`` are those handed by place."""

    likes: tuple[tuple[str, Like], ...]
    keywords: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> Like:
        return dict(self.likes)[name]

    def with_like(self, name: str, like: Like) -> Inputs:
        """The same with one input replaced."""
        return replace(self, likes=tuple((key, like if key == name else old) for key, old in self.likes))

    def tensors(self) -> Iterator[tuple[str, TensorLike]]:
        """The inputs that are one tensor."""
        for name, like in self.likes:
            if isinstance(like, TensorLike):
                yield name, like

    def texts(self) -> tuple[str, ...]:
        """For the report."""
        return tuple(f"{name}: {like.text()}" for name, like in self.likes)

    @property
    def batch(self) -> int:
        """The number of samples: the first size of the first tensor."""
        return next((tensor.shape[0] for _, like in self.likes for tensor in tensors_of(like) if tensor.shape), 0)


def tensors_of(like: Like) -> Iterator[TensorLike]:
    """The tensors in an input, those of its groups included."""
    match like:
        case TensorLike():
            yield like
        case Grouped(parts=parts):
            for part in parts:
                yield from tensors_of(part)
