"""What the user decides about building models, and the options of the command line that say so. Light to import."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from msgspec import Struct, field

from headlint.runtime.inputs import Input, Shape, parse_bytes, parse_count, parse_device, parse_input, parse_shape

Parsed = TypeVar("Parsed")


class Wanted(Struct, frozen=True):
    """What the user decides about building and measuring. ``seconds`` and ``memory`` (bytes) hold for one model."""

    inputs: tuple[Input, ...] = ()
    init: str = ""
    loss: str = ""
    output: Shape | None = None
    device: str = "cpu"
    seconds: float = 20.0
    memory: int = 4 * 1024**3
    parameters: int = 300_000_000
    python: Path = field(default_factory=lambda: Path(sys.executable))
    keras_backend: str = ""
    train_steps: int = 0


def add_building_options(parser: argparse.ArgumentParser, title: str = "building models") -> None:
    """The options that say how models are built."""
    group = parser.add_argument_group(title)
    group.add_argument(
        "--device",
        type=_type(parse_device),
        default="cpu",
        metavar="DEVICE",
        help="cpu, cuda, cuda:1, mps, meta for shapes only, or auto for the best there is (cpu)",
    )
    group.add_argument("--timeout", type=float, default=20.0, metavar="SECONDS", help="for one model (20)")
    group.add_argument("--memory", type=_type(parse_bytes), default="4G", metavar="AMOUNT", help="for one model (4G)")
    group.add_argument(
        "--max-params",
        type=_type(parse_count),
        default="300M",
        metavar="N",
        help="larger models get shapes only (300M)",
    )
    group.add_argument("--python", type=Path, metavar="PATH", help="the interpreter with the program's packages")
    group.add_argument("--keras-backend", choices=("tensorflow", "torch"), help="for Keras 3 (tensorflow if installed)")
    group.add_argument(
        "--train-steps",
        type=int,
        default=0,
        metavar="N",
        help="fit one small batch for N steps, as written and as fixed",
    )


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """The options that say more about one model."""
    group = parser.add_argument_group("the model")
    group.add_argument("--init", default="", metavar="CALL", help="how to make it, for example 'Net(10)'")
    group.add_argument(
        "--input", action="append", default=[], type=_type(parse_input), metavar="SHAPE", dest="inputs",
        help="an input with its batch, for example 1,3,224,224 or tokens=2,16:int64<5000; may be repeated",
    )  # fmt: skip
    group.add_argument(
        "--output-shape", type=_type(parse_shape), metavar="SHAPE", help="what it must give, such as N,10"
    )
    group.add_argument("--loss", default="", metavar="EXPRESSION", help="its loss, for example 'nn.CrossEntropyLoss()'")


def _type(parse: Callable[[str], Parsed]) -> Callable[[str], Parsed]:
    """A parser of values whose error message argparse shows."""

    def parsed(text: str) -> Parsed:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed


def wanted_of(arguments: argparse.Namespace) -> Wanted:
    """What the options say."""
    return Wanted(
        tuple(getattr(arguments, "inputs", ())),
        getattr(arguments, "init", ""),
        getattr(arguments, "loss", ""),
        getattr(arguments, "output_shape", None),
        arguments.device,
        arguments.timeout,
        arguments.memory,
        arguments.max_params,
        arguments.python or Path(sys.executable),
        arguments.keras_backend or "",
        arguments.train_steps,
    )
