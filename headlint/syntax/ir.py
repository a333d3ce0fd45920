"""The intermediate representation of a module: what the program means, without whitespace, comments or types.

Every expression, and every statement that defines something, has a number ``at`` that is unique in its module and
depends on the text alone. ``headlint.syntax.parse.spans`` turns such numbers into places when somebody asks.
All nodes are plain values that can be pickled. They know those below them and nothing else, so that no cycles are looked for
among them (``gc=False``).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import lru_cache

from msgspec import Struct

Scalar = str | bytes | int | float | complex | bool | None


class Expression(Struct, eq=False, gc=False):
    """Something that has a value."""

    at: int


class Opaque(Expression):
    """An expression whose value nobody follows."""


class Literal(Expression):
    """A number, string, ``True``, ``False`` or ``None``; within an index ``...`` too, as its text."""

    value: Scalar


class Name(Expression):
    """A variable."""

    name: str


class Attribute(Expression):
    """``owner.name``."""

    owner: Expression
    name: str


class Subscript(Expression):
    """``owner[index]``."""

    owner: Expression
    index: Expression


class Slice(Expression):
    """``lower:upper:step`` inside a subscript."""

    lower: Expression | None
    upper: Expression | None
    step: Expression | None


class Argument(Struct, eq=False, gc=False):
    """One argument of a call: ``value``, ``name=value``, ``*value`` (one star) or ``**value`` (two)."""

    value: Expression
    name: str = ""
    stars: int = 0


class Call(Expression):
    """``function(arguments)``."""

    function: Expression
    arguments: tuple[Argument, ...]


class Binary(Expression):
    """``left operator right``."""

    operator: str
    left: Expression
    right: Expression


class Unary(Expression):
    """``operator operand``."""

    operator: str
    operand: Expression


class Compare(Expression):
    """``left operators[0] comparators[0] operators[1] …``."""

    left: Expression
    operators: tuple[str, ...]
    comparators: tuple[Expression, ...]


class Boolean(Expression):
    """``left and right`` or ``left or right``."""

    operator: str
    left: Expression
    right: Expression


class Conditional(Expression):
    """``body if test else otherwise``."""

    test: Expression
    body: Expression
    otherwise: Expression


class Display(Expression):
    """A tuple, list or set written out; ``kind`` says which."""

    kind: str
    items: tuple[Expression, ...]


class Starred(Expression):
    """``*value`` in a display or an assignment."""

    value: Expression


class DictDisplay(Expression):
    """A dict written out; a key of None stands for ``**value``."""

    items: tuple[tuple[Expression | None, Expression], ...]


class Clause(Struct, eq=False, gc=False):
    """``for target in iterable if conditions…`` of a comprehension."""

    target: Expression
    iterable: Expression
    conditions: tuple[Expression, ...]


class Comprehension(Expression):
    """A list, set, dict or generator comprehension; ``value`` is the second part of a dict's element."""

    kind: str
    element: Expression
    value: Expression | None
    clauses: tuple[Clause, ...]


class Formatted(Expression):
    """An f-string: its texts, and the expressions between them; ``plain`` where each stands as ``str`` writes it."""

    parts: tuple[Expression, ...]
    plain: bool


class Walrus(Expression):
    """``target := value``."""

    target: Expression
    value: Expression


class Yield(Expression):
    """``yield value``."""

    value: Expression | None


class Parameter(Struct, eq=False, gc=False):
    """A parameter of a function; ``kind`` is ``positional``, ``keyword``, ``star`` or ``double_star``."""

    name: str
    kind: str
    default: Expression | None
    annotation: Expression | None


class Lambda(Expression):
    """``lambda parameters: body``."""

    parameters: tuple[Parameter, ...]
    body: Expression


class Statement(Struct, eq=False, gc=False):
    """Something that is done; ``at`` numbers it among the expressions."""

    at: int


class Evaluate(Statement):
    """An expression on its own."""

    value: Expression


class Assert(Statement):
    """``assert test``."""

    test: Expression


class Assign(Statement):
    """``targets[0] = targets[1] = … = value``."""

    targets: tuple[Expression, ...]
    value: Expression


class Declare(Statement):
    """``target: annotation`` without a value, as dataclass fields are written."""

    target: Expression
    annotation: Expression


class AugmentedAssign(Statement):
    """``target operator= value``."""

    target: Expression
    operator: str
    value: Expression


class Return(Statement):
    """``return value``."""

    value: Expression | None


class If(Statement):
    """``if test: body else: otherwise``; ``elif`` is an If in ``otherwise``."""

    test: Expression
    body: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]


class For(Statement):
    """``for target in iterable: body else: otherwise``."""

    target: Expression
    iterable: Expression
    body: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]


class While(Statement):
    """``while test: body else: otherwise``."""

    test: Expression
    body: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]


class With(Statement):
    """``with item as target, …: body``."""

    items: tuple[tuple[Expression, Expression | None], ...]
    body: tuple[Statement, ...]


class Try(Statement):
    """``try`` with its handlers, each a name (or empty) and a body."""

    body: tuple[Statement, ...]
    handlers: tuple[tuple[str, tuple[Statement, ...]], ...]
    otherwise: tuple[Statement, ...]
    final: tuple[Statement, ...]


class FunctionDefinition(Statement):
    """``def name(parameters): body``."""

    name: str
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]
    decorators: tuple[Expression, ...]
    generator: bool


class ClassDefinition(Statement):
    """``class name(bases, keywords): body``."""

    name: str
    bases: tuple[Expression, ...]
    body: tuple[Statement, ...]
    decorators: tuple[Expression, ...]


class Import(Statement):
    """``import module as alias, …``; an empty alias binds the first part of the name."""

    names: tuple[tuple[str, str], ...]


class ImportFrom(Statement):
    """``from module import name as alias, …``; ``*`` is a name of its own."""

    level: int
    module: str
    names: tuple[tuple[str, str], ...]


class Delete(Statement):
    """``del targets``."""

    targets: tuple[Expression, ...]


class Outer(Statement):
    """``global names`` or ``nonlocal names``."""

    kind: str
    names: tuple[str, ...]


class Leave(Statement):
    """``break``, ``continue`` or ``raise``; ``kind`` says which."""

    kind: str


class Case(Struct, eq=False, gc=False):
    """One case of a match statement: the constants it compares with (None: anything), its captures and body."""

    constants: tuple[Expression, ...] | None
    captures: tuple[str, ...]
    guarded: bool
    body: tuple[Statement, ...]


class Match(Statement):
    """``match subject:`` with its cases."""

    subject: Expression
    cases: tuple[Case, ...]


class Module(Struct, eq=False, gc=False):
    """A whole module."""

    body: tuple[Statement, ...]
    _definitions: tuple[FunctionDefinition | ClassDefinition, ...] | None = None

    def definitions(self) -> tuple[FunctionDefinition | ClassDefinition, ...]:
        """Every function and class that it defines, however deep inside, in no particular order.

        They are worked out once: modules that many files import are asked again for each of them.
        """
        if self._definitions is None:
            self._definitions = tuple(_definitions_in(self.body))
        return self._definitions


_BODIES: dict[type, tuple[str, ...]] = {
    FunctionDefinition: ("body",),
    ClassDefinition: ("body",),
    If: ("body", "otherwise"),
    For: ("body", "otherwise"),
    While: ("body", "otherwise"),
    With: ("body",),
    Try: ("body", "otherwise", "final"),
}
"""Where statements hold others."""


def _definitions_in(body: tuple[Statement, ...]) -> Iterator[FunctionDefinition | ClassDefinition]:
    stack = list(body)
    while stack:
        statement = stack.pop()
        for name in _BODIES.get(type(statement), ()):
            stack.extend(getattr(statement, name))
        if isinstance(statement, FunctionDefinition | ClassDefinition):
            yield statement
        elif isinstance(statement, Try):
            stack.extend(inner for _, handled in statement.handlers for inner in handled)
        elif isinstance(statement, Match):
            stack.extend(inner for case in statement.cases for inner in case.body)


def walk(node: object) -> Iterator[Expression | Statement]:
    """Every expression and statement below a node or a tuple of nodes, in no particular order."""
    stack = [node]
    while stack:
        part = stack.pop()
        kind = type(part)
        if kind is tuple:
            stack.extend(part)  # type: ignore[arg-type]
            continue
        wanted, fields = _KINDS.get(kind) or _kind_of(kind)
        if wanted:
            yield part  # type: ignore[misc]
        for field in fields:
            stack.append(getattr(part, field))


MOST_MENTIONS = 4096
"""Parts of programs of which is kept what they mention: imported modules are asked again for each file that imports them."""


def names_in(part: Hashable) -> frozenset[str]:
    """The variables that a node, or a tuple of nodes, mentions."""
    return _mentioned(part)[0]


def attributes_in(part: Hashable) -> frozenset[str]:
    """The names of the attributes that a node, or a tuple of nodes, mentions."""
    return _mentioned(part)[1]


@lru_cache(MOST_MENTIONS)
def _mentioned(part: Hashable) -> tuple[frozenset[str], frozenset[str]]:
    names: set[str] = set()
    attributes: set[str] = set()
    for node in walk(part):
        if isinstance(node, Name):
            names.add(node.name)
        elif isinstance(node, Attribute):
            attributes.add(node.name)
    return frozenset(names), frozenset(attributes)


_KINDS: dict[type, tuple[bool, tuple[str, ...]]] = {}
"""For each type whether its values are expressions or statements, and where they may hold others."""

_HOLD_NOTHING = frozenset({"int", "str", "bool", "Scalar", "tuple[str, ...]", "tuple[tuple[str, str], ...]"})


def _kind_of(kind: type) -> tuple[bool, tuple[str, ...]]:
    annotations = {name: text for above in kind.__mro__ for name, text in getattr(above, "__annotations__", {}).items()}
    fields = tuple(name for name in getattr(kind, "__struct_fields__", ()) if annotations[name] not in _HOLD_NOTHING)
    _KINDS[kind] = (issubclass(kind, Expression | Statement), fields)
    return _KINDS[kind]
