"""Settings that stand in YAML files beside a program, as Hydra puts them together: ``@hydra.main(config_path, config_name)``.

What they say holds while nobody says otherwise on the command line, like the default of an option. A group of files
(``defaults: - model: small``) is a choice among the files of its folder, where these name something of the project.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from headlint.flow.machine.state import join
from headlint.flow.python import builtin_calls, names
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.conditions import Condition, Guard
from headlint.flow.values.python_values import Constant, DictValue, FrameworkName, ListValue, Partial, Unknown, Value
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

MOST_FILES = 12
"""Files of a group of which each may be the one that is chosen."""

DEEPEST_GROUP = 4
"""Groups within groups that are followed."""

MOST_FOLDERS = 3
"""Folders, from that of the program upwards, in which a file of settings is looked for."""

DEEPEST_CHOICE = 1
"""Those of them of which another file than the usual may be chosen."""

USUAL_FOLDERS = ("configs", "config", "conf")
"""Where programs keep their settings that work the folder out themselves."""

TARGET, PARTIAL, RECURSIVE = "_target_", "_partial_", "_recursive_"
"""What an object of the settings is made by, whether only later, and whether what is inside is made before it."""


def of_program(machine: Machine, node: ir.FunctionDefinition) -> tuple[tuple[str, Value], ...]:
    """What a function decorated with ``hydra.main`` is called with."""
    file = machine.unit.file
    for decorator in node.decorators if node.parameters and file is not None else ():
        match decorator:
            case ir.Call(function=function, arguments=given) if machine.evaluate(function) == FrameworkName(
                "hydra.main"
            ):
                named = _named_arguments(machine, given)
                match named.get("config_name"):
                    case Constant(str() as name) if file is not None:
                        folders = _folders(file.parent, named.get("config_path", Constant(None)))
                        composed = (_composed(machine, folder / _file_name(name), (), 0) for folder in folders)
                        settings = next((found for found in composed if found is not None), None)
                        return ((node.parameters[0].name, settings),) if settings is not None else ()
    return ()


def _named_arguments(machine: Machine, given: tuple[ir.Argument, ...]) -> dict[Hashable, Value]:
    named: dict[Hashable, Value] = {}
    for argument in given:
        value = machine.evaluate(argument.value)
        if argument.stars == 2 and isinstance(value, DictValue):
            named |= value.slots
        else:
            named[argument.name] = value
    return named


def _folders(home: Path, said: Value) -> Iterator[Path]:
    """Where the settings of a program may stand; programs that work their folder out keep it beside or above themselves."""
    match said:
        case Constant(None):
            yield home
        case Constant(str() as folder):
            yield _resolved(home / folder)
        case _:
            yield from (beside / name for beside in (home, home.parent) for name in USUAL_FOLDERS)


def _file_name(name: str) -> str:
    return name if name.endswith((".yaml", ".yml")) else f"{name}.yaml"


def _resolved(path: Path) -> Path:
    return Path(*(part for part in path.parts if part != ".")) if ".." not in path.parts else path.resolve()


def _composed(machine: Machine, file: Path, place: tuple[str, ...], depth: int) -> DictValue | None:
    """What a file of settings says, together with the files that its ``defaults`` name."""
    said = machine.loader.settings(file)
    if not isinstance(said, Mapping) or depth > DEEPEST_GROUP:
        return None
    composed = DictValue(complete=False)
    own = {key: value for key, value in said.items() if key != "defaults"}
    for group, name in (*_defaults(said.get("defaults")), ("", "_self_")):
        if name == "_self_":
            _merge(composed, {key: _value(machine, file, value, (*place, key)) for key, value in own.items()})
        elif not group:
            beside = _composed(machine, file.parent / _file_name(name), place, depth + 1)
            _merge(composed, beside.slots if beside is not None else {})
        else:
            chosen = _chosen(machine, file.parent / group, name, (*place, *group.split("/")), depth)
            _merge(composed, _nested(group.split("/"), chosen) if chosen is not None else {})
    return composed


def _defaults(said: object) -> Iterator[tuple[str, str]]:
    """The groups and files that a list of defaults names."""
    for entry in said if isinstance(said, list) else ():
        match entry:
            case str() as name:
                yield "", name
            case {**pairs} if len(pairs) == 1:
                [(said_group, chosen)] = pairs.items()
                group = str(said_group).removeprefix("override ").removeprefix("optional ").strip("/")
                if isinstance(chosen, str) and "@" not in group and "$" not in chosen:
                    yield group, chosen


def _chosen(machine: Machine, folder: Path, name: str, place: tuple[str, ...], depth: int) -> Value | None:
    """The file of a group that the defaults name, or any other of the group where it is about a network or a loss."""
    name = name.removesuffix(".yaml")
    default = _composed(machine, folder / _file_name(name), place, depth + 1)
    others = machine.loader.settings_in(folder)
    if (
        default is None
        or depth > DEEPEST_CHOICE
        or not 1 < len(others) <= MOST_FILES
        or not _chooses_a_part(machine, default)
    ):
        return default
    option = machine.globals.child(Assumption(str(folder), "", "/".join(place)))
    files = {
        other: _composed(machine, folder / _file_name(other), place, depth + 1) for other in others if other != name
    }
    known = [(name, default), *((other, value) for other, value in files.items() if value is not None)]
    return join(((Guard(Condition("==", option, key), True, key == name),), value) for key, value in known)


def _chooses_a_part(machine: Machine, settings: DictValue) -> bool:
    """Whether settings name something of the project, or a loss: with another of a group goes another of a second one."""
    for key, value in settings.slots.items():
        match value:
            case Constant(str() as dotted) if key == TARGET:
                top = names.module_named(machine, machine.unit, 0, dotted.split(".", 1)[0])
                if not isinstance(top, FrameworkName | Unknown) or dotted.lower().endswith("loss"):
                    return True
            case DictValue() if _chooses_a_part(machine, value):
                return True
    return False


def _nested(groups: list[str], value: Value) -> Mapping[Hashable, Value]:
    inner = value if len(groups) == 1 else DictValue(_nested(groups[1:], value), complete=False)
    return {groups[0]: inner}


def _merge(into: DictValue, more: Mapping[Hashable, Value]) -> None:
    for key, value in more.items():
        match into.slots.get(key), value:
            case DictValue() as known, DictValue():
                _merge(known, value.slots)
            case _:
                into.slots[key] = value


def _value(machine: Machine, file: Path, said: object, place: tuple[str, ...]) -> Value:
    match said:
        case {**entries}:
            inner = {key: _value(machine, file, value, (*place, str(key))) for key, value in entries.items()}
            return DictValue(inner, complete=False)
        case list():
            items = (_value(machine, file, value, (*place, str(number))) for number, value in enumerate(said))
            return ListValue(tuple(items))
    assumption = Assumption(str(file), "", ".".join(place))
    symbol = machine.globals.child(assumption)
    match said:
        case str() if place[-1] == TARGET:
            return Constant(said)
        case str() if "${" in said or said == "???":
            return symbol
        case str() | int() | float():
            return Constant(said, frozenset({assumption}), symbol)
        case _:
            return symbol


def instantiate(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``hydra.utils.instantiate(settings, *positional, **named)``: the object that the settings describe."""
    given = arguments.first("config")
    if given is None:
        return Unknown()
    named = {name: value for name, value in arguments.named.items() if name != "config"}

    def make(settings: Value) -> Value:
        return _made(machine, settings, arguments.positional[1:], named, at)

    return machine.state.distribute([given], make)


def _made(
    machine: Machine, settings: Value, positional: tuple[Value, ...], named: Mapping[str, Value], at: int
) -> Value:
    if not isinstance(settings, DictValue):
        return machine.globals.child(("made by settings", machine.site(at)))
    said = {**{str(key): value for key, value in settings.slots.items()}, **named}
    match said.get(TARGET):
        case Constant(str() as dotted):
            made_by = _named(machine, dotted)
        case _:
            return machine.globals.child(("made by settings", machine.site(at)))
    recursive = not _is(said.get(RECURSIVE), False)
    given = {
        key: _inner(machine, value, at) if recursive and key not in named else value
        for key, value in said.items()
        if not key.startswith("_")
    }
    if _is(said.get(PARTIAL), True):
        return Partial(made_by, positional, tuple(given.items()))
    return machine.call(made_by, Arguments(positional, given), at)


def _is(said: Value | None, wanted: bool) -> bool:
    return isinstance(said, Constant) and said.value is wanted


def _inner(machine: Machine, value: Value, at: int) -> Value:
    match value:
        case DictValue() if TARGET in value.slots:
            return _made(machine, value, (), {}, at)
        case DictValue():
            inner = {key: _inner(machine, entry, at) for key, entry in value.slots.items()}
            return DictValue(inner, complete=False)
        case ListValue(items=items):
            return ListValue(tuple(_inner(machine, item, at) for item in items))
        case _:
            return value


def _named(machine: Machine, dotted: str) -> Value:
    """What a dotted name means, seen from the program."""
    top, *rest = dotted.split(".")
    value = names.module_named(machine, machine.unit, 0, top)
    for name in rest:
        value = machine.attribute(value, name)
    return value


def _loaded(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``yaml.safe_load(open("settings.yaml"))`` and ``OmegaConf.load("settings.yaml")``."""
    match arguments.first("stream", "file_"):
        case Unknown(key=("opened", str() as path)) | Constant(str() as path) if path.endswith((".yaml", ".yml")):
            return _beside(machine, path) or machine.globals.child(("settings", path))
        case _:
            return machine.globals.child(("settings", machine.site(at)))


def _beside(machine: Machine, path: str) -> Value | None:
    """The settings in a file that is named from the folder in which the program is run: its own, or one above it."""
    home = machine.unit.file
    for folder in home.parents[:MOST_FOLDERS] if home is not None else ():
        file = folder / path
        said = machine.loader.settings(file)
        if isinstance(said, Mapping):
            return _value(machine, file, said, ())
    return None


def _plain(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``OmegaConf.to_container(settings)``: the settings themselves."""
    return arguments.first("cfg", "obj", "config", "d") or Unknown()


def _with_attributes(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``EasyDict(settings)`` and ``Munch(generator=…)``: a dictionary whose keys are attributes as well."""
    if arguments.positional:
        return _plain(machine, arguments, at)
    return builtin_calls.BUILTINS["dict"](machine, arguments, at)


NAMES = {
    "hydra.utils.instantiate": instantiate,
    "hydra.utils.call": instantiate,
    "omegaconf.OmegaConf.to_container": _plain,
    "omegaconf.OmegaConf.create": _plain,
    "omegaconf.OmegaConf.load": _loaded,
    "yaml.safe_load": _loaded,
    "yaml.full_load": _loaded,
    "yaml.load": _loaded,
    "easydict.EasyDict": _with_attributes,
    "munch.Munch": _with_attributes,
}
"""Functions of Hydra, OmegaConf, PyYAML, EasyDict and Munch."""
