"""What a function may do to a training step, as far as its text and that of what it calls tells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from headlint.flow.values.modules import ModuleUnit
from headlint.syntax import ir

Definition = ir.FunctionDefinition | ir.ClassDefinition | ir.Lambda

PARTS_OF_A_STEP = frozenset(
    {"zero_grad", "zero_", "backward", "step", "grad", "train", "eval", "training", "apply", "fit"}
    | {"requires_grad", "requires_grad_", "parameters", "named_parameters", "load_state_dict"}
)
"""Attributes of which every event of a training loop needs one."""

_TELLING = re.compile(
    r"(?:^|_)(?:train|eval|valid|test|fit(?!_transform)|step|optim|epoch|learn|infer|predict|sampl|generat|clear|zero_)"
    r"|(?<!no)(?<!clip)_grad|callback|hook|notify|(?:^|_)run(?:$|_)"
)
"""What the names of functions that are not read have in them when they may do more to a model than to apply it."""

MOST_DEFINITIONS = 400
"""Functions and classes that are read before headlint gives up."""


class Mentions:
    """The functions and classes of the modules that were read, by their names, and what was found out about them."""

    def __init__(self) -> None:
        self._known: dict[str, list[Definition]] = {}
        self._read: set[str] = set()
        self._answers: dict[int, bool] = {}

    def may_be_part_of_a_step(self, units: Iterator[ModuleUnit], definition: Definition | None) -> bool:
        """Whether a function, or what it calls, may clear or compute gradients, take a step or switch a mode."""
        if definition is None:
            return True
        self._read_more(units)
        if id(definition) not in self._answers:
            self._answers[id(definition)] = any(map(_does_a_part, self._reached_from(definition)))
        return self._answers[id(definition)]

    def _read_more(self, units: Iterator[ModuleUnit]) -> None:
        for unit in units:
            if unit.path in self._read:
                continue
            self._read.add(unit.path)
            self._answers.clear()
            for definition in unit.body.definitions():
                self._known.setdefault(definition.name, []).append(definition)

    def _reached_from(self, definition: Definition) -> Iterator[Definition | None]:
        """The definition and what it mentions, and what that mentions; None for what is not read."""
        seen: set[int] = set()
        stack: list[Definition] = [definition]
        while stack:
            one = stack.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            yield one if len(seen) <= MOST_DEFINITIONS else None
            for name in ir.names_in(one) | ir.attributes_in(one):
                stack.extend(self._known.get(name, ()))
            if any(_TELLING.search(name) for name in _called_in(one) if name not in self._known):
                yield None


def _does_a_part(definition: Definition | None) -> bool:
    if definition is None or not ir.attributes_in(definition).isdisjoint(PARTS_OF_A_STEP):
        return True
    given = () if isinstance(definition, ir.ClassDefinition) else (one.name for one in definition.parameters)
    return not (_called_in(definition) - {"self"}).isdisjoint(given)


@lru_cache(MOST_DEFINITIONS)
def _called_in(definition: Definition) -> frozenset[str]:
    """The names, of variables and attributes, under which a definition calls something."""
    called = (node.function for node in ir.walk(definition) if isinstance(node, ir.Call))
    return frozenset(one.name for one in called if isinstance(one, ir.Name | ir.Attribute))
