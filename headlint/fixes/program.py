"""A text that is to be fixed: its tree with places, and edits of its parts."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import cast

import libcst as cst
from libcst.helpers import get_full_name_for_node
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

from headlint.findings.finding import Place
from headlint.fixes.edits import Edit
from headlint.frameworks.names import canonical

Position = tuple[int, int]
Item = cst.Arg | cst.Element


class CannotFix(Exception):
    """The text is not what a fix knows how to change."""


class Program:
    """The code of a file, of a notebook all code cells one below the other.

    Raises:
        CannotFix: libcst cannot parse it.
    """

    def __init__(self, path: str, text: str, cells: Sequence[tuple[int, int]] = ()) -> None:
        self.path = path
        self.cells = dict(cells)
        self.lines = text.split("\n")
        try:
            wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
            self._positions = wrapper.resolve(PositionProvider)
            self._parents = wrapper.resolve(ParentNodeProvider)
        except (cst.ParserSyntaxError, RecursionError) as error:
            raise CannotFix("it cannot be parsed") from error
        self.module = wrapper.module
        self._expressions: dict[tuple[Position, Position], cst.BaseExpression] = {}
        self._in_brackets: dict[tuple[Position, Position], cst.BaseExpression] = {}
        for node in self._positions:
            if isinstance(node, cst.BaseExpression):
                self._expressions.setdefault(self.span(node), node)
                if node.lpar:
                    self._in_brackets.setdefault(self.outer(node), node)

    # Looking

    def at(self, place: Place) -> cst.BaseExpression:
        """The expression at a place."""
        above = self.cells.get(place.cell, 0) - 1 if place.cell is not None else 0
        if above < 0:
            raise CannotFix("there is no such cell")
        start, end = (place.line + above, place.column), (place.end_line + above, place.end_column)
        # To Python's parser the brackets of a tuple or a generator belong to it, to libcst they do not.
        found = self._expressions.get((start, end)) or self._in_brackets.get((start, end))
        if found is None:
            raise CannotFix("there is no expression at the place")
        return found

    def span(self, node: cst.CSTNode) -> tuple[Position, Position]:
        """Where a node begins and ends, its own brackets not counted."""
        found = self._positions[node]
        return (found.start.line, found.start.column + 1), (found.end.line, found.end.column + 1)

    def outer(self, node: cst.BaseExpression) -> tuple[Position, Position]:
        """Where an expression begins and ends with its own brackets."""
        start, end = self.span(node)
        if node.lpar:
            start, end = self.span(node.lpar[0])[0], self.span(node.rpar[-1])[1]
        return start, end

    def text(self, node: cst.CSTNode) -> str:
        """The text of a node with its brackets."""
        start, end = self.outer(node) if isinstance(node, cst.BaseExpression) else self.span(node)
        return self.between(start, end)

    def between(self, start: Position, end: Position) -> str:
        """The text from one position to another."""
        lines = self.lines[start[0] - 1 : end[0]]
        lines[-1] = lines[-1][: end[1] - 1]
        lines[0] = lines[0][start[1] - 1 :]
        return "\n".join(lines)

    def margin(self, position: Position) -> str:
        """The white space that the line of a position begins with."""
        line = self.lines[position[0] - 1]
        return line[: len(line) - len(line.lstrip())]

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The node around another."""
        return self._parents.get(node)

    def around(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """The nodes around another, the nearest first."""
        above = self.parent(node)
        while above is not None:
            yield above
            above = self.parent(above)

    def statement(self, node: cst.CSTNode) -> cst.SimpleStatementLine:
        """The line of simple statements that a node stands in."""
        for above in self.around(node):
            if isinstance(above, cst.SimpleStatementLine):
                return above
        raise CannotFix("it is in no simple statement")

    def scope(self, node: cst.CSTNode, *kinds: type[cst.CSTNode]) -> cst.CSTNode:
        """The nearest node of some kinds around another, or the module."""
        return next((above for above in self.around(node) if isinstance(above, kinds)), self.module)

    def inside(self, scope: cst.CSTNode, node: cst.CSTNode) -> bool:
        """Whether a node is in the scope or is the scope itself."""
        return node is scope or any(above is scope for above in self.around(node))

    def expressions(self, scope: cst.CSTNode) -> Iterator[cst.BaseExpression]:
        """All expressions within a node."""
        start, end = self.span(scope)
        for (first, last), node in self._expressions.items():
            if start <= first and last <= end and self.inside(scope, node):
                yield node

    def references(self, scope: cst.CSTNode, name: str) -> list[cst.Name]:
        """The places within a node where a variable is read or written, in the order of the text."""
        found = (node for node in self.expressions(scope) if isinstance(node, cst.Name) and node.value == name)
        return sorted((node for node in found if self._is_variable(node)), key=self.span)

    def _is_variable(self, node: cst.Name) -> bool:
        match self.parent(node):
            case cst.Attribute(attr=named) | cst.Arg(keyword=named) if named is node:
                return False
        return True

    def is_written(self, node: cst.Name) -> bool:
        """Whether a variable gets a value there."""
        written: cst.CSTNode = node
        holder = self.parent(node)
        while isinstance(holder, cst.Element | cst.StarredElement | cst.Tuple | cst.List):
            written, holder = holder, self.parent(holder)
        match holder:
            case cst.AssignTarget() | cst.Param():
                return True
            case cst.AugAssign(target=target) | cst.AnnAssign(target=target) | cst.For(target=target):
                return target is written
            case cst.NamedExpr(target=target) | cst.CompFor(target=target):
                return target is written
        return False

    def literal(self, node: cst.BaseExpression) -> cst.BaseExpression:
        """Where the constant that an expression stands for is written, if nothing else reads it; else the expression.

        Followed are a variable or a parameter's default that is written once, and an entry of a dict of the module.
        """
        match node:
            case cst.Name(value=name):
                references = self.references(self.module, name)
                written = [one for one in references if self.is_written(one)]
                if len(references) == 2 and len(written) == 1:
                    return self._value_of(written[0]) or node
            case cst.Subscript(value=cst.Name(value=name), slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
                written = [one for one in self.references(self.module, name) if self.is_written(one)]
                entries = self._value_of(written[0]) if len(written) == 1 else None
                same = [one for one in self.expressions(self.module) if one.deep_equals(node)]
                if isinstance(entries, cst.Dict) and len(same) == 1:
                    found = [one.value for one in entries.elements if _is_entry(one, key)]
                    return found[0] if len(found) == 1 else node
        return node

    def _value_of(self, written: cst.Name) -> cst.BaseExpression | None:
        """The value that a variable or a parameter gets where it is written."""
        match self.parent(written):
            case cst.Param(default=default):
                return default
            case cst.AssignTarget() as target:
                assignment = self.parent(target)
                return assignment.value if isinstance(assignment, cst.Assign) and len(assignment.targets) == 1 else None
        return None

    def meaning(self, node: cst.BaseExpression) -> str | None:
        """The framework's dotted name that an expression stands for; None where no import says it."""
        path = dotted(node)
        if path is None:
            return None
        root, _, rest = path.partition(".")
        for bound, meant, _ in self.imports():
            if bound == root:
                return canonical(f"{meant}.{rest}" if rest else meant)
        return None

    def imports(self) -> Iterator[tuple[str, str, cst.Import | cst.ImportFrom]]:
        """Each name that an import outside of functions binds, what it means, and the import."""
        for node in self._positions:
            if not isinstance(node, cst.Import | cst.ImportFrom):
                continue
            if isinstance(self.scope(node, cst.FunctionDef, cst.ClassDef), cst.Module):
                yield from ((bound, meant, node) for bound, meant in _bound(node))

    # Changing

    def edit(self, start: Position, end: Position, text: str) -> Edit:
        """Write a text in place of a stretch."""
        if not self.cells:
            return Edit(self.path, *start, *end, text)
        firsts = sorted((first, number) for number, first in self.cells.items())
        first, number = firsts[bisect_right(firsts, (start[0], float("inf"))) - 1]
        return Edit(self.path, start[0] - first + 1, start[1], end[0] - first + 1, end[1], text, number)

    def replace(self, node: cst.BaseExpression, text: str) -> Edit:
        """Write a text in place of an expression."""
        return self.edit(*self.span(node), text)

    def put_in_place(self, node: cst.BaseExpression, inner: cst.BaseExpression) -> Edit:
        """Write an inner expression in place of the one around it, in brackets where they are needed.

        Where this leaves ``x = x`` the statement goes.
        """
        text = self.text(inner)
        assignment = self.parent(node)
        match assignment:
            case cst.Assign(targets=[cst.AssignTarget(target=target)]) if self.text(target) == text:
                return self.drop_statement(assignment)
            case _:
                pass
        simple = isinstance(inner, cst.Name | cst.Attribute | cst.Call | cst.Subscript | cst.BaseNumber) or inner.lpar
        in_brackets = isinstance(assignment, cst.Arg | cst.Element) or bool(node.lpar)
        loose = in_brackets or isinstance(assignment, cst.Assign | cst.Return)
        broken = not inner.lpar and "\n" in (self.text(inner.func) if isinstance(inner, cst.Call) else text)
        if not in_brackets and (broken or not (simple or loose)):
            text = f"({text})"
        return self.replace(node, text)

    def drop_statement(self, statement: cst.BaseSmallStatement) -> Edit:
        """Take a statement out; a block that has no other gets ``pass``."""
        line = self.statement(statement)
        block = self.parent(line)
        start, end = self.span(line)
        if len(line.body) > 1:
            index = list(line.body).index(statement)
            if index + 1 < len(line.body):
                return self.edit(self.span(statement)[0], self.span(line.body[index + 1])[0], "")
            return self.edit(self.span(line.body[index - 1])[1], self.span(statement)[1], "")
        if isinstance(block, cst.IndentedBlock) and len(block.body) == 1:
            return self.edit(start, end, "pass")
        return self._whole_lines(start[0], end[0])

    def _whole_lines(self, first: int, last: int) -> Edit:
        if last == len(self.lines) or last + 1 in self.cells.values():
            return self.edit((first, 1), (last, len(self.lines[last - 1]) + 1), "")
        return self.edit((first, 1), (last + 1, 1), "")

    def remove_item(self, items: Sequence[Item], item: Item) -> Edit:
        """Take an argument of a call or an element of a list out."""
        index = next(number for number, one in enumerate(items) if one is item)
        start, end = self._item_span(item)
        behind = self.span(item.comma)[1] if isinstance(item.comma, cst.Comma) else end
        before, after = self.lines[start[0] - 1][: start[1] - 1], self.lines[end[0] - 1][end[1] - 1 :]
        if not before.strip() and re.fullmatch(r"\s*,?\s*(#.*)?", after):
            return self._whole_lines(start[0], end[0])
        if index > 0:
            previous = self._item_span(items[index - 1])[1]
            if "#" in self.between(previous, start):
                return self.edit(start, behind, "")
            return self.edit(previous, end, "")
        if len(items) > 1:
            following = self._item_span(items[1])[0]
            return self.edit(start, following if following[0] == end[0] else behind, "")
        return self.edit(start, behind, "")

    def _item_span(self, item: Item) -> tuple[Position, Position]:
        start, end = self.span(item)
        if isinstance(item, cst.Element):
            return self.outer(item.value)
        return start, end

    def set_argument(self, call: cst.Call, keyword: str, value: str) -> Edit:
        """Give a call's keyword argument a value, whether it is there or not."""
        given = argument(call, keyword)
        if given is not None:
            return self.replace(given.value, value)
        if call.args:
            end = self.span(call.args[-1])[1]
            return self.edit(end, end, f", {keyword}={value}")
        line, column = self.span(call)[1]
        return self.edit((line, column - 1), (line, column - 1), f"{keyword}={value}")


def _is_entry(element: cst.BaseDictElement, key: cst.BaseExpression) -> bool:
    return isinstance(element, cst.DictElement) and element.key.deep_equals(key)


def argument(call: cst.Call, keyword: str, position: int | None = None) -> cst.Arg | None:
    """The argument that a call gives by keyword, or else at a position."""
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value == keyword:
            return arg
    if position is not None and position < len(call.args):
        plain = call.args[: position + 1]
        if all(arg.keyword is None and not arg.star for arg in plain):
            return plain[position]
    return None


def dotted(node: cst.BaseExpression) -> str | None:
    """``nn.Softmax`` as it is written; None for what is no name."""
    match node:
        case cst.Name(value=name):
            return name
        case cst.Attribute(value=value, attr=cst.Name(value=name)):
            base = dotted(value)
            return f"{base}.{name}" if base is not None else None
    return None


def last_name(node: cst.BaseExpression) -> str:
    """``Softmax`` of ``nn.Softmax``; empty where there is no name."""
    match node:
        case cst.Name(value=name) | cst.Attribute(attr=cst.Name(value=name)):
            return name
    return ""


def _bound(node: cst.Import | cst.ImportFrom) -> Iterator[tuple[str, str]]:
    if isinstance(node, cst.Import):
        for alias in node.names:
            path = cast(str, get_full_name_for_node(alias.name))
            if alias.asname is not None:
                yield last_name(cast(cst.Name, alias.asname.name)), path
            else:
                yield path.split(".")[0], path.split(".")[0]
    elif not node.relative and node.module is not None and not isinstance(node.names, cst.ImportStar):
        module = cast(str, get_full_name_for_node(node.module))
        for alias in node.names:
            name = cast(str, get_full_name_for_node(alias.name))
            yield last_name(cast(cst.Name, alias.asname.name)) if alias.asname else name, f"{module}.{name}"
