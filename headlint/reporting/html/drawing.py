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
    ``broken`` are the findings that are about it.
    """

    kind: str
    name: str
    detail: str = ""
    place: Place | None = None
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
    way = picture.way or picture.layers
    for layer in way:
        last = layer is way[-1]
        yield Station(
            _kind(layer), layer.name, _given(layer, picture.meaning if last else ""), _shown(layer.place, context)
        )
    for loss in picture.losses:
        yield Station("loss", loss.name, _wanted(loss), _shown(loss.place, context))


def _kind(layer: HeadLayer) -> str:
    if not layer.activation:
        return "layer"
    return "operation" if layer.activation == "decisions" else "activation"


def _given(layer: HeadLayer, meaning: str) -> str:
    parts = [f"gives {layer.units}"] if layer.units is not None and not layer.activation else []
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
    about: dict[int, list[Finding]] = {}
    places = {station.place: position for position, station in enumerate(way) if station.place is not None}
    for finding in findings:
        position = places.get(_shown(finding.place, context))
        if position is not None:
            about.setdefault(position, []).append(finding)
    return tuple(replace(station, broken=tuple(about.get(position, ()))) for position, station in enumerate(way))


def _folded(way: tuple[Station, ...]) -> Drawing:
    middle = way[3:-7]
    if len(way) <= MOST_STATIONS or any(station.broken for station in middle):
        return Drawing(way, (), ())
    return Drawing(way[:3], middle, way[-7:])
