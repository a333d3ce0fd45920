"""Parts of a built model that do not do what they are there for, in the same words for every framework."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Suspect:
    """One part of a model, and what is wrong with it.

    ``name`` is that of the layer, the parameter or the input, ``kind`` its class or function. ``cause`` is one of:
    ``unused``, ``cut``, ``unregistered``, ``rebuilt`` for what gets no gradient, ``dead``, ``not a number`` and
    ``not a number below zero`` for what gets one that is zero or no number; ``softmax``, ``layout``, ``sequence`` for what mixes
    the samples of a batch (``sequence?`` where the first axis may be time); ``dropout`` for what gives two answers in
    evaluation mode; ``input`` and ``features`` for what has no effect. ``count`` says how many parameters,
    samples or features that concerns, ``line`` where the part is made or called.
    """

    name: str
    kind: str
    cause: str
    count: int = 0
    path: str = ""
    line: int = 0

    @property
    def identity(self) -> tuple[str, str, str]:
        """What is the same when it is found again on other weights."""
        return self.name, self.kind, self.cause


@dataclass(frozen=True)
class Suspects:
    """What one model shows beside its outputs."""

    without_gradient: tuple[Suspect, ...] = ()
    mixed: tuple[Suspect, ...] = ()
    unrepeatable: tuple[Suspect, ...] = ()
    ignored: tuple[Suspect, ...] = ()

    def reply(self) -> dict[str, Any]:
        """The part of the facts."""
        return asdict(self)


def agreed(draws: Sequence[Suspects]) -> Suspects | None:
    """What is found for all draws of the weights; None where there was none."""
    if not draws:
        return None
    return Suspects(**{one.name: _common([getattr(found, one.name) for found in draws]) for one in fields(Suspects)})


def _common(lists: Sequence[tuple[Suspect, ...]]) -> tuple[Suspect, ...]:
    kept = [{one.identity for one in found} for found in lists[1:]]
    return tuple(one for one in lists[0] if all(one.identity in found for found in kept))
