"""The modules of the analysed project, loaded when something imports them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from headlint.flow.values.python_values import ClassValue, FunctionValue, LateDefinition, Scope, Value
from headlint.syntax import ir


@dataclass(eq=False)
class ModuleUnit:
    """A module: where it is, what it says, and its variables once it was run."""

    path: str
    """As it is shown to the user; empty for a module that is no file."""
    file: Path | None
    body: ir.Module
    scope: Scope = field(init=False)
    main: bool = False
    """Whether it is run as a program, so that its ``__name__`` is ``__main__``."""
    started: bool = False
    stars: list[str] = field(default_factory=list)
    """The library modules whose every name it imports."""
    unreadable_star: bool = False
    """Whether it imports every name of a module that cannot be read, so that a name may be anything."""
    reassigned: set[str] = field(default_factory=set)
    """Variables that the top level gives different constants one after the other."""
    functions: list[FunctionValue] = field(default_factory=list)
    """Every function that was defined so far, in order."""
    classes: list[ClassValue] = field(default_factory=list)
    """Every class that was defined so far, in order."""
    late: list[LateDefinition] = field(default_factory=list)
    """What is defined when something asks for them."""
    defined: dict[LateDefinition, Value | None] = field(default_factory=dict)
    """What became of those that something asked for."""
    _functions_by_name: dict[str, ir.FunctionDefinition] | None = None
    mentions: dict[str, frozenset[str]] | None = None
    """What each definition of the top level mentions, once it was asked for."""

    def __post_init__(self) -> None:
        self.scope = Scope(self, "module", None)

    def release(self) -> None:
        """Let go of everything that it defined."""
        for cls in self.classes:
            cls.slots.clear()
            cls.scope.slots.clear()
        for holder in (self.scope.slots, self.functions, self.classes, self.late, self.defined):
            holder.clear()

    def function(self, name: str) -> ir.FunctionDefinition | None:
        """The function of that name that its top level defines."""
        if self._functions_by_name is None:
            self._functions_by_name = {
                statement.name: statement
                for statement in self.body.body
                if isinstance(statement, ir.FunctionDefinition)
            }
        return self._functions_by_name.get(name)


class Loader(Protocol):
    """Finds and reads the project's modules."""

    def resolve(self, importer: Path, level: int, module: str) -> Path | None:
        """The file that an import names, or None when it is not a file of the project."""

    def submodule(self, package: Path, name: str) -> Path | None:
        """The file of a package's submodule, given the package's ``__init__.py``."""

    def modules_below(self, importer: Path, package: str) -> dict[str, Path]:
        """The modules of a package by their names, as a module of the project would import it."""

    def settings(self, file: Path) -> object:
        """What a file of settings says: dicts, lists and scalars; None where it cannot be read."""

    def settings_in(self, folder: Path) -> tuple[str, ...]:
        """The names of the files of settings in a folder, without their ending."""

    def is_mentioned_elsewhere(self, file: Path, cls: str, attribute: str) -> bool:
        """Whether another file of the project may reach an attribute that a class of a file gives its objects."""

    def is_listed_elsewhere(self, file: Path, attribute: str) -> bool:
        """Whether another file of the project may list an attribute of an object of a file, as for an optimizer."""

    def load(self, file: Path) -> ModuleUnit | None:
        """The module in a file, or None when it cannot be read."""
