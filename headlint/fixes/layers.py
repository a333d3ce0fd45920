"""Fixes of a layer's own arguments, and layers that must go or come."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import libcst as cst

from headlint.findings.finding import Place
from headlint.fixes.activations import drop_layer
from headlint.fixes.case import Case, Repair
from headlint.fixes.program import CannotFix, Program, argument, last_name
from headlint.fixes.spelling import beside

_UNITS = {
    "Dense": ("units", 0),
    "Linear": ("out_features", 1),
    "LazyLinear": ("out_features", 0),
    "Conv2d": ("out_channels", 1),
    "Conv1d": ("out_channels", 1),
    "Conv2D": ("filters", 0),
    "dense": ("units", 1),
}
_BIAS = {"Linear": ("bias", 2), "Dense": ("use_bias", None), "dense": ("use_bias", None)}


def units_of_classes(case: Case) -> Repair:
    """HL204: as many outputs as there are classes."""
    classes = case.detail("classes")
    if not isinstance(classes, int):
        raise CannotFix("the number of classes is not known")
    return units_written(case, case.finding.place, classes)


def units_written(case: Case, place: Place, classes: int) -> Repair:
    """Write the number of outputs into a layer."""
    program, call = case.call(place)
    keyword, position = _UNITS.get(last_name(call.func), ("units", None))
    given = argument(call, keyword, position) or argument(call, "output_dim")
    number = program.literal(given.value) if given is not None else None
    if not isinstance(number, cst.Integer):
        raise CannotFix("the number of outputs is not written there")
    reason = "a saved model no longer fits, and it may be the labels that are wrong"
    return Repair(f"Give the last layer {classes} outputs", reason, (program.replace(number, str(classes)),))


def activation_on(case: Case) -> Repair:
    """HL105, HL106: let the last layer give the probabilities that the loss expects."""
    if case.detail("framework") != "keras" or case.steps("activation"):
        raise CannotFix("the last layer is not where it belongs")
    program, call = case.call(case.step("layer").place)
    if last_name(call.func) != "Dense" or argument(call, "activation", 1) is not None:
        raise CannotFix("the last layer is no plain Dense")
    wanted = "sigmoid" if case.finding.code == "HL105" else "softmax"
    reason = "the model then gives probabilities to everybody who uses it"
    edit = program.set_argument(call, "activation", f'"{wanted}"')
    return Repair(f"Give the last layer activation={wanted!r}", reason, (edit,))


def bias_on(case: Case) -> Repair:
    """HL401, HL402: the layer's bias."""
    program, call = case.call(case.finding.place)
    known, position = _BIAS.get(last_name(call.func), ("bias", None))
    given = argument(call, str(case.detail("parameter") or known)) or argument(call, known, position)
    if given is None or not isinstance(given.value, cst.Name) or given.value.value != "False":
        raise CannotFix("bias=False is not written there")
    reason = "the model has more parameters, and weights that were saved before do not load into it"
    return Repair(f"Remove {program.text(given)}", reason, (program.remove_item(call.args, given),))


def bias_off(case: Case) -> Repair:
    """HL403: no bias where the norm layer behind it removes it."""
    program, call = case.call(case.finding.place)
    framework = (program.meaning(call.func) or "").partition(".")[0]
    if framework not in ("torch", "keras") or any(arg.star for arg in call.args):
        raise CannotFix("its arguments are not to be seen")
    keyword = "bias" if framework == "torch" else "use_bias"
    reason = "weights that were saved before hold a bias that then has no place"
    return Repair(f"Write {keyword}=False", reason, (program.set_argument(call, keyword, "False"),))


def layer_off(case: Case) -> Repair:
    """HL504: nothing random on the final scores."""
    program, call = case.call(case.finding.place)
    reason = "the model computes something else, and in PyTorch the names of saved weights may shift"
    name = last_name(call.func)
    return Repair(f"Remove the {name}", reason, drop_layer(program, call))


def flatten_before(case: Case) -> Repair:
    """HL207: one row for each sample before the head."""
    program, call = case.call(case.finding.place)
    reason = "pooling may be the better choice, and a saved model no longer fits"
    item = program.parent(call)
    holder = program.parent(item) if isinstance(item, cst.Arg | cst.Element) else None
    before, where = _layer_before(program, item, holder)
    steps = argument(before, "return_sequences") if isinstance(before, cst.Call) else None
    if steps is not None and isinstance(before, cst.Call):
        return Repair("Keep the last step only", reason, (program.remove_item(before.args, steps),))
    text, imports = beside(program, call.func, "Flatten")
    start = program.span(where)[0]
    margin = program.lines[start[0] - 1][: start[1] - 1]
    separator = f"\n{margin}" if not margin.strip() else " " if where is item else "; "
    if where is item:
        written = f"{text}(),{separator}"
    elif isinstance(holder, cst.Call):
        written = f"{program.text(holder.func)}({text}()){separator}"
    else:
        raise CannotFix("the layer is added in another manner")
    return Repair("Flatten before the head", reason, (program.edit(start, start, written), *imports))


def _layer_before(
    program: Program, item: cst.CSTNode | None, holder: cst.CSTNode | None
) -> tuple[cst.BaseExpression, cst.CSTNode]:
    """The layer before one in a list or a row of ``add``, and the place where another one can be written."""
    items: Sequence[cst.Arg | cst.BaseElement] = ()
    match holder:
        case cst.List(elements=elements):
            items = elements
        case cst.Call(func=func, args=args) if last_name(func) == "Sequential":
            items = args
        case cst.Call(func=func) if last_name(func) == "add":
            line = program.statement(holder)
            block = program.parent(line)
            rows = block.body if isinstance(block, cst.Module | cst.IndentedBlock) else ()
            previous = rows[max(0, list(rows).index(line) - 1)] if line in rows else None
            match previous:
                case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Call(func=same, args=[one]))]):
                    if same.deep_equals(func) and previous is not line:
                        return one.value, line
        case _:
            pass
    for before, after in pairwise(items):
        if after is item:
            return before.value, after
    raise CannotFix("the layer before it is not to be seen")
