"""The demand-driven slice: a statement of the program runs only when something that is needed asks for a name it binds.

A module's globals are a dictionary that executes statements when a missing name is looked up. Functions look their
globals up in the same dictionary, so a definition that nobody touches is never executed, and neither is the script
around the model: no training loop, no download, no print.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..reasons import describe, text_of
from .absent import Absent
from .guessing import GuessedConfiguration, guess_option
from .old_python import NAMES, OldDivision, Older, TodaysMethods, divided
from .standins import GUESSED, StandIn, guessed_size, length
from .templates import FirstChoice

MUTATORS = frozenset(
    {"add", "add_module", "append", "extend", "insert", "update", "pop", "compile", "build", "setdefault"}
) | {
    "add_argument",
    "set_defaults",
    "register_buffer",
    "register_parameter",
    "requires_grad_",
    "add_loss",
}
"""Methods called for their effect on the object while a model is put together."""

SETTERS = frozenset(
    {"set_image_dim_ordering", "set_image_data_format", "set_floatx", "set_default_dtype", "set_default_tensor_type"}
)
"""Functions that decide for the whole program how models are made."""

FORGIVEN = frozenset({"compile", "build", "requires_grad_", "add_loss"}) | SETTERS
"""Effects without which the model is still the model: an error in them is noted, not raised."""

WALKS = frozenset({"parameters", "named_parameters", "children", "named_children", "modules", "named_modules"})
"""Methods that go through the parts of a module."""

STARTERS = frozenset(
    {"fit", "fit_generator", "train", "train_on_batch", "backward", "step", "evaluate", "predict", "save", "show"}
)
"""Calls that belong to a training run; a loop or block with one of them is never executed."""


NUMBER = re.compile(
    r"^(n|num|nb|max)_|^(num|max)[A-Z]|_(size|dim|len|length|count)$|^(vocab_?size|max_?len|input_?dim)"
    r"|(units|neurons|filters|dropout|rate)(_?\d+)?$",
    re.IGNORECASE,
)
"""Names of counts and sizes."""


MISSING = object()
"""Stands for the value of a name that has none."""

FOLDERS_ABOVE = 4

COUNT = re.compile(r"vocab|class|label|token|word|char", re.IGNORECASE)
"""Names of counts of what the data holds: 0 where it was not loaded."""


OF_NOTHING = re.compile(
    r"cannot convert float NaN|(arg|argument) is (an )?empty|empty sequence|zero-size array|by zero"
)
"""What is said where a number is computed from data that was not loaded."""


def counts(statement: ast.stmt) -> bool:
    """Whether a statement counts something."""
    return any(isinstance(node, ast.Call) for node in ast.walk(statement))


LEAKED = {
    "np": "numpy",
    "K": "keras.backend",
    "tf": "tensorflow",
    "torch": "torch",
    "nn": "torch.nn",
    "math": "math",
    "os": "os",
}
"""Names that modules of older versions also gave to ``from module import *``: what they had imported themselves."""


@dataclass(frozen=True)
class Unit:
    """One statement at the top of a module or function, with the names it binds and the names it changes."""

    index: int
    node: ast.stmt
    binds: frozenset[str]
    mutates: frozenset[str]
    in_script: bool
    """Stands under ``if __name__ == "__main__"``."""
    forgiven: bool
    sets: bool
    """Calls one of ``SETTERS``."""


def last_part(node: ast.expr) -> str:
    """``Linear`` of ``torch.nn.Linear``; empty for what is not a name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value):
            return last_part(value)
    return ""


def root_name(node: ast.expr) -> str:
    """The name that an attribute, subscript or call chain begins with; empty when it begins with something else."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def target_names(target: ast.expr) -> Iterator[str]:
    """The plain names that an assignment target binds."""
    match target:
        case ast.Name(id=name):
            yield name
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for part in parts:
                yield from target_names(part)
        case ast.Starred(value=value):
            yield from target_names(value)


def mutated_names(target: ast.expr) -> Iterator[str]:
    """The names of the objects that an assignment target changes, as ``model`` in ``model.fc = ...``."""
    match target:
        case ast.Attribute() | ast.Subscript():
            yield root_name(target)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            for part in parts:
                yield from mutated_names(part)


def walk_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Every statement of a block and of the blocks in it, but not those of functions and classes."""
    for node in body:
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for block in blocks_of(node):
            yield from walk_statements(block)


def blocks_of(node: ast.stmt) -> list[list[ast.stmt]]:
    """The statement lists inside a compound statement."""
    blocks = [
        getattr(node, name) for name in ("body", "orelse", "finalbody") if isinstance(getattr(node, name, None), list)
    ]
    return blocks + [handler.body for handler in getattr(node, "handlers", [])]


def names_bound(statement: ast.stmt) -> set[str]:
    """The names that a statement binds, those of its inner blocks included."""
    bound: set[str] = set()
    for node in walk_statements([statement]):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.Assign(targets=targets):
                bound.update(name for target in targets for name in target_names(target))
            case ast.AnnAssign(target=target, value=value) if value is not None:
                bound.update(target_names(target))
            case ast.For(target=target) | ast.AugAssign(target=target):
                bound.update(target_names(target))
            case ast.Import(names=aliases):
                bound.update(alias.asname or alias.name.split(".")[0] for alias in aliases)
            case ast.ImportFrom(names=aliases):
                bound.update(alias.asname or alias.name for alias in aliases)
            case ast.With(items=items):
                bound.update(name for item in items if item.optional_vars for name in target_names(item.optional_vars))
    return bound


def names_read(statement: ast.stmt) -> set[str]:
    """The plain names that a statement reads."""
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def names_mutated(statement: ast.stmt) -> set[str]:
    """The names of the objects that a statement changes."""
    changed: set[str] = set()
    for node in walk_statements([statement]):
        match node:
            case ast.Assign(targets=targets):
                changed.update(name for target in targets for name in mutated_names(target))
            case ast.AugAssign(target=target):
                changed.update(mutated_names(target))
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner, attr=method))) if method in MUTATORS:
                changed.add(root_name(owner))
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner, attr=method))) if defines_flag(method):
                changed |= {root_name(owner), "FLAGS"}
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr=function), args=[weight, *_])) if function.endswith(
                "_"
            ) and not function.startswith("_"):
                changed.add(root_name(weight))
            case ast.For() if is_over_parts(node):
                changed.update(parts_walked(node))
    return changed - {""}


def defines_flag(method: str) -> bool:
    """Whether a method adds a flag to the command line of absl, as ``DEFINE_integer`` does."""
    return method.startswith("DEFINE_")


def is_over_parts(statement: ast.stmt) -> bool:
    """Whether a loop over parts of a model changes each of them, as one that freezes its parameters does."""
    if not isinstance(statement, ast.For) or not parts_walked(statement):
        return False
    return any(names_mutated(inner) & set(target_names(statement.target)) for inner in statement.body)


def parts_walked(loop: ast.For) -> set[str]:
    """The objects whose parts a loop goes through."""
    return {
        root_name(node.func.value)
        for node in ast.walk(loop.iter)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WALKS
    }


def starts_a_run(statement: ast.stmt) -> bool:
    """Whether a statement holds a call that belongs to a training run."""
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in STARTERS
        for node in ast.walk(statement)
    )


def is_main_guard(statement: ast.stmt) -> bool:
    """Whether a statement is ``if __name__ == "__main__"``."""
    return isinstance(statement, ast.If) and any(
        isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(statement.test)
    )


def flattened(body: list[ast.stmt], in_script: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """The statements that are units: what stands under the main guard or ``with`` counts as a statement of its own.

    Contexts around models (``strategy.scope()``, ``tf.device(...)``) are left out: the worker decides on devices. A loop
    stays whole when it only builds; a loop that trains gives the assignments and calls it holds, none of which is
    executed unless a name of theirs is needed.
    """
    for node in body:
        if is_main_guard(node):
            yield from flattened(node.body, in_script=True)  # type: ignore[attr-defined]
        elif isinstance(node, ast.With) and not reads_a_file(node):
            yield from flattened(node.body, in_script)
        elif isinstance(node, (ast.For, ast.While, ast.AsyncFor, ast.AsyncWith)) and starts_a_run(node):
            if isinstance(node, ast.For):
                yield first_turn(node), in_script
            yield from flattened(
                [inner for inner in node.body if not isinstance(inner, (ast.Break, ast.Continue))], in_script
            )
        else:
            yield node, in_script


def reads_a_file(node: ast.With) -> bool:
    """Whether a block reads what it opens: its statements need the open file."""
    opens = any(
        isinstance(item.context_expr, ast.Call) and last_part(item.context_expr.func) == "open" for item in node.items
    )
    return opens and bool(names_bound(node)) and not starts_a_run(node)


def first_turn(loop: ast.For) -> ast.Assign:
    """What the first turn of a loop binds its variables to."""
    first = ast.parse("next(iter(_))", mode="eval").body
    first.args[0].args[0] = loop.iter  # type: ignore[attr-defined]
    return ast.copy_location(ast.Assign([loop.target], first), loop)


def units_of(body: list[ast.stmt]) -> list[Unit]:
    """The units of a module's or function's body."""
    return [
        Unit(
            index,
            node,
            frozenset(names_bound(node)),
            frozenset(names_mutated(node)),
            in_script,
            method_called(node) in FORGIVEN or defines_flag(method_called(node)) or is_over_parts(node),
            method_called(node) in SETTERS,
        )
        for index, (node, in_script) in enumerate(flattened(body))
    ]


def method_called(statement: ast.stmt) -> str:
    """The method that a statement calls for its effect; empty for another statement."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=method) | ast.Name(id=method))):
            return method
    return ""


class Namespace(dict[str, Any]):
    """Globals that execute the statements that bind a name when it is first looked up.

    ``failed`` may answer a statement that failed; it gets the statement and the error and returns whether it bound the
    names itself.
    """

    def __init__(
        self,
        units: list[Unit],
        filename: str,
        parent: dict[str, Any] | None = None,
        failed: Callable[[Namespace, ast.stmt, BaseException], bool] | None = None,
    ) -> None:
        super().__init__(__builtins__=Builtins(self, filename))
        self.units = units
        self.filename = filename
        self.parent = parent
        self.failed = failed
        self.notes: list[str] = []
        self.executed: set[int] = set()
        self._held: dict[str, Any] = {}
        self._values: dict[str, list[tuple[int, Any]]] = {}
        self._running: list[int] = []
        self._binders: dict[str, list[Unit]] = {}
        self._changers: dict[str, list[Unit]] = {}
        for unit in units:
            for name in unit.binds:
                self._binders.setdefault(name, []).append(unit)
            for name in unit.mutates - unit.binds:
                self._changers.setdefault(name, []).append(unit)

    def __missing__(self, name: str) -> Any:
        if name in self._binders:
            self.execute_for(name)
            if name in self:
                return self[name]
            if name in self._held:
                return self._held[name]
        if self.find_in_stars(name):
            return self[name]
        if self.parent is not None:
            return self.parent[name]
        if name in NAMES:
            return NAMES[name]
        if "*" in self._binders and name in LEAKED:
            self[name] = importlib.import_module(LEAKED[name])
            return self[name]
        raise KeyError(name)

    def find_in_stars(self, name: str) -> bool:
        """Takes a name from the last ``from module import *`` that has it, from a missing package last; whether one does."""
        for unit in reversed(self._binders.get("*", [])) if not is_reserved(name) else ():
            star = unit.node
            assert isinstance(star, ast.ImportFrom)
            one = ast.copy_location(ast.ImportFrom(star.module, [ast.alias(name)], star.level), star)
            try:
                exec(compile(ast.fix_missing_locations(ast.Module([one], [])), self.filename, "exec"), self)
            except ImportError:
                continue
            self.executed.add(unit.index)
            if name in self and not isinstance(self[name], StandIn):
                break
        return name in self

    def defines(self, name: str) -> bool:
        """Whether some statement binds the name."""
        return name in self._binders

    def unpacks(self, name: str) -> bool:
        """Whether a statement imports a name from a module that is called so too: ``from .Tower import Tower``."""
        return any(
            isinstance(unit.node, ast.ImportFrom) and (unit.node.module or "").rpartition(".")[2] == name
            for unit in self._binders.get(name, ())
        )

    @property
    def fills_itself(self) -> bool:
        """Whether the file binds names that no statement shows, as ``globals()[name] = value`` does."""
        return any(
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "globals"
            for unit in self.units
            for node in ast.walk(unit.node)
        )

    def has_value(self, name: str) -> bool:
        """Whether some statement that was executed has bound the name."""
        return name in self or name in self._held

    def execute_for(self, name: str, before: int | None = None) -> None:
        """Executes, in the order of the source, what binds and changes ``name``.

        While a statement runs only what stands before it counts, as in the program itself.
        """
        limit = before if before is not None else (self._running[-1] if self._running else len(self.units))
        binders = outside_script([unit for unit in self._binders[name] if unit.index < limit] or self._binders[name])
        changers = [unit for unit in self._changers.get(name, ()) if unit.index < limit or limit == len(self.units)]
        for unit in sorted({*binders, *changers}, key=lambda unit: unit.index):
            self.execute(unit)

    def execute(self, unit: Unit) -> None:
        """Executes one statement, once."""
        if unit.index in self.executed or unit.index in self._running or refuses(unit.node):
            return
        self._running.append(unit.index)
        try:
            node = FirstChoice().visit(TodaysMethods().visit(unit.node))
            node = OldDivision().visit(node) if Older.divides_whole else node
            node = OwnSuper().visit(node) if isinstance(node, ast.ClassDef) else node
            with self.as_before(unit):
                exec(compile(ast.fix_missing_locations(ast.Module([node], [])), self.filename, "exec"), self)
        except Exception as error:
            if not self.forgive(unit, error):
                raise
        finally:
            self._running.pop()
        self.executed.add(unit.index)
        if isinstance(unit.node, ast.Assign):
            self.guess_numbers(unit)
        for name in unit.binds:
            if name in self:
                self._values.setdefault(name, []).append((unit.index, self[name]))
                self.hold_back(name)

    @contextmanager
    def as_before(self, unit: Unit) -> Iterator[None]:
        """While it lasts names that later statements have bound anew have the values that the statement is to see, as ``x``
        in a model of several branches."""
        now: dict[str, Any] = {}
        for name in names_read(unit.node) & self._values.keys():
            values = self._values[name]
            before = [value for index, value in values if index < unit.index]
            if before and values[-1][0] > unit.index:
                now[name] = self.get(name, MISSING)
                self[name] = before[-1]
        try:
            yield
        finally:
            for name in now.keys() - unit.binds:
                self.pop(name, None)
                if now[name] is not MISSING:
                    self[name] = now[name]

    def hold_back(self, name: str) -> None:
        """Keeps a value out of the names as long as later statements, not executed yet, bind or change it.

        A tuple binds several names at once; whoever asks for one of them later gets it as all its statements leave it.
        """
        later = [*outside_script(self._binders[name]), *self._changers.get(name, ())]
        if any(unit.index not in self.executed for unit in later):
            self._held[name] = self.pop(name)

    def guess_numbers(self, unit: Unit) -> None:
        """Guesses the counts and sizes that the statement took from what was not loaded."""
        for name in unit.binds:
            value = self.get(name)
            empty = type(value) is int and value == 0 and COUNT.search(name) and counts(unit.node)
            if (isinstance(value, StandIn) or empty) and NUMBER.search(name):
                self[name] = guessed_size(name, guess_option(name))

    def forgive(self, unit: Unit, error: Exception) -> bool:
        """Whether the run can go on after an error in a statement."""
        if unit.forgiven:
            self.notes.append(f"line {unit.node.lineno}: {describe(error)}")
            return True
        if (
            isinstance(unit.node, ast.Assign)
            and OF_NOTHING.search(text_of(error))
            and all(map(NUMBER.search, unit.binds))
        ):
            self.update({name: guessed_size(name, guess_option(name)) for name in unit.binds})
            return True
        return self.failed is not None and not unit.mutates and self.failed(self, unit.node, error)

    def left_out(self) -> list[str]:
        """The statements of the script that did something and were not executed, as ``line 12: model.fit(...)``."""
        quiet = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Pass)
        return [
            f"line {unit.node.lineno}: {headline(unit.node)}"
            for unit in self.units
            if unit.index not in self.executed and not isinstance(unit.node, quiet) and not is_docstring(unit.node)
        ]


class OwnSuper(ast.NodeTransformer):
    """Writes ``super()`` for ``super(Net, self)`` in the methods of ``Net``: another class of that name, further below in
    the file, may already be bound when the method runs."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        """The class, its methods changed."""
        for method in node.body:
            if not isinstance(method, ast.FunctionDef) or not method.args.args:
                continue
            for inner in ast.walk(method):
                match inner:
                    case ast.Call(func=ast.Name(id="super"), args=[ast.Name(id=name), ast.Name(id=own)]) if (
                        name == node.name and own == method.args.args[0].arg
                    ):
                        inner.args = []
        return node


def is_reserved(name: str) -> bool:
    """Whether a name is Python's own, which no star gives."""
    return name in vars(builtins) or name.startswith("__")


def outside_script(units: list[Unit]) -> list[Unit]:
    """The units that do not stand under the main guard; all where every one does."""
    return [unit for unit in units if not unit.in_script] or units


class Builtins(dict[str, Any]):
    """The built-in names, then the namespace: the body of a class asks here, and not the ``__missing__`` of globals."""

    def __init__(self, namespace: Namespace, filename: str) -> None:
        super().__init__(vars(builtins), len=length, open=opener(Path(filename)), divided=divided)
        self.namespace = namespace

    def __missing__(self, name: str) -> Any:
        return self.namespace[name]


def opener(program: Path) -> Callable[..., Any]:
    """``open``, which also looks for a file of the program from the folders above it: where a script would be started."""

    def opened(file: Any, *arguments: Any, **keywords: Any) -> Any:
        if isinstance(file, (str, Path)) and not Path(file).is_absolute() and not Path(file).exists():
            above = (folder / file for folder in list(program.parents)[:FOLDERS_ABOVE])
            file = next((one for one in above if one.is_file()), file)
        if isinstance(file, GuessedConfiguration):
            return file
        if isinstance(file, int):  # a guess that stands for the name of a file is no file that is open
            raise FileNotFoundError(2, "No such file or directory", str(file))
        try:
            return open(file, *arguments, **keywords)
        except FileNotFoundError as error:
            if is_written(*arguments, **keywords):  # the folder is what the script around the model makes
                return open(os.devnull, *arguments, **keywords)
            if not Absent.read_as_empty:
                raise
            GUESSED.append(f"no lines in {Path(file).name}")
            return Absent(error)

    return opened


def is_written(mode: Any = "r", *arguments: Any, **keywords: Any) -> bool:
    """Whether a file of that mode is written and not read."""
    return isinstance(mode, str) and bool(set(mode) & set("wa")) and "+" not in mode


def refuses(statement: ast.stmt) -> bool:
    """Blocks that hold a training run are never executed, whoever asks for a name in them."""
    return isinstance(statement, (ast.For, ast.While)) and starts_a_run(statement)


def is_docstring(statement: ast.stmt) -> bool:
    """Whether a statement is a bare constant."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def headline(statement: ast.stmt) -> str:
    """The first line of a statement, shortened."""
    line = ast.unparse(statement).splitlines()[0]
    return line if len(line) <= 60 else line[:57] + "..."
