"""The command: its arguments, and which part answers to them. Heavy imports happen in the parts."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import NoReturn

from headlint.run.collecting import collecting_rarely
from headlint.version import __version__

CLEAN, FINDINGS, FAILED, INTERRUPTED = 0, 1, 2, 130

COMMANDS = {
    "check": ("headlint.cli.check", "check files and folders"),
    "init": ("headlint.cli.init", "set up pre-commit, CI and a baseline in a repository"),
    "baseline": ("headlint.cli.baseline", "accept today's findings, so that only new ones are reported"),
    "confirm": ("headlint.cli.confirm", "build models, run them, and confirm or refute findings"),
    "explain": ("headlint.cli.explain", "explain rules, with examples"),
    "rules": ("headlint.cli.rules", "list all rules"),
    "server": ("headlint.cli.server", "run the language server for editors"),
    "heads": ("headlint.cli.heads", "draw the last layers of each model, what they give, and the losses"),
}
"""Each command, the module with its ``add_arguments`` and ``run``, and what it is for."""

EXAMPLES = """examples:
  headlint check                       check the current folder
  headlint check train.py notebooks/   check files and folders
  headlint check --select HL1,HL201    check with some rules only
  headlint init                        set up pre-commit, CI and a baseline in a repository
  headlint baseline write              accept today's findings (check --baseline reports new ones)
  headlint explain HL101               what a rule means and how to fix it
  headlint heads model.py              see what every model gives to its loss
  headlint confirm model.py::Net       build the model and measure it (this executes its code)

exit status: 0 no findings, 1 findings, 2 an error"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"headlint: {message}\n")
        raise SystemExit(FAILED)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and give its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that does not know a character shows a question mark.
            stream.reconfigure(errors="replace")
    try:
        with collecting_rarely():
            return _dispatch(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away (``headlint check | head``): what is left in the buffer must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLEAN


def _dispatch(arguments: list[str]) -> int:
    first = next((argument for argument in arguments if not argument.startswith("-")), "")
    if first and first not in COMMANDS and os.path.exists(first):
        sys.stderr.write(f"headlint: did you mean `headlint check {first}`?\n")
        return FAILED
    parser = _Parser(
        prog="headlint",
        description="Finds where a neural network's last layer, its loss and its training step do not fit.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"headlint {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", prog="headlint")
    module = None
    for name, (path, purpose) in COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=purpose[0].upper() + purpose[1:] + ".")
        if name == first:
            module = import_module(path)
            module.add_arguments(command)
    parsed = parser.parse_args(arguments)
    if module is None:
        parser.print_help()
        return FAILED
    status: int = module.run(parsed)
    return status
