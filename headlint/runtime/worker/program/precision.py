"""Whether a program lets a model compute with 64-bit numbers: ``net.double()``."""

from __future__ import annotations

import ast

from .optimizers import made_of
from .slicing import last_part


def is_doubled(tree: ast.Module, name: str) -> bool:
    """Whether a file asks what it makes of a class, or by a function, of that name for 64-bit numbers."""
    bound = {one.rpartition(".")[2] for one in made_of(tree, name)} if name else set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="double"), args=[]) if owner in bound:
                return True
            case ast.Call(func=ast.Attribute(value=ast.Call(func=maker), attr="double"), args=[]) if (
                last_part(maker) == name
            ):
                return True
    return False
