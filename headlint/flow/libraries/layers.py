"""Layers: building them from a constructor's arguments and applying them to tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.keras import keras_models
from headlint.flow.layers import containers, layer_activations, layer_effects, library_models, misplaced, recurrent
from headlint.flow.machine.parts import tensors_of, things_of
from headlint.flow.tensors import operation
from headlint.flow.values.arguments import NO_ARGUMENTS, Arguments
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import LayerBuilt, UnknownString
from headlint.flow.values.library_values import Backbone, Container, Layer, Model, Part
from headlint.flow.values.python_values import Constant, ListValue, Site, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Origin, Tensor
from headlint.frameworks import keras
from headlint.frameworks.kinds import LayerKind

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def build(machine: Machine, kind: LayerKind, arguments: Arguments, at: int) -> Value:
    """A layer from its constructor's arguments, unless it is given the tensor that it should be applied to."""
    if misplaced.note_tensor(machine, kind, arguments, at):
        return Unknown()
    return make(machine, kind, arguments, at)


def make(machine: Machine, kind: LayerKind, arguments: Arguments, at: int) -> Layer:
    """A layer with its arguments."""
    parameters = kind.parameters
    if kind.framework == "keras" and _is_written_for_0_x(kind, arguments):
        parameters = ("input_dim", parameters[0], "init", *parameters[1:])
    bound = arguments.bind(parameters)
    sites = arguments.sites_of(parameters)
    if kind.framework == "keras":
        for old, new in keras.PARAMETER_SPELLINGS.items():
            if old in bound and new in kind.parameters:
                bound.setdefault(new, bound[old])
                sites.setdefault(new, sites.get(old, machine.site(at)))
    if not arguments.complete:
        for parameter in (*kind.parameters, "activation", "use_bias"):
            bound.setdefault(parameter, Unknown())
    layer = Layer(kind, bound, machine.site(at), sites)
    machine.growth += 1
    machine.emit(LayerBuilt, layer.site, layer=layer)
    machine.note_made(layer, at)
    for parameter in ("activation", "recurrent_activation"):
        _check_string(machine, layer, parameter)
    return layer


def _is_written_for_0_x(kind: LayerKind, arguments: Arguments) -> bool:
    """Whether a layer is given the width before it and its own, ``Dense(64, 10)``: from Keras 0.3 on, only its own."""
    match kind.parameters, arguments.positional:
        case (_, "activation", *_), (_, Constant(int() as width), *_):
            return not isinstance(width, bool)
        case _:
            return False


def _check_string(machine: Machine, layer: Layer, parameter: str) -> None:
    match layer.arguments.get(parameter):
        case Constant(str() as text, symbol=None) if (
            layer.kind.framework == "keras"
            and not machine.knows_string(text, keras.ACTIVATIONS)
            and layer_activations.effect_of_class(text) is None
        ):
            machine.emit(UnknownString, layer.sites.get(parameter, layer.site), kind="activation", text=text)
        case _:
            pass


def apply_callable(machine: Machine, layer: Value, arguments: Arguments, at: int) -> Value:
    """Call a layer, a container of layers or a model of a library."""
    given = arguments.first("inputs", "input", "x", "query", "hidden_states", "pixel_values", "input_ids")
    if given is None:
        given = Unknown() if not isinstance(layer, Backbone) else Tensor(origin=Origin("input", ""))
    followed = isinstance(layer, Layer | Container)
    machine.parts.spend(*arguments.positional[followed:], *arguments.named.values())
    return apply(machine, layer, given, at, arguments)


def apply(machine: Machine, layer: Value, given: Value, at: int, arguments: Arguments | None = None) -> Value:
    """Apply something that takes a tensor, for each value that the layer and the tensor can have."""
    site = machine.site(at)
    machine.parts.applied.update(things_of(layer))

    def single(one: Value, value: Value) -> Value:
        match one:
            case Layer():
                return apply_layer(machine, one, value, site, arguments)
            case Container():
                return containers.apply(machine, one, value, at)
            case Model():
                return keras_models.apply(machine, one, value, at)
            case Backbone():
                return library_models.apply(machine, one, value, at, arguments or NO_ARGUMENTS)
            case Part():
                return Tensor(origin=Origin("layer", "", site))
            case _:
                return machine.call(one, Arguments((value,)) if arguments is None else arguments, at)

    return machine.state.distribute([layer, given], single)


def apply_layer(machine: Machine, layer: Layer, value: Value, site: Site, given: Arguments | None = None) -> Value:
    """Apply one layer to one value; ``given`` are all arguments, where it is called by itself."""
    replaced = machine.read(layer, "forward")
    if replaced is not None:
        return Unknown()
    if layer.kind.effect in ("concatenate", "add", "merge"):
        return layer_effects.merge(machine, layer, value, site)
    if layer.kind.effect == "attention":
        return layer_effects.attention(machine, layer, value, site, _others(given))
    if layer.kind.effect == "lambda" and isinstance(value, ListValue | TupleValue):
        return layer_effects.call_lambda(machine, layer, value)
    tensor = operation.tensor_of(machine, value)
    if tensor is None:
        return _unusual_input(machine, layer, value, site)
    if layer.kind.effect == "recurrent" and layer.kind.framework == "torch":
        states = given.bind(("input", "hx")).get("hx") if given is not None else None
        return recurrent.apply(machine, layer, tensor, machine.state.narrow(states) if states else None, site)
    output = layer_effects.EFFECTS[layer.kind.effect](machine, layer, tensor, site)
    if layer.kind.effect in _OF_SEVERAL:
        output = _made_of_these_too(output, _others(given))
    output = machine.state.distribute([output], lambda one: _applied(machine, layer, tensor, one, site))
    if isinstance(output, Tensor | Choice):
        machine.state.write(layer, "last output", output)
    return output


def _applied(machine: Machine, layer: Layer, tensor: Tensor, output: Value, site: Site) -> Value:
    """What a layer gives, after the activation of its own."""
    if not isinstance(output, Tensor):
        return output
    machine.note_applied(site, layer=layer, input=tensor, output=output, in_container=machine.in_container)
    if layer.kind.effect == "activation":
        return output
    return layer_activations.with_own_activation(machine, layer, output, site)


_OF_SEVERAL = frozenset({"hidden_same_shape", "recurrent_cell", "recurrent_cell_pair"})
"""Effects of layers that may be given states, or what an encoder made, beside their input."""


def _others(given: Arguments | None) -> tuple[Tensor, ...]:
    """The tensors that a layer is given beside the first one."""
    values = (*given.positional[1:], *given.named.values()) if given is not None else ()
    return tuple(part for value in values for part in tensors_of(value))


def _made_of_these_too(output: Value, others: tuple[Tensor, ...]) -> Value:
    match output:
        case Tensor(inputs=inputs) if others:
            return replace(output, inputs=(*inputs, *(other for other in others if other not in inputs)))
        case TupleValue(items) if others:
            return TupleValue(tuple(_made_of_these_too(item, others) for item in items))
        case _:
            return output


def _unusual_input(machine: Machine, layer: Layer, value: Value, site: Site) -> Value:
    match value:
        case TupleValue(items) if items:
            return apply_layer(machine, layer, items[0], site)
        case Choice():
            return machine.state.distribute([value], lambda one: apply_layer(machine, layer, one, site))
        case _:
            return Unknown()
