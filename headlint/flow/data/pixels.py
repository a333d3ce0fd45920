"""The pixels that data sets of torchvision give, after the transforms that a program puts together."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from headlint.flow.python import iteration
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.intervals import UNIT, Interval
from headlint.flow.values.library_values import Transform
from headlint.flow.values.python_values import Constant, ListValue, Site, TupleValue, Value
from headlint.flow.values.tensor_values import Labels, Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

_KEEP_PIXELS = frozenset(
    {"Resize", "Scale", "CenterCrop", "RandomCrop", "RandomResizedCrop", "RandomSizedCrop", "Pad"}
    | {"RandomHorizontalFlip", "RandomVerticalFlip", "RandomRotation", "RandomAffine", "RandomPerspective", "Grayscale"}
    | {"RandomGrayscale", "ColorJitter", "AutoAugment", "RandAugment", "TrivialAugmentWide", "AugMix", "RandomErasing"}
)
"""Transforms after which pixels reach as far as before."""


def transform(machine: Machine, name: str, arguments: Arguments) -> Value | None:
    """A transform of torchvision, by its short name; None where nothing is known of it."""
    match name:
        case "Compose":
            steps = iteration.known_items(machine, arguments.first("transforms") or Constant(None))
            known = [step for step in steps or () if isinstance(step, Transform)]
            whole = steps is not None and len(known) == len(steps)
            return Transform(tuple(part for step in known for part in step.parts)) if whole else None
        case "ToTensor":
            return Transform((UNIT,))
        case "Normalize":
            bound = arguments.bind(("mean", "std"))
            means, deviations = (_numbers(machine, bound.get(key)) for key in ("mean", "std"))
            if not means or len(means) != len(deviations) or 0 in deviations:
                return None
            return Transform((tuple(zip(means, deviations, strict=True)),))
        case _ if name in _KEEP_PIXELS:
            return Transform(())
        case _:
            return None


def _numbers(machine: Machine, given: Value | None) -> list[float]:
    match machine.state.narrow(given) if given is not None else None:
        case Constant(int() | float() as number):
            return [float(number)]
        case (ListValue() | TupleValue()) as several:
            items = iteration.known_items(machine, several) or []
            found = [
                float(item.value)
                for item in items
                if isinstance(item, Constant) and isinstance(item.value, int | float)
            ]
            return found if len(found) == len(items) else []
        case _:
            return []


def image(name: str, arguments: Arguments, site: Site) -> Tensor:
    """An image of a data set whose pixels a transform changes."""
    given = (arguments.get("transform"), *arguments.positional)
    change = next((value for value in given if isinstance(value, Transform)), None)
    reach = _reach(change) if change is not None else None
    if reach is None:
        return Tensor()
    scaled = ", normalised" if reach != UNIT else ""
    known = Labels("values", None, "float", False, f"the pixels of {name}{scaled}", site=site, interval=reach)
    return Tensor(shape=Shape((None, None, None)), labels=known)


def _reach(change: Transform) -> Interval | None:
    """How far pixels reach behind a transform that begins with images of 256 shades."""
    reach: Interval | None = None
    for part in change.parts:
        match part:
            case Interval():
                reach = part
            case tuple() if reach is not None:
                low = min(((reach.low - mean) / deviation for mean, deviation in part), default=-inf)
                high = max(((reach.high - mean) / deviation for mean, deviation in part), default=inf)
                reach = Interval(low, high)
            case _:
                return None
    return reach
