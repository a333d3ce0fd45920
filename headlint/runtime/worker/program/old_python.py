"""What older versions had, in programs that Python 3 can read: ``xrange``, ``d.iteritems()``, ``x.shape[1].value``."""

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
