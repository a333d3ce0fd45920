"""Lowers the expressions of a libcst module to the intermediate representation."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence

import libcst as cst

from headlint.syntax import ir


class ExpressionLowering:
    """One method a type of expression; it descends only where meaning lies.

    ``nodes`` is given when somebody wants to know which libcst node a number stands for; it is filled so that
    ``nodes[at - first]`` is that node, where ``first`` is the first number that is given.
    """

    def __init__(self, nodes: list[cst.CSTNode] | None = None, first: int = 0) -> None:
        self._next = first
        self._nodes = nodes
        self._generators: list[bool] = []
        self._expressions: dict[type, Callable[[cst.CSTNode], ir.Expression]] = {}

    @property
    def following(self) -> int:
        """The number that the next node would get."""
        return self._next

    def _number(self, node: cst.CSTNode) -> int:
        at = self._next
        self._next += 1
        if self._nodes is not None:
            self._nodes.append(node)
        return at

    def _parameters(self, parameters: cst.Parameters) -> tuple[ir.Parameter, ...]:
        lowered = [self._parameter(parameter, "positional") for parameter in parameters.posonly_params]
        lowered += [self._parameter(parameter, "positional") for parameter in parameters.params]
        if isinstance(parameters.star_arg, cst.Param):
            lowered.append(self._parameter(parameters.star_arg, "star"))
        lowered += [self._parameter(parameter, "keyword") for parameter in parameters.kwonly_params]
        if parameters.star_kwarg is not None:
            lowered.append(self._parameter(parameters.star_kwarg, "double_star"))
        return tuple(lowered)

    def _parameter(self, parameter: cst.Param, kind: str) -> ir.Parameter:
        annotation = self.expression(parameter.annotation.annotation) if parameter.annotation else None
        return ir.Parameter(parameter.name.value, kind, self._optional(parameter.default), annotation)

    def _argument(self, argument: cst.Arg) -> ir.Argument:
        name = argument.keyword.value if argument.keyword else ""
        return ir.Argument(self.expression(argument.value), name, len(argument.star))

    def expression(self, node: cst.BaseExpression) -> ir.Expression:
        """Any expression."""
        method = self._expressions.get(type(node))
        if method is None:
            method = getattr(self, "_expression_" + type(node).__name__, self._expression_opaque)
            self._expressions[type(node)] = method
        return method(node)

    def _optional(self, node: cst.BaseExpression | None) -> ir.Expression | None:
        return None if node is None else self.expression(node)

    def _expression_opaque(self, node: cst.CSTNode) -> ir.Expression:
        return ir.Opaque(self._number(node))

    def _expression_Name(self, node: cst.Name) -> ir.Expression:
        if node.value in _SINGLETONS:
            return ir.Literal(self._number(node), _SINGLETONS[node.value])
        return ir.Name(self._number(node), node.value)

    def _expression_Ellipsis(self, node: cst.Ellipsis) -> ir.Expression:
        return ir.Opaque(self._number(node))

    def _expression_Integer(self, node: cst.Integer) -> ir.Expression:
        return ir.Literal(self._number(node), _literal(node.value))

    _expression_Float = _expression_Integer
    _expression_Imaginary = _expression_Integer

    def _expression_SimpleString(self, node: cst.SimpleString) -> ir.Expression:
        return ir.Literal(self._number(node), _literal(node.value))

    def _expression_ConcatenatedString(self, node: cst.ConcatenatedString) -> ir.Expression:
        at = self._number(node)
        parts: list[str] = []
        rest: cst.BaseExpression = node
        while isinstance(rest, cst.ConcatenatedString):
            if isinstance(rest.left, cst.SimpleString):
                parts.append(str(_literal(rest.left.value)))
            else:
                return ir.Opaque(at)
            rest = rest.right
        if not isinstance(rest, cst.SimpleString):
            return ir.Opaque(at)
        return ir.Literal(at, "".join(parts) + str(_literal(rest.value)))

    def _expression_FormattedString(self, node: cst.FormattedString) -> ir.Expression:
        at = self._number(node)
        parts = [part for part in node.parts if isinstance(part, cst.FormattedStringExpression)]
        return ir.Formatted(at, tuple(self.expression(part.expression) for part in parts))

    def _expression_Attribute(self, node: cst.Attribute) -> ir.Expression:
        return ir.Attribute(self._number(node), self.expression(node.value), node.attr.value)

    def _expression_Subscript(self, node: cst.Subscript) -> ir.Expression:
        at = self._number(node)
        owner = self.expression(node.value)
        indices = tuple(self._index(element.slice) for element in node.slice)
        if len(indices) == 1:
            return ir.Subscript(at, owner, indices[0])
        return ir.Subscript(at, owner, ir.Display(self._number(node), "tuple", indices))

    def _index(self, index: cst.BaseSlice) -> ir.Expression:
        match index:
            case cst.Slice():
                at = self._number(index)
                lower, upper = self._optional(index.lower), self._optional(index.upper)
                return ir.Slice(at, lower, upper, self._optional(index.step))
            case cst.Index():
                if isinstance(index.value, cst.Ellipsis):
                    return ir.Literal(self._number(index), "...")
                return self.expression(index.value)
            case _:
                return ir.Opaque(self._number(index))

    def _expression_Call(self, node: cst.Call) -> ir.Expression:
        at = self._number(node)
        return ir.Call(at, self.expression(node.func), tuple(self._argument(argument) for argument in node.args))

    def _expression_BinaryOperation(self, node: cst.BinaryOperation) -> ir.Expression:
        # Long sums nest to the left; a loop keeps them from exhausting the stack.
        chain: list[cst.BinaryOperation] = []
        left: cst.BaseExpression = node
        while isinstance(left, cst.BinaryOperation):
            chain.append(left)
            left = left.left
        numbers = [self._number(operation) for operation in chain]
        lowered = self.expression(left)
        for operation, at in zip(reversed(chain), reversed(numbers), strict=True):
            operator = OPERATORS.get(type(operation.operator).__name__, "?")
            lowered = ir.Binary(at, operator, lowered, self.expression(operation.right))
        return lowered

    def _expression_UnaryOperation(self, node: cst.UnaryOperation) -> ir.Expression:
        operator = _UNARY_OPERATORS.get(type(node.operator).__name__, "?")
        return ir.Unary(self._number(node), operator, self.expression(node.expression))

    def _expression_BooleanOperation(self, node: cst.BooleanOperation) -> ir.Expression:
        at = self._number(node)
        operator = "and" if isinstance(node.operator, cst.And) else "or"
        return ir.Boolean(at, operator, self.expression(node.left), self.expression(node.right))

    def _expression_Comparison(self, node: cst.Comparison) -> ir.Expression:
        at = self._number(node)
        left = self.expression(node.left)
        operators = tuple(_COMPARISONS.get(type(target.operator).__name__, "?") for target in node.comparisons)
        return ir.Compare(at, left, operators, tuple(self.expression(target.comparator) for target in node.comparisons))

    def _expression_IfExp(self, node: cst.IfExp) -> ir.Expression:
        at = self._number(node)
        return ir.Conditional(at, self.expression(node.test), self.expression(node.body), self.expression(node.orelse))

    def _expression_Tuple(self, node: cst.Tuple) -> ir.Expression:
        return ir.Display(self._number(node), "tuple", self._elements(node.elements))

    def _expression_List(self, node: cst.List) -> ir.Expression:
        return ir.Display(self._number(node), "list", self._elements(node.elements))

    def _expression_Set(self, node: cst.Set) -> ir.Expression:
        return ir.Display(self._number(node), "set", self._elements(node.elements))

    def _elements(self, elements: Sequence[cst.BaseElement]) -> tuple[ir.Expression, ...]:
        return tuple(
            ir.Starred(self._number(element), self.expression(element.value))
            if isinstance(element, cst.StarredElement)
            else self.expression(element.value)
            for element in elements
        )

    def _expression_Dict(self, node: cst.Dict) -> ir.Expression:
        at = self._number(node)
        items = tuple(
            (
                self.expression(element.key) if isinstance(element, cst.DictElement) else None,
                self.expression(element.value),
            )
            for element in node.elements
        )
        return ir.DictDisplay(at, items)

    def _expression_ListComp(self, node: cst.ListComp) -> ir.Expression:
        return self._comprehension(node, "list", node.elt, None)

    def _expression_SetComp(self, node: cst.SetComp) -> ir.Expression:
        return self._comprehension(node, "set", node.elt, None)

    def _expression_GeneratorExp(self, node: cst.GeneratorExp) -> ir.Expression:
        return self._comprehension(node, "generator", node.elt, None)

    def _expression_DictComp(self, node: cst.DictComp) -> ir.Expression:
        return self._comprehension(node, "dict", node.key, node.value)

    def _comprehension(
        self, node: cst.BaseComp, kind: str, element: cst.BaseExpression, value: cst.BaseExpression | None
    ) -> ir.Expression:
        at = self._number(node)
        clauses: list[ir.Clause] = []
        clause: cst.CompFor | None = node.for_in
        while clause is not None:
            iterable = self.expression(clause.iter)
            target = self.expression(clause.target)
            clauses.append(ir.Clause(target, iterable, tuple(self.expression(part.test) for part in clause.ifs)))
            clause = clause.inner_for_in
        return ir.Comprehension(at, kind, self.expression(element), self._optional(value), tuple(clauses))

    def _expression_Lambda(self, node: cst.Lambda) -> ir.Expression:
        at = self._number(node)
        return ir.Lambda(at, self._parameters(node.params), self.expression(node.body))

    def _expression_Await(self, node: cst.Await) -> ir.Expression:
        return self.expression(node.expression)

    def _expression_NamedExpr(self, node: cst.NamedExpr) -> ir.Expression:
        return ir.Walrus(self._number(node), self.expression(node.target), self.expression(node.value))

    def _expression_Yield(self, node: cst.Yield) -> ir.Expression:
        if self._generators:
            self._generators[-1] = True
        at = self._number(node)
        value = node.value.item if isinstance(node.value, cst.From) else node.value
        return ir.Yield(at, self._optional(value))


_PLAIN_STRING = re.compile(r"""'[^'\\]*'|"[^"\\]*\"""")


def _literal(text: str) -> ir.Scalar:
    if _PLAIN_STRING.fullmatch(text) and text[:3] not in ('"""', "'''"):
        return text[1:-1]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
    return value if isinstance(value, str | bytes | int | float | complex) else None


_SINGLETONS: dict[str, ir.Scalar] = {"True": True, "False": False, "None": None}

OPERATORS = {
    "Add": "+",
    "Subtract": "-",
    "Multiply": "*",
    "Divide": "/",
    "FloorDivide": "//",
    "Modulo": "%",
    "Power": "**",
    "MatrixMultiply": "@",
    "LeftShift": "<<",
    "RightShift": ">>",
    "BitAnd": "&",
    "BitOr": "|",
    "BitXor": "^",
}

_UNARY_OPERATORS = {"Minus": "-", "Plus": "+", "Not": "not", "BitInvert": "~"}

_COMPARISONS = {
    "Equal": "==",
    "NotEqual": "!=",
    "LessThan": "<",
    "LessThanEqual": "<=",
    "GreaterThan": ">",
    "GreaterThanEqual": ">=",
    "In": "in",
    "NotIn": "not in",
    "Is": "is",
    "IsNot": "is not",
}
