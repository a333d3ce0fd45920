"""Gradients that arrive but teach nothing: exactly zero whatever the batch, or no numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from ..measuring.mentions import INSTALLED, classes_of, place_of
from ..measuring.suspects import Suspect
from .gradients import CONTAINERS, PASSES, Seen, largest_part, passes_of
from .outputs import projection
from .watch import around_calls

Run = Callable[[], list[Any]]
"""One pass over a fresh batch in training mode: the tensors that training may start from."""

STEPS = 3
"""Steps after which layers behind others that start at zero have a gradient."""

STEP = 0.01
SMALLEST = 1e-12
MOST_TURNED = 4096
MOST_OWN = 6
ROOTS = frozenset(
    {"sqrt", "rsqrt", "pow", "log", "log2", "log10", "log1p", "norm", "linalg_vector_norm", "asin", "acos"}
)
"""Functions that have no slope at zero, or none below it."""

FRAME = re.compile(r'File "(.+?)", line (\d+)')


def dead(model: nn.Module, seen: list[Seen], run: Run, given: bool = False) -> tuple[Suspect, ...]:
    """The layers whose gradient is exactly zero: over several batches, and still after steps that move all others.

    Without ``given`` the sizes of the inputs are a guess: where a softmax is taken over one value, a larger input may
    well let a gradient through.
    """
    if not _zero_in_all(model, seen) or any(one.partly or (one.singles and not given) for one in seen):
        return ()
    with moved(model, run), _fed() as fed:
        seen = [*seen, *passes_of(model, run, 2 * PASSES)]
    return tuple(_dead_parts(model, _zero_in_all(model, seen), fed))


def _zero_in_all(model: nn.Module, seen: list[Seen]) -> list[tuple[str, Any]]:
    """The parameters to which every pass gives a gradient of nothing but zeros; none where that is true of all."""
    zeros = [{key for key, one in pass_.gradients.items() if not bool(_dense(one).any())} for pass_ in seen]
    if not all(one.connected and one.reached > zero for one, zero in zip(seen, zeros, strict=True)):
        return []
    in_all = set.intersection(*zeros)
    return [(name, one) for name, one in model.named_parameters() if id(one) in in_all]


def _dense(gradient: Any) -> Any:
    return gradient.coalesce().values() if gradient.is_sparse else gradient


@contextmanager
def moved(model: nn.Module, run: Run) -> Iterator[None]:
    """A few small steps of every parameter along its gradient; at the end every one has its value back."""
    kept = [(one, one.detach().clone()) for one in (*model.parameters(), *model.buffers())]
    try:
        for _ in range(STEPS):
            _move(model, Seen(model, run))
        yield
    finally:
        with torch.no_grad():
            for one, value in kept:
                one.copy_(value)


@contextmanager
def _fed() -> Iterator[set[int]]:
    """The modules that are given anything but zeros while it lasts."""
    found: set[int] = set()

    def before(module: nn.Module, arguments: Any) -> None:
        tensors = [one for one in arguments if isinstance(one, torch.Tensor)]
        if not tensors or any(bool(one.any()) for one in tensors):
            found.add(id(module))

    with around_calls(before, lambda module, arguments, result: None):
        yield found


def _move(model: nn.Module, pass_: Seen) -> None:
    """One step."""
    with torch.no_grad():
        for one in model.parameters():
            gradient = pass_.gradients.get(id(one))
            if gradient is not None and not gradient.is_sparse and bool(torch.isfinite(gradient).all()):
                one.add_(STEP * gradient / gradient.abs().max().clamp(min=SMALLEST))


def _dead_parts(model: nn.Module, zero: list[tuple[str, Any]], fed: set[int]) -> Iterator[Suspect]:
    """The largest layers all of whose parameters are among those without a gradient that is not zero."""
    ids = {id(one) for _, one in zero}
    for path in dict.fromkeys(largest_part(model, name, ids) for name, _ in zero):
        owner_path, _, attribute = path.rpartition(".")
        owner = model.get_submodule(owner_path)
        part = getattr(owner, attribute)
        if isinstance(owner, CONTAINERS) or not classes_of(owner) or not isinstance(part, nn.Module):
            continue
        if any(id(one) in fed for one in part.modules()):
            count = sum(one.numel() for one in part.parameters())
            yield Suspect(path, type(part).__name__, "dead", count, *place_of(owner, attribute))


def not_numbers(model: nn.Module, seen: list[Seen], run: Run) -> tuple[Suspect, ...]:
    """The operation that makes a gradient infinite or NaN although everything that the model gives is a number: now, or
    once a parameter of the program's own has changed its sign."""
    spoiled = set.intersection(*(set(_without_numbers(model, one)) for one in seen))
    if spoiled:
        found = _first_without_numbers(model, run)
        return (Suspect(min(spoiled), found[0], "not a number", len(spoiled), *found[1:]),) if found else ()
    if any(not all(bool(torch.isfinite(_dense(one)).all()) for one in pass_.gradients.values()) for pass_ in seen):
        return ()
    takes_roots = any(_is_root(node) for last in seen[0].last for node in _nodes(last))
    return tuple(_below_zero(model, run)) if takes_roots else ()


def _without_numbers(model: nn.Module, seen: Seen) -> Iterator[str]:
    """The parameters whose gradient is infinite or NaN."""
    for name, one in model.named_parameters():
        if id(one) in seen.gradients and not bool(torch.isfinite(_dense(seen.gradients[id(one)])).all()):
            yield name


def _below_zero(model: nn.Module, run: Run) -> Iterator[Suspect]:
    """The operations that have no finite gradient once a parameter that the program made itself is below zero."""
    own = [
        (name, one)
        for name, one in model.named_parameters()
        if one.requires_grad and one.numel() <= MOST_TURNED and classes_of(model.get_submodule(name.rpartition(".")[0]))
    ]
    for name, one in own[:MOST_OWN]:
        before = one.detach().clone()
        try:
            with torch.no_grad():
                one.copy_(-before.abs() - (before == 0).to(before.dtype))
            found = _first_without_numbers(model, run)
        finally:
            with torch.no_grad():
                one.copy_(before)
        if found:
            yield Suspect(name, found[0], "not a number below zero", 1, *found[1:])


def _is_root(node: Any) -> bool:
    """Whether a function has no slope at zero or below; a whole power has one everywhere."""
    exponent = getattr(node, "_saved_exponent", None) if _operation(node.name()) == "pow" else None
    whole = isinstance(exponent, (int, float)) and exponent >= 1 and float(exponent).is_integer()
    return _operation(node.name()) in ROOTS and not whole


def _first_without_numbers(model: nn.Module, run: Run) -> tuple[str, str, int] | None:
    """The function, file and line whose gradient is no number while what it is given is one; None where none is found."""
    found: list[tuple[str, str, int]] = []
    with torch.enable_grad(), torch.autograd.set_detect_anomaly(True, check_nan=False):
        outputs = [one for one in run() if one.is_floating_point()]
        if not all(bool(torch.isfinite(one).all()) for one in outputs):
            return None
        scalar = sum(projection(one) for one in outputs if one.requires_grad)
    if not isinstance(scalar, torch.Tensor) or scalar.grad_fn is None:
        return None

    def watch(node: Any) -> Callable[[Any, Any], None]:
        def done(made: Any, given: Any) -> None:
            if not found and _finite(given) and not _finite(made):
                found.append((_operation(node.name()), *_written(node.metadata.get("traceback_", []))))

        return done

    handles = [node.register_hook(watch(node)) for node in _nodes(scalar.grad_fn)]
    try:
        torch.autograd.grad(scalar, [one for one in model.parameters() if one.requires_grad], allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found and found[0][1] else None


def _finite(gradients: Any) -> bool:
    return all(one is None or bool(torch.isfinite(one).all()) for one in gradients)


def _nodes(last: Any) -> list[Any]:
    """The functions behind a result, each once."""
    found, waiting = {last: None}, [last]
    while waiting:
        for node, _ in waiting.pop().next_functions:
            if node is not None and node not in found:
                found[node] = None
                waiting.append(node)
    return list(found)


def _operation(node: str) -> str:
    """``sqrt`` for ``SqrtBackward0``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", re.sub(r"Backward\d*$", "", node)).lower()


def _written(frames: list[str]) -> tuple[str, int]:
    """The innermost line of a traceback that belongs to no installed package and not to headlint."""
    own = str(__file__).rpartition("/worker/")[0]
    for match in reversed(list(FRAME.finditer("".join(frames)))):
        path, line = match.groups()
        if not path.startswith((own, "<")) and not any(part in path for part in INSTALLED):
            return path, int(line)
    return "", 0
