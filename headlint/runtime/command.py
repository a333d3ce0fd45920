"""``headlint confirm``, and the part of ``headlint check --confirm`` that builds models."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from headlint.findings import Finding, Report
from headlint.runtime.confirm import Confirmation, Wanted, Workers, confirm_findings
from headlint.runtime.inputs import parse_bytes, parse_count, parse_input, parse_shape
from headlint.runtime.verdicts import Outcome
from headlint.settings import Settings

NOTICE = (
    "headlint: confirm executes code of the program, each model in a process of its own with limits on time, memory and "
    "network. Use it on code that you would run yourself. (Told once for each project.)\n"
)

Parsed = TypeVar("Parsed")


def add_building_options(parser: argparse.ArgumentParser) -> None:
    """The options that say how models are built."""
    group = parser.add_argument_group("building models")
    group.add_argument(
        "--device",
        default="auto",
        metavar="DEVICE",
        help="auto, cpu, cuda, cuda:1, mps, or meta for shapes only (auto)",
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
        "--train-steps", type=int, default=0, metavar="N", help="fit one small batch for N steps, as written and mended"
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


def confirm_report(report: Report, wanted: Wanted, settings: Settings) -> tuple[Report, tuple[Confirmation, ...]]:
    """Build the models behind a report: the report without what was refuted and with what only the models show."""
    from headlint.heads import find_heads
    from headlint.rulebook import selected

    give_notice(settings.root)
    paths = sorted({step.place.path for finding in report for step in finding.trail})
    heads, _ = find_heads(paths, settings)
    with Workers(wanted) as workers:
        confirmations = tuple(confirm_findings(report, heads, wanted, workers, settings.root))
    refuted = {
        id(finding) for one in confirmations for finding, verdict in one.verdicts if verdict.outcome is Outcome.REFUTED
    }
    kept = [finding for finding in report if id(finding) not in refuted]
    found = [
        finding
        for one in confirmations
        for finding in one.found
        if selected(finding.code, settings, finding.place.path)
    ]
    return replace(report, findings=tuple(sorted([*kept, *found], key=Finding.sort_key))), confirmations


def give_notice(root: Path) -> None:
    """Say once for each project that code is going to be executed."""
    import platformdirs

    told = Path(platformdirs.user_state_dir("headlint")) / "told" / hashlib.sha256(str(root).encode()).hexdigest()[:32]
    if not told.exists():
        sys.stderr.write(NOTICE)
        try:
            told.parent.mkdir(parents=True, exist_ok=True)
            told.touch()
        except OSError:  # told again next time
            return
