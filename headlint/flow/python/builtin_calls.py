"""Python's own functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from headlint.flow.machine import counting
from headlint.flow.machine.branches import is_option
from headlint.flow.python import (
    computed_names,
    evaluated_texts,
    instance_tests,
    iteration,
    loss_classes,
    members,
    picked_by_name,
)
from headlint.flow.values import sizes
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.conditions import Choice, Condition, Test
from headlint.flow.values.library_values import MODULES, Container, Dataset, Layer, Loss
from headlint.flow.values.python_values import (
    RANGE_NUMBER,
    ClassValue,
    Constant,
    DictValue,
    FrameworkName,
    FunctionValue,
    HeapObject,
    Instance,
    ListValue,
    ModuleValue,
    SliceValue,
    SuperValue,
    TupleValue,
    Unknown,
    Value,
)
from headlint.flow.values.tensor_values import Labels, Tensor
from headlint.frameworks import training

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def call(machine: Machine, name: str, arguments: Arguments, at: int) -> Value:
    """Call a builtin."""
    method = BUILTINS.get(name)
    if method is None:
        return machine.globals.child(("builtins", name, machine.site(at)))
    if name not in _ASKING or not arguments.positional:
        return method(machine, arguments, at)
    asked, others = arguments.positional[0], arguments.after(1)
    return machine.state.distribute([asked], lambda one: method(machine, others.preceded_by(one), at))


def _open(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``open(path)``: what reads it may ask which file it is."""
    match arguments.first("file"):
        case Constant(str() as path):
            return machine.globals.child(("opened", path))
        case _:
            return machine.globals.child(("builtins", "open", machine.site(at)))


def _len(machine: Machine, arguments: Arguments, at: int) -> Value:
    given = machine.state.narrow(arguments.positional[0]) if arguments.positional else Unknown()
    match given:
        case Tensor() as tensor:
            size = tensor.shape.size(0) if tensor.shape.dims else None
            return Constant(size) if size is not None else sizes.size_of(machine.globals, tensor, 0)
        case Unknown(key=("item", SliceValue() as part), parent=Unknown() as whole) if less := _left_out(part):
            return whole.child("len").child(("-", ("int", less)))
        case Unknown() as unknown:
            return unknown.child("len")
        case Dataset(name="zip", slots={"of": TupleValue(columns)}) if columns:
            return _shortest([_len(machine, Arguments((column,)), at) for column in columns])
        case _:
            items = iteration.known_items(machine, given)
            filled_elsewhere = isinstance(given, ListValue | DictValue) and not items
            return (
                Constant(len(items)) if items is not None and not filled_elsewhere else _unknown_length(machine, given)
            )


def _left_out(part: SliceValue) -> int:
    """How many items a slice leaves out at the ends; 0 where that is not known."""
    match iteration.slice_bounds(part):
        case slice(start=int() | None as start, stop=int() | None as stop, step=None):
            known = (start is None or start >= 0) and (stop is None or stop < 0)
            return (start or 0) - (stop or 0) if known else 0
        case _:
            return 0


def _shortest(lengths: list[Value]) -> Value:
    """The least of several lengths, where all are one with something taken from it."""
    parts = [counting.apart(length) for length in lengths]
    if any(rest is not parts[0][0] for rest, _ in parts):
        return Unknown()
    return lengths[min(range(len(parts)), key=lambda place: parts[place][1])]


def _unknown_length(machine: Machine, value: Value) -> Unknown:
    """How long something is, the same each time while nothing is put into it."""
    if not isinstance(value, HeapObject):
        return Unknown()
    kinds = iteration.representatives(machine, value) if isinstance(value, ListValue) else None
    return machine.globals.child(("len", value, len(kinds or ())))


def _range(machine: Machine, arguments: Arguments, at: int) -> Value:
    return range_of(arguments)


def range_of(arguments: Arguments) -> Value:
    """``range(…)``."""
    values = [value.value if isinstance(value, Constant) else None for value in arguments.positional]
    if values and all(isinstance(value, int) for value in values) and len(values) <= 3:
        try:
            numbers = range(*values)  # type: ignore[arg-type]
        except ValueError:
            return Unknown()
        if len(numbers) <= iteration.LONGEST_LOOP:
            return TupleValue(tuple(Constant(number) for number in numbers))
        longer = Dataset("range", Unknown(RANGE_NUMBER))
        longer.slots["bounds"] = TupleValue((Constant(numbers.start), Constant(numbers.stop), Constant(numbers.step)))
        return longer
    match arguments.positional:
        case (Unknown() as stop,) | (Constant(0), Unknown() as stop):
            return _up_to(Constant(0), stop, stop.counter())
        case Constant(int()) as start, Unknown() as stop:
            return _up_to(start, stop, Unknown(RANGE_NUMBER))
        case _:
            return Dataset("range", Unknown(RANGE_NUMBER))


def _up_to(start: Constant, stop: Unknown, number: Unknown) -> Dataset:
    numbers = Dataset("range", number)
    numbers.slots["between"] = TupleValue((start, stop))
    return numbers


def _enumerate(machine: Machine, arguments: Arguments, at: int) -> Value:
    if not arguments.positional:
        return Unknown()
    items = iteration.known_items(machine, arguments.positional[0])
    if items is not None and len(items) <= iteration.LONGEST_LOOP:
        return TupleValue(tuple(TupleValue((Constant(number), item)) for number, item in enumerate(items)))
    length = _len(machine, arguments, at) if len(arguments) == 1 else Unknown()
    number = length.counter() if isinstance(length, Unknown) else Unknown(RANGE_NUMBER)
    numbered = Dataset("enumerate", TupleValue((number, iteration.element(machine, arguments.positional[0]))))
    numbered.slots["of"] = arguments.positional[0]
    return numbered


def _zip(machine: Machine, arguments: Arguments, at: int) -> Value:
    if arguments.rest is not None and not arguments.positional:
        return _transposed(machine, arguments.rest)
    columns = [iteration.known_items(machine, value) for value in arguments.positional]
    if columns and all(column is not None for column in columns):
        rows = zip(*[column for column in columns if column is not None], strict=False)
        return TupleValue(tuple(TupleValue(row) for row in rows))
    zipped = Dataset("zip", TupleValue(members.side_by_side(machine, arguments.positional)))
    zipped.slots["of"] = TupleValue(arguments.positional)
    return zipped


def _transposed(machine: Machine, rows: Value) -> Value:
    """``zip(*rows)``: a list of unknown length for each place of a row."""
    match machine.state.narrow(iteration.element(machine, rows)):
        case TupleValue(items):
            return TupleValue(tuple(ListValue((item,), approximate=True) for item in items))
        case _:
            return Unknown()


def _list(machine: Machine, arguments: Arguments, at: int) -> Value:
    if not arguments.positional:
        return ListValue()
    items = iteration.known_items(machine, arguments.positional[0])
    if items is not None:
        return ListValue(tuple(items))
    given = machine.state.narrow(arguments.positional[0])
    if isinstance(given, ListValue | Container):
        return ListValue(iteration.slot_items(machine, given) or (), approximate=True)
    if isinstance(given, Dataset) and given.name in ("zip", "enumerate"):
        return given  # its rows come in the order of what they are made of
    if isinstance(given, Choice) and any(isinstance(option.value, ListValue) for option in given.options):
        return machine.state.distribute([given], lambda one: _list(machine, Arguments((one,)), at))
    return ListValue((iteration.element(machine, given),), approximate=True)


def _tuple(machine: Machine, arguments: Arguments, at: int) -> Value:
    items = iteration.known_items(machine, arguments.positional[0]) if arguments.positional else []
    if items is not None:
        return TupleValue(tuple(items))
    given = machine.state.narrow(arguments.positional[0])
    parts = iteration.slot_items(machine, given) if isinstance(given, ListValue | Container) else None
    if parts and all(isinstance(one, MODULES) for one in parts):
        return ListValue(parts, approximate=True)  # nobody asks whether it is a list: its layers are what counts
    return Unknown()


def _dict(machine: Machine, arguments: Arguments, at: int) -> Value:
    result = DictValue(complete=arguments.complete)
    result.may_be_filled = not arguments.positional and not arguments.named
    if arguments.positional:
        given = machine.state.narrow(arguments.positional[0])
        if isinstance(given, DictValue):
            result.slots.update(iteration.entries(machine, given))
            result.complete = result.complete and given.complete
        else:
            pairs = iteration.known_items(machine, given)
            result.complete = result.complete and pairs is not None
            if (
                pairs is None
                and isinstance(one := iteration.element(machine, given), TupleValue)
                and len(one.items) == 2
            ):
                result.others.append(one.items[1])
            for pair in pairs or []:
                match pair:
                    case TupleValue((Constant(key), value)):
                        result.slots[key] = value
                    case _:
                        result.complete = False
    result.slots.update(arguments.named)
    return result


def _number(convert: Callable[[Any], Any]) -> Callable[[Machine, Arguments, int], Value]:
    def meaning(machine: Machine, arguments: Arguments, at: int) -> Value:
        match arguments.positional:
            case (Constant(value, assumptions, symbol),):
                try:
                    return Constant(convert(value), assumptions, symbol)
                except (TypeError, ValueError, OverflowError):
                    return Unknown()
            case (Unknown() as unknown,):
                return unknown.child(convert.__name__)
            case (Test(),):
                return Unknown(key=convert.__name__)
            case (Tensor(labels=Labels() as known) as tensor,) if convert in (int, float):
                return tensor.derive(labels=replace(known, dtype="integer" if convert is int else "float"))
            case _:
                return Unknown()

    return meaning


_ANY_OF = {
    "torchvision.models": "torchvision.models.unknown_model",
    "keras.applications": "keras.applications.unknown_model",
    "torch.optim": training.ANY_OPTIMIZER,
    "torch.optim.lr_scheduler": training.ANY_SCHEDULER,
}
"""What stands for any of the things that a module of a library has, where a program picks one by name."""


def _getattr(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``getattr(owner, name)``; an option may name anything, and one whose default names nothing must be given."""
    match arguments.positional:
        case (ModuleValue(unit), Constant(str() as name, symbol=Unknown() as option), *_) if is_option(option):
            found = machine.attribute(arguments.positional[0], name, at)
            if isinstance(found, Unknown):
                return picked_by_name.from_module(machine, unit, option)
            return picked_by_name.like_the_default(machine, unit, option, name, found)
        case (owner, Constant(str() as name), *_):
            return machine.attribute(owner, name, at)
        case (ModuleValue(unit), Unknown() as name, *_):
            return picked_by_name.from_module(machine, unit, name)
        case (FrameworkName(path), *_) if path in _ANY_OF:
            return FrameworkName(_ANY_OF[path])
        case _:
            return Unknown()


def _globals(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``globals()``: the names of the module, as its ``__dict__`` has them."""
    return ModuleValue(machine.unit)


def _vars(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``vars(module)``: its ``__dict__``; options of the command line are their own."""
    match arguments.positional:
        case (ModuleValue() | DictValue() as known,):
            return known
        case (Instance() as instance,):
            return machine.attribute(instance, "__dict__", at)
        case _:
            return machine.globals.child(("builtins", "vars", machine.site(at)))


def _eval(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``eval(name)``, ``eval(name + "()")``."""
    match arguments.positional:
        case (Constant(str() as text), *_):
            return evaluated_texts.value_of(machine, text, at)
        case (Unknown(key=("+", ("str", "()")), parent=Unknown() as name), *_):
            return machine.call(picked_by_name.class_named(machine, name), Arguments(), at)
        case (Unknown() as name, *_):
            return picked_by_name.class_named(machine, name)
        case _:
            return machine.globals.child(("builtins", "eval", machine.site(at)))


def _setattr(machine: Machine, arguments: Arguments, at: int) -> Value:
    match arguments.positional:
        case (owner, Constant(str() as name), value):
            machine.set_attribute(owner, name, value)
        case (owner, _, value):
            machine.parts.register(value)
            if isinstance(owner, Instance) and not isinstance(value, MODULES):
                computed_names.doubt(machine, owner, at)
            if isinstance(owner, Instance) and isinstance(value, Unknown):
                machine.parts.filled.add(owner)
        case _:
            pass
    return Constant(None)


def _hasattr(machine: Machine, arguments: Arguments, at: int) -> Value:
    match arguments.positional:
        case (Instance() as instance, Constant(str() as name)) if machine.read(instance, name) is not None:
            return Constant(True)
        case (Unknown() as unknown, Constant(str() as name)):
            return Test(Condition("hasattr", unknown, name))
        case _:
            return Unknown()


def _decided(name: str, by: bool) -> Callable[[Machine, Arguments, int], Value]:
    """``any`` and ``all``, of values whose truth is known."""

    def meaning(machine: Machine, arguments: Arguments, at: int) -> Value:
        items = iteration.known_items(machine, arguments.positional[0]) if arguments.positional else None
        known = [bool(item.value) for item in items or () if isinstance(item, Constant) and item.symbol is None]
        if items is not None and (by in known or len(known) == len(items)):
            return Constant(by if by in known else not by)
        return machine.globals.child(("builtins", name, machine.site(at)))

    return meaning


def _same(machine: Machine, arguments: Arguments, at: int) -> Value:
    return arguments.positional[0] if arguments.positional else Unknown()


def _static(machine: Machine, arguments: Arguments, at: int) -> Value:
    match arguments.positional:
        case (FunctionValue() as function,):
            return replace(function, kind="static")
        case (other,):
            return other
        case _:
            return Unknown()


def _next(machine: Machine, arguments: Arguments, at: int) -> Value:
    return iteration.element(machine, arguments.positional[0]) if arguments.positional else Unknown()


def _reversed(machine: Machine, arguments: Arguments, at: int) -> Value:
    items = iteration.known_items(machine, arguments.positional[0]) if arguments.positional else None
    return TupleValue(tuple(items[::-1])) if items is not None else Unknown()


def _map(machine: Machine, arguments: Arguments, at: int) -> Value:
    if len(arguments.positional) < 2:
        return Unknown()
    function, *iterables = arguments.positional
    columns = [iteration.known_items(machine, iterable) for iterable in iterables]
    rows = zip(*[column for column in columns if column is not None], strict=False)
    if any(column is None or len(column) > iteration.LONGEST_LOOP for column in columns):
        elements = tuple(iteration.element(machine, iterable) for iterable in iterables)
        return ListValue((machine.call(function, Arguments(elements), at),), approximate=True)
    return ListValue(tuple(machine.call(function, Arguments(tuple(row)), at) for row in rows))


def _super(machine: Machine, arguments: Arguments, at: int) -> Value:
    match arguments.positional:
        case (ClassValue() as cls, (Instance() | ClassValue()) as receiver):
            return SuperValue(receiver, cls)
        case _:
            from headlint.flow.python import names

            return names.plain_super(machine)


def _print(machine: Machine, arguments: Arguments, at: int) -> Value:
    return Constant(None)


def _type(machine: Machine, arguments: Arguments, at: int) -> Value:
    match arguments.positional:
        case (Instance() as instance,):
            return instance.cls
        case (Loss() as loss,):
            return loss_classes.class_of(loss)
        case (Layer(kind=kind),):
            return FrameworkName(kind.name)
        case (Unknown() as unknown,):
            return unknown.child("type")
        case _:
            return Unknown()


def _extreme(choose: Callable[[Any], Any]) -> Callable[[Machine, Arguments, int], Value]:
    def meaning(machine: Machine, arguments: Arguments, at: int) -> Value:
        values = list(arguments.positional)
        if len(values) == 1:
            values = iteration.known_items(machine, values[0]) or []
        numbers = [value.value for value in values if isinstance(value, Constant)]
        if values and len(numbers) == len(values) and all(isinstance(number, int | float) for number in numbers):
            return Constant(choose(numbers))
        return Unknown()

    return meaning


def _sum(machine: Machine, arguments: Arguments, at: int) -> Value:
    items = iteration.known_items(machine, arguments.positional[0]) if arguments.positional else None
    if not items:
        return _sum_of_some(machine, arguments.positional[0]) if arguments.positional else Unknown()
    from headlint.flow.python import expressions

    total = items[0]
    for item in items[1:]:
        total = machine.state.distribute([total, item], lambda one, two: expressions.binary(machine, "+", one, two, at))
    return total


def _sum_of_some(machine: Machine, summed: Value) -> Value:
    """The sum of nobody knows how many values: of tensors it means what each of them does, of numbers it is none of them."""
    match iteration.element(machine, summed):
        case Constant():
            return Unknown()
        case other:
            return other


def _round(machine: Machine, arguments: Arguments, at: int) -> Value:
    match arguments.positional:
        case (Constant(int() | float() as number), *_):
            return Constant(round(number))
        case (Tensor() as tensor, *_):
            return machine.tensors.rounded(machine, tensor, machine.site(at))
        case _:
            return Unknown()


BUILTINS: dict[str, Callable[[Machine, Arguments, int], Value]] = {
    "len": _len,
    "open": _open,
    "range": _range,
    "xrange": _range,
    "enumerate": _enumerate,
    "zip": _zip,
    "list": _list,
    "set": _list,
    "sorted": _list,
    "tuple": _tuple,
    "dict": _dict,
    "int": _number(int),
    "float": _number(float),
    "str": _number(str),
    "bool": _number(bool),
    "abs": _number(abs),
    "round": _round,
    "getattr": _getattr,
    "globals": _globals,
    "vars": _vars,
    "eval": _eval,
    "setattr": _setattr,
    "hasattr": _hasattr,
    "isinstance": instance_tests.is_instance,
    "iter": _same,
    "staticmethod": _static,
    "classmethod": _same,
    "next": _next,
    "reversed": _reversed,
    "map": _map,
    "super": _super,
    "print": _print,
    "type": _type,
    "max": _extreme(max),
    "min": _extreme(min),
    "sum": _sum,
    "any": _decided("any", True),
    "all": _decided("all", False),
}


_ASKING = frozenset({"isinstance", "hasattr", "getattr", "type", "int", "float", "str", "bool", "abs"})
"""What asks something of one value, so that each of several values has its own answer."""
