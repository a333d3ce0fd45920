"""Layers: building them from a constructor's arguments and applying them to tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from headlint.flow import (
    arithmetic,
    containers,
    iteration,
    keras_models,
    operation,
    ready_made,
    reshaping,
    shapes,
)
from headlint.flow.arguments import Arguments
from headlint.flow.conditions import Choice
from headlint.flow.facts import LayerApplied, LayerBuilt, UnknownString
from headlint.flow.library_values import Backbone, Container, Layer, Model, Part
from headlint.flow.tensor_values import ANY_SHAPE, Domain, Maker, Shape, Tensor
from headlint.flow.values import Assumption, Constant, FrameworkName, Site, TupleValue, Unknown, Value
from headlint.frameworks import keras, registry
from headlint.frameworks.kinds import LayerKind

if TYPE_CHECKING:
    from headlint.flow.machine import Machine


def build(machine: Machine, kind: LayerKind, arguments: Arguments, at: int) -> Layer:
    """A layer from its constructor's arguments."""
    bound = arguments.bind(kind.parameters)
    sites = arguments.sites_of(kind.parameters)
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
    for parameter in ("activation", "recurrent_activation"):
        _check_string(machine, layer, parameter)
    return layer


def _check_string(machine: Machine, layer: Layer, parameter: str) -> None:
    match layer.arguments.get(parameter):
        case Constant(str() as text, symbol=None) if (
            layer.kind.framework == "keras"
            and not machine.knows_string(text, keras.ACTIVATIONS)
            and _effect_of_class(text) is None
        ):
            machine.emit(UnknownString, layer.sites.get(parameter, layer.site), kind="activation", text=text)
        case _:
            pass


def units_of(layer: Layer) -> int | None:
    """The width that a layer gives, where it is known."""
    value = layer.constant(layer.kind.units) if layer.kind.units else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def apply_callable(machine: Machine, layer: Value, arguments: Arguments, at: int) -> Value:
    """Call a layer, a container of layers or a model of a library."""
    given = arguments.first("inputs", "input", "x", "query", "hidden_states", "pixel_values", "input_ids")
    if given is None:
        given = Unknown() if not isinstance(layer, Backbone) else Tensor(maker=Maker("input", ""))
    return apply(machine, layer, given, at, arguments)


def apply(machine: Machine, layer: Value, given: Value, at: int, arguments: Arguments | None = None) -> Value:
    """Apply something that takes a tensor, for each value that the layer and the tensor can have."""
    site = machine.site(at)

    def single(one: Value, value: Value) -> Value:
        match one:
            case Layer():
                return apply_layer(machine, one, value, site)
            case Container():
                return containers.apply(machine, one, value, at)
            case Model():
                return keras_models.apply(machine, one, value, at)
            case Backbone():
                return ready_made.apply(machine, one, value, at)
            case Part():
                return Tensor(maker=Maker("layer", "", site))
            case _:
                return machine.call(one, Arguments((value,)) if arguments is None else arguments, at)

    return machine.state.distribute([layer, given], single)


def apply_layer(machine: Machine, layer: Layer, value: Value, site: Site) -> Value:
    """Apply one layer to one value."""
    replaced = machine.read(layer, "forward")
    if replaced is not None:
        return Unknown()
    if layer.kind.effect in ("concatenate", "add", "merge"):
        return _merge(machine, layer, value, site)
    if layer.kind.effect == "attention":
        return _attention(machine, layer, value, site)
    tensor = operation.tensor_of(machine, value)
    if tensor is None:
        return _unusual_input(machine, layer, value, site)
    output = _EFFECTS[layer.kind.effect](machine, layer, tensor, site)
    if isinstance(output, Tensor):
        machine.emit(LayerApplied, site, layer=layer, input=tensor, output=output, in_container=machine.in_container)
        if layer.kind.effect != "activation":
            output = _with_own_activation(machine, layer, output, site)
        machine.state.write(layer, "last output", output)
    return output


def _unusual_input(machine: Machine, layer: Layer, value: Value, site: Site) -> Value:
    match value:
        case TupleValue(items) if items:
            return apply_layer(machine, layer, items[0], site)
        case Choice():
            return machine.state.distribute([value], lambda one: apply_layer(machine, layer, one, site))
        case _:
            return Unknown()


def _maker(layer: Layer, site: Site, note: str = "") -> Maker:
    return Maker("layer", layer.kind.name, site, layer.site, layer, note)


def _with_own_activation(machine: Machine, layer: Layer, output: Tensor, site: Site) -> Value:
    """What Keras and TensorFlow layers do at their end when they are told an activation."""
    given = layer.arguments.get("activation", layer.arguments.get("activation_fn"))
    if layer.kind.framework == "torch" or layer.kind.effect.startswith(("recurrent", "bidirectional", "lambda")):
        return output
    if given is None:
        return output if not layer.kind.activation else _activated(machine, layer, output, layer.kind.activation, site)
    return machine.state.distribute([given], lambda one: activate_by_value(machine, layer, output, one, site))


def _activated(machine: Machine, layer: Layer, output: Tensor, effect: str, site: Site) -> Tensor:
    name = f"keras.activations.{effect}" if layer.kind.framework == "keras" else effect
    return operation.activate(machine, output, effect, site, name, -1, False, layer.site, layer)


def activate_by_value(machine: Machine, layer: Layer, output: Tensor, activation: Value, site: Site) -> Value:
    """Apply what stands at ``activation=``."""
    match activation:
        case Constant(None):
            return output
        case Constant(str() as text):
            effect = keras.ACTIVATIONS.get(text) or _effect_of_class(text)
            if effect is None:
                return output.derive(domain=Domain.UNKNOWN, maker=_maker(layer, site))
            activated = _activated(machine, layer, output, effect, site)
            if activation.assumptions and activated is not output:
                activated = activated.derive(
                    assumptions=activated.assumptions | activation.assumptions, inputs=activated.inputs
                )
            return activated
        case FrameworkName(path) if (
            path in registry.OPERATIONS and registry.OPERATIONS[path].effect in registry.ACTIVATION_EFFECTS
        ):
            return _activated(machine, layer, output, registry.OPERATIONS[path].effect, site)
        case FrameworkName(path) if path in registry.LAYERS and registry.LAYERS[path].effect == "activation":
            return _activated(machine, layer, output, registry.LAYERS[path].activation, site)
        case FrameworkName(path) if (
            registry.OPERATIONS.get(path) is not None and registry.OPERATIONS[path].effect == "identity"
        ):
            return output
        case Unknown() | FrameworkName():
            return output.derive(domain=Domain.UNKNOWN, maker=_maker(layer, site))
        case _:
            return machine.call_with(activation, output)


def _effect_of_class(name: str) -> str | None:
    """Keras 2 also takes the class names of its activation layers."""
    kind = registry.LAYERS.get(f"keras.layers.{name}")
    return kind.activation if kind is not None and kind.effect == "activation" else None


Effect = Callable[["Machine", Layer, Tensor, Site], Value]


def _dense(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    return Tensor(
        Domain.LINEAR,
        tensor.shape.with_last(units_of(layer)),
        _maker(layer, site),
        (tensor,),
        attached=not machine.without_gradient,
        cut=site if machine.without_gradient else None,
        assumptions=_assumptions(layer, layer.kind.units),
        seen=True,
        symbolic=tensor.symbolic,
    )


def _assumptions(layer: Layer, parameter: str) -> frozenset[Assumption]:
    match layer.arguments.get(parameter):
        case Constant(assumptions=assumptions):
            return assumptions
        case _:
            return frozenset()


def _convolution(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    units = units_of(layer)
    rank = layer.kind.spatial + 2
    spatial = (None,) * layer.kind.spatial
    dims = (None, units, *spatial) if layer.kind.framework == "torch" else (None, *spatial, units)
    if layer.constant("data_format", "channels_last") != "channels_last":
        dims = (None,) * rank
    return Tensor(
        Domain.LINEAR,
        Shape(dims),
        _maker(layer, site),
        (tensor,),
        attached=not machine.without_gradient,
        symbolic=tensor.symbolic,
    )


def _norm(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    domain = Domain.LINEAR if tensor.domain is Domain.LINEAR else Domain.UNKNOWN
    return tensor.derive(domain=domain, maker=_maker(layer, site, "norm"), axis=None, heads=())


def _same(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    return tensor.derive(domain=Domain.UNKNOWN, maker=_maker(layer, site), axis=None, heads=())


def _dropout(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    return tensor.derive(maker=_maker(layer, site, "dropout"))


def _identity(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    return tensor


def _flatten(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    start, end = layer.constant("start_dim", 1), layer.constant("end_dim", -1)
    known = isinstance(start, int) and isinstance(end, int)
    shape = shapes.flattened(tensor.shape, start, end) if known else ANY_SHAPE
    return tensor.derive(shape=shape, maker=_maker(layer, site, "flatten"), axis=None, domain=_features(tensor))


def _features(tensor: Tensor) -> Domain:
    """What a feature map's numbers are once they are rearranged: those of a dense layer stay scores."""
    return tensor.domain


def _any_shape(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    return tensor.derive(shape=ANY_SHAPE, maker=_maker(layer, site), axis=None, heads=())


def _resize(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    if layer.kind.framework == "torch":
        return tensor.derive(shape=shapes.resized(tensor.shape), maker=_maker(layer, site), heads=())
    dims = tensor.shape.dims
    shape = Shape((dims[0], *(None,) * (len(dims) - 2), dims[-1])) if dims and len(dims) > 2 else tensor.shape
    return tensor.derive(shape=shape, maker=_maker(layer, site), heads=())


def _pool(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    resize = {"pool": _resize, "adaptive_pool": _adaptive_pool, "global_pool": _global_pool}[layer.kind.effect]
    output = resize(machine, layer, tensor, site)
    if isinstance(output, Tensor) and output.domain is not Domain.LINEAR:
        return output.derive(domain=Domain.UNKNOWN, inputs=output.inputs)
    return output


def _adaptive_pool(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    sizes = shapes.sizes_of(machine, layer.arguments.get("output_size"))
    return tensor.derive(shape=shapes.resized(tensor.shape, sizes), maker=_maker(layer, site, "pool"), heads=())


def _global_pool(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    if layer.constant("keepdims", False) is not False:
        return tensor.derive(shape=ANY_SHAPE, maker=_maker(layer, site, "pool"))
    return tensor.derive(shape=Shape((None, tensor.shape.units)), maker=_maker(layer, site, "pool"), heads=())


def _reshape(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    sizes = shapes.sizes_of(machine, layer.arguments.get("target_shape"))
    shape = Shape((None, *(size if size is None or size > 0 else None for size in sizes))) if sizes else ANY_SHAPE
    return tensor.derive(shape=shape, maker=_maker(layer, site, "reshape"), axis=None, heads=())


def _repeat_vector(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    count = layer.constant("n")
    return tensor.derive(
        shape=Shape((None, count if isinstance(count, int) else None, tensor.shape.units)),
        maker=_maker(layer, site),
        heads=(),
    )


def _embedding(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    units = units_of(layer)
    shape = Shape((*tensor.shape.dims, units)) if tensor.shape.dims is not None else Shape(None, units)
    return Tensor(Domain.UNKNOWN, shape, _maker(layer, site), (tensor,), attached=not machine.without_gradient)


def _embedding_bag(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    return Tensor(Domain.UNKNOWN, Shape((None, units_of(layer))), _maker(layer, site), (tensor,))


def _recurrent(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    units = units_of(layer)
    maker = _maker(layer, site, "recurrent")
    if layer.kind.framework == "keras":
        return _keras_recurrent(layer, tensor, units, maker)
    width = units
    if layer.constant("bidirectional", False) is not False:
        width = units * 2 if units is not None and layer.constant("bidirectional") is True else None
    output = Tensor(Domain.UNKNOWN, Shape((None, None, width)), maker, (tensor,), attached=not machine.without_gradient)
    machine.emit(LayerApplied, site, layer=layer, input=tensor, output=output)
    hidden = Tensor(Domain.UNKNOWN, Shape((None, None, units)), maker, (tensor,), attached=not machine.without_gradient)
    return TupleValue((output, TupleValue((hidden, hidden)) if layer.kind.short_name == "LSTM" else hidden))


def _keras_recurrent(layer: Layer, tensor: Tensor, units: int | None, maker: Maker) -> Value:
    sequences = layer.constant("return_sequences", False)
    shape = ANY_SHAPE
    if isinstance(sequences, bool):
        shape = Shape((None, None, units)) if sequences else Shape((None, units))
    output = Tensor(Domain.UNKNOWN, shape, maker, (tensor,), symbolic=tensor.symbolic)
    if layer.constant("return_state", False) is not False:
        return Unknown()
    return output


def _recurrent_cell(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    return Tensor(Domain.UNKNOWN, Shape((None, units_of(layer))), _maker(layer, site), (tensor,))


def _recurrent_cell_pair(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    hidden = _recurrent_cell(machine, layer, tensor, site)
    return TupleValue((hidden, hidden))


def _attention(machine: Machine, layer: Layer, value: Value, site: Site) -> Value:
    tensor = operation.tensor_of(machine, value) or Tensor()
    output = Tensor(Domain.UNKNOWN, tensor.shape, _maker(layer, site), (tensor,), symbolic=tensor.symbolic)
    if layer.kind.framework == "torch":
        return TupleValue((output, Tensor(maker=_maker(layer, site, "attention weights"))))
    return output


def _activation(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    if layer.kind.name == "keras.layers.Activation":
        return machine.state.distribute(
            [layer.arguments.get("activation", Unknown())],
            lambda one: activate_by_value(machine, layer, tensor, one, site),
        )
    parameter = "dim" if layer.kind.framework == "torch" else "axis"
    value = layer.arguments.get(parameter)
    given = value is not None and value != Constant(None)
    axis = None if given or layer.kind.framework == "torch" else -1
    if isinstance(value, Constant) and isinstance(value.value, int):
        axis = value.value
    return operation.activate(
        machine, tensor, layer.kind.activation, site, layer.kind.name, axis, given, layer.site, layer
    )


def _bidirectional(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    inner = machine.state.narrow(layer.arguments.get("layer", Unknown()))
    if not isinstance(inner, Layer):
        return Tensor(maker=_maker(layer, site), inputs=(tensor,), symbolic=tensor.symbolic)
    output = apply_layer(machine, inner, tensor, site)
    if not isinstance(output, Tensor):
        return Unknown()
    doubled = (
        output.shape.units * 2
        if output.shape.units is not None and layer.constant("merge_mode", "concat") == "concat"
        else None
    )
    return output.derive(shape=output.shape.with_last(doubled), maker=_maker(layer, site, "recurrent"))


def _time_distributed(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    inner = layer.arguments.get("layer", Unknown())
    without_time = tensor.derive(shape=Shape(None, tensor.shape.units))
    output = apply(machine, inner, without_time, site.at)
    if not isinstance(output, Tensor):
        return Unknown()
    return output.derive(shape=Shape(None, output.shape.units), maker=output.maker, inputs=output.inputs)


def _lambda(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    function = layer.arguments.get("function")
    return Unknown() if function is None else machine.call_with(function, tensor)


def _merge(machine: Machine, layer: Layer, value: Value, site: Site) -> Value:
    items = iteration.known_items(machine, value) if not isinstance(value, Tensor) else None
    if items is None:
        return Tensor(maker=_maker(layer, site), symbolic=True)
    if layer.kind.effect == "concatenate":
        axis = layer.constant("axis", -1)
        return reshaping.join_tensors(
            machine, items, axis if isinstance(axis, int) else -1, layer.kind.name, site, layer
        )
    if layer.kind.effect == "add":
        return arithmetic.add_all(machine, items, layer.kind.name, site)
    parts = tuple(part for item in items if (part := operation.tensor_of(machine, item)) is not None)
    return Tensor(maker=_maker(layer, site), inputs=parts, symbolic=True)


_EFFECTS: dict[str, Effect] = {
    "dense": _dense,
    "bilinear": _dense,
    "convolution": _convolution,
    "norm": _norm,
    "layer_norm": _norm,
    "same_shape": _same,
    "hidden_same_shape": _same,
    "dropout": _dropout,
    "dropout_noise": _dropout,
    "identity": _identity,
    "input": _identity,
    "flatten": _flatten,
    "unknown_shape": _any_shape,
    "resize": _resize,
    "pool": _pool,
    "adaptive_pool": _pool,
    "global_pool": _pool,
    "reshape_layer": _reshape,
    "repeat_vector": _repeat_vector,
    "embedding": _embedding,
    "embedding_bag": _embedding_bag,
    "recurrent": _recurrent,
    "recurrent_cell": _recurrent_cell,
    "recurrent_cell_pair": _recurrent_cell_pair,
    "activation": _activation,
    "bidirectional": _bidirectional,
    "time_distributed": _time_distributed,
    "lambda": _lambda,
}
