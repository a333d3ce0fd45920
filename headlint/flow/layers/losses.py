"""Losses: which prediction and which labels each use of a loss takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headlint.flow.layers import argument_order
from headlint.flow.tensors import operation
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Guard, Option, rule_out_apart
from headlint.flow.values.facts import LossConstructorCall, LossUse
from headlint.flow.values.library_values import Loss
from headlint.flow.values.python_values import Constant, FrameworkName, Instance, Site, Unknown, Value
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Origin, Tensor, comes_from_layer
from headlint.frameworks import keras_losses, registry
from headlint.frameworks.kinds import LossKind

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def build(machine: Machine, kind: LossKind, arguments: Arguments, at: int) -> Value:
    """``nn.CrossEntropyLoss(…)``: a loss object, unless it is given tensors where it takes options."""
    site = machine.site(at)
    if kind.framework == "torch" and _looks_called(machine, kind, arguments):
        machine.emit(LossConstructorCall, site, loss=kind, tensors=len(arguments))
        return Unknown()
    bound = arguments.bind(kind.parameters)
    if not arguments.complete:
        bound.setdefault("from_logits", Unknown())
    loss = Loss(kind, bound, site)
    machine.set_up.losses.append(loss)
    return loss


def _looks_called(machine: Machine, kind: LossKind, arguments: Arguments) -> bool:
    """Whether a constructor is given what the loss itself takes: two tensors, or both under the names of the call."""
    if {kind.prediction, kind.target} <= arguments.named.keys() and not {kind.prediction} & {*kind.parameters}:
        return True
    if len(arguments.positional) < 2:
        return False
    first, second = (machine.state.narrow(value) for value in arguments.positional[:2])
    match first, second:
        case Tensor(), Tensor():
            return True
        case Tensor(), Unknown():
            return comes_from_layer(first) or _is_of_a_batch(second)
        case Unknown(), Tensor():
            return comes_from_layer(second) or _is_answer(first)
        case Unknown(), Unknown():
            return _is_answer(first) and _is_of_a_batch(second)
        case _:
            return False


def _is_answer(value: Unknown) -> bool:
    """Whether something unknown is what a call gave."""
    return isinstance(value.key, tuple) and value.key[:1] == ("call",)


def _is_of_a_batch(value: Unknown) -> bool:
    """Whether something unknown is an item of what a loop goes through."""
    in_a_loop = value.parent is not None and (value.parent.key == "element" or value.parent.is_batch)
    return in_a_loop and isinstance(value.key, tuple) and value.key[:1] == ("item",)


def of_instance(instance: Instance) -> Loss:
    """The loss that an instance of a subclass of a library's loss is."""
    kind = registry.LOSSES[instance.cls.framework_base()]
    site = instance.made_at or Site(instance.cls.unit.path, instance.cls.definition.at)
    return Loss(kind, {"from_logits": Unknown()}, site)


def use_object(machine: Machine, loss: Loss, arguments: Arguments, site: Site) -> Value:
    """``criterion(output, target)``."""
    return use(machine, loss.kind, arguments, site, loss.arguments, loss.site)


def use_function(machine: Machine, kind: LossKind, arguments: Arguments, site: Site) -> Value:
    """``F.cross_entropy(output, target)``."""
    return use(machine, kind, arguments, site, arguments.bind(kind.call), site)


def use(
    machine: Machine, kind: LossKind, arguments: Arguments, site: Site, options: Mapping[str, Value], loss_site: Site
) -> Value:
    """A loss takes a prediction and labels."""
    arguments = argument_order.as_meant(machine, kind, arguments)
    bound = arguments.bind(kind.call)
    prediction = bound.get(kind.prediction) or arguments.get("input", "output", "preds", "logits", "y_pred")
    target = bound.get(kind.target) or arguments.get("target", "labels", "y_true")
    if prediction is None:
        return Tensor(Domain.LOSS, origin=Origin("loss", kind.name, site, loss_site))
    return take(machine, kind, prediction, target, site, options, loss_site)


def take(
    machine: Machine,
    kind: LossKind,
    prediction: Value,
    target: Value | None,
    site: Site,
    options: Mapping[str, Value],
    loss_site: Site,
    compiled: bool = False,
    certain: bool = True,
) -> Tensor:
    """Note each pair of prediction and labels that the loss can get on this path."""
    result = Tensor(
        Domain.LOSS,
        ANY_SHAPE,
        Origin("loss", kind.name, site, loss_site),
        tuple(value for value in (prediction,) if isinstance(value, Tensor)),
        attached=not machine.without_gradient,
    )
    alternatives = machine.state.alternatives(prediction)
    differ = len({option.value.domain for option in alternatives if isinstance(option.value, Tensor)}) > 1
    for option in alternatives:
        if isinstance(option.value, Unknown):
            machine.note_open(option.value)
        if _is_optional_step(option, alternatives) or is_left_bare(option, alternatives):
            continue
        if rule_out_apart(machine.state.path, option.guards):
            continue
        if differ and _are_chosen_apart(machine.chosen_by, option.guards):
            continue
        for labels in machine.state.alternatives(target) if target is not None else (Option((), Constant(None)),):
            _note(
                machine, kind, option, labels, target is not None, site, options, loss_site, compiled,
                certain and len(alternatives) == 1, result,
            )  # fmt: skip
    return result


def _are_chosen_apart(loss: tuple[Guard, ...], model: tuple[Guard, ...]) -> bool:
    """Whether one name that nobody sees picks the loss and another the model: which of them go together is not known.

    Where every model gives the same, it goes with every loss.
    """
    of_loss, of_model = (
        {guard.condition.subject for guard in guards if guard.condition.operator == "==" and guard.expected is None}
        for guards in (loss, model)
    )
    return bool(of_loss and of_model) and of_loss.isdisjoint(of_model)


def _note(
    machine: Machine,
    kind: LossKind,
    prediction: Option,
    target: Option,
    has_target: bool,
    site: Site,
    options: Mapping[str, Value],
    loss_site: Site,
    compiled: bool,
    certain: bool,
    result: Tensor,
) -> None:
    outside = machine.state.path
    machine.on_path(
        (*prediction.guards, *target.guards),
        lambda: machine.emit(
            LossUse,
            site,
            certain,
            outside,
            loss=kind,
            prediction=prediction.value,
            target=target.value if has_target else None,
            from_logits=from_logits(machine, kind, options),
            options=tuple(options.items()),
            in_training=not machine.without_gradient,
            loss_site=loss_site,
            compiled=compiled,
            result=result,
        ),
    )


def _is_optional_step(option: Option, alternatives: tuple[Option, ...]) -> bool:
    """Whether the value is another alternative with one more step that a condition switches on: the author knows both.

    A step that the defaults switch on is none: it is there unless somebody asks for something else. Nor is a layer, without
    which there is no head.
    """
    tensor = option.value
    return isinstance(tensor, Tensor) and any(
        isinstance(other.value, Tensor)
        and operation.is_made_of(tensor, other.value, 3)
        and not operation.adds_a_layer(tensor, other.value)
        and not _is_default(option, other)
        for other in alternatives
    )


def is_left_bare(option: Option, alternatives: tuple[Option, ...]) -> bool:
    """Whether an alternative adds a head to this one, or several their own, which is left where no branch is taken."""
    base = option.value
    if not isinstance(base, Tensor):
        return False
    others = [other.value for other in alternatives if isinstance(other.value, Tensor) and other.value is not base]
    return sum(operation.comes_from(other, base, 4) for other in others) > 1 or any(
        operation.adds_a_layer(other, base) for other in others
    )


def _is_default(option: Option, other: Option) -> bool:
    """Whether it is by defaults alone that the value is this one and not the other."""
    deciding = [guard for guard in option.guards if guard not in other.guards]
    return bool(deciding) and all(guard.expected is guard.outcome for guard in deciding)


def from_logits(machine: Machine, kind: LossKind, options: Mapping[str, Value]) -> bool | None:
    """The value of ``from_logits``, that of the loss where it is not given, None where it is not known."""
    if kind.expects != "from_logits":
        return kind.expects == "logits"
    match machine.state.narrow(options.get("from_logits", Constant(kind.takes_logits))):
        case Constant(value):
            return bool(value)
        case _:
            return None


def named(machine: Machine, value: Value) -> tuple[LossKind, Mapping[str, Value]] | None:
    """The loss that a string, a function or a class of a library stands for."""
    match value:
        case Constant(str() as text) if text in keras_losses.LOSS_STRINGS:
            return keras_losses.LOSS_STRINGS[text], {}
        case FrameworkName(path) if path in registry.LOSSES:
            return registry.LOSSES[path], {}
        case Loss():
            return value.kind, value.arguments
        case Instance() if value.cls.framework_base() in registry.LOSSES and machine.method(value, "call") is None:
            return registry.LOSSES[value.cls.framework_base()], {"from_logits": Unknown()}
        case _:
            return None
