"""Fixes of a layer's own arguments, and layers that must go or come."""

from __future__ import annotations

import libcst as cst

from headlint.findings import Place
from headlint.fixes.activations import drop_layer
from headlint.fixes.case import Case, Mending
from headlint.fixes.program import CannotMend, argument, last_name
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


def units_of_classes(case: Case) -> Mending:
    """HL204: as many outputs as there are classes."""
    classes = case.detail("classes")
    if not isinstance(classes, int):
        raise CannotMend("the number of classes is not known")
    return units_written(case, case.finding.place, classes)


def units_written(case: Case, place: Place, classes: int) -> Mending:
    """Write the number of outputs into a layer."""
    program, call = case.call(place)
    keyword, position = _UNITS.get(last_name(call.func), ("units", None))
    given = argument(call, keyword, position) or argument(call, "output_dim")
    if given is None or not isinstance(given.value, cst.Integer):
        raise CannotMend("the number of outputs is not written there")
    reason = "a saved model no longer fits, and it may be the labels that are wrong"
    return Mending(f"Give the last layer {classes} outputs", reason, (program.replace(given.value, str(classes)),))


def bias_on(case: Case) -> Mending:
    """HL401, HL402: the layer's bias."""
    program, call = case.call(case.finding.place)
    known, position = _BIAS.get(last_name(call.func), ("bias", None))
    given = argument(call, str(case.detail("parameter") or known)) or argument(call, known, position)
    if given is None or not isinstance(given.value, cst.Name) or given.value.value != "False":
        raise CannotMend("bias=False is not written there")
    reason = "the model has more parameters, and weights that were saved before do not load into it"
    return Mending(f"Remove {program.text(given)}", reason, (program.remove_item(call.args, given),))


def bias_off(case: Case) -> Mending:
    """HL403: no bias where the norm layer behind it removes it."""
    program, call = case.call(case.finding.place)
    framework = (program.meaning(call.func) or "").partition(".")[0]
    if framework not in ("torch", "keras") or any(arg.star for arg in call.args):
        raise CannotMend("its arguments are not to be seen")
    keyword = "bias" if framework == "torch" else "use_bias"
    reason = "weights that were saved before hold a bias that then has no place"
    return Mending(f"Write {keyword}=False", reason, (program.set_argument(call, keyword, "False"),))


def layer_off(case: Case) -> Mending:
    """HL504: nothing random on the final scores."""
    program, call = case.call(case.finding.place)
    reason = "the model computes something else, and in PyTorch the names of saved weights may shift"
    name = last_name(call.func)
    return Mending(f"Remove the {name}", reason, drop_layer(program, call))


def flatten_before(case: Case) -> Mending:
    """HL207: one row for each sample before the head."""
    program, call = case.call(case.finding.place)
    reason = "pooling may be the better choice, and a saved model no longer fits"
    arg = program.parent(call)
    holder = program.parent(arg) if isinstance(arg, cst.Arg | cst.Element) else None
    items = holder.elements if isinstance(holder, cst.List) else holder.args if isinstance(holder, cst.Call) else ()
    index = next((number for number, item in enumerate(items) if item is arg), 0)
    if index == 0 or (isinstance(holder, cst.Call) and last_name(holder.func) != "Sequential"):
        raise CannotMend("the layer before it is not to be seen")
    before = items[index - 1].value
    whole = argument(before, "return_sequences") if isinstance(before, cst.Call) else None
    if whole is not None and isinstance(before, cst.Call):
        return Mending("Keep the last step only", reason, (program.remove_item(before.args, whole),))
    text, imports = beside(program, call.func, "Flatten")
    start = program.outer(call)[0]
    indentation = program.lines[start[0] - 1][: start[1] - 1]
    between = f"\n{indentation}" if not indentation.strip() else " "
    edit = program.edit(start, start, f"{text}(),{between}")
    return Mending("Flatten before the head", reason, (edit, *imports))
