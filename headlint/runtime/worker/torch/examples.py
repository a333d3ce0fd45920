"""Inputs that a program writes down itself: ``net(torch.randn(2, 3, 64, 64))``, ``summary(net, (3, 64, 64))``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from ..measuring.specs import BATCH, Grouped, Inputs, Spec, TensorSpec
from ..program.arguments import evaluate
from ..program.loading import Slice
from ..program.slicing import last_part
from ..program.sources import parse
from ..program.written_calls import written_calls
from .inputs import forward_parameters, specs_of_example

CREATORS = frozenset(
    {"randn", "rand", "zeros", "ones", "empty", "randint", "Tensor", "FloatTensor", "normal", "uniform"}
)
CARRIERS = frozenset(
    {"to", "cuda", "cpu", "float", "requires_grad_", "detach", "clone", "Variable", "from_numpy", "astype"}
)
"""Calls whose result is like what they are given."""

KEEPERS = frozenset({"Parameter", "Buffer", "register_buffer", "register_parameter"})
"""Calls that take what a model keeps, and no input."""

SUMMARIES = frozenset({"summary", "torchsummary", "get_model_complexity_info"})
MOST_EXAMPLES = 6


def written_inputs(module: Slice, parameters: list[str]) -> list[Inputs]:
    """Inputs for a pass with these required parameters, in the order of the source; with the usual batch first."""
    examples = Examples(module)
    found: list[Inputs] = []
    for specs in examples.calls():
        if len(specs) == len(parameters):
            batched = tuple(with_batch(spec) for spec in specs)
            found += [Inputs(tuple(zip(parameters, group, strict=True))) for group in (batched, specs)]
    return list(dict.fromkeys(found))[:MOST_EXAMPLES]


def called_inputs(module: Slice, makers: frozenset[str], model: nn.Module) -> list[Inputs]:
    """Inputs like those that the program's own calls of the model are given; with the usual batch first."""
    parameters = [one.name for one in forward_parameters(model)]
    found: list[Inputs] = []
    for call in written_calls(module, makers):
        named = [*zip(parameters, call.by_place, strict=False), *call.by_name.items()]
        specs = tuple((name, specs_of_written(value)) for name, value in named)
        inputs = Inputs(specs, frozenset(call.by_name))
        if len(call.by_place) <= len(parameters) and any(True for _ in inputs.tensors()) and is_hashable(inputs):
            found += [inputs.of_batch(BATCH), inputs]
    return list(dict.fromkeys(found))


def is_hashable(inputs: Inputs) -> bool:
    """Whether inputs can be told from others: all but those that hold an array or the like."""
    try:
        hash(inputs)
    except TypeError:
        return False
    return True


def specs_of_written(value: Any) -> Spec:
    """What a value is like, its sizes free to be changed."""
    spec = specs_of_example(value)
    match spec:
        case TensorSpec():
            return replace(spec, fixed=False)
        case Grouped(kind, keys):
            parts = list(value.values()) if kind is dict else list(value)
            return Grouped(kind, keys, tuple(specs_of_written(part) for part in parts))
    return spec


def with_batch(spec: TensorSpec) -> TensorSpec:
    """The same with the usual number of samples."""
    return replace(spec, shape=(BATCH, *spec.shape[1:])) if len(spec.shape) > 1 else spec


@dataclass
class Examples:
    """The tensors that a file makes."""

    module: Slice

    def calls(self) -> Iterator[tuple[TensorSpec, ...]]:
        """The tensors that are handed over together in a call, and the shapes that a summary is asked for."""
        tree = parse(Path(self.module.namespace.filename))
        made: dict[str, TensorSpec] = {}
        for node in ordered(tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if (
                    spec := self.spec(value, made)
                ) is not None:
                    made[name] = spec
                case ast.Call(func=func, args=arguments) if last_part(func) in SUMMARIES:
                    yield from self.summarized(node)
                case ast.Call(func=func, args=arguments) if arguments and (
                    last_part(func) not in CREATORS | CARRIERS | KEEPERS
                ):
                    specs = [spec for one in arguments if (spec := self.spec(one, made)) is not None]
                    if len(specs) == len(arguments):
                        yield tuple(specs)

    def spec(self, value: ast.expr, made: dict[str, TensorSpec]) -> TensorSpec | None:
        """What an expression is like; None where it is no tensor of a known shape."""
        match value:
            case ast.Name(id=name):
                return made.get(name)
            case ast.Call(func=ast.Attribute(value=inner, attr="long" | "int")):
                spec = self.spec(inner, made)
                return replace(spec, dtype="int64", below=spec.below or 2) if spec is not None else None
            case ast.Call(func=func, args=arguments) if last_part(func) in CARRIERS:
                own = func.value if isinstance(func, ast.Attribute) else None
                inner_specs = (self.spec(one, made) for one in (own, *arguments) if one is not None)
                return next((spec for spec in inner_specs if spec is not None), None)
            case ast.Call(func=func) if last_part(func) in CREATORS:
                return self.created(value, last_part(func))
        return None

    def created(self, call: ast.Call, creator: str) -> TensorSpec | None:
        """What a call of ``torch.randn`` and its like makes."""
        sizes = next((word.value for word in call.keywords if word.arg == "size"), None)
        bounds = call.args[: 2 if len(call.args) > 2 or sizes is not None else 1] if creator == "randint" else []
        written = [sizes] if sizes is not None else call.args[len(bounds) :]
        if creator in ("normal", "uniform"):
            written = [sizes] if sizes is not None else call.args[2:]
        shape = self.sizes(written)
        if shape is None or (creator in ("Tensor", "FloatTensor") and len(shape) < 2):
            return None
        if creator == "randint":
            limit = self.sizes(bounds[-1:])
            return TensorSpec(shape, "int64", limit[0] if limit else None)
        return TensorSpec(shape)

    def summarized(self, call: ast.Call) -> Iterator[tuple[TensorSpec, ...]]:
        """The shapes that a summary is asked for: some packages want them without a batch, some with one."""
        written = [word.value for word in call.keywords if word.arg in ("input_size", "input_shape")] + call.args[1:2]
        shape = self.sizes(written[:1])
        if shape is None:
            return
        yield (TensorSpec((1, *shape)),)
        if len(shape) > 1:
            yield (TensorSpec(shape),)

    def sizes(self, written: list[ast.expr]) -> tuple[int, ...] | None:
        """The numbers that expressions give, alone or in one tuple; None where they give anything else."""
        values = []
        for expression in written:
            try:
                value = evaluate(expression, self.module.namespace)
            except Exception:  # whatever the user's expression raises
                return None
            values += list(value) if isinstance(value, (tuple, list)) else [value]
        whole = all(isinstance(value, int) and not isinstance(value, bool) and value > 0 for value in values)
        return tuple(values) if values and whole else None


def ordered(tree: ast.Module) -> list[ast.Assign | ast.Call]:
    """The assignments and calls of a program in the order of the source."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.Assign, ast.Call))]
    return sorted(nodes, key=lambda node: (node.lineno, node.col_offset))
