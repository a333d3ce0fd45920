"""Lowers a libcst module to the intermediate representation.

One method a node type; it descends only where meaning lies. ``module.visit`` and the metadata providers cost as much as
the parse itself or more, so they are not used here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import libcst as cst

from headlint.syntax import ir
from headlint.syntax.lower_expressions import OPERATORS, ExpressionLowering


class Lowering(ExpressionLowering):
    """One pass over one module: one method a type of statement."""

    def __init__(self, nodes: list[cst.CSTNode] | None = None, first: int = 0) -> None:
        super().__init__(nodes, first)
        self._statements: dict[type, Callable[[cst.CSTNode], ir.Statement | None]] = {}

    def module(self, module: cst.Module) -> ir.Module:
        """The whole module."""
        return ir.Module(self._block(module.body))

    def _block(self, statements: Iterable[cst.CSTNode]) -> tuple[ir.Statement, ...]:
        lowered: list[ir.Statement] = []
        for statement in statements:
            if isinstance(statement, cst.SimpleStatementLine):
                lowered.extend(self._block(statement.body))
                continue
            method = self._statements.get(type(statement))
            if method is None:
                method = getattr(self, "_statement_" + type(statement).__name__, self._statement_nothing)
                self._statements[type(statement)] = method
            if (result := method(statement)) is not None:
                lowered.append(result)
        return tuple(lowered)

    def _suite(self, body: cst.BaseSuite) -> tuple[ir.Statement, ...]:
        return self._block(body.body)

    def _statement_nothing(self, node: cst.CSTNode) -> None:
        """Statements that change no value: ``pass``, ``type X = …``."""

    def _statement_Expr(self, node: cst.Expr) -> ir.Statement:
        return ir.Evaluate(self._number(node), self.expression(node.value))

    def _statement_Assign(self, node: cst.Assign) -> ir.Statement:
        at = self._number(node)
        value = self.expression(node.value)
        return ir.Assign(at, tuple(self.expression(target.target) for target in node.targets), value)

    def _statement_AnnAssign(self, node: cst.AnnAssign) -> ir.Statement:
        at = self._number(node)
        target = self.expression(node.target)
        if node.value is None:
            return ir.Declare(at, target, self.expression(node.annotation.annotation))
        return ir.Assign(at, (target,), self.expression(node.value))

    def _statement_AugAssign(self, node: cst.AugAssign) -> ir.Statement:
        operator = OPERATORS.get(type(node.operator).__name__.removesuffix("Assign"), "?")
        return ir.AugmentedAssign(
            self._number(node), self.expression(node.target), operator, self.expression(node.value)
        )

    def _statement_Return(self, node: cst.Return) -> ir.Statement:
        return ir.Return(self._number(node), self._optional(node.value))

    def _statement_Raise(self, node: cst.Raise) -> ir.Statement:
        return ir.Leave(self._number(node), "raise")

    def _statement_Break(self, node: cst.Break) -> ir.Statement:
        return ir.Leave(self._number(node), "break")

    def _statement_Continue(self, node: cst.Continue) -> ir.Statement:
        return ir.Leave(self._number(node), "continue")

    def _statement_Assert(self, node: cst.Assert) -> ir.Statement:
        return ir.Assert(self._number(node), self.expression(node.test))

    def _statement_Del(self, node: cst.Del) -> ir.Statement:
        target = self.expression(node.target)
        targets = target.items if isinstance(target, ir.Display) else (target,)
        return ir.Delete(self._number(node), targets)

    def _statement_Global(self, node: cst.Global) -> ir.Statement:
        return ir.Outer(self._number(node), "global", tuple(item.name.value for item in node.names))

    def _statement_Nonlocal(self, node: cst.Nonlocal) -> ir.Statement:
        return ir.Outer(self._number(node), "nonlocal", tuple(item.name.value for item in node.names))

    def _statement_Import(self, node: cst.Import) -> ir.Statement:
        return ir.Import(self._number(node), tuple(_alias(name) for name in node.names))

    def _statement_ImportFrom(self, node: cst.ImportFrom) -> ir.Statement:
        names = (("*", ""),) if isinstance(node.names, cst.ImportStar) else tuple(_alias(name) for name in node.names)
        return ir.ImportFrom(self._number(node), len(node.relative), _dotted(node.module), names)

    def _statement_If(self, node: cst.If) -> ir.Statement:
        at = self._number(node)
        test = self.expression(node.test)
        return ir.If(at, test, self._suite(node.body), self._otherwise(node.orelse))

    def _otherwise(self, orelse: cst.If | cst.Else | None) -> tuple[ir.Statement, ...]:
        match orelse:
            case cst.If():
                return self._block((orelse,))
            case cst.Else():
                return self._suite(orelse.body)
            case _:
                return ()

    def _statement_For(self, node: cst.For) -> ir.Statement:
        at = self._number(node)
        iterable = self.expression(node.iter)
        target = self.expression(node.target)
        return ir.For(at, target, iterable, self._suite(node.body), self._otherwise(node.orelse))

    def _statement_While(self, node: cst.While) -> ir.Statement:
        at = self._number(node)
        return ir.While(at, self.expression(node.test), self._suite(node.body), self._otherwise(node.orelse))

    def _statement_With(self, node: cst.With) -> ir.Statement:
        at = self._number(node)
        items = tuple(
            (self.expression(item.item), self.expression(item.asname.name) if item.asname else None)
            for item in node.items
        )
        return ir.With(at, items, self._suite(node.body))

    def _statement_Try(self, node: cst.Try | cst.TryStar) -> ir.Statement:
        at = self._number(node)
        body = self._suite(node.body)
        handlers = tuple(
            (
                handler.name.name.value if handler.name and isinstance(handler.name.name, cst.Name) else "",
                self._suite(handler.body),
            )
            for handler in node.handlers
        )
        otherwise = self._suite(node.orelse.body) if node.orelse else ()
        return ir.Try(at, body, handlers, otherwise, self._suite(node.finalbody.body) if node.finalbody else ())

    _statement_TryStar = _statement_Try

    def _statement_FunctionDef(self, node: cst.FunctionDef) -> ir.Statement:
        at = self._number(node)
        decorators = tuple(self.expression(decorator.decorator) for decorator in node.decorators)
        parameters = self._parameters(node.params)
        self._generators.append(False)
        body = self._suite(node.body)
        return ir.FunctionDefinition(at, node.name.value, parameters, body, decorators, self._generators.pop())

    def _statement_ClassDef(self, node: cst.ClassDef) -> ir.Statement:
        at = self._number(node)
        decorators = tuple(self.expression(decorator.decorator) for decorator in node.decorators)
        bases = tuple(self.expression(base.value) for base in node.bases if not base.star)
        return ir.ClassDefinition(at, node.name.value, bases, self._suite(node.body), decorators)

    def _statement_Match(self, node: cst.Match) -> ir.Statement:
        at = self._number(node)
        subject = self.expression(node.subject)
        return ir.Match(at, subject, tuple(self._case(case) for case in node.cases))

    def _case(self, case: cst.MatchCase) -> ir.Case:
        constants = self._pattern_constants(case.pattern)
        captures = tuple(_captured_names(case.pattern))
        return ir.Case(constants, captures, case.guard is not None, self._suite(case.body))

    def _pattern_constants(self, pattern: cst.MatchPattern) -> tuple[ir.Expression, ...] | None:
        """The values one of which the subject equals, or None where the pattern says something else."""
        match pattern:
            case cst.MatchValue(value) | cst.MatchSingleton(value):
                return (self.expression(value),)
            case cst.MatchAs(pattern=inner) if inner is not None:
                return self._pattern_constants(inner)
            case cst.MatchOr():
                constants: list[ir.Expression] = []
                for alternative in pattern.patterns:
                    if (inner_constants := self._pattern_constants(alternative.pattern)) is None:
                        return None
                    constants.extend(inner_constants)
                return tuple(constants)
            case _:
                return None


def _dotted(node: cst.BaseExpression | None) -> str:
    match node:
        case cst.Name():
            return node.value
        case cst.Attribute():
            return f"{_dotted(node.value)}.{node.attr.value}"
        case _:
            return ""


def _alias(alias: cst.ImportAlias) -> tuple[str, str]:
    bound = alias.asname.name.value if alias.asname and isinstance(alias.asname.name, cst.Name) else ""
    return _dotted(alias.name), bound


def _captured_names(pattern: cst.CSTNode) -> Iterable[str]:
    if isinstance(pattern, cst.MatchAs | cst.MatchStar) and pattern.name is not None:
        yield pattern.name.value
    for child in pattern.children:
        yield from _captured_names(child)
