"""Parameters that get no gradient: of layers that are never applied, cut off, not registered, or built at each call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ..measuring.mentions import classes_of, is_handed_in, is_mentioned, is_used_apart, place_of
from ..measuring.suspects import Suspect
from .calls import calls_in
from .outputs import projection
from .watch import OVER_AN_AXIS, softmax_axis

PASSES = 2
"""Passes over other batches: what a router leaves out of one it may take in another."""

STANDARD = frozenset(vars(nn.Module()))
"""The attributes that every module has."""

CONTAINERS = (nn.ModuleList, nn.ModuleDict, nn.Sequential, nn.ParameterList, nn.ParameterDict)


def passes_of(model: nn.Module, run: Callable[[], list[Any]], passes: int = PASSES) -> list[Seen]:
    """What happens in some passes; ``run`` gives for one over a batch the tensors that training may start from."""
    return [Seen(model, run) for _ in range(passes)]


def without_gradient(model: nn.Module, seen: list[Seen], root: Path | None = None) -> tuple[Suspect, ...]:
    """The layers and parameters that are to be trained and are given no gradient in any pass."""
    if not all(one.connected for one in seen):
        return ()
    missing = [
        (name, one)
        for name, one in model.named_parameters()
        if one.requires_grad and not any(id(one) in pass_.reached for pass_ in seen)
    ]
    own = list(_own(model, missing, seen, root))
    return (*own, *_strangers(model, seen))


class Seen:
    """One pass: what was called, and the parameters that its results depend on."""

    def __init__(self, model: nn.Module, run: Callable[[], list[Any]]) -> None:
        with torch.enable_grad(), calls_in(model) as self.calls, SeeSingles() as singles:
            outputs = run()
        self.singles = singles.found
        """Whether a softmax was taken over one value."""
        floating = [one for one in outputs if one.is_floating_point()]
        trained = [one for one in floating if one.requires_grad]
        self.connected = bool(trained)
        self.last = [one.grad_fn for one in trained if one.grad_fn is not None]
        """The functions that gave the results."""
        self.partly = len(trained) < len(floating) or keeps_results(model)
        """Whether something that the model gives or keeps may be meant for another loss, or for none."""
        strangers = [
            one for module in self.calls.strangers.values() for one in module.parameters() if one.requires_grad
        ]
        wanted = {
            id(one): one
            for one in (*model.parameters(), *strangers)
            if one.requires_grad and not nn.parameter.is_lazy(one)
        }
        scalar = sum(projection(one) for one in trained)
        try:
            found = torch.autograd.grad(scalar, list(wanted.values()), allow_unused=True) if trained and wanted else ()
        except RuntimeError:  # the program changed a value in place that the gradient needs
            found, self.connected = (), False
        self.gradients = {key: gradient for key, gradient in zip(wanted, found, strict=False) if gradient is not None}
        self.reached = set(self.gradients)


class SeeSingles(TorchFunctionMode):
    """Notes whether a softmax is taken over one value."""

    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """The call as it is."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in OVER_AN_AXIS and args and isinstance(args[0], torch.Tensor):
            axis = softmax_axis(name, args[0].dim(), args, kwargs)
            self.found |= axis is not None and args[0].shape[axis] == 1
        elif name == "scaled_dot_product_attention" and len(args) > 1:
            self.found |= args[1].shape[-2] == 1
        return func(*args, **kwargs)


def keeps_results(model: nn.Module) -> bool:
    """Whether a module keeps a result of the pass that a loss may use: a tensor with a history as an attribute."""
    return any(
        isinstance(value, torch.Tensor) and value.requires_grad and not isinstance(value, nn.Parameter)
        for module in model.modules()
        for kept in vars(module).values()
        for value in (kept if isinstance(kept, (list, tuple)) else kept.values() if isinstance(kept, dict) else (kept,))
    )


def _own(model: nn.Module, missing: list[tuple[str, Any]], seen: list[Seen], root: Path | None) -> Iterator[Suspect]:
    """The largest parts of the model none of whose parameters get a gradient."""
    ids = {id(one) for _, one in missing}
    done: set[str] = set()
    for name, _ in missing:
        path = largest_part(model, name, ids)
        if path in done:
            continue
        done.add(path)
        owner_path, _, attribute = path.rpartition(".")
        owner = model.get_submodule(owner_path)
        if isinstance(owner, CONTAINERS) or not classes_of(owner):
            continue
        part = getattr(owner, attribute)
        count = sum(one.numel() for one in _parameters(part) if not nn.parameter.is_lazy(one))
        cause = _cause(model, owner, attribute, part, seen, root)
        if cause:
            yield Suspect(path, type(part).__name__, cause, count, *place_of(owner, attribute))


def _parameters(part: Any) -> list[Any]:
    return [part] if isinstance(part, nn.Parameter) else list(part.parameters())


def largest_part(model: nn.Module, name: str, missing: set[int]) -> str:
    """The largest part that a parameter belongs to of which every parameter to be trained is missing."""
    parts = name.split(".")
    for length in range(1, len(parts)):
        path = ".".join(parts[:length])
        trained = [one for one in model.get_submodule(path).parameters() if one.requires_grad]
        if all(id(one) in missing for one in trained):
            return path
    return name


def _cause(model: nn.Module, owner: nn.Module, attribute: str, part: Any, seen: list[Seen], root: Path | None) -> str:
    """Why a part gets no gradient; empty where that may be meant."""
    modules = list(part.modules()) if isinstance(part, nn.Module) else []
    called = [one for one in modules if any(id(one) in pass_.calls.called for pass_ in seen)]
    if not called:
        return "" if is_mentioned(owner, attribute, root) else "unused"
    learning = any(id(one) in pass_.calls.learning for one in called for pass_ in seen)
    if not learning or any(pass_.partly for pass_ in seen) or _has_twin(model, part, seen):
        return ""
    if is_handed_in(owner, attribute) or is_used_apart(owner, attribute, "forward"):
        return ""
    return "cut"


def _has_twin(model: nn.Module, part: nn.Module, seen: list[Seen]) -> bool:
    """Whether another part of the model is built alike and does learn: the part is then its teacher or its average."""
    shapes = [one.shape for one in part.parameters()]
    reached = set().union(*(pass_.reached for pass_ in seen))
    return any(
        type(other) is type(part)
        and other is not part
        and [one.shape for one in other.parameters()] == shapes
        and any(id(one) in reached for one in other.parameters())
        for other in model.modules()
    )


def _strangers(model: nn.Module, seen: list[Seen]) -> Iterator[Suspect]:
    """Layers that learn in a pass and belong to no model: kept in a plain list, or made anew at each call."""
    kept = dict(_kept(model))
    lists: dict[str, Suspect] = {}
    for key, module in seen[0].calls.strangers.items():
        if not any(id(one) in seen[0].reached for one in module.parameters()):
            continue
        kind, count = type(module).__name__, sum(one.numel() for one in seen[0].calls.weights[key])
        if key in kept:
            owner, attribute, name = kept[key]
            known = lists.get(name) or Suspect(name, kind, "unregistered", 0, *place_of(owner, attribute))
            lists[name] = replace(known, count=known.count + count)
        elif not any(key in other.calls.strangers for other in seen[1:]) and is_random(seen, key):
            caller = seen[0].calls.callers[key]
            yield Suspect(_name_of(model, caller), kind, "rebuilt", count, *seen[0].calls.lines[key])
    yield from lists.values()


def is_random(seen: list[Seen], key: int) -> bool:
    """Whether a layer that a pass has made has its weights by chance: none were put in their place, and the layer that
    another pass made at the same line has others."""
    first = seen[0].calls
    if any(id(inner) in first.given for inner in first.strangers[key].modules()):
        return False
    others = [
        weights for other in seen[1:] for one, weights in other.calls.weights.items()
        if other.calls.lines[one] == first.lines[key] and shapes(weights) == shapes(first.weights[key])
    ]  # fmt: skip
    return bool(others) and not any(all(map(torch.equal, first.weights[key], weights)) for weights in others)


def shapes(weights: list[torch.Tensor]) -> list[torch.Size]:
    """The shapes of tensors."""
    return [one.shape for one in weights]


def _kept(model: nn.Module) -> Iterator[tuple[int, tuple[nn.Module, str, str]]]:
    """The modules in plain lists, tuples and dictionaries of the model: their owner, the attribute and its whole name."""
    for path, owner in model.named_modules():
        if not classes_of(owner):
            continue
        for attribute, value in vars(owner).items():
            if attribute in STANDARD or not isinstance(value, (list, tuple, dict)):
                continue
            if is_handed_in(owner, attribute):
                continue
            held = value.values() if isinstance(value, dict) else value
            parts = [part for part in held if isinstance(part, nn.Module)]
            if len(parts) < 2:
                continue  # a known way to hide a module on purpose
            name = f"{path}.{attribute}" if path else attribute
            for part in parts:
                for inner in part.modules():
                    yield id(inner), (owner, attribute, name)


def _name_of(model: nn.Module, module: nn.Module) -> str:
    return next((name for name, one in model.named_modules() if one is module), "")
