"""What older versions had, in programs that Python 3 can read: ``xrange``, ``d.iteritems()``, ``x.shape[1].value``, and
quotients of whole numbers."""

from __future__ import annotations

import ast
import functools
from typing import Any

NAMES: dict[str, Any] = {
    "xrange": range,
    "unicode": str,
    "basestring": str,
    "long": int,
    "unichr": chr,
    "raw_input": lambda prompt="": "",
    "reduce": functools.reduce,
}
"""Built-in names that are gone, and what does their work."""

METHODS = {"iteritems": "items", "itervalues": "values", "iterkeys": "keys", "viewitems": "items", "viewkeys": "keys"}
"""Methods of dictionaries that are gone, and those that do their work."""


class Older:
    """Whether the program is taken for one of Python 2, where ``7 / 2`` is 3."""

    divides_whole = False


def divided(one: Any, other: Any) -> Any:
    """The quotient that Python 2 gives."""
    return one // other if type(one) is int and type(other) is int else one / other


def is_divided(text: str) -> bool:
    """Whether a program has quotients that Python 2 rounds down."""
    return "/" in text.replace("//", "") and "import division" not in text


class OldDivision(ast.NodeTransformer):
    """Writes ``divided(a, b)`` for ``a / b``."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """The quotient."""
        self.generic_visit(node)
        return quotient(node, node.left, node.right) if isinstance(node.op, ast.Div) else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """The quotient that is kept in place of the dividend."""
        self.generic_visit(node)
        if not (isinstance(node.op, ast.Div) and isinstance(node.target, ast.Name)):
            return node
        dividend = ast.copy_location(ast.Name(node.target.id, ast.Load()), node)
        return ast.copy_location(ast.Assign([node.target], quotient(node, dividend, node.value)), node)


def quotient(node: ast.AST, dividend: ast.expr, divisor: ast.expr) -> ast.expr:
    """The call that divides."""
    function = ast.copy_location(ast.Name(divided.__name__, ast.Load()), node)
    return ast.copy_location(ast.Call(function, [dividend, divisor], []), node)


class TodaysMethods(ast.NodeTransformer):
    """Writes ``d.items()`` for ``d.iteritems()``, and ``x.shape[1]`` for the ``x.shape[1].value`` of TensorFlow 1."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """The size of an axis, which was an object of its own."""
        self.generic_visit(node)
        match node:
            case ast.Attribute(
                value=ast.Subscript(value=ast.Attribute(attr="shape") | ast.Call(func=ast.Attribute(attr="get_shape"))),
                attr="value",
            ):
                return node.value
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """The call, by today's name."""
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Attribute(attr=method) as found, args=[], keywords=[]) if method in METHODS:
                found.attr = METHODS[method]
        return node
