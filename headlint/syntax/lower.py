"""Lowers a module, as Python's own parser gives it, to the intermediate representation.

One method a node type; it descends only where meaning lies.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence

from headlint.syntax import ir
from headlint.syntax.lower_expressions import OPERATORS, ExpressionLowering


class Lowering(ExpressionLowering):
    """One pass over one module: one method a type of statement."""

    def __init__(self, nodes: list[ast.AST] | None = None, first: int = 0) -> None:
        super().__init__(nodes, first)
        self._statements: dict[type[ast.AST], Callable[[ast.AST], ir.Statement | None]] = {}

    def module(self, module: ast.Module) -> ir.Module:
        """The whole module."""
        return ir.Module(self._block(module.body))

    def _block(self, statements: Sequence[ast.stmt]) -> tuple[ir.Statement, ...]:
        lowered: list[ir.Statement] = []
        for statement in statements:
            method = self._statements.get(type(statement))
            if method is None:
                method = getattr(self, "_statement_" + type(statement).__name__, self._statement_nothing)
                self._statements[type(statement)] = method
            if (result := method(statement)) is not None:
                lowered.append(result)
        return tuple(lowered)

    def _statement_nothing(self, node: ast.AST) -> None:
        """Statements that change no value: ``pass``, ``type X = …``."""

    def _statement_Expr(self, node: ast.Expr) -> ir.Statement:
        return ir.Evaluate(self._number(node), self.expression(node.value))

    def _statement_Assign(self, node: ast.Assign) -> ir.Statement:
        at = self._number(node)
        value = self.expression(node.value)
        return ir.Assign(at, self._all(node.targets), value)

    def _statement_AnnAssign(self, node: ast.AnnAssign) -> ir.Statement:
        at = self._number(node)
        target = self.expression(node.target)
        if node.value is None:
            return ir.Declare(at, target, self.expression(node.annotation))
        return ir.Assign(at, (target,), self.expression(node.value))

    def _statement_AugAssign(self, node: ast.AugAssign) -> ir.Statement:
        at = self._number(node)
        target = self.expression(node.target)
        return ir.AugmentedAssign(at, target, OPERATORS[type(node.op)], self.expression(node.value))

    def _statement_Return(self, node: ast.Return) -> ir.Statement:
        return ir.Return(self._number(node), self._optional(node.value))

    def _statement_Raise(self, node: ast.Raise) -> ir.Statement:
        return ir.Leave(self._number(node), "raise")

    def _statement_Break(self, node: ast.Break) -> ir.Statement:
        return ir.Leave(self._number(node), "break")

    def _statement_Continue(self, node: ast.Continue) -> ir.Statement:
        return ir.Leave(self._number(node), "continue")

    def _statement_Assert(self, node: ast.Assert) -> ir.Statement:
        return ir.Assert(self._number(node), self.expression(node.test))

    def _statement_Delete(self, node: ast.Delete) -> ir.Statement:
        match node.targets:
            case [ast.Tuple(elts=targets) | ast.List(elts=targets)]:
                return ir.Delete(self._number(node), self._all(targets))
        return ir.Delete(self._number(node), self._all(node.targets))

    def _statement_Global(self, node: ast.Global) -> ir.Statement:
        return ir.Outer(self._number(node), "global", tuple(node.names))

    def _statement_Nonlocal(self, node: ast.Nonlocal) -> ir.Statement:
        return ir.Outer(self._number(node), "nonlocal", tuple(node.names))

    def _statement_Import(self, node: ast.Import) -> ir.Statement:
        return ir.Import(self._number(node), _names(node.names))

    def _statement_ImportFrom(self, node: ast.ImportFrom) -> ir.Statement:
        return ir.ImportFrom(self._number(node), node.level, node.module or "", _names(node.names))

    def _statement_If(self, node: ast.If) -> ir.Statement:
        at = self._number(node)
        test = self.expression(node.test)
        return ir.If(at, test, self._block(node.body), self._block(node.orelse))

    def _statement_For(self, node: ast.For | ast.AsyncFor) -> ir.Statement:
        at = self._number(node)
        iterable = self.expression(node.iter)
        target = self.expression(node.target)
        return ir.For(at, target, iterable, self._block(node.body), self._block(node.orelse))

    _statement_AsyncFor = _statement_For

    def _statement_While(self, node: ast.While) -> ir.Statement:
        at = self._number(node)
        return ir.While(at, self.expression(node.test), self._block(node.body), self._block(node.orelse))

    def _statement_With(self, node: ast.With | ast.AsyncWith) -> ir.Statement:
        at = self._number(node)
        items = [(self.expression(item.context_expr), self._optional(item.optional_vars)) for item in node.items]
        return ir.With(at, tuple(items), self._block(node.body))

    _statement_AsyncWith = _statement_With

    def _statement_Try(self, node: ast.Try) -> ir.Statement:
        at = self._number(node)
        body = self._block(node.body)
        handlers = tuple([(handler.name or "", self._block(handler.body)) for handler in node.handlers])
        return ir.Try(at, body, handlers, self._block(node.orelse), self._block(node.finalbody))

    _statement_TryStar = _statement_Try

    def _statement_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ir.Statement:
        at = self._number(node)
        decorators = self._all(node.decorator_list)
        parameters = self._parameters(node.args)
        self._generators.append(False)
        body = self._block(node.body)
        return ir.FunctionDefinition(at, node.name, parameters, body, decorators, self._generators.pop())

    _statement_AsyncFunctionDef = _statement_FunctionDef

    def _statement_ClassDef(self, node: ast.ClassDef) -> ir.Statement:
        at = self._number(node)
        decorators = self._all(node.decorator_list)
        bases = self._all(base for base in node.bases if not isinstance(base, ast.Starred))
        return ir.ClassDefinition(at, node.name, bases, self._block(node.body), decorators)

    def _statement_Match(self, node: ast.Match) -> ir.Statement:
        at = self._number(node)
        subject = self.expression(node.subject)
        return ir.Match(at, subject, tuple([self._case(case) for case in node.cases]))

    def _case(self, case: ast.match_case) -> ir.Case:
        constants = self._pattern_constants(case.pattern)
        captures = tuple(_captured_names(case.pattern))
        return ir.Case(constants, captures, case.guard is not None, self._block(case.body))

    def _pattern_constants(self, pattern: ast.pattern) -> tuple[ir.Expression, ...] | None:
        """The values one of which the subject equals, or None where the pattern says something else."""
        match pattern:
            case ast.MatchValue(value=value):
                return (self.expression(value),)
            case ast.MatchSingleton(value=constant):
                return (ir.Literal(self._number(pattern), constant),)
            case ast.MatchAs(pattern=inner) if inner is not None:
                return self._pattern_constants(inner)
            case ast.MatchOr(patterns=alternatives):
                constants: list[ir.Expression] = []
                for alternative in alternatives:
                    if (inner_constants := self._pattern_constants(alternative)) is None:
                        return None
                    constants.extend(inner_constants)
                return tuple(constants)
            case _:
                return None


def _names(aliases: Iterable[ast.alias]) -> tuple[tuple[str, str], ...]:
    return tuple([(alias.name, alias.asname or "") for alias in aliases])


def _captured_names(pattern: ast.pattern) -> Iterable[str]:
    for node in ast.walk(pattern):
        if isinstance(node, ast.MatchAs | ast.MatchStar) and node.name is not None:
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest is not None:
            yield node.rest
