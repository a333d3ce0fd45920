"""What hyperas puts in place of ``{{choice([256, 512])}}`` before it runs a model: here the first of each choice."""

from __future__ import annotations

import ast


class FirstChoice(ast.NodeTransformer):
    """Writes ``256`` for ``{{choice([256, 512])}}`` and ``0`` for ``{{uniform(0, 1)}}``. A set in a set is never a value."""

    def visit_Set(self, node: ast.Set) -> ast.AST:
        """The first choice, or the lower end of a range."""
        self.generic_visit(node)
        match node:
            case ast.Set(elts=[ast.Set(elts=[ast.Call(args=[ast.List(elts=[first, *_]) | first, *_])])]):
                return first
        return node
