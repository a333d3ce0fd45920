"""Models drawn from the input to the loss, with the place where they break."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from msgspec import structs

from headlint.findings.finding import Finding, Place, Step
from headlint.findings.heads import HeadLayer, HeadLoss, HeadPicture
from headlint.reporting.context import Context

MOST_STATIONS = 12
"""Stations beyond which the middle of a model is folded."""

MOST_DRAWINGS = 6


@dataclass(frozen=True, slots=True)
class Station:
    """Something on the way from the input to the loss.

    ``kind`` is ``input``, ``layer``, ``activation``, ``operation`` or ``loss``; ``detail`` says what it gives or expects.
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
    """The ways through one model: as far as the model is known, and as the trail shows it where that is not enough."""
    known = [tuple(_of_picture(picture, context)) for picture in pictures]
    ways = [_broken(way, findings, context) for way in dict.fromkeys(known)]
    for finding in findings:
        if not any(finding in station.broken for way in ways for station in way):
            way = _broken(_of_trail(finding, known, context), [finding], context)
            if any(station.broken for station in way) or not any(_is_on(one, finding, context) for one in ways):
                ways.append(way)
    with_findings = [way for way in ways if any(station.broken for station in way)]
    return tuple(_folded(way) for way in (with_findings or ways)[:MOST_DRAWINGS])


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
    return f"expects {loss.expects}" if loss.expects else ""


def _of_trail(finding: Finding, known: Iterable[Sequence[Station]], context: Context) -> tuple[Station, ...]:
    """What the trail shows, behind what is known to stand before its head; a loss stands where it is used."""
    steps = [step for step in finding.trail if step.role in ("layer", "activation", "operation", "loss")]
    stations = tuple(
        Station(step.role, _name(step), "", _shown(step.place, context))
        for step, following in zip_longest(steps, steps[1:])
        if not (step.role == "loss" and following is not None and following.role == "loss")
    )
    for way in known:
        if _is_on(way, finding, context):
            head = _head(finding, context)
            return (*_until(way, head), *stations[len(_until(stations, head)) :])
    return stations


def _until(way: Sequence[Station], place: Place | None) -> Sequence[Station]:
    """The stations before the one at a place."""
    return way[: next(index for index, station in enumerate(way) if station.place == place)]


def _name(step: Step) -> str:
    return step.name.rpartition(".")[2] or step.note.partition(" ")[0]


def _shown(place: Place, context: Context) -> Place:
    return structs.replace(place, path=context.shown(place.path))


def _head(finding: Finding, context: Context) -> Place | None:
    """The place of the head that a finding is about: the last layer of its trail, else the last activation."""
    made = [step for step in finding.trail if step.role == "layer"]
    made = made or [step for step in finding.trail if step.role == "activation"]
    return _shown(made[-1].place, context) if made else None


def _is_on(way: Sequence[Station], finding: Finding, context: Context) -> bool:
    """Whether a way goes through the head that a finding is about."""
    head = _head(finding, context)
    return head is not None and any(station.place == head for station in way)


def _broken(way: Sequence[Station], findings: Iterable[Finding], context: Context) -> tuple[Station, ...]:
    """The stations, each with the findings at its place; of stations at one place the last has them."""
    positions: dict[Place | None, int] = {}
    for position, station in enumerate(way):
        positions |= {station.applied: position, station.place: position}
    about: dict[int | None, list[Finding]] = {}
    for finding in findings:
        if _is_on(way, finding, context):
            about.setdefault(positions.get(_shown(finding.place, context)), []).append(finding)
    return tuple(replace(station, broken=tuple(about.get(position, ()))) for position, station in enumerate(way))


def _folded(way: tuple[Station, ...]) -> Drawing:
    middle = way[3:-7]
    if len(way) <= MOST_STATIONS or any(station.broken for station in middle):
        return Drawing(way, (), ())
    return Drawing(way[:3], middle, way[-7:])
