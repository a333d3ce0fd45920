"""Softmaxes that run along the axis on which a product has its matrices, one a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headlint.flow.tensors import axes
from headlint.flow.values.facts import MatricesOfShares
from headlint.flow.values.python_values import Site, Value
from headlint.flow.values.tensor_values import Domain, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def note(machine: Machine, site: Site, *operands: Value | None) -> None:
    """Note a softmax along the first axis of what is multiplied matrix by matrix."""
    for operand in operands:
        for one, axis in axes.way_of(operand, 0) if isinstance(operand, Tensor) else ():
            if one.origin.role == "activation" and one.domain is Domain.SOFTMAX:
                if axis == 0 and one.axis in (0, -(one.shape.rank or 0)) and one.axis_given:
                    machine.emit(MatricesOfShares, site, shares=one)
                break


def note_by_letters(machine: Machine, site: Site, parts: Sequence[Tensor], names: Sequence[str], letters: str) -> None:
    """The same of ``einsum("bij,bjd->bid", shares, values)``, whose letters say what is one of each sample."""
    for part, its in zip(parts, names, strict=True):
        if len(its) > 2 and len(parts) > 1 and all(its[0] in other for other in (*names, letters)):
            note(machine, site, part)


def note_of_stacks(machine: Machine, site: Site, first: Tensor, second: Tensor) -> None:
    """The same of ``matmul`` and ``@``, where both operands are seen to have three axes or more."""
    ranks = (first.shape.rank, second.shape.rank)
    if all(rank is not None and rank > 2 for rank in ranks):
        note(machine, site, first, second)
