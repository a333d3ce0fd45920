"""Which parts of a model are called with a parameter of its pass, read from the source. No framework."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from .slicing import root_name


def function_of(function: Callable[..., Any]) -> ast.FunctionDef | None:
    """The syntax of a function; None where its source is not known."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
    return tree.body[0] if tree.body and isinstance(tree.body[0], ast.FunctionDef) else None


def uses_of(forward: Callable[..., Any], parameter: str) -> Iterator[list[str]]:
    """The attributes of ``self`` that are called with a parameter, or with what was made of it, in source order."""
    function = function_of(forward)
    if function is None or not function.args.args:
        return
    own = function.args.args[0].arg
    aliases = {parameter}
    for statement in ast.walk(function):
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if mentions(value, aliases):
                if not is_taken(value, own, aliases):
                    aliases.add(name)
    for _, path in sorted(calls_on(function, own, aliases), key=lambda found: found[0]):
        yield path


def is_taken(node: ast.AST, own: str, names: set[str]) -> bool:
    """Whether a part of ``self`` that is called below a node takes one of the names, at whatever place."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and root_name(call.func) == own and call.func is not node:
            given = (*call.args, *(word.value for word in call.keywords))
            if any(mentions(one, names) for one in given):
                return True
    return False


def mentions(node: ast.AST, names: set[str]) -> bool:
    """Whether one of the names is read below a node, as a variable, as a key, or as an attribute of another object."""
    for inner in ast.walk(node):
        match inner:
            case ast.Name(id=name) | ast.Subscript(slice=ast.Constant(value=str(name))) if name in names:
                return True
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if name in names and owner != "self":
                return True
    return False


def calls_on(node: ast.AST, own: str, names: set[str]) -> Iterator[tuple[tuple[int, int], list[str]]]:
    """The calls of ``self.something`` below a node that take one of the names directly, with their places."""
    for call in ast.walk(node):
        if not isinstance(call, ast.Call) or not call.args:
            continue
        path: list[str] = []
        target: ast.expr = call.func
        while isinstance(target, (ast.Attribute, ast.Subscript)):
            if isinstance(target, ast.Attribute):
                path.insert(0, target.attr)
            target = target.value
        if not (isinstance(target, ast.Name) and target.id == own and path):
            continue
        if len(path) > 1 and path[-1] == "forward":
            path.pop()  # self.encoder.forward(x) is self.encoder(x)
        taken = call.args[0]
        nested = any(True for _ in calls_on(taken, own, names)) if not isinstance(taken, ast.Name) else False
        if mentions(taken, names) and not nested:
            yield (call.end_lineno or call.lineno, call.col_offset), path


def parts_unpacked(
    function: Callable[..., Any], parameter: str, behind: ast.Tuple | ast.List | None = None
) -> ast.Tuple | ast.List | None:
    """What a parameter is unpacked into, as in ``(x, y), labels = data``, behind another place where it is; None where it is
    not."""
    for node in nodes_of(function):
        match node:
            case ast.Assign(targets=[ast.Tuple() | ast.List() as target], value=value) if names(value, parameter) and (
                behind is None or target.lineno > behind.lineno
            ):
                return target
    return None


def names_of_parts(function: Callable[..., Any], parameter: str) -> tuple[str, ...]:
    """What a function calls the parts of a list that it is given, as in ``query, value = inputs`` or ``query = inputs[0]``;
    a part without a name has its number. Nothing where it reads no parts, or cuts the parameter like a tensor."""
    found: dict[int, str] = {}
    for node in nodes_of(function):
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=index) if name == parameter:
                if not isinstance(index, ast.Constant) or not isinstance(index.value, int):
                    return ()
                found.setdefault(index.value, str(index.value))
            case ast.Attribute(value=ast.Name(id=name), attr="shape" | "dtype" | "get_shape") if name == parameter:
                return ()
            case ast.Assign(targets=[target], value=value):
                found |= dict(parts_named(target, value, parameter))
    return tuple(found.get(place, str(place)) for place in range(max(found) + 1)) if len(found) > 1 else ()


def parts_named(target: ast.expr, value: ast.expr, parameter: str) -> Iterator[tuple[int, str]]:
    """The parts of a parameter that an assignment gives a name, each with its place."""
    match target, value:
        case ast.Name(id=name), ast.Subscript(value=ast.Name(id=owner), slice=ast.Constant(value=int(place))):
            if owner == parameter:
                yield place, name
        case ((ast.Tuple(elts=names) | ast.List(elts=names)), ast.Name(id=owner)):
            if owner == parameter:
                yield from (
                    (place, one.id if isinstance(one, ast.Name) else str(place)) for place, one in enumerate(names)
                )
        case ast.Tuple(elts=names), ast.Tuple(elts=values) if len(names) == len(values):
            for one, other in zip(names, values, strict=True):
                yield from parts_named(one, other, parameter)


def keys_read(forward: Callable[..., Any], parameter: str) -> tuple[str, ...]:
    """The keys that are read from a parameter, as in ``inputs["user"]``."""
    found = []
    for node in nodes_of(forward):
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key))) if name == parameter:
                found.append(key)
    return tuple(dict.fromkeys(found))


def attributes_read(forward: Callable[..., Any], parameter: str, known: frozenset[str]) -> tuple[str, ...]:
    """The attributes that are read from a parameter, as in ``graph.nodes``; none where all are ``known``, which every tensor
    has, or where it is called for one that is not."""
    nodes = list(nodes_of(forward))
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    found = [
        node
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == parameter
    ]
    strange = [node for node in found if node.attr not in known]
    if not strange or any(id(node) in called for node in strange):
        return ()
    return tuple(dict.fromkeys(node.attr for node in found if id(node) not in called))


def nodes_of(forward: Callable[..., Any] | ast.AST) -> Iterator[ast.AST]:
    """The syntax of a function; nothing where its source is not known."""
    if isinstance(forward, ast.AST):
        yield from ast.walk(forward)
        return
    try:
        yield from ast.walk(ast.parse(textwrap.dedent(inspect.getsource(forward))))
    except (OSError, TypeError, SyntaxError):
        return


def items_read(function: Callable[..., Any] | ast.AST, parameter: str) -> int:
    """How many items of a parameter, or of the attribute that keeps it, the code reads, as in ``sizes[2]``; 2 where it goes
    through all of them, 0 where it reads none."""
    most = 0
    for node in nodes_of(function):
        match node:
            case ast.Subscript(value=value, slice=index) if names(value, parameter):
                most = max(most, index_read(index))
            case ast.For(iter=looped) | ast.comprehension(iter=looped) if goes_through(looped, parameter):
                most = max(most, 2)
            case ast.Call(func=ast.Name(id="len"), args=[value]) if names(value, parameter):
                most = max(most, 2)
    return most


def reads_last(function: Callable[..., Any] | ast.AST, parameter: str) -> bool:
    """Whether the code reads the last item of a parameter, or of the attribute that keeps it: ``shape[-1]``."""
    for node in nodes_of(function):
        match node:
            case ast.Subscript(value=value, slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1))) if names(
                value, parameter
            ):
                return True
    return False


def names(node: ast.expr, parameter: str) -> bool:
    """Whether an expression is a parameter, or the attribute of that name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name.lstrip("_") == parameter.lstrip("_")
    return False


def is_options(function: Callable[..., Any], parameter: str) -> bool:
    """Whether a parameter is an object of options: its attributes are read, and it is neither called nor handed on nor gone
    through."""
    read = False
    methods: set[int] = set()
    for node in nodes_of(function):
        match node:
            case ast.Call(func=func, args=given) if any(names(one, parameter) for one in (func, *given)):
                return False
            case ast.Call(func=ast.Attribute(value=value) as method) if names(value, parameter):
                methods.add(id(method))
            case ast.For(iter=looped) if names(looped, parameter):
                return False
    for node in nodes_of(function):
        match node:
            case ast.Attribute(value=ast.Name(id=name), ctx=ast.Load()) if name == parameter:
                read = True
    return read and not methods


def is_data(function: Callable[..., Any], parameter: str) -> bool:
    """Whether a parameter holds rows of data: its shape is asked for, or it is cut along two axes."""
    for node in nodes_of(function):
        match node:
            case ast.Attribute(value=value, attr="shape") if names(value, parameter):
                return True
            case ast.Subscript(value=value, slice=ast.Tuple()) if names(value, parameter):
                return True
    return False


def is_called(target: type, parameter: str) -> bool:
    """Whether a class keeps a parameter as it is and calls it in one of its methods, as it does with a layer."""
    methods = {name: one for name, one in vars(target).items() if inspect.isfunction(one)}
    kept = set(kept_as(methods.pop("__init__", None), parameter))
    for node in (node for method in methods.values() for node in nodes_of(method)) if kept else ():
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)) if name in kept:
                return True
    return False


def calls_parameter(function: Callable[..., Any], parameter: str) -> bool:
    """Whether a function calls one of its parameters."""
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == parameter
        for node in nodes_of(function)
    )


def kept_as(constructor: Callable[..., Any] | None, parameter: str) -> Iterator[str]:
    """The attributes of ``self`` that a constructor gives a parameter as it is."""
    for node in nodes_of(constructor) if constructor is not None else ():
        match node:
            case ast.Assign(
                targets=[ast.Attribute(value=ast.Name(id="self"), attr=attribute)], value=ast.Name(id=name)
            ) if name == parameter:
                yield attribute


MADE_TENSOR = frozenset(
    {"tensor", "as_tensor", "FloatTensor", "Tensor", "from_numpy", "array", "asarray", "Constant", "Parameter"}
)


OF_SIZES = frozenset({"Tensor", "FloatTensor"})
"""What makes of several numbers a tensor of these sizes."""


def is_table(function: Callable[..., Any] | ast.AST, parameter: str) -> bool:
    """Whether a parameter holds the weights of an embedding or of another layer."""
    for node in nodes_of(function):
        match node:
            case ast.Call(func=ast.Attribute(attr="from_pretrained"), args=[value, *_], keywords=words) if holds(
                value, parameter
            ) and all(word.arg in ("freeze", "padding_idx", "sparse") for word in words):
                return True
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="data" | "weight"), attr="copy_"), args=[value, *_]
            ) if holds(value, parameter):
                return True
            case ast.keyword(arg="weights", value=ast.List(elts=[value])) if holds(value, parameter):
                return True
            case ast.Assign(targets=[ast.Attribute(attr="weight")], value=ast.Call(args=[value, *_])) if holds(
                value, parameter
            ):
                return True
    return False


def holds(node: ast.expr, parameter: str) -> bool:
    """Whether an expression is a parameter, or a tensor made of it."""
    match node:
        case ast.Call(func=ast.Name(id=maker) | ast.Attribute(attr=maker), args=[value, *sizes]):
            return maker in MADE_TENSOR and not (sizes and maker in OF_SIZES) and holds(value, parameter)
        case ast.Call(func=ast.Attribute(value=value, attr="float" | "clone" | "double"), args=[]):
            return holds(value, parameter)
    return names(node, parameter)


def index_read(index: ast.expr) -> int:
    """How many items there must be for an index."""
    match index:
        case ast.Constant(value=int(place)):
            return place + 1
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(place))):
            return place
        case ast.Slice():
            return 2
        case ast.Constant():
            return 0
    return 2


def goes_through(looped: ast.expr, parameter: str) -> bool:
    """Whether a loop goes through a parameter: itself, a slice of it, or in ``enumerate`` and ``zip``."""
    match looped:
        case ast.Name() | ast.Attribute():
            return names(looped, parameter)
        case ast.Subscript(value=value, slice=ast.Slice()):
            return goes_through(value, parameter)
        case ast.Call(func=ast.Name(id="enumerate" | "zip" | "reversed" | "list"), args=arguments):
            return any(goes_through(one, parameter) for one in arguments)
    return False


def word_compared(function: Callable[..., Any], parameter: str) -> str:
    """The first word that a function compares a parameter with, as in ``if kind == "lstm"``; empty where it does not."""
    return next(words_of(function, parameter), "")


def words_of(function: Callable[..., Any], parameter: str) -> Iterator[str]:
    """The words that a function compares a parameter with, of several in one comparison the first."""
    for node in nodes_of(function):
        match node:
            case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() | ast.In() | ast.NotIn()], comparators=[words]) if (
                is_word(left, parameter)
            ):
                parts = words.elts if isinstance(words, (ast.Tuple, ast.List, ast.Set)) else [words]
                for part in parts[:1]:
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value
            case ast.Compare(left=ast.Constant(value=str(word)), ops=[ast.In() | ast.NotIn()], comparators=[text]) if (
                is_word(text, parameter) and word
            ):
                yield word


def words_compared(target: Callable[..., Any]) -> dict[str, str]:
    """The first word that the methods of a class, or a function, compare each name or attribute with."""
    methods = (
        [one for one in vars(target).values() if inspect.isfunction(one)] if isinstance(target, type) else [target]
    )
    found: dict[str, str] = {}
    for node in (node for method in methods for node in nodes_of(method)):
        match node:
            case ast.Compare(
                left=ast.Name(id=name) | ast.Attribute(attr=name), ops=[ast.Eq() | ast.In()], comparators=[words]
            ):
                parts = words.elts if isinstance(words, (ast.Tuple, ast.List, ast.Set)) else [words]
                if parts and isinstance(parts[0], ast.Constant) and isinstance(parts[0].value, str):
                    found.setdefault(name, parts[0].value)
            case ast.Compare(
                left=ast.Constant(value=str(word)),
                ops=[ast.In()],
                comparators=[ast.Name(id=name) | ast.Attribute(attr=name)],
            ) if word:
                found.setdefault(name, word)
    return found


def is_word(node: ast.expr, parameter: str) -> bool:
    """Whether an expression is a parameter, or that in other letters."""
    match node:
        case ast.Call(func=ast.Attribute(value=inner, attr="lower" | "upper" | "strip")):
            return is_word(inner, parameter)
    return names(node, parameter)
