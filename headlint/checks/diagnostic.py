"""A finding before its places are looked up in the text."""

from __future__ import annotations

from msgspec import Struct

from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.python_values import Site


class DiagnosticStep(Struct, frozen=True):
    """One step of a trail."""

    site: Site
    note: str
    role: str
    name: str = ""


class Diagnostic(Struct, frozen=True):
    """What a rule has found: its code, where, and why."""

    code: str
    site: Site
    message: str
    advice: str
    proved: bool
    trail: tuple[DiagnosticStep, ...] = ()
    details: tuple[tuple[str, str | int | bool], ...] = ()
    assumptions: frozenset[Assumption] = frozenset()
    subject: object = None
    """The loss use or tensor it is about: one rule may take another's place for the same subject."""
    other_uses: tuple[Site, ...] = ()
    """The calls that give the value to others than a loss."""
    advice_only: bool = False
    """Whether it is no more than advice, whatever the rule's severity is."""
