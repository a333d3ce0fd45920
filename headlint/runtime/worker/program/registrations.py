"""Classes and functions that a program keeps in a registry: each is entered by a decorator, as ``@LOSSES.register_module()``,
when its file is imported. In a slice nothing asks for them by name, so that the registry is empty until what it lacks is
looked up in it.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..reasons import Unmeasurable, text_of
from .sources import parse, read_source

if TYPE_CHECKING:
    from .loading import Program

MOST_FILES = 600
MOST_ENTERED = 20
REGISTERS = re.compile(r"regist", re.I)
LOOKED_UP = re.compile(r"regist|not (found|supported|implemented|available|recognized)|unknown|no such|invalid", re.I)
"""What is said where a registry lacks a name, other than by a ``KeyError``."""


class Registrations:
    """The entries of one program that were made because a registry lacked them."""

    def __init__(self, program: Program | None = None) -> None:
        self.program = program
        self.entered: set[tuple[Path, str]] = set()

    def enter(self, error: BaseException) -> bool:
        """Executes the definitions that are registered under what an error says is missing; whether there were any."""
        text = text_of(error)
        if self.program is None or not (isinstance(error, KeyError) or LOOKED_UP.search(text)):
            return False
        wanted = set(re.findall(r"\w+", text))
        found = [one for one in self.definitions(wanted) if one not in self.entered]
        if not found or len(self.entered) > MOST_ENTERED:
            return False
        for path, name in found:
            self.entered.add((path, name))
            self.execute(self.program, path, name)
        return True

    def definitions(self, wanted: set[str]) -> Iterator[tuple[Path, str]]:
        """The files and names of the definitions that are registered under one of the names."""
        assert self.program is not None
        for path in sorted(self.program.root.rglob("*.py"))[:MOST_FILES]:
            try:
                text = read_source(path)
                if REGISTERS.search(text) and any(one in text for one in wanted):
                    yield from ((path, name) for name in registered_in(parse(path), wanted))
            except Unmeasurable:
                continue

    def execute(self, program: Program, path: Path, name: str) -> None:
        """Executes a definition of a file, under the name by which the program imports that."""
        loaded = next((one for one in program.slices.values() if one.namespace.filename == str(path)), None)
        try:
            module = loaded or importlib.import_module(program.name_of(path))
            getattr(module, name)
        except Exception:  # whatever the user's file raises: the registry goes on lacking it
            return


def registered_in(tree: ast.Module, wanted: set[str]) -> Iterator[str]:
    """The definitions of a file that a decorator registers by their own name, or by a word among its arguments."""
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            for decorator in node.decorator_list:
                names = {node.name} | {
                    inner.value
                    for inner in ast.walk(decorator)
                    if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
                }
                if REGISTERS.search(ast.unparse(decorator)) and names & wanted:
                    yield node.name


class Current:
    """The entries of the program that is being loaded."""

    registrations = Registrations()
