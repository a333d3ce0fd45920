"""Which object an event is about: the same optimizer, parameters that it holds, or something that may reach them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from weakref import WeakKeyDictionary

from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import Event, TrainingEvent
from headlint.flow.values.library_values import Backbone, Container, Layer, Part
from headlint.flow.values.python_values import DictValue, HeapObject, Instance, ListValue, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import OneParameter, Optimizer, Parameters

DEEPEST_MODULE = 8
"""Modules within modules that are looked into for one of them."""

_IDENTITIES_WITHIN: WeakKeyDictionary[HeapObject, dict[bool, frozenset[int]]] = WeakKeyDictionary()
"""Gathered once for each module: large programs ask for it once for each two of their models."""

DEEPEST = 3
"""Objects within objects that are looked into for an optimizer."""

_REPORTING = re.compile(
    r"log|print|write|append|info|debug|add_scalar|record|postfix|update|meter|item|format|report", re.I
)
_HARMLESS = frozenset(
    {"children", "modules", "named_children", "named_modules", "state_dict", "buffers", "train", "eval", "to", "cuda"}
    | {"cpu", "half", "float", "load_state_dict", "get_last_lr"}
)
"""Methods of modules and optimizers that do no part of a step."""

_TRAINING = re.compile(
    r"(?<!non)zero(?!s)|clear|reset|grad|optim|step|hook|callback|before|after|^on_|backward|scal", re.I
)


_OPTIMIZER_CLASS = re.compile(
    r"(SGD|Adam|AdaBelief|AdaBound|Adagrad|AdaGrad|Adafactor|AdaFactor|AdaMod|AdaHessian|RMSprop|LAMB|Lamb|LARS|Lion|Ranger"
    r"|NovoGrad|MADGRAD|Adan|Prodigy|Sophia|Yogi)[A-Z0-9]?\w{0,5}$"
)
"""What the names of optimizers' classes of other packages end with; like those of PyTorch, they clear no gradient."""


def held_by(value: Value) -> Parameters | None:
    """The parameters that an event's subject stands for; None where it says nothing of them."""
    match value:
        case Optimizer():
            return value.held
        case Parameters():
            return value
        case _:
            return None


def may_concern(first: Value, second: Value) -> bool:
    """Whether two subjects may have a parameter in common."""
    if first is second:
        return True
    one, other = held_by(first), held_by(second)
    if one is None or other is None:
        return True
    if not _are_of_others(one, other) and not (one.complete and other.complete):
        return True
    return bool(one.members & other.members)


def _are_of_others(one: Parameters, other: Parameters) -> bool:
    """Whether parameters are those of other modules: also where a part of either is not followed."""
    several = [*one.owners, *other.owners]
    return (
        bool(one.owners and other.owners)
        and all(isinstance(owner, Instance) and not owner.cls.opaque for owner in several)
        and not any(have_parts_in_common(first, second) for first in one.owners for second in other.owners)
    )


def covers(module: Value, model: Value) -> bool:
    """Whether a switch of a module's mode switches a model's: it is the model, or has it as a part."""
    if module is model:
        return True
    into_containers = not _is_made_by_a_call(model)
    if isinstance(module, HeapObject):
        return id(model) in _within(module, into_containers)
    return any(part is model for part in _with_parts(module, into_containers))


def _within(module: HeapObject, into_containers: bool) -> frozenset[int]:
    """The identities of a module and its parts."""
    known = _IDENTITIES_WITHIN.setdefault(module, {})
    if into_containers not in known:
        known[into_containers] = frozenset(map(id, _with_parts(module, into_containers)))
    return known[into_containers]


def _with_parts(module: Value, into_containers: bool, depth: int = DEEPEST_MODULE) -> Iterator[Value]:
    """A module and its parts; with or without those that it has in a container of the framework."""
    yield module
    match module:
        case Container() if not into_containers:
            return
        case Container() | Instance() if depth > 0:
            for part in module.slots.values():
                yield from _with_parts(part, into_containers, depth - 1)
        case TupleValue(items):
            for item in items:
                yield from _with_parts(item, into_containers, depth)
        case Choice(options):
            for option in options:
                yield from _with_parts(option.value, into_containers, depth)


def _is_made_by_a_call(model: Value) -> bool:
    """Whether a call that is not followed made a model: what it made for a list may be another than what it made here."""
    match model:
        case Unknown(key=("call" | "copy", _)):
            return True
        case Unknown(parent=Unknown() as around):
            return _is_made_by_a_call(around)
        case _:
            return False


def have_parts_in_common(first: Value, second: Value) -> bool:
    """Whether one of two modules is the other, or a part of it."""
    return covers(first, second) or covers(second, first)


def concerns_all_of(first: Value, second: Value) -> bool:
    """Whether the first subject certainly has every parameter of the second."""
    if first is second:
        return True
    one, other = held_by(first), held_by(second)
    if isinstance(first, Unknown) and other is not None:
        return other.members == {first}
    if one is None or other is None or not other.members or one.partial:
        return False
    return other.members <= one.members


def is_optimizer(value: Value) -> bool:
    """Whether a value is an optimizer: one of a library, also by its class's name, or a parameter that is called one."""
    match value:
        case Unknown(key=("call", _), parent=Unknown() as cls):
            return builds_an_optimizer(cls)
        case Optimizer():
            return value.name != "LBFGS"
        case Unknown(key=("parameter", _, str() as name)):
            return "optim" in name.lower() or name.lower() in ("opt", "optim")
        case _:
            return False


def is_schedule(value: Value) -> bool:
    """Whether something unknown that steps is called a schedule: it changes a rate, and no parameter."""
    return isinstance(value, Unknown) and "sched" in called(value).lower()


def builds_an_optimizer(cls: Unknown) -> bool:
    """Whether what is called has the name of an optimizer's class."""
    return _OPTIMIZER_CLASS.search(called(cls)) is not None


def may_train(event: TrainingEvent, optimizer: Value) -> bool:
    """Whether a call that cannot be read may do a part of a step: it gets what is trained, or is called like that."""
    if event.event is not Event.HANDED_OVER or not isinstance(event.subject, Unknown):
        return False
    name = called(event.subject)
    if name in _HARMLESS or builds_an_optimizer(event.subject) or _prepares_data(event.subject):
        return False
    if any(reaches(value, optimizer) for value in event.given if not _keeps(value, event.subject)):
        return True
    if _REPORTING.search(name) or _changes_a_tensor(event.subject) or _moves_an_environment(event.subject):
        return False
    return bool(_TRAINING.search(name)) or any(_is_loss(value) for value in event.given)


def _keeps(value: Value, called_thing: Unknown) -> bool:
    """Whether something keeps what is called under an attribute, or as an item, which then is no method of it."""
    match called_thing.key:
        case (Instance() as owner, str(), *_):
            return value is owner and not owner.cls.opaque
        case ("item", _):
            return value is called_thing.parent
        case _:
            return False


def _prepares_data(method: Unknown) -> bool:
    """Whether a method is that of a tokenizer, or of what else of its package makes numbers of texts and pictures."""
    match method.parent:
        case Unknown(key=(str() as path, _)):
            return _PREPARING.search(path) is not None
        case _:
            return False


_PREPARING = re.compile(r"^transformers\.\w*(Tokenizer|Processor|FeatureExtractor)(Fast)?\b")


def _changes_a_tensor(method: Unknown) -> bool:
    """Whether a method of tensors changes one in place that is no gradient: ``states.zero_()``."""
    if method.key not in _IN_PLACE:
        return False
    seen = method.parent
    while seen is not None:
        if "grad" in called(seen):
            return False
        seen = seen.parent
    return True


def _moves_an_environment(method: Unknown) -> bool:
    """Whether a method is that of the environment in which an agent acts, which steps and is reset, and trains nothing."""
    return method.key in _MOVES and any(_ENVIRONMENT.search(name) for one in method.outwards() for name in _names(one))


def _names(value: Unknown) -> Iterator[str]:
    """The name of something unknown, and of the package from which it comes."""
    yield called(value)
    match value.key:
        case ("name", _, str() as package, _):
            yield package


_MOVES = frozenset({"step", "reset", "seed", "render", "close"})
_ENVIRONMENT = re.compile(r"^(gym|gymnasium)(\.|$)|(^|_)(envs?|game|environment|simulator)($|_|\d)", re.I)


_IN_PLACE = frozenset({"zero_", "requires_grad_"})
"""Methods of tensors whose names sound like a part of a step."""


def called(function: Unknown) -> str:
    """The name under which something unknown is called."""
    match function.key:
        case str() as name:
            return name
        case ("name", _, _, str() as name) | ("parameter", _, str() as name) | (_, str() as name) | (str() as name, _):
            return name.rpartition(".")[2]
        case Assumption(parameter=str() as name):
            return name
        case _:
            return ""


def _is_loss(value: Value) -> bool:
    return isinstance(value, Tensor) and value.domain.name == "LOSS" and value.attached


def only_shows(event: TrainingEvent) -> bool:
    """Whether a call that is not followed prints or logs what it gets, and changes nothing."""
    return isinstance(event.subject, Unknown) and _SHOWING.search(called(event.subject)) is not None


_SHOWING = re.compile(r"^(add_(scalars?|histogram|graph)|log|log_metrics?|info|debug|warning|p?print|summary|watch)$")


def hands_over(event: TrainingEvent, optimizer: Value) -> bool:
    """Whether a call that is not followed, and does not only show it, gets the optimizer, or a module that it trains."""
    return (
        event.event is Event.HANDED_OVER
        and not only_shows(event)
        and any(reaches(value, optimizer) for value in event.given)
    )


def reaches(value: Value, optimizer: Value, depth: int = DEEPEST) -> bool:
    """Whether somebody who has a value has the optimizer, or a module that it trains."""
    if value is optimizer:
        return True
    match value:
        case Unknown() if isinstance(optimizer, Unknown):
            return is_part_of(optimizer, value)
        case Layer() | Backbone() | Part() | Unknown() if (held := held_by(optimizer)) is not None:
            return value in held.members and not _is_a_number(value)
        case Optimizer() | Parameters():
            return may_concern(value, optimizer)
        case Layer() | Backbone() | Container() | Part() | OneParameter():
            return True
        case Choice(options):
            return any(reaches(option.value, optimizer, depth) for option in options)
        case TupleValue(items):
            return any(reaches(item, optimizer, depth - 1) for item in items)
        case Instance() | ListValue() | DictValue() if depth > 0:
            if isinstance(value, Instance) and isinstance(optimizer, Unknown):
                return True
            return any(reaches(part, optimizer, depth - 1) for part in _parts(value))
        case _:
            return False


def _is_a_number(value: Value) -> bool:
    """Whether an attribute of a model that is not followed has the name of a number: ``self.num_samples``."""
    return isinstance(value, Unknown) and isinstance(value.key, str) and _NUMBER.search(value.key) is not None


_NUMBER = re.compile(
    r"^(n|num|max|min)_|_(size|dim|rate|len|length|radius|count)$|^(radius|dim|size|rate|length|width)$"
)


def _parts(value: HeapObject) -> tuple[Value, ...]:
    return tuple(value.slots.values())


def is_part_of(part: Unknown, whole: Unknown) -> bool:
    """Whether something unknown is another, or an attribute of it, or of one."""
    return any(one is whole for one in part.outwards() if one.key is not None)
