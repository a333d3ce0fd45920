"""What the worker is asked for: the message as values."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

USABLE_TIME = 0.85
"""Share of the time limit after which a measurement stops on its own, before the process is ended from outside."""


@dataclass(frozen=True)
class InputWanted:
    """One ``--input``: ``name`` is empty where it is told by its place, ``dtype`` where it is to be found."""

    shape: tuple[int, ...]
    name: str = ""
    dtype: str = ""
    below: int | None = None


@dataclass(frozen=True)
class LossWanted:
    """The loss that the program uses, as the analysis read it; ``written`` is an expression of the user's instead."""

    name: str = ""
    family: str = "other"
    from_logits: bool | None = None
    expects: str = "values"
    written: str = ""


@dataclass(frozen=True)
class Request:
    """One model to be built and measured. ``deadline`` is a time of ``time.monotonic``, ``memory`` counts bytes."""

    path: Path
    root: Path
    name: str
    deadline: float
    framework: str = ""
    adapter: str = ""
    init: str = ""
    inputs: tuple[InputWanted, ...] = ()
    device: str = "cpu"
    memory: int = 4 * 1024**3
    most_parameters: int = 300_000_000
    draws: int = 3
    seed: int = 0
    loss: LossWanted | None = None
    after: tuple[str, ...] = ()
    output: str | int | None = None
    train_steps: int = 0
    early: Callable[[Any], None] = field(default=lambda measured: None, compare=False)
    """Takes what was measured so far."""

    @property
    def seconds_left(self) -> float:
        """Until the deadline; negative after it."""
        return self.deadline - time.monotonic()


def read_request(message: Mapping[str, Any]) -> Request:
    """The message of the protocol as a request, its clock started."""
    limits = message.get("limits") or {}
    loss = message.get("loss")
    path = Path(message["path"])
    return Request(
        path=path,
        root=Path(message.get("root") or path.parent),
        name=message.get("name") or "",
        deadline=time.monotonic() + USABLE_TIME * float(limits.get("time", 20.0)),
        framework=message.get("framework") or "",
        adapter=message.get("adapter") or "",
        init=message.get("init") or "",
        inputs=tuple(
            InputWanted(tuple(one["shape"]), one.get("name") or "", one.get("dtype") or "", one.get("below"))
            for one in message.get("inputs") or ()
        ),
        device=message.get("device") or "cpu",
        memory=int(limits.get("memory", 4 * 1024**3)),
        most_parameters=int(limits.get("parameters", 300_000_000)),
        draws=int(message.get("draws") or 3),
        seed=int(message.get("seed") or 0),
        loss=read_loss(loss) if loss else None,
        after=tuple(message.get("after") or ()),
        output=message.get("output"),
        train_steps=int(message.get("train_steps") or 0),
    )


def read_loss(message: Mapping[str, Any]) -> LossWanted:
    """The loss of a message."""
    return LossWanted(
        name=message.get("name") or "",
        family=message.get("family") or "other",
        from_logits=message.get("from_logits"),
        expects=message.get("expects") or "values",
        written=message.get("written") or "",
    )
