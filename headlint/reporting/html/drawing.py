"""Models drawn from the input to the loss, with the place where they break."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from headlint.findings import Finding, Place, Step
from headlint.reporting.context import Context
from headlint.reporting.heads import HeadLayer, HeadLoss, HeadPicture

MOST_STATIONS = 12
"""Stations beyond which the middle of a model is folded."""

MOST_DRAWINGS = 6


@dataclass(frozen=True, slots=True)
class Station:
    """Something on the way from the input to the loss.

    ``kind`` is ``input``, ``layer``, ``activation``, ``operation`` or ``loss``; ``detail`` says what it gives or wants.
    ``applied`` is where that is called which is built at ``place``. ``broken`` are the findings that are about it.
    """

    kind: str
    name: str
    detail: str = ""
    place: Place | None = None
    applied: Place | None = None
    broken: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawing:
    """One way through a model: its beginning, what is folded, and its end."""

    first: tuple[Station, ...]
    folded: tuple[Station, ...]
    last: tuple[Station, ...]

    @property
    def stations(self) -> tuple[Station, ...]:
        """All of it."""
        return (*self.first, *self.folded, *self.last)


def drawings(findings: Sequence[Finding], pictures: Sequence[HeadPicture], context: Context) -> tuple[Drawing, ...]:
    """The ways through one model: what is known of the model, or of the findings where no more is known."""
    told = [finding for finding in findings if finding.trail]
    ways = [tuple(_of_picture(picture, context)) for picture in pictures]
    for finding in told:
        if not _is_drawn(finding, ways, context) and (way := tuple(_of_trail(finding, context))):
            ways.append(way)
    broken = [_broken(way, told, context) for way in dict.fromkeys(ways)]
    with_findings = [way for way in broken if any(station.broken for station in way)]
    return tuple(_folded(way) for way in (with_findings or broken)[:MOST_DRAWINGS])


def _of_picture(picture: HeadPicture, context: Context) -> Iterator[Station]:
    yield Station("input", "input")
    for layer in picture.way:
        detail = _given(layer, picture.meaning if layer is picture.way[-1] else "")
        applied = _shown(layer.applied, context) if layer.applied is not None else None
        yield Station(layer.role, layer.name, detail, _shown(layer.place, context), applied)
    for loss in picture.losses:
        yield Station("loss", loss.name, _wanted(loss), _shown(loss.place, context))


def _given(layer: HeadLayer, meaning: str) -> str:
    parts = [f"gives {layer.units}"] if layer.units is not None and layer.role == "layer" else []
    parts += ["no bias"] if layer.bias is False else []
    return " · ".join([*parts, meaning] if meaning else parts)


def _wanted(loss: HeadLoss) -> str:
    return f"wants {loss.expects}" if loss.expects else ""


def _of_trail(finding: Finding, context: Context) -> Iterator[Station]:
    """What the trail alone shows; of a loss that is chosen here and used there, the use."""
    steps = [step for step in finding.trail if step.role in ("layer", "activation", "operation", "loss")]
    for position, step in enumerate(steps):
        following = steps[position + 1] if position + 1 < len(steps) else None
        if not (step.role == "loss" and following is not None and following.role == "loss"):
            yield Station(step.role, _name(step), "", _shown(step.place, context))


def _name(step: Step) -> str:
    return step.name.rpartition(".")[2] or step.note.partition(" ")[0]


def _shown(place: Place, context: Context) -> Place:
    return replace(place, path=context.shown(place.path))


def _is_drawn(finding: Finding, ways: Iterable[Sequence[Station]], context: Context) -> bool:
    """Whether something that the trail names stands on one of the ways."""
    places = {_shown(step.place, context) for step in finding.trail}
    return any(station.place in places for way in ways for station in way)


def _broken(way: Sequence[Station], findings: Iterable[Finding], context: Context) -> tuple[Station, ...]:
    """The stations, each with the findings at its place; of stations at one place the last has them."""
    positions: dict[Place | None, int] = {}
    for position, station in enumerate(way):
        positions |= {station.applied: position, station.place: position}
    about: dict[int | None, list[Finding]] = {}
    for finding in findings:
        about.setdefault(positions.get(_shown(finding.place, context)), []).append(finding)
    return tuple(replace(station, broken=tuple(about.get(position, ()))) for position, station in enumerate(way))


def _folded(way: tuple[Station, ...]) -> Drawing:
    middle = way[3:-7]
    if len(way) <= MOST_STATIONS or any(station.broken for station in middle):
        return Drawing(way, (), ())
    return Drawing(way[:3], middle, way[-7:])
