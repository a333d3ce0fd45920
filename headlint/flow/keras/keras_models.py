"""Keras models: Sequential, functional and subclassed ones, what they give, and the methods that train and use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.keras import compilation
from headlint.flow.layers import containers
from headlint.flow.machine.parts import tensors_of
from headlint.flow.python import iteration
from headlint.flow.tensors import shapes
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import Event, Head, RemovedCall, SeveralOutputs
from headlint.flow.values.library_values import Backbone, Layer, Model
from headlint.flow.values.python_values import (
    Constant,
    DictValue,
    Instance,
    ListValue,
    Site,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Origin, Shape, Tensor
from headlint.frameworks import keras

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

REMOVED_METHODS = frozenset({"predict_classes", "predict_proba"})
METHODS = frozenset(
    {"add", "pop", "compile", "fit", "fit_generator", "train_on_batch", "evaluate", "evaluate_generator", "predict"}
    | {"predict_generator", "predict_on_batch", "call", "summary", "get_layer", "save", "save_weights", "load_weights"}
    | {"add_loss", "add_metric", "add_weight", "build", "get_config", "test_on_batch", "set_weights"}
    | REMOVED_METHODS
)


def sequential(machine: Machine, arguments: Arguments, at: int) -> Model:
    """``Sequential([…])``."""
    given = machine.state.narrow(arguments.first("layers") or Constant(None))
    items: tuple[Value, ...] = ()
    approximate = False
    if isinstance(given, ListValue):
        items, approximate = iteration.slot_items(machine, given) or (), given.approximate
    elif isinstance(given, TupleValue):
        items = given.items
    elif given != Constant(None):
        approximate = True
    model = Model("sequential", {"items": TupleValue(items)}, machine.site(at))
    model.approximate = approximate
    return model


def functional(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``Model(inputs=…, outputs=…)``."""
    bound = arguments.bind(("inputs", "outputs"))
    outputs = bound.get("outputs", bound.get("output"))
    inputs = bound.get("inputs", bound.get("input", Unknown()))
    if outputs is None:
        return Unknown()
    if len(several := tuple(tensors_of(machine.state.narrow(outputs)))) > 1:
        machine.emit(SeveralOutputs, machine.site(at), outputs=several)
    return Model("functional", {"inputs": inputs, "outputs": outputs}, machine.site(at))


def loaded(machine: Machine, arguments: Arguments, at: int) -> Model:
    """``load_model(…)``: a Keras model that nothing is known of but the layers that are added to it."""
    return unseen(machine.site(at))


def unseen(site: Site) -> Model:
    """A model that was made where nobody can look; slot ``items`` are the layers that the program adds to it."""
    return Model("loaded", {"items": TupleValue(()), "outputs": Unknown()}, site)


def input_tensor(machine: Machine, arguments: Arguments, at: int) -> Tensor:
    """``Input(shape=…)``."""
    bound = arguments.bind(("shape", "batch_size"))
    sizes = shapes.sizes_of(machine, bound.get("shape"))
    whole = shapes.sizes_of(machine, bound.get("batch_shape") or bound.get("batch_input_shape"))
    dims = (None, *sizes) if sizes is not None else whole
    return Tensor(
        Domain.UNKNOWN,
        Shape(dims) if dims else ANY_SHAPE,
        Origin("input", "keras.Input", machine.site(at)),
        symbolic=True,
    )


def _first_input(machine: Machine, members: tuple[Value, ...]) -> Tensor:
    """What goes into a Sequential, as far as its first layer says."""
    start = Tensor(origin=Origin("input", "keras.Input"), symbolic=True)
    if not members:
        return start
    match machine.state.narrow(members[0]):
        case Layer() as layer:
            arguments = layer.arguments
            sizes = shapes.sizes_of(
                machine, arguments.get("input_shape") or arguments.get("shape") or arguments.get("input_dim")
            )
            if layer.kind.effect == "embedding":
                return Tensor(Domain.UNKNOWN, Shape((None, None)), start.origin, symbolic=True)
            whole = shapes.sizes_of(machine, arguments.get("batch_input_shape") or arguments.get("batch_shape"))
            dims = (None, *sizes) if sizes is not None else whole
            return Tensor(Domain.UNKNOWN, Shape(dims), start.origin, symbolic=True) if dims else start
        case _:
            return start


def outputs(machine: Machine, model: Value, at: int) -> Value:
    """What a model gives back in training."""
    match model:
        case Model():
            return apply(machine, model, None, at)
        case Instance():
            inner = machine.read(model, "functional model")
            if inner is not None:
                return outputs(machine, inner, at)
            given = Tensor(origin=Origin("input", "keras.Input"), symbolic=True)
            return machine.call(model, Arguments((given,)), at)
        case Backbone():
            return _scores_of(machine, machine.call(model, Arguments((Tensor(symbolic=True),)), at))
        case _:
            return Unknown()


def _scores_of(machine: Machine, output: Value) -> Value:
    """What the loss takes of an output that holds more than the scores (``TFPreTrainedModel.train_step``)."""
    scores = machine.read(output, "logits") if isinstance(output, DictValue) else None
    return scores or output


def apply(machine: Machine, model: Model, value: Value | None, at: int) -> Value:
    """Call a model on something, or on what its first layer takes."""
    items = machine.read(model, "items")
    if model.kind == "functional" or (model.kind == "loaded" and items == TupleValue(())):
        return machine.read(model, "outputs") or Unknown()
    if items is None:
        return Tensor(symbolic=True)
    return machine.state.distribute([_with_heads(items)], lambda one: _run_through(machine, model, one, value, at))


def _with_heads(items: Value) -> Value:
    """The rows of layers a model may have, without the one that several branches only add their own heads to."""
    if not isinstance(items, Choice):
        return items
    rows = [option.value.items for option in items.options if isinstance(option.value, TupleValue)]
    longer = {row: sum(other[: len(row)] == row for other in rows) for row in rows}
    kept = [one for one in items.options if not (isinstance(one.value, TupleValue) and longer[one.value.items] > 2)]
    return Choice(tuple(kept)) if len(kept) > 1 else items


def _run_through(machine: Machine, model: Model, items: Value, value: Value | None, at: int) -> Value:
    members = items.items if isinstance(items, TupleValue) else ()
    if not isinstance(items, TupleValue) or (model.approximate and not members):
        return Tensor(symbolic=True)
    if model.kind == "loaded" or members[:1] == (_UNSEEN,):
        value, members = Tensor(symbolic=True), tuple(member for member in members if member is not _UNSEEN)
    start = value if value is not None else _first_input(machine, members)
    return containers.run_through(
        machine, tuple(member for member in members if not isinstance(member, Tensor)), start, at
    )


_UNSEEN = Unknown("the first layers of a model")
"""What stands before the layers that are known, where there are too many ways to have come there."""


def add(machine: Machine, model: Model, value: Value) -> None:
    """``model.add(layer)``, behind each row of layers that the model may have by then."""
    machine.growth += 1
    if machine.frames.repeats(model):
        model.approximate = True
    if isinstance(value, Choice) and machine.state.path:
        value = machine.state.narrow(value)
    before = machine.read(model, "items") or Unknown()
    after = machine.state.distribute([before], lambda items: TupleValue((*_members(items), value)))
    machine.state.write(model, "items", after)


def _members(items: Value) -> tuple[Value, ...]:
    return items.items if isinstance(items, TupleValue) else (_UNSEEN,)


def _take_off(machine: Machine, model: Model) -> Value:
    """``model.pop()``."""
    members = iteration.slot_items(machine, model) or ()
    if members:
        machine.state.write(model, "items", TupleValue(members[:-1]))
    for layer in members[-1:]:
        if isinstance(layer, Layer):
            layer.removed = True
    return members[-1] if members else Unknown()


def call_method(machine: Machine, model: Value, name: str, arguments: Arguments, at: int) -> Value:
    """A method of a Keras model."""
    site = machine.site(at)
    match name:
        case "add" if isinstance(model, Model):
            layer = arguments.first("layer")
            if layer is not None:
                add(machine, model, layer)
            return Constant(None)
        case "pop" if isinstance(model, Model):
            return _take_off(machine, model)
        case "add" | "pop":
            inner = machine.read(model, "functional model") if isinstance(model, Instance) else None
            return call_method(machine, inner, name, arguments, at) if isinstance(inner, Model) else Unknown()
        case "compile":
            machine.note_event(Event.COMPILED, site, model)
            compilation.compile_model(machine, model, arguments, at)
            return Constant(None)
        case "fit" | "fit_generator" | "train_on_batch":
            machine.note_event(Event.FITTED, site, model)
            compilation.fit(machine, model, arguments, site)
            return Unknown()
        case "load_weights" | "set_weights":
            machine.note_event(Event.RESTORED, site, model)
            return Unknown()
        case "predict" | "predict_on_batch" | "predict_generator":
            machine.note_event(Event.PREDICTED, site, model)
            return _predictions(machine, outputs(machine, model, at), site)
        case "predict_classes" | "predict_proba":
            output = outputs(machine, model, at)
            for option in machine.state.alternatives(output):
                machine.emit(RemovedCall, site, method=name, output=option.value)
            return Unknown()
        case "call" | "__call__":
            return machine.call(model, arguments, at)
        case "add_weight":
            sizes = shapes.sizes_of(machine, arguments.get("shape"))
            return Tensor(shape=Shape(sizes) if sizes else ANY_SHAPE, origin=Origin("variable", name, site))
        case "get_layer":
            return _some_layers(machine, model).child(("call", site))
        case "__init__" if isinstance(model, Instance):
            inner = functional(machine, arguments, at) if len(arguments) >= 2 else None
            if isinstance(inner, Model):
                machine.state.write(model, "functional model", inner)
            return Constant(None)
        case _:
            return Unknown()


def _some_layers(machine: Machine, model: Value) -> Unknown:
    """Layers of a model, nobody knows which."""
    return machine.globals.child((model, "layers"))


def _predictions(machine: Machine, output: Value, site: Site) -> Value:
    def single(value: Value) -> Value:
        match value:
            case Tensor():
                return value.derive(attached=False, cut=site, origin=Origin("call", "predict", site, note="predict"))
            case TupleValue(items):
                return TupleValue(tuple(single(item) for item in items))
            case ListValue():
                return TupleValue(tuple(single(item) for item in iteration.slot_items(machine, value) or ()))
            case _:
                return Unknown()

    return machine.state.distribute([output], single)


def attribute(machine: Machine, model: Model, name: str) -> Value | None:
    """An attribute of a Keras model, or None where it is a method or not followed."""
    match name:
        case "layers" if model.kind == "sequential":
            members = iteration.slot_items(machine, model) or ()
            return ListValue(tuple(one for one in members if not isinstance(one, Tensor)), model.approximate)
        case "layers":
            return _some_layers(machine, model)
        case "output" | "outputs":
            return outputs(machine, model, 0)
        case "input" | "inputs":
            return machine.read(model, "inputs") or Tensor(origin=Origin("input", "keras.Input"), symbolic=True)
        case "trainable_variables" | "trainable_weights":
            return machine.globals.child((model, name))
        case _ if name in METHODS:
            return None
        case _:
            return Unknown()


def application(machine: Machine, name: str, arguments: Arguments, at: int) -> Backbone:
    """A model of ``keras.applications``."""
    bound = arguments.bind(("include_top", "weights", "input_tensor", "input_shape", "pooling", "classes"))
    site = machine.site(at)
    classes = bound.get("classes", Constant(1000))
    backbone = Backbone(f"keras.applications.{name}", site, None, ())
    origin = Origin("layer", backbone.name, site, site)
    match bound.get("include_top", Constant(True)):
        case Constant(value) if value:
            units = classes.value if isinstance(classes, Constant) and isinstance(classes.value, int) else None
            activation = bound.get("classifier_activation", Constant("softmax"))
            effect = keras.ACTIVATIONS.get(str(activation.value)) if isinstance(activation, Constant) else ""
            domain = {"softmax": Domain.SOFTMAX, "sigmoid": Domain.SIGMOID}.get(effect or "linear", Domain.LINEAR)
            output = Tensor(
                domain if effect != "" else Domain.UNKNOWN, Shape((None, units)), origin, axis=-1, symbolic=True
            )
        case Constant():
            pooled = bound.get("pooling", Constant(None))
            match pooled:
                case Constant(None):
                    shape = Shape((None, None, None, None))
                case Constant():
                    shape = Shape((None, None))
                case _:
                    shape = ANY_SHAPE
            output = Tensor(Domain.UNKNOWN, shape, origin, symbolic=True)
        case _:
            output = Tensor(origin=origin, symbolic=True)
    backbone.slots[("output",)] = output
    backbone.slots[("input",)] = Tensor(origin=Origin("input", "keras.Input"), symbolic=True)
    return backbone


def note_head(machine: Machine, output: Value, site: Site) -> None:
    """Tell what a compiled model gives."""
    machine.emit(Head, site, output=output)
