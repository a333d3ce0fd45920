"""Keras models as estimators of scikit-learn: what a wrapper hands to the function that builds the model.

Sources: ``keras/wrappers/scikit_learn.py`` (2.3), ``BaseWrapper.filter_sk_params``, which hands on whatever the function has
a parameter for, and ``scikeras/wrappers.py`` (0.13), ``BaseWrapper._build_keras_model``, which compiles what is not compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.machine.set_up import Wrapped
from headlint.flow.python import iteration
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.library_values import Model
from headlint.flow.values.modules import ModuleUnit
from headlint.flow.values.python_values import (
    BoundMethod,
    DictValue,
    FunctionValue,
    Instance,
    ListValue,
    Partial,
    TupleValue,
    Unknown,
    Value,
)
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine
    from headlint.flow.machine.semantics import Call

_COMPILED_WITH = ("loss", "optimizer", "metrics")
_BUILDERS = ("build_fn", "model")


def _old_wrapper(machine: Machine, arguments: Arguments, at: int) -> Unknown:
    """Keras' own wrappers hand everything to the function."""
    return _wrap(machine, arguments, _for_the_model(arguments), {}, at)


def _scikeras(machine: Machine, arguments: Arguments, at: int) -> Unknown:
    """SciKeras keeps what a model is compiled with to itself, unless it is written ``model__loss``."""
    bound = _for_the_model(arguments)
    given = {name.removeprefix("model__"): value for name, value in bound.items() if name not in _COMPILED_WITH}
    return _wrap(machine, arguments, given, {name: bound[name] for name in _COMPILED_WITH if name in bound}, at)


def _regression(wrapper: Call) -> Call:
    """A wrapper that gives its model the targets as they are: those of classifiers encode them as the loss wants it."""

    def wrap(machine: Machine, arguments: Arguments, at: int) -> Value:
        made = wrapper(machine, arguments, at)
        if isinstance(made, Unknown):
            machine.set_up.holders[made] = made
        return made

    return wrap


def note_fit(machine: Machine, holder: Value, arguments: Arguments) -> None:
    """``estimator.fit(features, targets)``, of a wrapper or of what holds one."""
    wrapper = machine.set_up.holders.get(holder)
    given = arguments.bind(("X", "y"))
    if wrapper is not None and {"X", "y"} <= given.keys():
        machine.set_up.estimated[wrapper] = Arguments((given["X"], given["y"]))


def _validation(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``cross_val_score(estimator, features, targets)``."""
    bound = arguments.bind(("estimator", "X", "y"))
    if {"X", "y"} <= bound.keys():
        note_fit(machine, machine.state.narrow(bound.get("estimator", Unknown())), Arguments((bound["X"], bound["y"])))
    return machine.globals.child(("validation", machine.site(at)))


def _pipeline(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``Pipeline([("scale", …), ("model", wrapper)])``: its last step is what learns."""
    pipeline = machine.globals.child(("pipeline", machine.site(at)))
    steps = iteration.known_items(machine, arguments.first("steps") or Unknown())
    last = machine.state.narrow(steps[-1]) if steps else None
    match last.items if isinstance(last, TupleValue) else ():
        case (_, estimator) if (wrapper := machine.set_up.holders.get(machine.state.narrow(estimator))) is not None:
            machine.set_up.holders[pipeline] = wrapper
    return pipeline


def _for_the_model(arguments: Arguments) -> dict[str, Value]:
    """What a wrapper is given beside the function that builds the model."""
    return {name: value for name, value in arguments.bind(_BUILDERS[:1]).items() if name not in _BUILDERS}


def _wrap(
    machine: Machine, arguments: Arguments, given: Mapping[str, Value], compiled_with: Mapping[str, Value], at: int
) -> Unknown:
    """A wrapper; its model is built when the file was read, as a search may give it other arguments."""
    build = machine.state.narrow(arguments.first(*_BUILDERS) or Unknown())
    wrapper = machine.globals.child(("wrapped", machine.site(at)))
    if isinstance(build, FunctionValue | BoundMethod | Partial) and arguments.complete:
        sites = {name: site for name, site in arguments.sites.items() if name in compiled_with}
        site, guards = machine.site(at), machine.state.path
        machine.set_up.wrapped[wrapper] = Wrapped(build, given, compiled_with, sites, site, guards)
    return wrapper


def _search(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``GridSearchCV(wrapper, grid)``: what it searches for is given by turns; one that cannot be read may give anything."""
    bound = arguments.bind(("estimator", "param_grid"))
    grid = machine.state.narrow(
        bound.get("param_grid") or bound.get("param_distributions") or bound.get("search_spaces") or Unknown()
    )
    known = machine.set_up.wrapped
    estimator = machine.state.narrow(bound.get("estimator") or Unknown())
    searched = [wrapper for wrapper in known if wrapper is estimator] or list(known)
    for wrapper in searched:
        if isinstance(grid, DictValue) and grid.complete:
            tried = {str(name).rsplit("__", 1)[-1]: _only(machine, grid, name) for name in grid.slots}
            before = known[wrapper]
            compiled_with = {name: tried.get(name, value) for name, value in before.compiled_with.items()}
            known[wrapper] = replace(before, given={**before.given, **tried}, compiled_with=compiled_with)
        else:
            del known[wrapper]
    search = machine.globals.child(("search", machine.site(at)))
    if (held := machine.set_up.holders.get(estimator)) is not None:
        machine.set_up.holders[search] = held
    return search


def _only(machine: Machine, grid: DictValue, name: object) -> Value:
    """What a search gives a parameter, where it tries only one thing."""
    match machine.state.narrow(machine.read(grid, name) or Unknown()):
        case ListValue() | TupleValue() as listed:
            items = iteration.known_items(machine, listed)
            return items[0] if items is not None and len(items) == 1 else Unknown("tried by a search")
        case _:
            return Unknown("tried by a search")


def finish(machine: Machine, unit: ModuleUnit) -> None:
    """Build the models of the wrappers of a module, now that all that is done to them was seen."""
    here = [(key, wrapped) for key, wrapped in machine.set_up.wrapped.items() if wrapped.site.path == unit.path]
    for wrapper, wrapped in here:
        del machine.set_up.wrapped[wrapper]
        fitted = machine.set_up.estimated.get(wrapper)
        machine.on_path(
            wrapped.guards,
            lambda one=wrapped, to=fitted: machine.with_share(lambda: _build(machine, one, to)),  # type: ignore[misc]
        )


def _build(machine: Machine, wrapped: Wrapped, fitted: Arguments | None) -> None:
    takes = _parameters(wrapped.build)
    given = {name: value for name, value in wrapped.given.items() if name in takes}
    model = machine.state.narrow(machine.call(wrapped.build, Arguments((), given), wrapped.site.at))
    compiled_with = wrapped.compiled_with
    if isinstance(model, Model | Instance) and "loss" in compiled_with and machine.read(model, "compiled") is None:
        compile_ = machine.attribute(model, "compile")
        machine.call(compile_, Arguments((), compiled_with, wrapped.sites), wrapped.site.at)
    if isinstance(model, Model | Instance) and fitted is not None:
        machine.call(machine.attribute(model, "fit"), fitted, wrapped.site.at)


def _parameters(build: Value) -> set[str]:
    """The parameters that a function can be given by name."""
    match build:
        case (
            FunctionValue(definition=ir.FunctionDefinition(parameters=parameters))
            | BoundMethod(function=FunctionValue(definition=ir.FunctionDefinition(parameters=parameters)))
        ):
            return {parameter.name for parameter in parameters if parameter.kind in ("positional", "keyword")}
        case Partial(function=inner):
            return _parameters(inner)
        case _:
            return set()


_SEARCHES = ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV")

CALLS: Mapping[str, Call] = {
    "keras.wrappers.scikit_learn.KerasClassifier": _old_wrapper,
    "keras.wrappers.scikit_learn.KerasRegressor": _regression(_old_wrapper),
    "scikeras.wrappers.KerasClassifier": _scikeras,
    "scikeras.wrappers.KerasRegressor": _regression(_scikeras),
    "sklearn.model_selection.cross_val_score": _validation,
    "sklearn.pipeline.Pipeline": _pipeline,
    **{f"sklearn.model_selection.{name}": _search for name in _SEARCHES},
    "sklearn.grid_search.GridSearchCV": _search,
    "skopt.BayesSearchCV": _search,
}
