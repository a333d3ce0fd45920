"""Which modules are called during a pass, those that no model knows of among them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import nn

from ..measuring.places import running_line
from .watch import around_calls


@dataclass
class Calls:
    """The modules that were called. ``learning`` are those called while gradients were recorded; ``strangers`` have
    weights and do not belong to the model, ``callers`` called them, at ``lines``, with the values in ``weights``; ``given`` are
    those whose weights the program has put in place of their own. They are held, so that none gets the address of another."""

    called: dict[int, nn.Module] = field(default_factory=dict)
    learning: set[int] = field(default_factory=set)
    strangers: dict[int, nn.Module] = field(default_factory=dict)
    callers: dict[int, nn.Module] = field(default_factory=dict)
    lines: dict[int, tuple[str, int]] = field(default_factory=dict)
    weights: dict[int, list[torch.Tensor]] = field(default_factory=dict)
    given: set[int] = field(default_factory=set)
    inside: list[nn.Module] = field(default_factory=list)


@contextmanager
def calls_in(model: nn.Module) -> Iterator[Calls]:
    """Notes the modules that are called while it lasts."""
    known = {id(module) for module in model.modules()}
    own = {id(parameter) for parameter in model.parameters()}
    registered: dict[tuple[int, str], nn.Module] = {}
    seen = Calls()

    def register(module: nn.Module, name: str, parameter: object) -> None:
        if registered.get((id(module), name)) is module:
            seen.given.add(id(module))
        registered[id(module), name] = module

    def before(module: nn.Module, arguments: object) -> None:
        seen.inside.append(module)
        seen.called[id(module)] = module
        if torch.is_grad_enabled():
            seen.learning.add(id(module))
        if id(module) not in known and not any(id(outer) in seen.strangers for outer in seen.inside[:-1]):
            foreign = [one for one in module.parameters() if one.requires_grad and id(one) not in own]
            if foreign:
                seen.strangers[id(module)] = module
                seen.weights[id(module)] = [one.detach().clone() for one in foreign]
                seen.lines[id(module)] = running_line()
                seen.callers[id(module)] = next((one for one in seen.inside[-2::-1] if id(one) in known), model)

    def after(module: nn.Module, arguments: object, result: object) -> None:
        if seen.inside and seen.inside[-1] is module:
            seen.inside.pop()

    handle = nn.modules.module.register_module_parameter_registration_hook(register)
    try:
        with around_calls(before, after):
            yield seen
    finally:
        handle.remove()
