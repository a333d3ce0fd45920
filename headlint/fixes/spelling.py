"""How a program spells a framework's name, with the import that it still needs for it."""

from __future__ import annotations

import libcst as cst
from libcst.helpers import get_full_name_for_node

from headlint.fixes.edits import Edit
from headlint.fixes.program import CannotFix, Program
from headlint.frameworks.names import canonical

Spelled = tuple[str, tuple[Edit, ...]]
"""The text to write, and the edits that make the imports for it."""

_USUAL_NAMES = {"numpy": "np", "tensorflow": "tf", "torch": "torch", "torch.nn.functional": "F"}


def beside(program: Program, known: cst.BaseExpression, name: str) -> Spelled:
    """The name of a sibling of what an expression names: ``nn.ReLU`` beside ``nn.Softmax``."""
    if isinstance(known, cst.Attribute):
        return f"{program.text(known.value)}.{name}", ()
    meaning = program.meaning(known)
    if meaning is None:
        raise CannotFix("it is not imported in this file")
    return spelled(program, f"{meaning.rpartition('.')[0]}.{name}")


def spelled(program: Program, path: str) -> Spelled:
    """The text for a dotted name: as an import of the program already gives it, or with an import in the same style."""
    best = ""
    for bound, meant, _ in program.imports():
        for start in (meant, canonical(meant)):
            if path == start:
                return bound, ()
            if path.startswith(f"{start}.") and not _is_class(start):
                best = _shorter(best, bound + path[len(start) :])
        if meant == "tensorflow" and path.startswith("keras."):
            best = _shorter(best, f"{bound}.{path}")
    return (best, ()) if best else _imported(program, path)


def _is_class(path: str) -> bool:
    return path.rpartition(".")[2][:1].isupper()


def _shorter(first: str, second: str) -> str:
    return min((first, second), key=len) if first else second


def _imported(program: Program, path: str) -> Spelled:
    """Widen a ``from … import`` of the same module, or write a new import behind the last one."""
    module, _, name = path.rpartition(".")
    last: cst.Import | cst.ImportFrom | None = None
    for _, _, node in program.imports():
        if isinstance(node, cst.ImportFrom) and _gives_names_of(node, module):
            return name, (_name_added(program, node, name),)
        if isinstance(program.parent(program.statement(node)), cst.Module):
            last = node
    if last is None:
        raise CannotFix("it has no imports to go by")
    first, _, rest = path.partition(".")
    if path in _USUAL_NAMES or first in ("numpy", "torch"):
        whole = module if module in _USUAL_NAMES else first
        usual = _USUAL_NAMES[whole]
        line = f"import {whole} as {usual}" if usual != whole else f"import {whole}"
        text = f"{usual}.{path[len(whole) + 1 :]}"
    elif first == "keras":
        line, text = f"from {_keras_root(program)}{module[len('keras') :]} import {name}", name
    else:
        raise CannotFix(f"no import gives {rest or path}")
    end = program.span(program.statement(last))[1]
    end = (end[0], len(program.lines[end[0] - 1]) + 1)
    return text, (program.edit(end, end, f"\n{line}"),)


def _gives_names_of(node: cst.ImportFrom, module: str) -> bool:
    path = get_full_name_for_node(node.module) if node.module is not None and not node.relative else None
    return path is not None and canonical(path) == module and not isinstance(node.names, cst.ImportStar)


def _name_added(program: Program, node: cst.ImportFrom, name: str) -> Edit:
    assert not isinstance(node.names, cst.ImportStar)
    last = node.names[-1]
    end = program.span(last.comma)[0] if isinstance(last.comma, cst.Comma) else program.span(last)[1]
    return program.edit(end, end, f", {name}")


def _keras_root(program: Program) -> str:
    """``tensorflow.keras`` or ``keras``, as the program's imports begin."""
    for _, meant, _ in program.imports():
        if canonical(meant).startswith("keras"):
            root = meant.split("keras")[0] + "keras"
            if canonical(root) == "keras":
                return root
    return "keras"
