"""``compile`` and ``fit``: which loss and which metrics a Keras model gets, and which labels it is trained with."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from headlint.flow.keras import keras_models, own_steps
from headlint.flow.layers import losses
from headlint.flow.machine.branches import symbols_of
from headlint.flow.machine.state import join
from headlint.flow.python import iteration, table_items
from headlint.flow.tensors import literals
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Guard, rule_out_apart
from headlint.flow.values.facts import LabelsUse, MetricUse, OwnLoss, UnknownString
from headlint.flow.values.library_values import Compiled, CompiledLoss, Dataset, Layer, Metric, Table
from headlint.flow.values.python_values import (
    BoundMethod,
    Constant,
    DictValue,
    FrameworkName,
    FunctionValue,
    HeapObject,
    Instance,
    ListValue,
    Partial,
    Site,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Domain, Labels, Origin, Tensor
from headlint.frameworks import keras_losses

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

Metrics = dict[Hashable, list[tuple[Value, Site]]]

PARAMETERS = ("optimizer", "loss", "metrics")


def compile_model(machine: Machine, model: Value, arguments: Arguments, at: int) -> None:
    """``model.compile(…)``."""
    bound = arguments.bind(PARAMETERS)
    sites = arguments.sites_of(PARAMETERS)
    loss = bound.get("loss")
    output = keras_models.outputs(machine, model, at)
    site = sites.get("loss", machine.site(at))
    keras_models.note_head(machine, output, machine.site(at))
    if loss is None or _is_asked_of(model, machine.state.path) or own_steps.leaves_the_loss_alone(machine, model):
        return
    metrics = _metrics(machine, bound.get("metrics"), sites.get("metrics", machine.site(at)))
    compiled: list[CompiledLoss] = []
    alternatives = machine.state.alternatives(output)
    for loss_option in machine.state.alternatives(loss):
        for output_option in alternatives:
            if losses.is_left_bare(output_option, alternatives) or rule_out_apart(
                (*machine.state.path, *loss_option.guards), output_option.guards
            ):
                continue
            guards = (*loss_option.guards, *output_option.guards)
            certain = loss_option.value is loss and output_option.value is output
            machine.on_path(
                guards,
                lambda a=loss_option.value, b=output_option.value, c=certain: compiled.extend(  # type: ignore[misc]
                    _pair(machine, a, b, site, metrics, c)
                ),
            )
    if isinstance(model, HeapObject):
        machine.state.write(model, "compiled", Compiled(tuple(compiled)))


def _is_asked_of(model: Value, path: tuple[Guard, ...]) -> bool:
    """Whether something that is not known of a model's layers decides that it is compiled, as whether the last is a CRF."""
    parts = (part.key for guard in path for part in symbols_of(guard.condition))
    return any(isinstance(key, tuple) and key[:1] == (model,) for key in parts)


def _pair(
    machine: Machine,
    loss: Value,
    output: Value,
    site: Site,
    metrics: Metrics,
    certain: bool,
) -> list[CompiledLoss]:
    """Bring each output to its loss: by position, by the output's name, or all to one."""
    several = iteration.known_items(machine, output) if isinstance(output, TupleValue | ListValue) else None
    if several is None and not isinstance(loss, ListValue | TupleValue | DictValue):
        several = iteration.representatives(machine, output)
    if several is not None and len(several) == 1:
        output, several = several[0], None
    pairs: list[tuple[Value, Hashable, Value, Site]]
    match loss:
        case ListValue() | TupleValue():
            wanted = iteration.known_items(machine, loss)
            if wanted is None:
                return []
            if several is None:
                several = [output]
            if len(wanted) != len(several):
                return []
            sites = (
                loss.sites if isinstance(loss, ListValue) and len(loss.sites) == len(wanted) else (site,) * len(wanted)
            )
            pairs = list(zip(several, range(len(several)), wanted, sites, strict=True))
        case DictValue():
            named = _by_name(machine, output, several)
            entries = iteration.entries(machine, loss)
            pairs = [(named[name], name, one, loss.sites.get(name, site)) for name, one in entries if name in named]
        case _:
            pairs = [(one, place, loss, site) for place, one in enumerate([output] if several is None else several)]
    metrics = _one_for_each(metrics, [key for _, key, _, _ in pairs])
    found: list[CompiledLoss] = []
    for one_output, key, one_loss, one_site in pairs:
        its = _metrics_of(machine, metrics, key, one_output)
        found += _one_loss(machine, one_loss, one_output, one_site, its, certain)
    return found


def _by_name(machine: Machine, output: Value, several: list[Value] | None) -> dict[Hashable, Value]:
    """Outputs by the names under which a model gives them, and by those of the layers that give them."""
    named: dict[Hashable, Value] = dict(iteration.entries(machine, output)) if isinstance(output, DictValue) else {}
    for one in several if several is not None else [output]:
        name = _layer_name(one)
        if name:
            named[name] = one
    return named


def _layer_name(value: Value) -> str:
    layer = value.origin.layer if isinstance(value, Tensor) else None
    name = layer.constant("name") if isinstance(layer, Layer) else None
    return name if isinstance(name, str) else ""


def _one_loss(
    machine: Machine,
    loss: Value,
    output: Value,
    site: Site,
    metrics: list[tuple[Value, Site]],
    certain: bool,
) -> list[CompiledLoss]:
    known = losses.named(machine, loss)
    if known is None:
        _own_loss(machine, loss, output, site)
        return []
    kind, options = known
    loss_site = getattr(loss, "site", site)
    losses.take(machine, kind, output, None, site, options, loss_site, compiled=True)
    found = losses.from_logits(machine, kind, options)
    for metric, metric_site in metrics:
        name, arguments = _metric_name(metric)
        if name:
            machine.emit(
                MetricUse,
                metric_site,
                certain,
                metric=name,
                loss=kind,
                prediction=output,
                from_logits=found,
                arguments=arguments,
            )
    names = tuple((_metric_name(metric)[0], metric_site) for metric, metric_site in metrics)
    return [CompiledLoss(kind, output, found, site, names)]


def _own_loss(machine: Machine, loss: Value, output: Value, site: Site) -> None:
    """A loss that the program wrote itself is called with labels and the output; an unknown string is told."""
    match loss:
        case Constant(str() as text, symbol=None) if text and not machine.knows_string(text, keras_losses.LOSS_STRINGS):
            machine.emit(UnknownString, site, kind="loss", text=text)
        case FunctionValue() | BoundMethod() | Partial() | Instance():
            labels = Tensor(Domain.TARGET, origin=Origin("labels", ""))
            result = machine.call_with(loss, labels, output)
            if isinstance(result, Tensor):
                machine.emit(OwnLoss, site, result=result)
        case _:
            pass


def _metrics(machine: Machine, value: Value | None, site: Site) -> Metrics:
    """The metrics under the name or the place of the output that they measure; those for all under None."""
    given = machine.state.narrow(value) if value is not None else Constant(None)
    if given == Constant(None):
        return {}
    if isinstance(given, DictValue):
        entries = iteration.entries(machine, given)
        return {name: _listed(machine, one, given.sites.get(name, site)) for name, one in entries}
    items = iteration.known_items(machine, given) if not isinstance(given, Constant) else [given]
    if items is not None and any(isinstance(item, ListValue | TupleValue) for item in items):
        return {place: _listed(machine, item, site) for place, item in enumerate(items)}
    return {None: _listed(machine, given, site)}


def _listed(machine: Machine, given: Value, site: Site) -> list[tuple[Value, Site]]:
    """One metric or a list of some."""
    one = machine.state.narrow(given)
    items = iteration.known_items(machine, one) if isinstance(one, ListValue | TupleValue) else [one]
    for metric in items or ():
        match metric:
            case Constant(str() as text, symbol=None) if (
                not machine.knows_string(text, keras_losses.METRIC_STRINGS) and text not in keras_losses.LOSS_STRINGS
            ):
                machine.emit(UnknownString, site, kind="metric", text=text)
            case _:
                pass
    return [(metric, site) for metric in items or ()]


def _metrics_of(machine: Machine, metrics: Metrics, key: Hashable, output: Value) -> list[tuple[Value, Site]]:
    """The metrics of one output: by its place or name, or those that all outputs get."""
    return metrics.get(key) or metrics.get(_layer_name(output) or None) or metrics.get(None) or []


def _one_for_each(metrics: Metrics, keys: list[Hashable]) -> Metrics:
    """A plain list of as many metrics as there are outputs has one for each (``CompileMetrics._build_metrics_set`` of Keras 3)."""
    plain = metrics.get(None, [])
    if len(keys) < 2 or len(plain) != len(keys):
        return metrics
    return {key: [metric] for key, metric in zip(keys, plain, strict=True) if isinstance(key, int)}


def _metric_name(metric: Value) -> tuple[str, tuple[tuple[str, Value], ...]]:
    match metric:
        case Constant(str() as text):
            return text, ()
        case Metric(name, arguments):
            return name, arguments
        case FrameworkName(path) if path.startswith("keras.metrics."):
            return path.rsplit(".", 1)[-1], ()
        case _:
            return "", ()


def fit(machine: Machine, model: Value, arguments: Arguments, site: Site) -> None:
    """``model.fit(x, y)``: the labels reach the losses that ``compile`` took."""
    compiled = machine.read(model, "compiled") if isinstance(model, HeapObject) else None
    if compiled is None:
        return
    labels = arguments.get("y") or (arguments.positional[1] if len(arguments.positional) > 1 else None)
    data = arguments.first("x", "generator")
    given = labels if labels is not None else _labels_of_data(machine, data)
    if given is None:
        return
    for option in machine.state.alternatives(compiled):
        if isinstance(option.value, Compiled):
            for entry, labels in _for_each_loss(machine, option.value.losses, given):
                machine.on_path(option.guards, lambda e=entry, y=labels: _use_labels(machine, e, y))  # type: ignore[misc]


def _for_each_loss(
    machine: Machine, entries: tuple[CompiledLoss, ...], given: Value
) -> list[tuple[CompiledLoss, Value]]:
    """The labels of each loss: by position or by the output's name, where there are several."""
    if len(entries) == 1:
        return [(entries[0], given)]
    match machine.state.narrow(given):
        case ListValue() | TupleValue() as several:
            items = iteration.known_items(machine, several)
            return list(zip(entries, items, strict=True)) if items is not None and len(items) == len(entries) else []
        case DictValue() as named:
            known = dict(iteration.entries(machine, named))
            pairs = [(entry, known.get(_layer_name(entry.prediction))) for entry in entries]
            return [(entry, labels) for entry, labels in pairs if labels is not None]
        case _:
            return []


def _labels_of_data(machine: Machine, data: Value | None) -> Value | None:
    match machine.state.narrow(data) if data is not None else None:
        case Dataset(item=item):
            return _second_of(machine, item)
        case Instance() as sequence:
            return _second_of(machine, iteration.element(machine, sequence))
        case _:
            return None


def _second_of(machine: Machine, item: Value) -> Value | None:
    """The labels in what a data set gives: data, labels and perhaps weights."""
    given = [
        (option.guards, option.value.items[1] if len(option.value.items) >= 2 else Unknown())
        for option in machine.state.alternatives(item)
        if isinstance(option.value, TupleValue)
    ]
    return join(given) if given else None


def _as_array(machine: Machine, value: Value, site: Site) -> Value:
    """Labels as Keras takes them: a list of numbers and a table are arrays too."""
    match value:
        case ListValue():
            items = iteration.known_items(machine, value)
            if items is not None and len(items) == 1 and isinstance(items[0], Tensor):
                return items[0]
            return literals.array(machine, value, None, Origin("labels", "a list", site))
        case Table():
            return table_items.matrix(machine, value)
        case _:
            return value


def _use_labels(machine: Machine, entry: CompiledLoss, given: Value) -> None:
    options = machine.state.alternatives(given)
    arrays = [_as_array(machine, option.value, entry.site) for option in options]
    known = [array for array in arrays if isinstance(array, Tensor)]
    if 0 < len(known) < len(arrays):
        known.append(Tensor(origin=Origin("labels", "")))  # on another way they are something else
    for target in known:
        labels = target.labels or Labels()
        for prediction in machine.state.alternatives(entry.prediction):
            machine.emit(
                LabelsUse,
                entry.site,
                len(options) == 1,
                loss=entry.loss,
                prediction=prediction.value,
                labels=labels,
                target=target,
                from_logits=entry.from_logits,
                metrics=entry.metrics,
            )
