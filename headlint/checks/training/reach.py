"""Which modules a loss depends on, and whether an optimizer holds any of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headlint.checks.evidence import Evidence
from headlint.checks.training.holding import covers, held_by
from headlint.flow.training.parameters import has_weights
from headlint.flow.values.conditions import Choice
from headlint.flow.values.facts import LossUse
from headlint.flow.values.library_values import Backbone, Layer, Part
from headlint.flow.values.python_values import Constant, DictValue, Instance, Site, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import COMPUTED, Tensor
from headlint.flow.values.training_values import Parameters


class Behind:
    """The layers and weights that a loss depends on and gives gradients to; ready-made models by their sites."""

    def __init__(self) -> None:
        self.layers: set[Layer] = set()
        self.sites: set[Site] = set()
        self.weights: set[Tensor] = set()
        self.complete = True
        """Whether nothing else can be behind the loss."""

    @property
    def anything(self) -> bool:
        """Whether anything with weights is."""
        return bool(self.sites or self.weights or any(has_weights(layer) for layer in self.layers))

    def has(self, member: Value) -> bool:
        """Whether the loss depends on a member of an optimizer's parameters."""
        match member:
            case Layer():
                return member in self.layers
            case Backbone():
                return member.site in self.sites
            case Part(backbone, _):
                return backbone.site in self.sites
            case Tensor():
                return member in self.weights
            case _:
                return True


def behind(evidence: Evidence, loss: Value) -> Behind:
    """What a loss depends on, as far as it is followed."""
    found = Behind()
    found.complete = isinstance(loss, Tensor)
    uses = evidence.uses_by_result
    seen: set[int] = set()
    stack = [loss] if isinstance(loss, Tensor) else []
    while stack:
        tensor = stack.pop()
        if id(tensor) in seen or not tensor.attached:
            continue
        seen.add(id(tensor))
        stack.extend(tensor.inputs)
        _note(found, tensor)
        if tensor.origin.role == "loss":
            taken = uses.get(id(tensor), [])
            found.complete = found.complete and bool(taken)
            for use in taken:
                stack.extend(value for value in (use.prediction, use.target) if isinstance(value, Tensor))
                _note_use(found, use)
    return found


def _note_use(found: Behind, use: LossUse) -> None:
    loaded = _loaded_model(use.prediction)
    if loaded is not None:
        found.sites.add(loaded)
    elif not isinstance(use.prediction, Tensor):
        found.complete = False
    if not _is_data(use.target):
        found.complete = False


def _note(found: Behind, tensor: Tensor) -> None:
    origin = tensor.origin
    match origin.role:
        case "layer" if origin.layer is not None:
            found.layers.add(origin.layer)
        case "layer" if origin.built_at is not None:
            found.sites.add(origin.built_at)
        case "layer":
            found.complete = False
        case "variable":
            found.weights.add(tensor)
        case "input" if origin.note == COMPUTED:
            found.complete = False


def _loaded_model(prediction: Value) -> Site | None:
    """Where the model was loaded that a prediction comes from directly: no optimizer built over another holds it."""
    match prediction:
        case Unknown(key=("call", _), parent=Unknown(key=("torch.load", Site() as site))):
            return site
        case _:
            return None


def _is_data(target: Value | None) -> bool:
    """Whether the labels of a loss give it no gradient, or are followed."""
    match target:
        case None | Constant() | Tensor():
            return True
        case Unknown():
            return not target.is_computed
        case _:
            return False


def may_reach(evidence: Evidence, loss: Value, optimizer: Value) -> bool:
    """Whether a loss may depend on a parameter that an optimizer holds."""
    held = held_by(optimizer)
    return held is None or not reaches_none_of(evidence, loss, held)


def certainly_reaches(evidence: Evidence, loss: Value, optimizer: Value) -> bool:
    """Whether a loss is seen to depend on a parameter that an optimizer holds."""
    held = held_by(optimizer)
    if held is None or not isinstance(loss, Tensor):
        return False
    found = behind(evidence, loss)
    return any(has_weights(one) and found.has(one) for one in held.members if isinstance(one, Layer | Backbone))


def reaches_none_of(evidence: Evidence, loss: Value, held: Parameters) -> bool:
    """Whether a loss certainly depends on none of some parameters."""
    if not is_known_throughout(evidence, held):
        return _is_of_other_modules(evidence, loss, held)
    found = behind(evidence, loss)
    return found.complete and not any(found.has(member) for member in held.members if may_be_module(member))


def _is_of_other_modules(evidence: Evidence, loss: Value, held: Parameters) -> bool:
    """Whether all that a loss depends on is followed, and is no part of the modules whose parameters these are."""
    owners = [owner for owner in held.owners if isinstance(owner, Instance) and not owner.cls.opaque]
    if not owners or len(owners) < len(held.owners) or any(one in held.members for one in evidence.used_by_hand):
        return False
    found = behind(evidence, loss)
    apart = not any(covers(owner, layer) for owner in owners for layer in found.layers)
    return found.complete and bool(found.layers) and apart and not found.sites and not found.weights


def is_known_throughout(evidence: Evidence, held: Parameters) -> bool:
    """Whether every module among the members is followed, and used as a whole."""
    if any(module in held.members for module in evidence.used_by_hand):
        return False
    return held.complete and not any(
        isinstance(member, Tensor) or (isinstance(member, Unknown) and may_be_module(member)) for member in held.members
    )


def may_be_module(member: Value) -> bool:
    """Whether a member has parameters; what a program never calls is a number or a name."""
    return not isinstance(member, Unknown) or _is_called(member)


def _is_called(value: Unknown) -> bool:
    return any(
        (isinstance(key, tuple) and key[:1] == ("call",)) or key in ("parameters", "element") or _is_called(child)
        for key, child in value.children.items()
    )


def depends_on(evidence: Evidence, value: Value, source: Value, with_targets: bool = False) -> bool:
    """Whether a value was certainly computed from another, as far as either is followed; from a loss's labels on demand."""
    return id(source) in _all_it_comes_from(evidence, value, with_targets)


def _all_it_comes_from(evidence: Evidence, value: Value, with_targets: bool) -> set[int]:
    """The identities of a value and of all that it was computed from; many ask the same of each loss."""
    key = (id(value), with_targets)
    if key not in evidence.comes_from:
        seen: set[int] = set()
        stack = [value]
        while stack:
            one = stack.pop()
            if id(one) not in seen:
                seen.add(id(one))
                stack.extend(_computed_from(evidence, one, with_targets))
        evidence.comes_from[key] = (value, seen)
    return evidence.comes_from[key][1]


def _computed_from(evidence: Evidence, value: Value, with_targets: bool) -> Iterator[Value]:
    match value:
        case Tensor():
            yield from value.inputs
            for use in evidence.uses_by_result.get(id(value), ()):
                yield use.prediction
                if with_targets and use.target is not None:
                    yield use.target
            if value.origin.role == "input" and value.origin.factor is not None:
                yield value.origin.factor  # something unknown that is taken for a tensor
        case Unknown(key=("call", Site() as site), parent=Unknown() as function):
            calls = evidence.unreadable_calls.get((id(function), site), ())
            yield from (one for call in calls for one in call.given if one is not function)
        case Unknown(key=key, parent=whole):
            if isinstance(key, tuple):
                yield from (part for part in key if isinstance(part, Unknown | Tensor))
            if isinstance(whole, Unknown):
                yield whole
        case TupleValue(items):
            yield from items
        case Choice(options):
            yield from (option.value for option in options)


def tensors_in(output: Value | None, inside: tuple[DictValue, ...] = ()) -> list[Tensor]:
    """The tensors that a model gives; ``inside`` are the dicts around, any of which a dict may hold again."""
    match output:
        case Tensor():
            return [output]
        case TupleValue(items):
            return [tensor for item in items for tensor in tensors_in(item, inside)]
        case DictValue() if output not in inside:
            deeper = (*inside, output)
            return [tensor for item in output.slots.values() for tensor in tensors_in(item, deeper)]
        case Choice(options):
            return [tensor for option in options for tensor in tensors_in(option.value, inside)]
        case _:
            return []


def outputs_in(output: Value | None) -> Sequence[Value]:
    """The tensors that a model gives, or what is not known of what it gives."""
    return tensors_in(output) or _unknowns_in(output)


def _unknowns_in(output: Value | None) -> list[Value]:
    match output:
        case Unknown():
            return [output]
        case TupleValue(items):
            return [unknown for item in items for unknown in _unknowns_in(item)]
        case _:
            return []
