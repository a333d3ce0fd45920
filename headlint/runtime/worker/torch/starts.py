"""How the training of a torch module starts: the gradient at the first step, and a step of the program's own optimizer."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import nn

from ..measuring.starts import OwnFunction, Slopes, Step

Run = Callable[[], tuple[Any, list[Any]]]
"""One pass over the same batch in training mode: the loss, or a random sum of the outputs, and the outputs."""

LARGEST_CHECKED = 4096
"""Numbers of an input with which a function of the program is checked."""


def slopes(model: nn.Module, run: Run, of: str) -> Slopes | None:
    """The gradient that training starts with; None where there is none, or it is not a number."""
    weights = {
        name: one
        for name, one in model.named_parameters()
        if one.requires_grad and not nn.parameter.is_lazy(one) and one.is_floating_point()
    }
    with torch.enable_grad():
        value, _ = run()
    if not weights or not isinstance(value, torch.Tensor) or not value.requires_grad:
        return None
    functions = _own_functions(value.grad_fn)
    found = dict(zip(weights, torch.autograd.grad(value, list(weights.values()), allow_unused=True), strict=True))
    sizes = {name: float(_norm(one)) for name, one in found.items() if one is not None}
    if not all(math.isfinite(size) for size in sizes.values()):
        return None
    # A bias before a normalisation gets nothing but rounding errors, and that is as it must be.
    typical = {name: size / math.sqrt(weights[name].numel()) for name, size in sizes.items() if weights[name].dim() > 1}
    typical = {name: size for name, size in typical.items() if size > 0}
    if not typical:
        return None
    least, most = min(typical, key=typical.__getitem__), max(typical, key=typical.__getitem__)
    times = max(sizes[name] / max(float(weights[name].detach().norm()), 1.0) for name in sizes)
    checked = _checked(functions, run) if functions else ()
    total = math.sqrt(sum(size**2 for size in sizes.values()))
    return Slopes(of, total, (least, typical[least]), (most, typical[most]), times, checked)


def _norm(gradient: Any) -> Any:
    return (gradient.coalesce().values() if gradient.is_sparse else gradient).float().norm()


def _own_functions(last: Any) -> list[Any]:
    """The classes of the program, derived from ``autograd.Function``, that a result went through."""
    found: dict[Any, None] = {}
    seen, waiting = {last}, [last]
    while waiting:
        node = waiting.pop()
        own = getattr(type(node), "_forward_cls", None)
        if own is not None and not own.__module__.startswith("torch."):
            found[own] = None
        fresh = [one for one, _ in node.next_functions if one is not None and one not in seen]
        seen.update(fresh)
        waiting += fresh
    return list(found)


def _checked(functions: list[Any], run: Run) -> tuple[OwnFunction, ...]:
    """Each function of the program beside the slope of what it computes."""
    with _given_to(functions) as given, torch.enable_grad():
        run()
    found = []
    for one in functions:
        agrees = _agrees(one, given[one]) if one in given else None
        if agrees is not None:
            found.append(OwnFunction(one.__name__, _line(one), agrees))
    return tuple(found)


@contextmanager
def _given_to(functions: list[Any]) -> Iterator[dict[Any, tuple[Any, ...]]]:
    """What each function is given first while it lasts, without its context."""
    given: dict[Any, tuple[Any, ...]] = {}
    own = {one: vars(one).get("forward") for one in functions}

    def watched(function: Any, forward: Any) -> Any:
        has_context = function.setup_context is torch.autograd.Function.setup_context

        def call(*args: Any) -> Any:
            plain = args[1:] if has_context else args
            given.setdefault(
                function, tuple(one.detach().clone() if isinstance(one, torch.Tensor) else one for one in plain)
            )
            return forward(*args)

        return staticmethod(call)

    for function in functions:
        function.forward = watched(function, function.forward)
    try:
        yield given
    finally:
        for function, forward in own.items():
            if forward is None:
                del function.forward
            else:
                function.forward = forward


def _agrees(function: Any, given: tuple[Any, ...]) -> bool | None:
    """Whether the gradient is the slope measured from two values close by; None where that cannot be measured."""
    tensors = [one for one in given if isinstance(one, torch.Tensor)]
    if not tensors or sum(one.numel() for one in tensors) > LARGEST_CHECKED * len(tensors):
        return None
    exact = [
        one.double().requires_grad_() if isinstance(one, torch.Tensor) and one.is_floating_point() else one
        for one in given
    ]
    # Whatever the user's function raises when it is given numbers of 64 bits:
    with suppress(Exception), torch.enable_grad():
        return bool(torch.autograd.gradcheck(function.apply, exact, atol=1e-3, fast_mode=True, raise_exception=False))
    return None


def _line(function: Any) -> int:
    with suppress(OSError, TypeError):
        return inspect.getsourcelines(function)[1]
    return 0


def step_of(model: nn.Module, optimizer: Any, run: Run, of: str) -> Step | None:
    """One step of an optimizer over a model, which has its weights back afterwards; None where no gradient leads to them."""
    kept = {name: one.detach().clone() for name, one in model.named_parameters() if not nn.parameter.is_lazy(one)}
    with torch.enable_grad():
        before, _ = run()
        if not isinstance(before, torch.Tensor) or not before.requires_grad:
            return None
        optimizer.zero_grad()
        before.backward()
    held = {id(one) for group in optimizer.param_groups for one in group["params"]}
    optimizer.step()
    moved: list[str] = []
    unmoved: list[str] = []
    frozen: list[str] = []
    for name, one in model.named_parameters():
        if name not in kept:
            continue
        same = torch.equal(kept[name], one.detach())
        if not one.requires_grad:
            frozen += [] if same else [name]
        elif id(one) in held and one.grad is not None and bool(one.grad.any()):
            (unmoved if same else moved).append(name)
    with torch.no_grad():
        after, outputs = run()
        for name, one in model.named_parameters():
            if name in kept:
                one.copy_(kept[name])
    rates = {float(group["lr"]) for group in optimizer.param_groups if "lr" in group}
    return Step(
        type(optimizer).__name__,
        rates.pop() if len(rates) == 1 else None,
        len(moved),
        tuple(unmoved),
        tuple(frozen),
        of,
        float(before.detach()),
        float(after.detach()),
        all(bool(torch.isfinite(one).all()) for one in outputs if one.is_floating_point()),
    )
