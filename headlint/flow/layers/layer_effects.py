"""What each kind of layer does to a tensor: what the numbers mean behind it, and their shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.layers import layer_activations
from headlint.flow.python import iteration
from headlint.flow.tensors import arithmetic, axes, concatenation, operation, sequences, shapes
from headlint.flow.tensors.reshaping import SAME_WHEN_POOLED
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Choice
from headlint.flow.values.library_values import Layer, width_of
from headlint.flow.values.python_values import Constant, Site, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

Effect = Callable[["Machine", Layer, Tensor, Site], Value]


def _dense(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    return _for_each_width(machine, layer, lambda width: _scores(machine, layer, tensor, site, width))


def _for_each_width(machine: Machine, layer: Layer, output: Callable[[Value], Value]) -> Value:
    """What a layer gives; one unit or several is often chosen by the same condition as the activation and the loss."""
    width = layer.arguments.get(layer.kind.units)
    if isinstance(width, Choice) and any(width_of(option.value) == 1 for option in width.options):
        return machine.state.distribute([width], output)
    return output(width or Unknown())


def _scores(machine: Machine, layer: Layer, tensor: Tensor, site: Site, width: Value) -> Value:
    return Tensor(
        Domain.LINEAR,
        tensor.shape.with_last(width_of(width)),
        layer.origin(site),
        (tensor,),
        attached=not machine.without_gradient,
        cut=site if machine.without_gradient else None,
        assumptions=width.assumptions if isinstance(width, Constant) else frozenset(),
        seen=True,
        symbolic=tensor.symbolic,
    )


def _graph(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    """A convolution on a graph: scores for each node, whose rows are those that it was given."""
    rows = tensor if tensor.shape.rank is not None else replace(tensor, shape=Shape((None, tensor.shape.units)))
    scores = _scores(machine, layer, rows, site, layer.arguments.get(layer.kind.units) or Unknown())
    return replace(scores, inputs=(tensor,)) if isinstance(scores, Tensor) else scores


def _convolution(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    if sequences.has_windows(layer):
        sequences.note_window(machine, tensor, site)
    return _for_each_width(machine, layer, lambda width: _feature_map(machine, layer, tensor, site, width_of(width)))


def _feature_map(machine: Machine, layer: Layer, tensor: Tensor, site: Site, units: int | None) -> Value:
    rank = layer.kind.spatial + 2
    before = tensor.shape.dims if tensor.shape.dims is not None and len(tensor.shape.dims) == rank else (None,) * rank
    of_torch = layer.kind.framework == "torch"
    keeps = of_torch and _keeps_sizes(layer)
    spatial = before[2:] if keeps else (None,) * layer.kind.spatial
    dims = (before[0], units, *spatial) if of_torch else (before[0], *spatial, units)
    if layer.constant("data_format", "channels_last") != "channels_last":
        dims = (None,) * rank
    return Tensor(
        Domain.LINEAR,
        Shape(dims),
        layer.origin(site),
        (tensor,),
        attached=not machine.without_gradient,
        symbolic=tensor.symbolic,
        kept=axes.all_but(1, rank) if keeps else (),
    )


def _keeps_sizes(layer: Layer) -> bool:
    """Whether a convolution gives as many rows and columns as it takes: by its padding, or as it looks at single points."""
    if "Transpose" in layer.kind.name or layer.constant("stride", 1) not in (1, (1, 1), (1, 1, 1)):
        return False
    kernel, padding, dilation = (layer.constant(name, default) for name, default in _WINDOW)
    if padding == "same":
        return True
    return all(isinstance(one, int) for one in (kernel, padding, dilation)) and 2 * padding == dilation * (kernel - 1)


_WINDOW = (("kernel_size", None), ("padding", 0), ("dilation", 1))


def _norm(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    domain = Domain.LINEAR if tensor.domain is Domain.LINEAR else Domain.UNKNOWN
    return tensor.derive(domain=domain, origin=layer.origin(site, "norm"), axis=None, heads=())


def _same(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    return tensor.derive(domain=Domain.UNKNOWN, origin=layer.origin(site), axis=None, heads=())


def _same_sequence(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    """Layers of a transformer: they take batches of sequences, if nothing else is known."""
    output = _same(machine, layer, tensor, site)
    if layer.kind.framework != "torch" or not isinstance(output, Tensor) or output.shape.rank is not None:
        return output
    return replace(output, shape=Shape((None, None, output.shape.units)))


def _dropout(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    return tensor.derive(origin=layer.origin(site, "dropout"))


def _identity(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    return tensor


def _flatten(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    start, end = layer.constant("start_dim", 1), layer.constant("end_dim", -1)
    known = isinstance(start, int) and isinstance(end, int)
    if (start, end) == (1, -1):
        sequences.note_joined(machine, tensor, site)
    shape = shapes.flattened(tensor.shape, start, end) if known else ANY_SHAPE
    return tensor.derive(shape=shape, origin=layer.origin(site, "flatten"), axis=None, domain=_features(tensor))


def _features(tensor: Tensor) -> Domain:
    """What a feature map's numbers are once they are rearranged: those of a dense layer stay scores."""
    return tensor.domain


def _any_shape(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    return tensor.derive(shape=ANY_SHAPE, origin=layer.origin(site), axis=None, heads=())


def _resize(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    if layer.kind.framework == "torch":
        return tensor.derive(shape=shapes.resized(tensor.shape), origin=layer.origin(site), heads=())
    dims = tensor.shape.dims
    shape = Shape((dims[0], *(None,) * (len(dims) - 2), dims[-1])) if dims and len(dims) > 2 else tensor.shape
    return tensor.derive(shape=shape, origin=layer.origin(site), heads=())


def _pool(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    if sequences.has_windows(layer):
        sequences.note_window(machine, tensor, site)
    resize = {"pool": _resize, "adaptive_pool": _adaptive_pool, "global_pool": _global_pool}[layer.kind.effect]
    output = resize(machine, layer, tensor, site)
    if isinstance(output, Tensor) and output.domain not in SAME_WHEN_POOLED:
        return output.derive(domain=Domain.UNKNOWN, inputs=output.inputs)
    return output


def _adaptive_pool(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    sizes = shapes.sizes_of(machine, layer.arguments.get("output_size"))
    return tensor.derive(shape=shapes.resized(tensor.shape, sizes), origin=layer.origin(site, "pool"), heads=())


def _global_pool(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    if layer.constant("keepdims", False) is not False:
        return tensor.derive(shape=ANY_SHAPE, origin=layer.origin(site, "pool"))
    return tensor.derive(shape=Shape((None, tensor.shape.units)), origin=layer.origin(site, "pool"), heads=())


def _reshape(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    sizes = shapes.sizes_of(machine, layer.arguments.get("target_shape"))
    shape = Shape((None, *(size if size is None or size > 0 else None for size in sizes))) if sizes else ANY_SHAPE
    return tensor.derive(shape=shape, origin=layer.origin(site, "reshape"), axis=None, heads=())


def _repeat_vector(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    count = layer.constant("n")
    return tensor.derive(
        shape=Shape((None, count if isinstance(count, int) else None, tensor.shape.units)),
        origin=layer.origin(site),
        heads=(),
    )


def _embedding(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    units = layer.units
    shape = Shape((*tensor.shape.dims, units)) if tensor.shape.dims is not None else Shape(None, units)
    return Tensor(Domain.UNKNOWN, shape, layer.origin(site), (tensor,), attached=not machine.without_gradient)


def _embedding_bag(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    return Tensor(Domain.UNKNOWN, Shape((None, layer.units)), layer.origin(site), (tensor,))


def _keras_recurrent(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    units = layer.units
    sequences = layer.constant("return_sequences", False)
    shape = ANY_SHAPE
    if isinstance(sequences, bool):
        shape = Shape((None, None, units)) if sequences else Shape((None, units))
    origin = layer.origin(site, "recurrent")
    output = Tensor(Domain.UNKNOWN, shape, origin, (tensor,), symbolic=tensor.symbolic)
    if layer.constant("return_state", False) is not False:
        return Unknown()
    return output


def _recurrent_cell(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    return Tensor(Domain.UNKNOWN, Shape((None, layer.units)), layer.origin(site), (tensor,))


def _recurrent_cell_pair(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    hidden = _recurrent_cell(machine, layer, tensor, site)
    return TupleValue((hidden, hidden))


def attention(machine: Machine, layer: Layer, value: Value, site: Site, others: tuple[Tensor, ...] = ()) -> Value:
    """Attention, which also gives its weights in PyTorch; ``others`` are keys and values."""
    tensor = operation.tensor_of(machine, value) or Tensor()
    inputs = (tensor, *(other for other in others if other is not tensor))
    output = Tensor(Domain.UNKNOWN, tensor.shape, layer.origin(site), inputs, symbolic=tensor.symbolic)
    if layer.kind.framework == "torch":
        machine.note_applied(site, layer=layer, input=tensor, output=output)
        return TupleValue((output, Tensor(origin=layer.origin(site, "attention weights"))))
    return output


def _activation(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    if layer.kind.name == "keras.layers.Activation":
        return machine.state.distribute(
            [layer.arguments.get("activation", Unknown())],
            lambda one: layer_activations.activate_by_value(machine, layer, tensor, one, site),
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
        return Tensor(origin=layer.origin(site), inputs=(tensor,), symbolic=tensor.symbolic)
    output = machine.call(inner, Arguments((tensor,)), site.at)
    if not isinstance(output, Tensor):
        return Unknown()
    doubled = (
        output.shape.units * 2
        if output.shape.units is not None and layer.constant("merge_mode", "concat") == "concat"
        else None
    )
    return output.derive(shape=output.shape.with_last(doubled), origin=layer.origin(site, "recurrent"))


def _time_distributed(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    inner = layer.arguments.get("layer", Unknown())
    without_time = tensor.derive(shape=Shape(None, tensor.shape.units))
    output = machine.call(inner, Arguments((without_time,)), site.at)
    if not isinstance(output, Tensor):
        return Unknown()
    return output.derive(shape=Shape(None, output.shape.units), origin=output.origin, inputs=output.inputs)


def _lambda(machine: Machine, layer: Layer, tensor: Tensor, site: Site) -> Value:
    return call_lambda(machine, layer, tensor)


def call_lambda(machine: Machine, layer: Layer, given: Value) -> Value:
    """Call the function of a ``Lambda`` with a tensor, or with several in a list."""
    function = layer.arguments.get("function")
    return Unknown() if function is None else machine.call_with(function, given)


def merge(machine: Machine, layer: Layer, value: Value, site: Site) -> Value:
    """A layer that makes one tensor of several."""
    items = iteration.known_items(machine, value) if not isinstance(value, Tensor) else None
    if items is None:
        return Tensor(origin=layer.origin(site), symbolic=True)
    if layer.kind.effect == "concatenate":
        axis = layer.constant("axis", -1)
        return concatenation.join_tensors(
            machine, items, axis if isinstance(axis, int) else -1, layer.kind.name, site, layer
        )
    if layer.kind.effect == "add":
        return arithmetic.add_all(machine, items, layer.kind.name, site)
    parts = tuple(part for item in items if (part := operation.tensor_of(machine, item)) is not None)
    return Tensor(origin=layer.origin(site), inputs=parts, symbolic=True)


EFFECTS: dict[str, Effect] = {
    "dense": _dense,
    "bilinear": _dense,
    "graph": _graph,
    "convolution": _convolution,
    "norm": _norm,
    "layer_norm": _norm,
    "same_shape": _same,
    "hidden_same_shape": _same_sequence,
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
    "recurrent": _keras_recurrent,
    "recurrent_cell": _recurrent_cell,
    "recurrent_cell_pair": _recurrent_cell_pair,
    "activation": _activation,
    "bidirectional": _bidirectional,
    "time_distributed": _time_distributed,
    "lambda": _lambda,
}
"""The function for each effect of the tables in ``headlint.frameworks`` that takes one tensor."""
