"""Lowers the expressions of a module, as Python's own parser gives them, to the intermediate representation."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat

from headlint.syntax import ir


class ExpressionLowering:
    """One method a type of expression; it descends only where meaning lies.

    ``nodes`` is given when somebody wants to know which node of the tree a number stands for; it is filled so that
    ``nodes[at - first]`` is that node, where ``first`` is the first number that is given.
    """

    def __init__(self, nodes: list[ast.AST] | None = None, first: int = 0) -> None:
        self._next = first
        self._nodes = nodes
        self._generators: list[bool] = []
        self._written_in: ast.AST | None = None
        self._expressions: dict[type[ast.AST], Callable[[ast.AST], ir.Expression]] = {}

    @property
    def following(self) -> int:
        """The number that the next node would get."""
        return self._next

    def _number(self, node: ast.AST) -> int:
        at = self._next
        self._next += 1
        if self._nodes is not None:
            self._nodes.append(self._written_in or node)
        return at

    def _parameters(self, parameters: ast.arguments) -> tuple[ir.Parameter, ...]:
        return tuple(self._each_parameter(parameters))

    def _each_parameter(self, parameters: ast.arguments) -> Iterator[ir.Parameter]:
        positional = [*parameters.posonlyargs, *parameters.args]
        defaults = chain(repeat(None, len(positional) - len(parameters.defaults)), parameters.defaults)
        for parameter, default in zip(positional, defaults, strict=True):
            yield self._parameter(parameter, "positional", default)
        if parameters.vararg is not None:
            yield self._parameter(parameters.vararg, "star")
        for parameter, default in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True):
            yield self._parameter(parameter, "keyword", default)
        if parameters.kwarg is not None:
            yield self._parameter(parameters.kwarg, "double_star")

    def _parameter(self, parameter: ast.arg, kind: str, default: ast.expr | None = None) -> ir.Parameter:
        annotation = self._optional(parameter.annotation)
        return ir.Parameter(parameter.arg, kind, self._optional(default), annotation)

    def expression(self, node: ast.expr) -> ir.Expression:
        """Any expression."""
        method = self._expressions.get(type(node))
        if method is None:
            method = getattr(self, "_expression_" + type(node).__name__, self._expression_opaque)
            self._expressions[type(node)] = method
        return method(node)

    def _optional(self, node: ast.expr | None) -> ir.Expression | None:
        return None if node is None else self.expression(node)

    def _all(self, nodes: Iterable[ast.expr]) -> tuple[ir.Expression, ...]:
        return tuple([self.expression(node) for node in nodes])

    def _expression_opaque(self, node: ast.AST) -> ir.Expression:
        return ir.Opaque(self._number(node))

    def _expression_Name(self, node: ast.Name) -> ir.Expression:
        return ir.Name(self._number(node), node.id)

    def _expression_Constant(self, node: ast.Constant) -> ir.Expression:
        if node.value is Ellipsis:
            return ir.Opaque(self._number(node))
        return ir.Literal(self._number(node), node.value)

    def _expression_JoinedStr(self, node: ast.JoinedStr) -> ir.Expression:
        at = self._number(node)
        written = [part for part in node.values if isinstance(part, ast.FormattedValue)]
        plain = all(part.conversion == -1 and part.format_spec is None for part in written)
        parts = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
        outer = self._written_in
        self._written_in = outer or node  # before Python 3.12 the places within an f-string are wrong
        lowered = self._all(parts)
        self._written_in = outer
        return ir.Formatted(at, lowered, plain)

    def _expression_Attribute(self, node: ast.Attribute) -> ir.Expression:
        return ir.Attribute(self._number(node), self.expression(node.value), node.attr)

    def _expression_Subscript(self, node: ast.Subscript) -> ir.Expression:
        return ir.Subscript(self._number(node), self.expression(node.value), self._index(node.slice))

    def _index(self, index: ast.expr) -> ir.Expression:
        match index:
            case ast.Tuple(elts=indices):
                return ir.Display(self._number(index), "tuple", tuple([self._index(one) for one in indices]))
            case ast.Constant(value=value) if value is Ellipsis:
                return ir.Literal(self._number(index), "...")
            case _:
                return self.expression(index)

    def _expression_Slice(self, node: ast.Slice) -> ir.Expression:
        at = self._number(node)
        return ir.Slice(at, self._optional(node.lower), self._optional(node.upper), self._optional(node.step))

    def _expression_Call(self, node: ast.Call) -> ir.Expression:
        at = self._number(node)
        function = self.expression(node.func)
        arguments = [self._argument(argument) for argument in node.args]
        arguments += [
            ir.Argument(self.expression(keyword.value), keyword.arg or "", 0 if keyword.arg else 2)
            for keyword in node.keywords
        ]
        return ir.Call(at, function, tuple(arguments))

    def _argument(self, node: ast.expr) -> ir.Argument:
        if isinstance(node, ast.Starred):
            return ir.Argument(self.expression(node.value), "", 1)
        return ir.Argument(self.expression(node))

    def _expression_BinOp(self, node: ast.BinOp) -> ir.Expression:
        # Long sums nest to the left; a loop keeps them from exhausting the stack.
        operations: list[ast.BinOp] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp):
            operations.append(left)
            left = left.left
        numbers = [self._number(operation) for operation in operations]
        lowered = self.expression(left)
        for operation, at in zip(reversed(operations), reversed(numbers), strict=True):
            lowered = ir.Binary(at, OPERATORS[type(operation.op)], lowered, self.expression(operation.right))
        return lowered

    def _expression_UnaryOp(self, node: ast.UnaryOp) -> ir.Expression:
        return ir.Unary(self._number(node), _UNARY_OPERATORS[type(node.op)], self.expression(node.operand))

    def _expression_BoolOp(self, node: ast.BoolOp) -> ir.Expression:
        operator = "and" if isinstance(node.op, ast.And) else "or"
        first, *others = node.values
        numbers = [self._number(node) for _ in others]
        lowered = self.expression(first)
        for at, other in zip(reversed(numbers), others, strict=True):
            lowered = ir.Boolean(at, operator, lowered, self.expression(other))
        return lowered

    def _expression_Compare(self, node: ast.Compare) -> ir.Expression:
        at = self._number(node)
        left = self.expression(node.left)
        operators = tuple([_COMPARISONS[type(operator)] for operator in node.ops])
        return ir.Compare(at, left, operators, self._all(node.comparators))

    def _expression_IfExp(self, node: ast.IfExp) -> ir.Expression:
        at = self._number(node)
        return ir.Conditional(at, self.expression(node.test), self.expression(node.body), self.expression(node.orelse))

    def _expression_Tuple(self, node: ast.Tuple) -> ir.Expression:
        return ir.Display(self._number(node), "tuple", self._all(node.elts))

    def _expression_List(self, node: ast.List) -> ir.Expression:
        return ir.Display(self._number(node), "list", self._all(node.elts))

    def _expression_Set(self, node: ast.Set) -> ir.Expression:
        return ir.Display(self._number(node), "set", self._all(node.elts))

    def _expression_Starred(self, node: ast.Starred) -> ir.Expression:
        return ir.Starred(self._number(node), self.expression(node.value))

    def _expression_Dict(self, node: ast.Dict) -> ir.Expression:
        at = self._number(node)
        items = [
            (self._optional(key), self.expression(value)) for key, value in zip(node.keys, node.values, strict=True)
        ]
        return ir.DictDisplay(at, tuple(items))

    def _expression_ListComp(self, node: ast.ListComp) -> ir.Expression:
        return self._comprehension(node, "list", node.generators, node.elt)

    def _expression_SetComp(self, node: ast.SetComp) -> ir.Expression:
        return self._comprehension(node, "set", node.generators, node.elt)

    def _expression_GeneratorExp(self, node: ast.GeneratorExp) -> ir.Expression:
        return self._comprehension(node, "generator", node.generators, node.elt)

    def _expression_DictComp(self, node: ast.DictComp) -> ir.Expression:
        return self._comprehension(node, "dict", node.generators, node.key, node.value)

    def _comprehension(
        self,
        node: ast.expr,
        kind: str,
        generators: Sequence[ast.comprehension],
        element: ast.expr,
        value: ast.expr | None = None,
    ) -> ir.Expression:
        at = self._number(node)
        clauses = tuple([self._clause(generator) for generator in generators])
        return ir.Comprehension(at, kind, self.expression(element), self._optional(value), clauses)

    def _clause(self, generator: ast.comprehension) -> ir.Clause:
        iterable = self.expression(generator.iter)
        return ir.Clause(self.expression(generator.target), iterable, self._all(generator.ifs))

    def _expression_Lambda(self, node: ast.Lambda) -> ir.Expression:
        at = self._number(node)
        return ir.Lambda(at, self._parameters(node.args), self.expression(node.body))

    def _expression_Await(self, node: ast.Await) -> ir.Expression:
        return self.expression(node.value)

    def _expression_NamedExpr(self, node: ast.NamedExpr) -> ir.Expression:
        return ir.Walrus(self._number(node), self.expression(node.target), self.expression(node.value))

    def _expression_Yield(self, node: ast.Yield | ast.YieldFrom) -> ir.Expression:
        if self._generators:
            self._generators[-1] = True
        return ir.Yield(self._number(node), self._optional(node.value))

    _expression_YieldFrom = _expression_Yield


OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
}

_UNARY_OPERATORS: dict[type[ast.unaryop], str] = {ast.USub: "-", ast.UAdd: "+", ast.Not: "not", ast.Invert: "~"}

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}
