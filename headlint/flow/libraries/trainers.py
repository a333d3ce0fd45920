"""Libraries that take a model and a loss and call the one with what the other gives: the table says which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headlint.flow.layers import losses
from headlint.flow.libraries import keras_wrappers, tuners
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.python_values import (
    BoundMethod,
    ClassValue,
    Constant,
    FrameworkName,
    FunctionValue,
    Instance,
    ListValue,
    Partial,
    Site,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Origin, Tensor
from headlint.frameworks import trainers
from headlint.frameworks.kinds import TrainerKind

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine
    from headlint.flow.machine.semantics import Call

_OF_A_STEP = ("loss", "step", "forward", "infer")
"""Methods with such words in their names change how a subclass of a trainer trains."""


def train(machine: Machine, kind: TrainerKind, arguments: Arguments, at: int) -> None:
    """Join the model and the loss that a trainer is given."""
    bound = arguments.bind(kind.parameters)
    if any(name in bound and bound[name] != Constant(None) for name in kind.between):
        return
    model = bound.get(kind.model)
    loss = bound.get(kind.loss) or _default(kind, bound)
    if model is None or loss is None or not arguments.complete:
        return
    model, loss = _made(machine, kind, arguments, model, loss, at)
    site = arguments.sites_of(kind.parameters).get(kind.loss, machine.site(at))
    join(machine, model, _named(kind, loss), site, at)


def train_by_subclass(machine: Machine, kind: TrainerKind, instance: Instance, arguments: Arguments, at: int) -> None:
    """The same for a class of the program that inherits from a trainer and leaves the training step as it is."""
    own = (name for cls in instance.cls.ancestors() if isinstance(cls, ClassValue) for name in cls.slots)
    if not any(word in str(name) for name in own for word in _OF_A_STEP):
        train(machine, kind, arguments, at)


def join(machine: Machine, model: Value, loss: Value, site: Site, at: int, certain: bool = True) -> None:
    """Give a loss what a model gives for a batch that is not known."""
    match machine.state.narrow(loss):
        case FunctionValue() | BoundMethod() | Partial() as function:
            machine.call(function, Arguments((output_of(machine, model, at), Unknown("labels"))), at)
        case known:
            found = losses.named(machine, known)
            if found is not None:
                kind, options = found
                loss_site = getattr(known, "site", site)
                output = output_of(machine, model, at)
                losses.take(machine, kind, output, None, site, options, loss_site, certain=certain)


def output_of(machine: Machine, model: Value, at: int) -> Value:
    """What a model gives for a batch that is not known."""
    return machine.call(model, Arguments((Tensor(origin=Origin("input", "")),)), at)


def _made(
    machine: Machine, kind: TrainerKind, arguments: Arguments, model: Value, loss: Value, at: int
) -> tuple[Value, Value]:
    """The model and the loss themselves, where a library makes them of a class or a function."""
    match kind.made_by:
        case "class":
            options = {
                name.removeprefix("module__"): value
                for name, value in arguments.named.items()
                if name.startswith("module__")
            }
            if isinstance(machine.state.narrow(model), ClassValue | FunctionValue):
                model = machine.call(model, Arguments((), options), at)
        case "creator":
            model = machine.call_with(model, Unknown("a configuration"))
            if isinstance(machine.state.narrow(loss), FunctionValue):
                loss = machine.call_with(loss, Unknown("a configuration"))
    return model, loss


def _named(kind: TrainerKind, loss: Value) -> Value:
    """The loss that a string stands for, and the one that a library puts in a loss's place."""
    match loss:
        case Constant(str() as text):
            path = dict(kind.strings).get(text)
            return FrameworkName(path) if path is not None else Unknown()
        case FrameworkName("torch.nn.NLLLoss") if kind.default_loss == trainers.SKORCH_NLL:
            return FrameworkName(trainers.SKORCH_NLL)
        case _:
            return loss


def _default(kind: TrainerKind, bound: dict[str, Value]) -> Value | None:
    if kind.default_loss:
        return FrameworkName(kind.default_loss)
    match bound:
        case {"task": Constant(str() as task)} if kind.name.startswith("poutyne."):
            return Constant("cross_entropy" if task.startswith("classif") else "mse")
        case {"dls": Unknown() as data} if kind.name == "fastai.Learner":
            return _loss_of_data(data)
        case _:
            return None


def _loss_of_data(data: Unknown) -> Value | None:
    """The loss that fastai keeps with the data: it goes by what the labels are."""
    for part in data.outwards():
        match part.key:
            case (str() as path, Site()) if path in trainers.LABELLED_BY_CLASS:
                return FrameworkName("fastai.CrossEntropyLossFlat")
            case ("labels of fastai", str() as path, Site()):
                return FrameworkName(path)
    return None


def data_block(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``DataBlock(blocks=(ImageBlock, CategoryBlock), …)``: the last block says what the labels are."""
    match machine.state.narrow(arguments.first("blocks") or Unknown()):
        case TupleValue(items) | ListValue(items=items) if len(items) == 2:
            label = items[1]
            if isinstance(label, FrameworkName) and label.path in trainers.FASTAI_BLOCKS:
                key = ("labels of fastai", trainers.FASTAI_BLOCKS[label.path], machine.site(at))
                return machine.globals.child(key)
    return machine.globals.child(("fastai.DataBlock", machine.site(at)))


def hugging_face(machine: Machine, arguments: Arguments, at: int) -> None:
    """``Trainer(model=…, compute_loss_func=…)`` of transformers."""
    bound = arguments.bind(("model", "args"))
    model, function = bound.get("model"), bound.get("compute_loss_func")
    if model is not None and isinstance(function, FunctionValue | Partial | BoundMethod):
        machine.call(function, Arguments((output_of(machine, model, at), Unknown("labels"))), at)


def hugging_face_subclass(machine: Machine, instance: Instance, arguments: Arguments, at: int) -> None:
    """A subclass of ``Trainer``, which may compute the loss itself."""
    model = arguments.first("model")
    method = machine.method(instance, "compute_loss")
    if model is None or method is None:
        hugging_face(machine, arguments, at)
        return
    machine.state.write(instance, "model", model)
    machine.call(method, Arguments((model, Unknown("inputs"))), at)


CALLS: Mapping[str, Call] = {"fastai.DataBlock": data_block, **keras_wrappers.CALLS, **tuners.CALLS}
