"""Decoders that take one step of one sample at a time, as in PyTorch's tutorial on translation: their first inputs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from torch import nn

from ..measuring.specs import BATCH, Grouped, Inputs, Spec, TensorSpec
from ..program.uses import nodes_of
from .inputs import written_pass
from .repairs import STATES

LENGTHS = ("max_length", "max_len")
"""Attributes that say over how many steps of the encoder a decoder looks."""


def single_steps(model: nn.Module, inputs: Inputs) -> Iterator[Inputs]:
    """The inputs of one step of one sample, where the pass makes a value of shape (1, 1, any) of what it is given."""
    recurrent = next((one for one in model.modules() if isinstance(one, nn.RNNBase)), None)
    if recurrent is None or not any(map(makes_one_step, nodes_of(written_pass(model)))):
        return
    steps = next((length for name in LENGTHS if isinstance(length := getattr(model, name, None), int)), BATCH)
    changed = inputs
    for name, spec in inputs.specs:
        if STATES.search(name):
            changed = changed.with_spec(name, state_of(recurrent))
        elif isinstance(spec, TensorSpec) and spec.is_integer and not name.startswith("enc"):
            changed = changed.with_spec(name, replace(spec, shape=(1,)))
        elif name.startswith("enc"):
            changed = changed.with_spec(name, TensorSpec((steps, recurrent.hidden_size)))
    yield changed


def state_of(layer: Any) -> Spec:
    """What a recurrent layer keeps of one sample."""
    state = TensorSpec((layer.num_layers * (2 if layer.bidirectional else 1), 1, layer.hidden_size))
    return Grouped(tuple, ("h", "c"), (state, state)) if isinstance(layer, nn.LSTM) else state


def makes_one_step(node: ast.AST) -> bool:
    """Whether a node is ``.view(1, 1, -1)``."""
    match node:
        case ast.Call(
            func=ast.Attribute(attr="view" | "reshape"),
            args=[ast.Constant(value=1), ast.Constant(value=1), ast.UnaryOp(op=ast.USub(), operand=ast.Constant())],
        ):
            return True
    return False
