"""Functions and classes of Python's standard library, and of tqdm, that carry values on."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from itertools import product
from typing import TYPE_CHECKING

from headlint.flow.machine.state import join
from headlint.flow.python import builtin_calls, instance_tests, iteration, names, picked_by_name
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.conditions import Condition, Guard
from headlint.flow.values.library_values import Dataset, Parser
from headlint.flow.values.python_values import (
    DRAWN,
    ClassValue,
    Constant,
    DictValue,
    ListValue,
    Partial,
    TupleValue,
    Unknown,
    Value,
)
from headlint.syntax import ir

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def _named_tuple(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``namedtuple("Answer", ["scores", "states"])``: a class whose objects hold what they are given by these names."""
    bound = arguments.bind(("typename", "field_names"))
    match bound.get("typename"), machine.state.narrow(bound.get("field_names", Unknown())):
        case Constant(str() as name), Constant(str() as text):
            fields = text.replace(",", " ").split()
        case Constant(str() as name), (ListValue() | TupleValue()) as several:
            items = iteration.known_items(machine, several) or []
            fields = [item.value for item in items if isinstance(item, Constant) and isinstance(item.value, str)]
        case _:
            return Unknown()
    declared = tuple(ir.Declare(at, ir.Name(at, field), ir.Name(at, "object")) for field in fields)
    cls = ClassValue(ir.ClassDefinition(at, name, (), declared, ()), machine.unit, machine.frame.scope, ())
    cls.dataclass = True
    return cls


def _partial(machine: Machine, arguments: Arguments, at: int) -> Value:
    if not arguments.positional:
        return Unknown()
    return Partial(arguments.positional[0], arguments.positional[1:], tuple(arguments.named.items()))


def _parser(machine: Machine, arguments: Arguments, at: int) -> Value:
    """A parser; its ``parents`` are parsers whose options it has too."""
    parents = iteration.known_items(machine, arguments.get("parents") or TupleValue(())) or []
    inherited: dict[Hashable, Value] = {}
    for parent in parents:
        if isinstance(parent, Parser):
            inherited.update(_options(machine, parent))
    return Parser(inherited)


def parser_method(machine: Machine, parser: Parser, name: str, arguments: Arguments, at: int) -> Value:
    """A method of ``argparse.ArgumentParser``: the defaults are what holds while nobody says otherwise."""
    match name:
        case "add_argument":
            _add_option(machine, parser, arguments)
            return Unknown()
        case "parse_args" | "parse_known_args":
            options = DictValue(_options(machine, parser), complete=False)
            return options if name == "parse_args" else TupleValue((options, Unknown()))
        case "set_defaults":
            for option, value in arguments.named.items():
                machine.state.write(parser, option, value)
            return Constant(None)
        case "add_argument_group" | "add_mutually_exclusive_group":
            return parser
        case "add_subparsers":
            return _commands(machine, parser, arguments)
        case "add_parser":
            return _command(machine, parser, arguments, at)
        case _:
            return Unknown()


def _commands(machine: Machine, parser: Parser, arguments: Arguments) -> Value:
    """What makes the parsers of a parser's commands: the parser itself, since it keeps them."""
    match arguments.get("dest"):
        case Constant(str() as option):
            parser.command = machine.globals.child(Assumption(machine.unit.path, "", option))
            machine.state.write(parser, option, parser.command)
        case _:
            parser.command = machine.globals.child(Assumption(machine.unit.path, "", "the command"))
    return parser


def _command(machine: Machine, parser: Parser, arguments: Arguments, at: int) -> Value:
    made = _parser(machine, arguments, at)
    match arguments.first("name"), made:
        case Constant(str() as name), Parser():
            parser.commands[name] = made
    return made


def _options(machine: Machine, parser: Parser) -> dict[Hashable, Value]:
    """What a parser gives: its options and those of the command that is given, whichever.

    What several commands say is what the given one says. Numbers that they disagree about may be any, and functions are
    what a command does, which is a program of its own.
    """
    options: dict[Hashable, Value] = dict(iteration.entries_of_object(machine, parser))
    said: dict[Hashable, dict[str, Value]] = {}
    for name, command in parser.commands.items():
        for option, value in _options(machine, command).items():
            said.setdefault(option, {})[name] = value
    for option, by_command in said.items():
        first, *others = by_command.values()
        if all(value == first for value in others):
            options[option] = first
        elif parser.command is None or not all(isinstance(value, ClassValue) for value in by_command.values()):
            options[option] = machine.globals.child(Assumption(machine.unit.path, "", f"--{option}"))
        else:
            options[option] = join(
                ((Guard(Condition("==", parser.command, name), True),), value) for name, value in by_command.items()
            )
    return options


def _add_option(machine: Machine, parser: Parser, arguments: Arguments) -> None:
    spellings = [
        value.value for value in arguments.positional if isinstance(value, Constant) and isinstance(value.value, str)
    ]
    if not spellings:
        return
    longest = next((spelling for spelling in spellings if spelling.startswith("--")), spellings[0])
    chosen = arguments.get("dest")
    option = str(chosen.value) if isinstance(chosen, Constant) else longest.lstrip("-").replace("-", "_")
    default = arguments.get("default")
    match arguments.get("action"):
        case Constant("store_true") if default is None:
            default = Constant(False)
        case Constant("store_false") if default is None:
            default = Constant(True)
    assumption = Assumption(machine.unit.path, "", longest)
    symbol = machine.globals.child(assumption)
    match default:
        case Constant(value) if value is not None:
            machine.state.write(parser, option, Constant(value, frozenset({assumption}), symbol))
        case _:
            machine.state.write(parser, option, symbol)


def _tqdm(machine: Machine, arguments: Arguments, at: int) -> Value:
    return arguments.first("iterable") or Unknown()


def _cast(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``typing.cast(type, value)``: the value."""
    return arguments.get("val") or (arguments.positional[1] if len(arguments.positional) > 1 else Unknown())


def _deque(machine: Machine, arguments: Arguments, at: int) -> Value:
    return ListValue(approximate=True)


def _field(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``dataclasses.field(default=…)`` or ``field(default_factory=…)``."""
    factory = arguments.get("default_factory")
    return machine.call(factory, Arguments(), at) if factory is not None else arguments.get("default") or Unknown()


def _product(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``itertools.product``: each choice of one item from every list."""
    given = arguments.positional
    match arguments.get("repeat"), arguments.rest:
        case Constant(int() as times), None:
            given *= times
        case None, None:
            pass
        case _:
            return Unknown()
    columns = [iteration.known_items(machine, value) for value in given]
    known = [column for column in columns if column is not None]
    if len(known) == len(columns) and math.prod(map(len, known)) <= iteration.LONGEST_LOOP:
        return TupleValue(tuple(map(TupleValue, product(*known))))
    return Dataset("product", TupleValue(tuple(iteration.element(machine, value) for value in given)))


def _import_module(machine: Machine, arguments: Arguments, at: int) -> Value:
    match arguments.positional:
        case (Constant(str() as dotted), *_) if not dotted.startswith("."):
            return names.module_named(machine, machine.unit, 0, dotted)
        case (Unknown() as dotted, *_):
            return picked_by_name.module_named(machine, dotted)
        case _:
            return Unknown()


def _drawn(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``random.choice(objects)``: any of them; numbers and texts that are drawn are not known."""
    given = arguments.first("seq", "population")
    drawn = iteration.element(machine, given) if given is not None else Unknown()
    if iteration.is_object(drawn):
        return drawn
    items = iteration.known_items(machine, given) if given is not None else None
    counts = items and all(isinstance(item, Constant) and type(item.value) is int for item in items)
    return machine.globals.child(("drawn", machine.site(at)), DRAWN if counts else "")


def _several_drawn(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``random.sample(objects, number)``: some of them."""
    drawn = _drawn(machine, arguments, at)
    return ListValue((drawn,), approximate=True) if iteration.is_object(drawn) else drawn


def _whole_number(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``random.randint(0, 9)``."""
    return machine.globals.child(("call", machine.site(at), "random"), DRAWN)


def _of_numbers(function: Callable[..., int | float]) -> Callable[[Machine, Arguments, int], Value]:
    """A function of ``math``, of numbers that are known."""

    def meaning(machine: Machine, arguments: Arguments, at: int) -> Value:
        given = [machine.state.narrow(value) for value in arguments.positional]
        known = [one.value for one in given if isinstance(one, Constant) and isinstance(one.value, int | float)]
        if not given or len(known) != len(given) or arguments.named:
            return Unknown()
        try:
            return Constant(function(*known))
        except (ArithmeticError, ValueError, TypeError):
            return Unknown()

    return meaning


NAMES: dict[str, Callable[[Machine, Arguments, int], Value]] = {
    "dataclasses.field": _field,
    "functools.partial": _partial,
    "inspect.isclass": instance_tests.is_class,
    "importlib.import_module": _import_module,
    "itertools.product": _product,
    "argparse.ArgumentParser": _parser,
    "collections.OrderedDict": builtin_calls.BUILTINS["dict"],
    "collections.deque": _deque,
    "collections.namedtuple": _named_tuple,
    "random.choice": _drawn,
    "random.choices": _several_drawn,
    "random.sample": _several_drawn,
    "random.randint": _whole_number,
    "random.randrange": _whole_number,
    "random.getrandbits": _whole_number,
    "math.sqrt": _of_numbers(math.sqrt),
    "math.floor": _of_numbers(math.floor),
    "math.ceil": _of_numbers(math.ceil),
    "math.pow": _of_numbers(math.pow),
    "typing.cast": _cast,
    "typing_extensions.cast": _cast,
    "tqdm.tqdm": _tqdm,
    "tqdm.auto.tqdm": _tqdm,
    "tqdm.notebook.tqdm": _tqdm,
    "tqdm.trange": builtin_calls.BUILTINS["range"],
    "tqdm": _tqdm,
}
