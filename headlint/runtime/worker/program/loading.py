"""Importing the user's program: its own files as demand-driven slices, missing packages as stand-ins."""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ..reasons import Unmeasurable, describe
from . import registrations
from .guessing import CONFIGURATIONS, guess_option
from .settings import Current, Settings, setting, shared
from .slicing import Namespace, names_bound, units_of
from .sources import parse, read_source
from .standins import GUESSED, StandIn, missing_package, stand_in


class Slice(ModuleType):
    """A module of the user's whose statements run when their names are asked for."""

    namespace: Namespace

    def __setattr__(self, name: str, value: Any) -> None:
        """Keeps a submodule from taking the place of what the file imports from it by its own name."""
        if not (isinstance(value, ModuleType) and "namespace" in self.__dict__ and self.namespace.unpacks(name)):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name == "__all__" and not self.namespace.defines("__all__"):
            return [bound for unit in self.namespace.units for bound in unit.binds if not bound.startswith(("_", "*"))]
        if name == "namespace" or (name.startswith("__") and not self.namespace.defines(name)):
            raise AttributeError(name)
        try:
            return self.namespace[name]
        except KeyError:
            for folder in self.__dict__.get("__path__", ()):
                if (Path(folder) / f"{name}.py").is_file() or (Path(folder) / name / "__init__.py").is_file():
                    return importlib.import_module(f"{self.__name__}.{name}")
            if self.namespace.fills_itself and CONFIGURATIONS.match(self.__name__.rpartition(".")[2]):
                written = setting((name,))
                value = self.namespace[name] = guess_option(name) if written is None else written
                GUESSED.append(f"{name}={value!r}")
                return value
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None


class Program:
    """The user's files around one model, and what had to be replaced to load them."""

    def __init__(self, root: Path, path: Path) -> None:
        self.root = root
        self.path = path
        self.stubs: list[str] = []
        self.slices: dict[str, Slice] = {}
        self.making: set[str] = set()
        """The models that are being made as parts of others."""
        Current.settings = Settings(root, path)
        registrations.Current.registrations = registrations.Registrations(self)
        self.search_path = search_path(root, path)
        sys.path[:0] = [str(folder) for folder in self.search_path]
        sys.meta_path.insert(0, ProjectFinder(self))
        sys.meta_path.append(MissingFinder(self))

    def name_of(self, path: Path) -> str:
        """The dotted name by which the program imports one of its files: from the nearest folder that is looked in."""
        folders = [folder for folder in self.search_path if folder in path.parents]
        plain = module_name(path)
        top = self.root if not folders else min(folders, key=lambda folder: len(folder.parts))
        return plain if "." in plain else ".".join(path.relative_to(top).with_suffix("").parts)

    def own_package(self, name: str) -> Path | None:
        """The folder above the file that has this name, where the file lies in that package or imports modules of it by
        their dotted name."""
        if "." in (own := module_name(self.path)) and name == own.partition(".")[0]:
            return package_root(self.path)
        if not re.search(rf"^\s*(?:from|import)\s+{re.escape(name)}\.", read_source(self.path), re.M):
            return None
        above = (one for one in self.path.parents if self.root in one.parents)
        return next((one for one in above if one.name == name), None)

    def load(self) -> Slice:
        """The model's own file as a slice, under the name that relative imports need."""
        name = module_name(self.path)
        if self.path.suffix == ".py" and "." in name:
            top = str(package_root(self.path).parent)
            if top not in sys.path:
                sys.path.insert(0, top)
                self.search_path.append(Path(top))
            importlib.import_module(name.rpartition(".")[0])
        module = self.slice_of(name, self.path)
        for unit in module.namespace.units:
            if unit.sets:
                module.namespace.execute(unit)
        return module

    def slice_of(self, name: str, path: Path) -> Slice:
        """The slice of a file of the project."""
        module = Slice(name)
        self.fill(module, path)
        sys.modules[name] = module
        return module

    def reload(self, module: Slice) -> Slice:
        """The same file as a new slice; every other file of the project is read anew too when it is asked for."""
        for name in list(self.slices):
            sys.modules.pop(name, None)
        self.slices.clear()
        return self.slice_of(module.__name__, Path(module.namespace.filename))

    def fill(self, module: Slice, path: Path) -> None:
        """Gives a slice its namespace."""
        tree = parse(path)
        namespace = Namespace(units_of(tree.body), str(path), failed=self.failed)
        namespace.update(
            __name__=module.__name__,
            __file__=str(path),
            __package__=module.__name__ if path.name == "__init__.py" else module.__name__.rpartition(".")[0],
            __doc__=ast.get_docstring(tree),
        )
        for key in ("__file__", "__package__"):
            module.__dict__[key] = namespace[key]
        if path.name == "__init__.py":
            namespace["__path__"] = module.__dict__["__path__"] = [str(path.parent)]
        module.__dict__["namespace"] = namespace
        self.slices[module.__name__] = module

    def failed(self, namespace: Namespace, statement: ast.stmt, error: BaseException) -> bool:
        """Binds stand-ins for what an import or the loading of data would have given, and notes why it did not."""
        match statement:
            case ast.ImportFrom(names=aliases) if len(aliases) > 1:
                for alias in aliases:
                    self.import_one(namespace, ast.copy_location(replaced_names(statement, alias), statement))
                return True
            case ast.Import(names=aliases):
                bound = {alias.asname or alias.name.split(".")[0]: alias.name for alias in aliases}
                reason = f"importing {', '.join(bound.values())} failed: {describe(error)}"
            case ast.ImportFrom(names=aliases):
                bound = {alias.asname or alias.name: f"{statement.module or ''}.{alias.name}" for alias in aliases}
                reason = f"importing {', '.join(bound.values())} failed: {describe(error)}"
            case ast.Assign() | ast.With() if (
                isinstance(error, OSError) or missing_package(describe(error)) is not None
            ):
                bound = {name: name for name in names_bound(statement)}
                reason = missing_package(describe(error)) or f"{', '.join(bound)} was not loaded ({describe(error)})"
            case ast.Assign() if isinstance(error, Unmeasurable) and all(
                map(namespace.has_value, names_bound(statement))
            ):
                self.stubs.append(f"left as it was: {', '.join(names_bound(statement))} ({describe(error)})")
                return True
            case _:
                return False
        for name, dotted in bound.items():
            if name != "*" and (name not in namespace or isinstance(statement, ast.Assign)):
                namespace[name] = stand_in(dotted, reason)
        self.stubs.append(reason)
        return True

    def import_one(self, namespace: Namespace, statement: ast.ImportFrom) -> None:
        """One name of an import of several, which failed together."""
        code = compile(ast.fix_missing_locations(ast.Module([statement], [])), namespace.filename, "exec")
        try:
            exec(code, namespace)
        except Exception as error:  # whatever the imported module raises
            self.failed(namespace, statement, error)


def replaced_names(statement: ast.ImportFrom, alias: ast.alias) -> ast.ImportFrom:
    """The import of that name alone."""
    return ast.ImportFrom(statement.module, [alias], statement.level)


RELATIVE = re.compile(r"^\s*from\s+(\.+)", re.M)


def package_root(path: Path) -> Path:
    """The outermost folder above a file that is a package; the file's own folder when it is in none.

    Packages need no ``__init__.py``: as many folders are packages as the file's relative imports go up.
    """
    folder = path.parent
    while is_package(folder.parent) and is_package(folder):
        folder = folder.parent
    needed = path.parents[min(levels_up(path), len(path.parents) - 1) - 1]
    return needed if needed in folder.parents else folder


def is_package(folder: Path) -> bool:
    """Whether a folder is a package that can be imported by its name."""
    return folder.name.isidentifier() and (folder / "__init__.py").exists()


def is_relative(path: Path) -> bool:
    """Whether a file imports from beside itself."""
    return RELATIVE.search(read_source(path)) is not None


def levels_up(path: Path) -> int:
    """How many folders the relative imports of a file go up, its own included; at least one."""
    try:
        return max((len(dots) for dots in RELATIVE.findall(read_source(path))), default=1)
    except Unmeasurable:
        return 1


def module_name(path: Path) -> str:
    """The dotted name under which a file would be imported; a notebook or script has its bare name."""
    stem = path.stem if path.stem.isidentifier() else "headlint_model"
    if path.suffix != ".py" or not (is_package(path.parent) or is_relative(path)):
        return stem
    top = package_root(path).parent
    parts = path.with_suffix("").relative_to(top).parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def search_path(root: Path, path: Path) -> list[Path]:
    """Where the program's own imports are looked for: beside the file, above its package, in the project and its src."""
    folders = [path.parent, package_root(path).parent, *path.parent.parents]
    inside = [folder for folder in folders if folder == root or root in folder.parents]
    return list(dict.fromkeys([path.parent, *inside, root, root / "src"]))


class ProjectFinder:
    """Finds modules below the project and loads them as slices."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of a project file, or of a folder of the project that has no ``__init__.py``."""
        last = name.rpartition(".")[2]
        own = self.program.own_package(name) if path is None else None
        if own is not None and not (own / "__init__.py").is_file():
            spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = [str(own)]
            return spec
        looked_in = self.program.search_path if path is None else path
        folders = [own.parent] if own is not None else [Path(one) for one in looked_in]
        for folder in folders:
            if not self.is_ours(folder):
                continue
            for candidate in (folder / last / "__init__.py", folder / f"{last}.py"):
                if candidate.is_file():
                    package = candidate.name == "__init__.py"
                    return importlib.util.spec_from_file_location(
                        name,
                        candidate,
                        loader=SliceLoader(self.program, candidate),
                        submodule_search_locations=[str(candidate.parent)] if package else None,
                    )
        return self.found_elsewhere(name) if path is None else None

    def found_elsewhere(self, name: str) -> importlib.machinery.ModuleSpec | None:
        """The spec of the file of that name which stands nearest in the project, where Python knows none: some programs are
        started with more folders on the path."""
        other = importlib.machinery.PathFinder.find_spec(name)
        if name in sys.builtin_module_names or (other is not None and other.loader is not None):
            return None
        found = [one for one in self.program.root.rglob(f"{name}.py") if "site-packages" not in one.parts]
        near = sorted(found, key=lambda one: (-shared(one.parts, self.program.path.parts), len(one.parts), one.parts))
        loader = SliceLoader(self.program, near[0]) if near else None
        return importlib.util.spec_from_file_location(name, near[0], loader=loader) if near else None

    def is_ours(self, folder: Path) -> bool:
        """Whether a folder belongs to the project and not to installed packages."""
        below = folder == self.program.root or self.program.root in folder.parents or folder in self.program.search_path
        return below and "site-packages" not in folder.parts


class SliceLoader(importlib.abc.Loader):
    """Makes a slice of a project file; nothing is executed until a name is asked for."""

    def __init__(self, program: Program, path: Path) -> None:
        self.program = program
        self.path = path

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Slice:
        """An empty slice with its statements read."""
        module = Slice(spec.name)
        self.program.fill(module, self.path)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: statements run on demand."""


class MissingFinder:
    """The last finder: a package that is not installed becomes a stand-in."""

    KEPT = ("torch", "keras", "tensorflow", "numpy")

    def __init__(self, program: Program) -> None:
        self.program = program

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A stand-in for a missing package, but only where the program itself asks for it.

        Libraries probe for optional packages: they must go on seeing that these are missing.
        """
        top = name.partition(".")[0]
        if top in self.KEPT or top in sys.stdlib_module_names or not self.asked_by_program():
            return None
        later = sys.meta_path[sys.meta_path.index(self) + 1 :]
        if any(finder.find_spec(name, path, None) for finder in later):  # six finds what is below ``six.moves``
            return None
        return importlib.machinery.ModuleSpec(name, StandInLoader(self.program), is_package=True)

    def asked_by_program(self) -> bool:
        """Whether the nearest frame outside the import system belongs to the user's program."""
        frame = sys._getframe(2)
        while frame is not None:
            filename = frame.f_code.co_filename
            if not filename.startswith("<frozen") and "importlib" not in filename:
                return isinstance(frame.f_globals, Namespace)
            if frame.f_back is None:
                return False
            frame = frame.f_back
        return False


class StandInLoader(importlib.abc.Loader):
    """Loads stand-ins."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """The stand-in for a module."""
        self.program.stubs.append(f"{spec.name} is not installed")
        return StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing."""
