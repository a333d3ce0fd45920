"""``headlint server``."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec

from headlint.cli.main import FAILED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``server``."""
    parser.add_argument("--stdio", action="store_true", help="use standard input and output (always the case)")


def run(arguments: argparse.Namespace) -> int:
    """Serve an editor until it ends the session."""
    if find_spec("pygls") is None:
        sys.stderr.write("headlint: the server needs pygls: install it with `pip install 'headlint[lsp]'`\n")
        return FAILED
    from headlint.integrations.language_server.features import serve

    return serve()
