"""Keeping a live torch model as it was: whatever is done within leaves no trace."""

from __future__ import annotations

import copy
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def preserved(model: torch.nn.Module, optimizer: torch.optim.Optimizer | None = None) -> Iterator[None]:
    """Afterwards the model, its optimizer and the random states are as before, the same tensors at the same places."""
    restore_random = _random_states()
    modules = [_Module(module) for module in model.modules()]
    tensors = {id(one): one for one in (*model.parameters(), *model.buffers())}
    if optimizer is not None:
        tensors |= {id(one): one for group in optimizer.param_groups for one in group["params"]}
    kept = [_Tensor(one) for one in tensors.values()]
    steps = _Optimizer(optimizer) if optimizer is not None else None
    gradients = torch.is_grad_enabled()
    try:
        yield
    finally:
        torch.set_grad_enabled(gradients)
        for module in modules:
            module.restore()
        for tensor in kept:
            tensor.restore()
        if steps is not None:
            steps.restore()
        restore_random()


class _Module:
    """What a module holds; its registers (parameters, buffers, hooks) are put back as they were, in place."""

    def __init__(self, module: torch.nn.Module) -> None:
        self._module = module
        self._attributes = dict(module.__dict__)
        self._contents = {
            name: copy.copy(value) for name, value in module.__dict__.items() if isinstance(value, (dict, list, set))
        }

    def restore(self) -> None:
        self._module.__dict__.clear()
        self._module.__dict__.update(self._attributes)
        for name, content in self._contents.items():
            value = self._attributes[name]
            value.clear()
            if isinstance(value, list):
                value.extend(content)
            else:
                value.update(content)


class _Tensor:
    """The numbers of a parameter or buffer, and its gradient."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self._tensor = tensor
        self._data = None if torch.nn.parameter.is_lazy(tensor) else tensor.detach().clone()
        self._version = tensor._version if self._data is not None else None
        self._requires_grad = tensor.requires_grad
        self._gradient = tensor.grad if tensor.is_leaf else None
        self._gradient_data = self._gradient.detach().clone() if self._gradient is not None else None

    def restore(self) -> None:
        if self._data is not None:
            self._tensor.data.copy_(self._data)
            # The numbers are those that the user's own graph has seen: going back through it stays right and allowed.
            _set_version(self._tensor, self._version)
        if self._tensor.is_leaf:
            self._tensor.requires_grad_(self._requires_grad)
            self._tensor.grad = self._gradient
        if self._gradient is not None:
            self._gradient.data = self._gradient_data


def _set_version(tensor: torch.Tensor, version: int | None) -> None:
    """Set the number of changes in place that the graph of a tensor knows of."""
    set_counter = torch._C._autograd._unsafe_set_version_counter
    try:
        set_counter((tensor,), (version,))
    except TypeError:  # torch before 2.6 takes one tensor
        set_counter(tensor, version)


class _Optimizer:
    """The groups and the state of an optimizer."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._optimizer = optimizer
        self._groups = [dict(group) | {"params": list(group["params"])} for group in optimizer.param_groups]
        self._state = {key: copy.deepcopy(value) for key, value in optimizer.state.items()}

    def restore(self) -> None:
        for group, kept in zip(self._optimizer.param_groups, self._groups, strict=True):
            group.clear()
            group.update(kept)
        self._optimizer.state.clear()
        self._optimizer.state.update(self._state)


def _random_states() -> Any:
    python, own = random.getstate(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else None
    numpy = sys.modules.get("numpy")
    state = numpy.random.get_state() if numpy is not None else None

    def restore() -> None:
        random.setstate(python)
        torch.set_rng_state(own)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        if numpy is not None:
            numpy.random.set_state(state)

    return restore
