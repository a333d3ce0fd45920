"""Arrays that are written out in the program, or built of lists whose items are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from headlint.flow.tensors import numbers, shapes
from headlint.flow.tensors.dtypes import requested, with_type
from headlint.flow.values.python_values import CLASS_NUMBER, Constant, ListValue, TupleValue, Unknown, Value
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Labels, Origin, Shape, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

MOST_ROWS = 512
"""Rows of a list that are looked at."""


def array(machine: Machine, data: Value, dtype: Value | None, origin: Origin) -> Value:
    """An array of a list: its shape, and what its numbers may stand for."""
    from headlint.flow.python.iteration import element, known_items

    items = known_items(machine, data)
    one = machine.state.narrow(items[0] if items else element(machine, data))
    if isinstance(one, Tensor):
        return _of_tensors(machine, one, items, dtype, origin)
    dims = _dims(machine, data)
    if (gathered := _gathered(machine, data, dtype, origin)) is not None:
        return gathered
    if isinstance(data, ListValue) and isinstance(one, ListValue | TupleValue) and items is None:
        return Tensor(origin=replace(origin, factor=data))
    if not dims or not items:
        typed = requested(dtype, "")
        known = Labels("", None, typed, source="an array", site=origin.site) if typed else None
        # a whole number each: where one stands for several, the array has another axis all the more
        alone = items is not None and len(items) == 1 and typed == "integer" and isinstance(one, Unknown)
        is_row = alone or items == []
        shape = Shape((_length(machine, data, len(items)),)) if is_row and items is not None else ANY_SHAPE
        return Tensor(shape=shape, origin=origin, labels=known)
    found = _rows(machine, data)
    labels = _labels(found, dims, dtype, origin) if found else None
    return Tensor(Domain.UNKNOWN, Shape(tuple(dims)), origin, labels=labels)


def _of_tensors(
    machine: Machine, one: Tensor, items: list[Value] | None, dtype: Value | None, origin: Origin
) -> Tensor:
    """Tensors that were gathered in a list, put behind each other along a new axis."""
    gathered = items or [one]
    tensors = [part for item in gathered if isinstance(part := machine.state.narrow(item), Tensor)]
    labels = numbers.joined([tensor.labels for tensor in tensors]) if len(tensors) == len(gathered) else None
    domains = {tensor.domain for tensor in tensors}
    domain = domains.pop() if len(domains) == 1 and labels is not None else Domain.UNKNOWN
    shape = shapes.with_axis(one.shape, 0, len(items) if items is not None else None)
    attached = any(tensor.attached for tensor in tensors)
    cut = None if attached else next((tensor.cut for tensor in tensors if tensor.cut is not None), None)
    made = Tensor(domain, shape, origin, tuple(tensors), attached=attached, cut=cut, labels=labels)
    return with_type(made, requested(dtype, labels.dtype if labels is not None else ""))


def _gathered(machine: Machine, data: Value, dtype: Value | None, origin: Origin) -> Tensor | None:
    """One number a sample, of a list whose length or some of whose numbers are not known; None of any other."""
    from headlint.flow.python.iteration import known_items, representatives

    members = representatives(machine, data) or []
    written = known_items(machine, data)
    if not members or (written is not None and all(isinstance(item, Constant) for item in written)):
        return None
    options = [option.value for item in members for option in machine.state.alternatives(item)]
    if all(isinstance(value, ListValue | TupleValue) for value in options):
        return _gathered_rows(machine, options, dtype, origin) or _rows_of_answers(machine, options, dtype, origin)
    written_numbers = [
        value.value for value in options if isinstance(value, Constant) and isinstance(value.value, int | float)
    ]
    plain = [float(number) for number in written_numbers]
    fractional = any(isinstance(number, float) for number in written_numbers)
    counted = [value for value in options if isinstance(value, Unknown) and value.is_whole_number]
    if len(plain) + len(counted) < len(options):
        return None
    source, typed, site = "a list of numbers", requested(dtype, "float" if fractional else "integer"), origin.site
    if counted:
        encoding = "index" if all(value.note == CLASS_NUMBER for value in counted) else ""
        labels = Labels(encoding, None, typed, False, source, site=site)
    else:
        rows = [[number] for number in (*plain, *plain)]
        labels = numbers.written_out(rows, False, typed, source, site) if site is not None else Labels("", None, typed)
    return Tensor(Domain.UNKNOWN, Shape((None,)), origin, labels=labels)


def _gathered_rows(machine: Machine, rows: list[Value], dtype: Value | None, origin: Origin) -> Tensor | None:
    """Rows of a list of unknown length: written out, an answer in one of a few forms for each sample, or computed."""
    if (computed := _computed_rows(machine, rows, dtype, origin)) is not None:
        return computed
    found = [row for value in rows for row in _rows(machine, value)]
    widths = {len(row) for row in found}
    if len(found) < len(rows) or origin.site is None or len(widths) != 1 or 0 in widths:
        return None
    shape, typed = Shape((None, len(found[0]))), requested(dtype, "")
    labels = numbers.written_out([*found, *found], False, typed, "a list of rows", origin.site)
    return Tensor(Domain.UNKNOWN, shape, origin, labels=labels)


def _rows_of_answers(machine: Machine, rows: list[Value], dtype: Value | None, origin: Origin) -> Tensor | None:
    """Rows of zeros and ones whose length is not known: ``row = [0] * number; row[place] = 1``."""
    from headlint.flow.python.iteration import representatives

    for row in rows:
        numbers_of = representatives(machine, row) if isinstance(row, ListValue) and row.approximate else None
        if not numbers_of or {item.value for item in numbers_of if isinstance(item, Constant)} != {0, 1}:
            return None
        if not all(isinstance(item, Constant) for item in numbers_of):
            return None
    known = Labels("multi_hot", None, requested(dtype, "integer"), False, "rows of zeros and ones", site=origin.site)
    return Tensor(Domain.UNKNOWN, Shape((None, None)), origin, labels=known)


def _computed_rows(machine: Machine, rows: list[Value], dtype: Value | None, origin: Origin) -> Tensor | None:
    """Rows of one number, ``[y]``, that a computation gives; None of any other."""
    from headlint.flow.python.iteration import known_items

    items = [known_items(machine, row) for row in rows]
    alone = [machine.state.narrow(item[0]) for item in items if item is not None and len(item) == 1]
    single = [one for one in alone if isinstance(one, Tensor) and one.shape.rank in (None, 0)]
    if not single or len(single) < len(rows):
        return None
    column = _of_tensors(machine, single[-1], None, dtype, origin)
    labels = replace(column.labels, column=True) if column.labels is not None else None
    return column.derive(shape=Shape((None, 1)), labels=labels)


def _dims(machine: Machine, data: Value) -> list[int | None]:
    """The sizes of nested lists, outermost first, as the first of each shows them; empty where they are not known."""
    from headlint.flow.python.iteration import known_items

    dims: list[int | None] = []
    value: Value = data
    while isinstance(value, ListValue | TupleValue):
        items = known_items(machine, value)
        if not items:
            return []
        dims.append(_length(machine, value, len(items)))
        value = items[0]
    return dims if isinstance(value, Constant) else []


def _length(machine: Machine, data: Value, length: int) -> int | None:
    """How many items a list has; one from before the loop with no more than an item is one that the rounds add to, as a rule."""
    grows = length <= 1 and isinstance(data, ListValue) and machine.rounds and data.born < machine.rounds[-1].began
    return None if grows else length


def _rows(machine: Machine, data: Value) -> list[list[float]]:
    """The numbers of each innermost list; nothing where one of them is not known."""
    from headlint.flow.python.iteration import known_items

    items = known_items(machine, data) or []
    if all(isinstance(item, Constant) for item in items):
        row = [item.value for item in items if isinstance(item, Constant) and isinstance(item.value, int | float)]
        return [row] if len(row) == len(items) else []
    found: list[list[float]] = []
    for item in items:
        inner = _rows(machine, item) if isinstance(item, ListValue | TupleValue) else []
        if not inner or len(found) > MOST_ROWS:
            return []
        found += inner
    return found


def _labels(rows: list[list[float]], dims: list[int | None], dtype: Value | None, origin: Origin) -> Labels | None:
    if len({len(row) for row in rows}) != 1 or origin.site is None:
        return None
    flat = [number for row in rows for number in row]
    written = "boolean" if all(isinstance(number, bool) for number in flat) else "integer"
    if any(isinstance(number, float) for number in flat):
        written = "float"
    column = len(dims) > 1 and dims[-1] == 1
    if len(dims) == 1:
        rows = [[number] for number in flat]
    return numbers.written_out(rows, column, requested(dtype, written), "the array of labels", origin.site)
