"""Calls into libraries: what a name of a framework, or a method of one of its things, does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.data import datasets, feeding
from headlint.flow.keras import keras_models, unseen_models
from headlint.flow.layers import containers, library_models, losses
from headlint.flow.libraries import (
    around_steps,
    children,
    declarations,
    joining,
    keras_wrappers,
    layers,
    search_spaces,
    tensorflow_calls,
    trainers,
    tuners,
)
from headlint.flow.machine.parts import BY_HAND
from headlint.flow.python import attributes, builtin_calls, collections_methods, computed_names, items, standard_library
from headlint.flow.tensors import creation, tensors
from headlint.flow.tensors.dtypes import type_name
from headlint.flow.torch_modules import dropout
from headlint.flow.training import automatic, modules, optimizers, parameters, unreadable
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Condition, Test
from headlint.flow.values.facts import Event
from headlint.flow.values.library_values import Backbone, Container, Dataset, Layer, Loss, Metric, Model, Parser, Part
from headlint.flow.values.python_values import (
    CLASS_NUMBER,
    TRAINING,
    ClassValue,
    Constant,
    DictValue,
    FrameworkMethod,
    FrameworkName,
    HeapObject,
    Instance,
    ListValue,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import IN_TRAINING, Optimizer, Scaler, Scheduler
from headlint.frameworks import keras, registry, tensorflow, torch
from headlint.frameworks.vocabulary import TENSOR_METHODS

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

SAME_VALUE_METHODS = frozenset({"to", "cuda", "cpu", "float", "double", "half", "train", "eval", "contiguous", "clone"})
"""Methods after which something unknown, a tensor or a model, is still the same."""

SAME_ANSWER_METHODS = frozenset({"lower", "upper", "strip", "casefold", "startswith", "endswith"})
"""Methods of texts, which give the same answer each time: two tests of it are one condition."""


HARMLESS_PACKAGES = frozenset(
    {
        "torch",
        "torchvision",
        "numpy",
        "tensorflow",
        "keras",
        "sklearn",
        "pandas",
        "math",
        "os",
        "random",
        "tqdm",
        "copy",
    }
    | {"itertools", "functools", "collections", "typing", "dataclasses", "operator", "torchmetrics", "builtins"}
)
"""Packages whose functions do no part of a training step, unless a table says so."""


def call_name(machine: Machine, path: str, arguments: Arguments, at: int) -> Value:
    """Call a function or class of a library."""
    extra = machine.read(machine.extras, tuple(path.rsplit(".", 1)))
    if isinstance(extra, FrameworkName):
        path = extra.path  # one name of a library under another: its own meaning, or two could call each other for ever
    elif extra is not None:
        return machine.call(extra, arguments, at)
    site = machine.site(at)
    if declarations.is_declared(machine, path):
        return declarations.call(machine, path, arguments, at)
    if path in registry.LAYERS:
        return layers.build(machine, registry.LAYERS[path], arguments, at)
    if path in registry.FUNCTION_LAYERS:
        layer = layers.make(machine, registry.FUNCTION_LAYERS[path], arguments, at)
        return layers.apply(machine, layer, layer.arguments.get("inputs", Unknown()), at)
    if path in registry.LOSSES:
        kind = registry.LOSSES[path]
        if kind.short_name[:1].isupper():
            return losses.build(machine, kind, arguments, at)
        return losses.use_function(machine, kind, arguments, site)
    if path in torch.ACTIVE_DROPOUTS:
        dropout.note_call(machine, path, arguments, at)
    if path in registry.OPERATIONS:
        return tensors.operate(machine, registry.OPERATIONS[path], arguments, site)
    if path in torch.CONTAINERS:
        return containers.build(machine, torch.CONTAINERS[path], arguments, at)
    if path in torch.WRAPPERS:
        wrapped = arguments.first("module", "model", "obj") or Unknown()
        if path.startswith("copy."):
            modules.note_copy(machine, wrapped)
            if isinstance(wrapped, Unknown):
                return wrapped.child(("copy", site))
        return wrapped
    if path in torch.NO_GRADIENT:
        return FrameworkName("torch.no_grad")
    if path in registry.TRAINERS:
        trainers.train(machine, registry.TRAINERS[path], arguments, at)
        return machine.globals.child((path, site))
    if (call := machine.libraries.calls.get(path)) is not None:
        return call(machine, arguments, at)
    return _by_family(machine, path, arguments, at)


def _by_family(machine: Machine, path: str, arguments: Arguments, at: int) -> Value:
    """Names that a whole module of a library shares the meaning of."""
    if (collected := parameters.collected(machine, path, arguments)) is not None:
        return collected
    package, _, name = path.rpartition(".")
    if package == "builtins":
        return builtin_calls.call(machine, name, arguments, at)
    if package == "torchvision.models":
        return library_models.torchvision(machine, path, arguments, at)
    if path.startswith("keras.applications.") and (name in keras.BACKBONES or name == "unknown_model"):
        return keras_models.application(machine, name, arguments, at)
    if package == "keras.metrics" and name[:1].isupper():
        return Metric(name, tuple(arguments.named.items()))
    if path.startswith(("segmentation_models_pytorch.", "smp.")) and (
        name in torch.SEGMENTATION_MODELS or name == "create_model"
    ):
        return library_models.segmentation(machine, path, arguments, at)
    if path.startswith("transformers.") and name == "from_pretrained" and "Classification" in path:
        return library_models.classifier(machine, path.removesuffix(".from_pretrained"), arguments, at)
    if path.startswith("transformers.") and name in ("Trainer", "Seq2SeqTrainer"):
        trainers.hugging_face(machine, arguments, at)
    if path.startswith("efficientnet_pytorch."):
        return library_models.efficientnet(machine, path, arguments, at)
    dataset = datasets.call(machine, path, arguments, at)
    if dataset is not None:
        return dataset
    part_of_training = optimizers.build(machine, path, arguments, at)
    return part_of_training if part_of_training is not None else _not_in_tables(machine, path, arguments, at)


def _not_in_tables(machine: Machine, path: str, arguments: Arguments, at: int) -> Value:
    """Something of a library that no table speaks of."""
    machine.parts.hand_on(*arguments.positional, *arguments.named.values())
    result = machine.globals.child((path, machine.site(at)))
    if path.partition(".")[0] not in HARMLESS_PACKAGES:
        unreadable.hand_over(machine, result, arguments, at)
        joining.note(machine, arguments, at)
    return result


def call_method(machine: Machine, receiver: Value, name: str, arguments: Arguments, at: int) -> Value:
    """Call a method of something of a library."""
    if name in modules.METHODS and modules.is_module(receiver):
        return modules.call_method(machine, receiver, name, arguments, at)
    match receiver:
        case Tensor():
            if name in feeding.METHODS:
                feeding.note(machine, arguments, machine.site(at))
            return tensors.call_method(machine, receiver, name, arguments, machine.site(at))
        case Instance():
            return _method_of_instance(machine, receiver, name, arguments, at)
        case Container():
            if name in torch.SAME_MODULE_METHODS:
                return receiver
            return containers.call_method(machine, receiver, name, arguments, at)
        case Backbone() if library_models.is_of_keras(receiver) and name in keras_models.METHODS:
            return keras_models.call_method(machine, receiver, name, arguments, at)
        case Layer() | Backbone():
            return _method_of_module(machine, receiver, name, arguments, at)
        case Part(backbone, steps):
            if name in ("add_module", "append", "register_module") and arguments.positional:
                machine.state.write(backbone, (*steps, "appended"), arguments.positional[-1])
            return receiver
        case Model():
            return keras_models.call_method(machine, receiver, name, arguments, at)
        case Loss():
            if name in ("forward", "__call__", "call"):
                return machine.call(receiver, arguments, at)
            if name in tensorflow_calls.METHODS and receiver.kind in tensorflow.HEADS.values():
                return tensorflow_calls.call_head(machine, receiver, arguments, at)
            return receiver
        case Optimizer() | Scheduler() | Scaler():
            return optimizers.call_method(machine, receiver, name, arguments, at)
        case Parser():
            return standard_library.parser_method(machine, receiver, name, arguments, at)
        case Dataset():
            return datasets.call_method(machine, receiver, name, arguments, at)
        case ListValue() | DictValue() | TupleValue() | Constant():
            return collections_methods.call(machine, receiver, name, arguments, at)
        case ClassValue():
            return _method_of_class(machine, receiver, name, arguments, at)
        case _:
            return Unknown()


def _method_of_instance(machine: Machine, instance: Instance, name: str, arguments: Arguments, at: int) -> Value:
    base = instance.cls.framework_base()
    if name == "__init__":
        return _initialize(machine, instance, base, arguments, at)
    if name in ("forward", "__call__", "call") and base in registry.LAYERS:
        return _apply_as_derived(machine, instance, arguments, at)
    if base.startswith("keras.") and name in keras_models.METHODS:
        return keras_models.call_method(machine, instance, name, arguments, at)
    inner = machine.read(instance, items.CONTAINER_SLOT)
    if inner is not None and name in ("forward", "__call__"):
        return machine.call(inner, arguments, at)
    if base in registry.LOSSES and name in ("forward", "__call__", "call"):
        return losses.use_object(machine, losses.of_instance(instance), arguments, machine.site(at))
    if _is_of_lightning(base, name):
        return automatic.call_method(machine, instance, name, arguments, at)
    if name == "save_hyperparameters":
        return _save_hyperparameters(machine, instance)
    return _method_of_module(machine, instance, name, arguments, at)


_AS_DERIVED = "the layer that it is derived from"
"""Where an object of a class that is derived from a layer keeps what its constructor says of that layer."""


def _apply_as_derived(machine: Machine, instance: Instance, arguments: Arguments, at: int) -> Value:
    """What the layer gives that an object's class is derived from."""
    layer = machine.read(instance, _AS_DERIVED)
    return machine.call(layer, arguments, at) if layer is not None else Unknown()


def _initialize(machine: Machine, instance: Instance, base: str, arguments: Arguments, at: int) -> Value:
    kind = "sequential" if base == "keras.Sequential" else torch.CONTAINERS.get(base)
    if base == "keras.Sequential":
        machine.state.write(instance, "functional model", keras_models.sequential(machine, arguments, at))
    elif kind is not None:
        machine.state.write(instance, items.CONTAINER_SLOT, containers.build(machine, kind, arguments, at))
    elif base in registry.TRAINERS:
        trainers.train_by_subclass(machine, registry.TRAINERS[base], instance, arguments, at)
    elif base.startswith("transformers.") and base.endswith("Trainer"):
        trainers.hugging_face_subclass(machine, instance, arguments, at)
    elif base == "keras.Model":
        return keras_models.call_method(machine, instance, "__init__", arguments, at)
    elif base in registry.LAYERS:
        machine.state.write(instance, _AS_DERIVED, layers.make(machine, registry.LAYERS[base], arguments, at))
    return Constant(None)


def _save_hyperparameters(machine: Machine, instance: Instance) -> Value:
    """``self.save_hyperparameters()`` keeps the constructor's arguments under ``self.hparams``."""
    for frame in reversed(machine.frames):
        if frame.receiver is instance:
            values = {name: value for name, value in frame.scope.slots.items() if value is not instance}
            machine.state.write(instance, "hparams", DictValue(values, complete=False))
            break
    return Constant(None)


def _method_of_module(machine: Machine, module: HeapObject, name: str, arguments: Arguments, at: int) -> Value:
    """A method that every PyTorch module has, and Keras layers share some of."""
    match name:
        case "add_module" | "register_module" | "register_buffer" | "register_parameter" | "__setattr__":
            label = arguments.positional[0] if arguments.positional else arguments.get("name")
            value = (
                arguments.positional[1] if len(arguments.positional) > 1 else arguments.get("module", "tensor", "param")
            )
            inner = machine.read(module, items.CONTAINER_SLOT)
            if isinstance(inner, Container) and isinstance(label, Constant) and value is not None:
                containers.add_member(machine, inner, str(label.value), value)
            elif isinstance(label, Constant) and isinstance(label.value, str) and value is not None:
                attributes.write(machine, module, label.value, value)
            elif value is not None:
                machine.parts.register(value)
                if isinstance(value, Unknown):
                    machine.parts.filled.add(module)
            return Constant(None)
        case "append" | "extend" | "insert":
            inner = machine.read(module, items.CONTAINER_SLOT)
            return (
                containers.call_method(machine, inner, name, arguments, at)
                if isinstance(inner, Container)
                else Unknown()
            )
        case "children" if isinstance(module, Instance) and (parts := children.of_module(machine, module)) is not None:
            return ListValue(parts)
        case "forward" | "call" if isinstance(module, Instance) and machine.method(module, name) is not None:
            return Unknown()  # ``super().forward(x)``: that of a base that is not followed
        case "forward" | "__call__" | "call":
            return machine.call(module, arguments, at)
        case "reset_classifier" if isinstance(module, Backbone) and arguments.positional:
            module.units = library_models.units(arguments.positional[0], None)
            return Constant(None)
        case _ if name in torch.SAME_MODULE_METHODS or name in ("build_model",):
            return module
        case _:
            return machine.globals.child((module, name, "()"))


def _method_of_class(machine: Machine, cls: ClassValue, name: str, arguments: Arguments, at: int) -> Value:
    """Class methods that libraries give: they make an instance."""
    if name in ("load_from_checkpoint", "from_pretrained", "from_config", "_from_config"):
        return machine.call(cls, Arguments((), arguments.named, arguments.sites, False), at)
    return Unknown()


def is_method(heap_object: Value, name: str) -> bool:
    """Whether a name is a method that a library gives to things like this one."""
    if isinstance(heap_object, Instance):
        base = heap_object.cls.framework_base()
        if base.startswith("keras.") and name in keras_models.METHODS:
            return True
        return name in torch.SAME_MODULE_METHODS or name in _MODULE_METHODS or _is_of_lightning(base, name)
    return (
        name in torch.SAME_MODULE_METHODS
        or name in _MODULE_METHODS
        or (
            isinstance(heap_object, Backbone)
            and library_models.is_of_keras(heap_object)
            and name in keras_models.METHODS
        )
    )


def _is_of_lightning(base: str, name: str) -> bool:
    return name in automatic.METHODS and base.startswith("pytorch_lightning.")


_MODULE_METHODS = frozenset(
    {"add_module", "register_buffer", "register_parameter", "register_module", "parameters", "state_dict", "children"}
    | {"load_state_dict", "forward", "__call__", "modules", "named_parameters", "named_children", "zero_grad", "log"}
    | {"save_hyperparameters", "append", "extend", "insert", "reset_classifier", "call", "log_dict", "named_modules"}
)


def attribute(machine: Machine, heap_object: HeapObject, name: str) -> Value:
    """An attribute that a library gives to one of its things."""
    match heap_object:
        case Model():
            found = keras_models.attribute(machine, heap_object, name)
            return found if found is not None else FrameworkMethod(heap_object, name)
        case Layer():
            return _attribute_of_layer(machine, heap_object, name)
        case Dataset():
            return datasets.attribute(machine, heap_object, name)
        case Optimizer() | Scheduler() | Scaler():
            return optimizers.attribute(machine, heap_object, name)
        case _:
            return FrameworkMethod(heap_object, name)


def _attribute_of_layer(machine: Machine, layer: Layer, name: str) -> Value:
    if name in BY_HAND:
        machine.parts.by_hand.add(layer)
    if name.startswith(("weight", "bias", "in_proj", "out_proj")):
        machine.note_event(Event.USED_BY_HAND, layer.site, layer)
        machine.parts.weights_touched.add(layer)
    if name in layer.kind.parameters and name not in ("bias", "activation"):
        return layer.arguments.get(name) or machine.globals.child((layer, name))
    if name == "output" and layer.kind.framework == "keras":
        return machine.read(layer, "last output") or Unknown()
    if name in ("forward", "add_module") or name in torch.SAME_MODULE_METHODS or name in modules.METHODS:
        return FrameworkMethod(layer, name)
    return machine.globals.child((layer, name))


def call_object(machine: Machine, function: Value, arguments: Arguments, at: int) -> Value:
    """Call a layer, a container of layers, a library's model or a loss."""
    if isinstance(function, Loss):
        return losses.use_object(machine, function, arguments, machine.site(at))
    if isinstance(function, Part) and arguments.complete and not arguments.positional and not arguments.named:
        return Part(function.backbone, (*function.steps, "()"))  # a method that finds a part, as ``get_classifier()``
    asked = arguments.named.get("training")
    if isinstance(function, Layer) and asked == Constant(True) and asked is not TRAINING:
        function.slots.setdefault(IN_TRAINING, Constant(True))
    return machine.applied_to(function, arguments, at, lambda: layers.apply_callable(machine, function, arguments, at))


def call_inherited(machine: Machine, instance: Instance, arguments: Arguments, at: int) -> Value:
    """Call an object of a class of the program that leaves being called to the loss, or the Keras model, it is derived from."""
    if (model := machine.read(instance, "functional model")) is not None:
        return machine.call(model, arguments, at)
    if instance.cls.framework_base() in registry.LOSSES:
        return losses.use_object(machine, losses.of_instance(instance), arguments, machine.site(at))
    return _apply_as_derived(machine, instance, arguments, at)


def call_unknown(machine: Machine, function: Unknown, arguments: Arguments, at: int) -> Value:
    """Call something that is not followed."""
    if function.parent is not None and isinstance(function.key, str):
        name = function.key
        if name == "update" and (instance := computed_names.holder_of(function.parent)) is not None:
            computed_names.update(machine, instance, arguments, at)
            return Constant(None)
        if name in feeding.METHODS:
            feeding.note(machine, arguments, machine.site(at))
        if name == "fit":
            keras_wrappers.note_fit(machine, function.parent, arguments)
            automatic.note_fit(machine, arguments)
        if name in SAME_VALUE_METHODS and not (name in ("train", "eval") and len(arguments) > 1):
            modules.note_mode_of_unknown(machine, function.parent, name, arguments, at)
            return function.parent
        if name == "astype" and (typed := type_name(arguments.first("dtype"))):
            return creation.typed(machine, function.parent, typed, "astype(…)", machine.site(at))
        if name == "size":
            return _size_of_unknown(function.parent, arguments)
        if name in ("startswith", "endswith") and len(arguments) == 1:
            match arguments.positional:
                case (Constant(str() as part),):
                    return Test(Condition(name, function.parent, part))
        # Texts answer the same each time, and so do settings that are asked for a name.
        if name in SAME_ANSWER_METHODS or (name == "get" and arguments.positional):
            texts = tuple(value.value for value in arguments.positional if isinstance(value, Constant))
            if len(texts) == len(arguments.positional):
                return function.child(("call", texts) if name == "get" else ("answer", *texts))
        if name == "index" and len(arguments) == 1:
            return function.child(("call", machine.site(at)), CLASS_NUMBER)
        if (done := around_steps.call_method(machine, function.parent, name, arguments, at)) is not None:
            return done
        if name in ("prepare", "setup") and len(arguments.positional) >= 2:
            return TupleValue(arguments.positional)  # accelerate and Fabric give back what they are given
        if name in TENSOR_METHODS and _only_numbers(arguments):
            return tensors.call_method(machine, machine.tensor_of(function.parent), name, arguments, machine.site(at))
        machine.note_gradient(function, arguments, at)
        if (tuned := tuners.call_method(machine, function, arguments, at)) is not None:
            return tuned
        if (picked := search_spaces.picked(machine, function, arguments)) is not None:
            return picked
        if (done := unseen_models.call_method(machine, function.parent, name, arguments, at)) is not None:
            return done
    match function.key:
        case (Instance(), "register") if {"models", "optimizers"} <= arguments.named.keys():
            return TupleValue(tuple(arguments.named.values()))  # Ray's TrainingOperator gives back what it is given
        case (Layer() as layer, "set_weights"):
            machine.note_event(Event.RESTORED, machine.site(at), layer)
    known = unreadable.call(machine, function, arguments, at)
    machine.note_open(function)
    if known is not None:
        return known
    machine.parts.hand_on(*arguments.positional, *arguments.named.values())
    joining.note(machine, arguments, at)
    return function.child(("call", machine.site(at)))


def _size_of_unknown(owner: Unknown, arguments: Arguments) -> Value:
    """``x.size()`` and ``x.size(0)``, which are ``x.shape`` and ``x.shape[0]``."""
    shape = owner.child("shape")
    match arguments.first("dim"):
        case None:
            return shape
        case Constant(value):
            return shape.child(("item", value))
        case axis:
            return shape.child(("item", axis))


_AXES = {"dim", "axis", "dtype", "keepdim", "keepdims", "start_dim", "end_dim"}


def _only_numbers(arguments: Arguments) -> bool:
    """Whether a call passes nothing but axes and sizes."""
    values = (*arguments.positional, *arguments.named.values())
    return not any(isinstance(value, Tensor | HeapObject) for value in values) and arguments.named.keys() <= _AXES
