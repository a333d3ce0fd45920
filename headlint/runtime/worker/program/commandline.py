"""Programs that read their command line are given an empty one, and every option its default."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock


@contextmanager
def without_command_line(path: Path) -> Iterator[None]:
    """While it lasts ``sys.argv`` holds the program alone, and ``argparse`` asks for nothing."""
    ordinary = argparse.ArgumentParser.parse_known_args

    def parse_nothing(parser: argparse.ArgumentParser, args: Any = None, namespace: Any = None) -> Any:
        for action in parser._actions:
            action.required = False
        for group in parser._mutually_exclusive_groups:
            group.required = False
        return ordinary(parser, [], namespace)

    with (
        mock.patch.object(sys, "argv", [str(path)]),
        mock.patch.object(argparse.ArgumentParser, "parse_known_args", parse_nothing),
    ):
        yield
