"""What calls of PyTorch's names, and of libraries of its models, do beyond the tables."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.layers import library_models, recurrent
from headlint.flow.libraries import around_steps
from headlint.flow.tensors import operation
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.python_values import Constant, FrameworkName, Unknown, Value
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Origin, Tensor
from headlint.frameworks.torch import FROZEN, PARAMETER

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine
    from headlint.flow.machine.semantics import Call


def _timm(machine: Machine, arguments: Arguments, at: int) -> Value:
    return library_models.timm(machine, "timm.create_model", arguments, at)


def _hub(machine: Machine, arguments: Arguments, at: int) -> Value:
    return library_models.hub(machine, "torch.hub.load", arguments, at)


def _set_grad_enabled(machine: Machine, arguments: Arguments, at: int) -> Value:
    match arguments.first("mode"):
        case Constant(bool() as enabled, symbol=None):
            return FrameworkName("torch.enable_grad" if enabled else "torch.no_grad")
        case _:
            return Unknown()


def _enable_grad(machine: Machine, arguments: Arguments, at: int) -> Value:
    return FrameworkName("torch.enable_grad")


def _parameter(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``nn.Parameter(data)``: a weight of one's own."""
    data = arguments.first("data")
    shape = data.shape if isinstance(data, Tensor) else ANY_SHAPE
    note = FROZEN if arguments.after(1).first("requires_grad") == Constant(False) else ""
    return Tensor(Domain.UNKNOWN, shape, Origin("variable", PARAMETER, machine.site(at), note=note))


def _checkpoint(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``checkpoint(function, *inputs)``: what the function gives, though nothing in it is kept for the way back."""
    given = arguments.first("function")
    if given is None:
        return Unknown()
    passed = arguments.after(1)
    named = {name: value for name, value in passed.named.items() if name not in _OF_CHECKPOINT}
    return machine.call(given, replace(passed, named=named), at)


_OF_CHECKPOINT = frozenset(
    {"function", "use_reentrant", "preserve_rng_state", "context_fn", "determinism_check", "debug", "early_stop"}
)
"""The parameters of ``torch.utils.checkpoint.checkpoint`` itself; all others go to the function."""


def _distribution(name: str, effect: str, first: str = "probs") -> Call:
    """``Categorical(logits=scores)``: a distribution that applies a softmax, or a sigmoid, to scores."""
    path = f"torch.distributions.{name}"

    def call(machine: Machine, arguments: Arguments, at: int) -> Value:
        bound = arguments.bind((first, "probs", "logits") if first != "probs" else ("probs", "logits"))
        site = machine.site(at)
        for option in machine.state.alternatives(bound.get("logits", Constant(None))):
            match option.value:
                case Tensor() as scores:
                    machine.on_path(
                        option.guards,
                        partial(operation.activate, machine, scores, effect, site, path, axis=-1, axis_given=True),
                    )
        machine.parts.hand_on(*arguments.positional, *arguments.named.values())
        return machine.globals.child((path, site))

    return call


def _distributions() -> dict[str, Call]:
    made = {
        "Categorical": _distribution("Categorical", "log_softmax"),
        "OneHotCategorical": _distribution("OneHotCategorical", "log_softmax"),
        "Multinomial": _distribution("Multinomial", "log_softmax", "total_count"),
        "Bernoulli": _distribution("Bernoulli", "log_sigmoid"),
    }
    places = ("torch.distributions", "torch.distributions.{module}")
    modules = {"OneHotCategorical": "one_hot_categorical"}
    return {
        f"{place.format(module=modules.get(name, name.lower()))}.{name}": call
        for name, call in made.items()
        for place in places
    }


CALLS: Mapping[str, Call] = {
    **_distributions(),
    **recurrent.CALLS,
    **around_steps.CALLS,
    "timm.create_model": _timm,
    "timm.models.create_model": _timm,
    "torch.hub.load": _hub,
    "torch.set_grad_enabled": _set_grad_enabled,
    "torch.enable_grad": _enable_grad,
    "torch.autograd.enable_grad": _enable_grad,
    PARAMETER: _parameter,
    "torch.utils.checkpoint.checkpoint": _checkpoint,
}
