"""Fixes of the activation that stands between a model's scores and its loss."""

from __future__ import annotations

from dataclasses import replace

import libcst as cst

from headlint.findings.finding import Step
from headlint.fixes.activations import exchange, is_method, take_away, taken_by
from headlint.fixes.case import Case, Repair
from headlint.fixes.edits import Edit
from headlint.fixes.layers import units_written
from headlint.fixes.losses import ONLY_FOR_TWO_CLASSES, binary_loss_written, flip_from_logits, rename_loss
from headlint.fixes.other_uses import EXPONENTIAL, other_uses_kept, scores_for_the_loss, wrapping_of
from headlint.fixes.program import CannotFix, Program, argument, last_name
from headlint.fixes.spelling import beside, spelled

_MAKERS = {
    "softmax": ("softmax", "softmax2d", "softmin"),
    "log_softmax": ("logsoftmax",),
    "sigmoid": ("sigmoid",),
    "log_sigmoid": ("logsigmoid",),
}
"""The activations that give a value the meaning that a loss is told to get."""

_SOFT = tuple(name for names in _MAKERS.values() for name in names)
_GIVES_SCORES = "the model then gives raw scores to all its users, also at inference"
_GIVES_SCORES_ELSEWHERE = (
    "the model then gives raw scores; the places in this program that use probabilities get them as before, "
    "programs that load the model do not"
)
_GIVES_LOGARITHMS_ELSEWHERE = _GIVES_SCORES_ELSEWHERE.replace("raw scores", "log-probabilities")
_ONLY_THE_LOSS = "the loss gets other values, as it should; what the model gives stays the same"
_HAS_AN_AXIS = ("softmax", "logsoftmax", "softmin", "log_softmax")


def activation_off(case: Case) -> Repair:
    """HL101, HL102, HL103, HL104: give the loss raw scores."""
    if case.finding.code in ("HL101", "HL104") and case.detail("framework") == "keras":
        flipped = flip_from_logits(case, "False")
        if flipped is not None:
            reason = "the loss gets other values; what the model gives stays the same"
            return Repair("Set from_logits=False", reason, (flipped,))
    return _scores_given(case)


def _scores_given(case: Case) -> Repair:
    """Give the loss raw scores, and what was there before to others that use it."""
    step = _origin(case)
    given = scores_for_the_loss(case, step)
    if given:
        return Repair("Give the loss the raw scores", _ONLY_THE_LOSS, given)
    kept = other_uses_kept(case, step, wrapping_of(case, step)) if step.name.startswith("torch.") else ()
    if not kept:
        return activation_removed(case)
    title = f"Move the {_kind(step.name)} to where its values are used"
    return Repair(title, _GIVES_SCORES_ELSEWHERE, (*take_away(case, step), *kept))


def _origin(case: Case) -> Step:
    """The step of the activation that makes what the loss is given."""
    return case.step("activation", *_MAKERS.get(str(case.detail("head")), ("none",)))


def activation_removed(case: Case) -> Repair:
    """HL101, HL103, HL104: take the activation away, for whoever uses the value."""
    step = _origin(case)
    return Repair(f"Remove the {_kind(step.name)}", _GIVES_SCORES, take_away(case, step))


def _kind(name: str) -> str:
    return name.rpartition(".")[2]


def squashing_off(case: Case) -> Repair:
    """HL112: take a relu or tanh away from the scores."""
    for step in reversed(case.steps("activation")):
        if _kind(step.name).lower().replace("_", "") not in _SOFT:
            reason = "a model that was trained with it gives other scores"
            return Repair(f"Remove the {_kind(step.name)}", reason, take_away(case, step))
    raise CannotFix("the trail has no other activation")


def second_activation_removed(case: Case) -> Repair:
    """HL120: probabilities stay as the first activation makes them."""
    steps = case.steps("activation")
    if len(steps) < 2:
        raise CannotFix("the two activations are not to be seen")
    reason = (
        "the probabilities get further apart, as they should; thresholds that were fitted to the old ones no longer fit"
    )
    return Repair(f"Remove the second {_kind(steps[-1].name)}", reason, take_away(case, steps[-1]))


def sigmoid_for_softmax(case: Case) -> Repair:
    """HL107: each output answers a question of its own."""
    reason = "where the labels exclude each other, a categorical loss is needed"
    step = case.step("activation", "softmax")
    return Repair("Replace softmax by sigmoid", reason, exchange(case, step, "sigmoid"))


def activation_of_one_unit(case: Case) -> Repair:
    """HL201: what the loss expects of a single unit; a softmax over it says nothing."""
    step = case.step("activation", "softmax", "logsoftmax")
    classes, torch = case.detail("classes"), case.detail("framework") == "torch"
    match case.detail("family"):
        case "regression" | "count" if case.detail("beyond"):
            reason = "the model then gives any number, as these targets need it"
            return Repair(f"Remove the {_kind(step.name)}", reason, take_away(case, step))
        case "cross_entropy" | "sparse_cross_entropy" if isinstance(classes, int) and classes > 2:
            return units_written(case, case.step("layer").place, classes)
        case "cross_entropy" | "sparse_cross_entropy":
            changed = take_away(case, step) if torch else exchange(case, step, "sigmoid")
            loss = binary_loss_written(case, "linear" if torch else "sigmoid")
            return Repair("Use a binary loss on one score", ONLY_FOR_TWO_CLASSES, (*changed, *loss))
        case _:
            reason = "for values beyond 0 and 1 no activation is needed, and for more classes more units"
            wanted = "sigmoid" if _kind(step.name).lower() == "softmax" else "logsigmoid"
            return Repair(f"Replace softmax by {wanted}", reason, exchange(case, step, wanted))


def units_for_classes(case: Case) -> Repair:
    """HL202: as many outputs as there are classes, with what the loss expects of several."""
    classes, head = case.detail("classes"), case.detail("head")
    if not isinstance(classes, int) or classes < 3:
        raise CannotFix("how many classes there are is not known")
    layer = case.step("layer")
    widened = units_written(case, layer.place, classes)
    more: tuple[Edit, ...] = ()
    match case.detail("framework"), head:
        case "torch", "sigmoid":
            more = take_away(case, case.step("activation", "sigmoid"))
        case "keras", "sigmoid":
            more = exchange(case, case.step("activation", "sigmoid"), "softmax")
        case "keras", "linear" if not case.detail("from_logits"):
            program, call = case.call(layer.place)
            more = (program.set_argument(call, "activation", '"softmax"'),)
        case _ if head != "linear":
            raise CannotFix("the head must change first")
    return replace(widened, edits=(*widened.edits, *more))


def softmax_for_sigmoid(case: Case) -> Repair:
    """HL108: the outputs exclude each other."""
    reason = "where several labels may be true at once, the loss has to change instead"
    return Repair("Replace sigmoid by softmax", reason, exchange(case, case.step("activation", "sigmoid"), "softmax"))


def softmax_and_categorical(case: Case) -> Repair:
    """HL116: one class out of several."""
    step = case.step("activation", "sigmoid")
    reason = "the outputs then exclude each other, and thresholds chosen for sigmoids are no longer valid"
    match case.detail("framework"), case.detail("encoding"):
        case "torch", "one_hot":  # the cross entropy takes one-hot rows of floats too, as the binary loss did
            names = {"BCELoss": "CrossEntropyLoss", "binary_cross_entropy": "cross_entropy"}
            edits = (*take_away(case, step), *rename_loss(case, names))
            return Repair("Use the cross entropy on raw scores", reason, edits)
        case "keras", "one_hot":
            wanted = "categorical_crossentropy"
        case "keras", "index":
            wanted = "sparse_categorical_crossentropy"
        case _:
            raise CannotFix("how the labels are written is not known")
    edits = (*exchange(case, step, "softmax"), *rename_loss(case, {"binary_crossentropy": wanted}))
    return Repair(f"Use softmax and {wanted}", reason, edits)


def log_softmax_for_nll(case: Case) -> Repair:
    """HL109: log-probabilities for a loss that takes them."""
    if case.detail("head") == "linear":
        edits = rename_loss(case, {"NLLLoss": "CrossEntropyLoss", "nll_loss": "cross_entropy"})
        return Repair("Use the cross entropy on raw scores", "the loss gets other values, as it should", edits)
    step = case.step("activation", "softmax")
    edits = exchange(case, step, "log_softmax")
    try:
        kept = other_uses_kept(case, step, EXPONENTIAL)
    except CannotFix:
        kept = ()
    reason = _GIVES_LOGARITHMS_ELSEWHERE if kept else "the model then gives log-probabilities to all its users"
    return Repair("Replace softmax by log_softmax", reason, (*edits, *kept))


def log_softmax_for_kl_div(case: Case) -> Repair:
    """HL110: the input as log-probabilities, or the target in the form that the loss expects."""
    reason = "the loss gets other values, and weights that were tuned to the old ones no longer fit"
    match case.detail("head"):
        case "softmax":
            edits = exchange(case, case.step("activation", "softmax"), "log_softmax")
            return Repair("Replace softmax by log_softmax", reason, edits)
        case "linear":
            program, call = case.call(case.finding.place)
            given = argument(call, "input", 0)
            if given is None:
                raise CannotFix("its input is not to be seen")
            text, imports = spelled(program, "torch.nn.functional.log_softmax")
            inner = program.text(given.value)
            written = program.replace(given.value, f"{text}({inner}, dim=1)")
            return Repair("Apply log_softmax to the input", reason, (written, *imports))
        case "log_softmax":
            return _target_stated(case, reason)
        case _:
            raise CannotFix("the input is of another kind")


def _target_stated(case: Case, reason: str) -> Repair:
    """Say with ``log_target`` what the target is."""
    program, call = case.call(case.steps("loss")[0].place if case.steps("loss") else case.finding.place)
    given = argument(call, "log_target")
    if given is None:
        return Repair("Set log_target=True", reason, (program.set_argument(call, "log_target", "True"),))
    return Repair("Remove log_target", reason, (program.remove_item(call.args, given),))


def sigmoid_into_the_loss(case: Case) -> Repair:
    """HL117: the stable form of sigmoid and binary cross entropy."""
    names = {"BCELoss": "BCEWithLogitsLoss", "binary_cross_entropy": "binary_cross_entropy_with_logits"}
    scores = _scores_given(case)
    edits = (*scores.edits, *rename_loss(case, names))
    if scores.reason == _ONLY_THE_LOSS:
        reason = "the loss is the same, only more exact, and nothing else changes"
        return Repair("Use BCEWithLogitsLoss on the raw scores", reason, edits, safe=True)
    return Repair("Use BCEWithLogitsLoss without the sigmoid", scores.reason, edits)


def relu_for_softmax(case: Case) -> Repair:
    """HL506: a hidden layer's own activation."""
    step = case.step("activation", "softmax", "sigmoid", "logsoftmax")
    reason = "the model computes something else and has to be trained again"
    return Repair(f"Replace {_kind(step.name)} by relu", reason, exchange(case, step, "relu"))


# The axis


def dim_written(case: Case) -> Repair:
    """HL301: name the axis that PyTorch guesses, or the one of the classes."""
    program, call = case.call(case.finding.place)
    rank = case.detail("rank")
    guessed = {0: 0, 1: 0, 2: 1, 4: 1}.get(rank) if isinstance(rank, int) else None
    if guessed is None and isinstance(rank, int) and rank > 4:
        guessed = 1
    if argument(call, "dim") is not None:
        raise CannotFix("it has a dim")
    if guessed is None:
        reason = "with one or three axes PyTorch guesses the first axis, and the results change"
        return Repair("Write dim=-1", reason, (program.set_argument(call, "dim", "-1"),))
    reason = f"it is the axis that PyTorch guesses for {rank} axes"
    return Repair(f"Write dim={guessed}", reason, (program.set_argument(call, "dim", str(guessed)),), safe=True)


def axis_of_classes(case: Case) -> Repair:
    """HL302 and HL304: over the classes, not over the batch or the steps of a sequence."""
    program, call = case.call(case.finding.place)
    functional = last_name(call.func)[:1].islower()
    position = (0 if is_method(program, call) else 1) if functional else 0
    given = argument(call, "dim", position) or argument(call, "axis", position)
    if given is None:
        raise CannotFix("its axis is not to be seen")
    last = case.detail("rank") not in (None, 2) or (given.keyword is not None and given.keyword.value == "axis")
    wanted = str(case.detail("classes") or ("-1" if last else "1"))
    reason = "the model computes something else and has to be trained again"
    return Repair(f"Take axis {wanted}", reason, (program.replace(given.value, wanted),))


# The logarithm


def log_in_one_step(case: Case) -> Repair:
    """HL113: the logarithm and what it is taken of, in one stable step."""
    program, outer = case.call(case.finding.place)
    inner = taken_by(program, outer)
    gone: tuple[Edit, ...] = ()
    if isinstance(inner, cst.Name):
        inner, gone = _assigned(program, outer, inner)
    if not isinstance(inner, cst.Call):
        raise CannotFix("what the logarithm is taken of is not to be seen")
    text, imports = _together(program, inner, str(case.detail("together") or ""))
    title = f"Compute it in one step: {case.detail('together')}"
    reason = "the values are the same, only more exact"
    return Repair(title, reason, (program.replace(outer, text), *imports, *gone), safe=True)


def _together(program: Program, inner: cst.Call, together: str) -> tuple[str, tuple[Edit, ...]]:
    name = last_name(inner.func)
    arguments = program.between(_opening(program, inner), program.span(inner)[1])
    method = is_method(program, inner)
    if name == "softmax" and together == "log_softmax":
        if method and isinstance(inner.func, cst.Attribute):
            return f"{program.text(inner.func.value)}.log_softmax{arguments}", ()
        text, imports = beside(program, inner.func, "log_softmax")
        return f"{text}{arguments}", imports
    if name == "sigmoid":
        value = program.text(taken_by(program, inner))
        if method or (program.meaning(inner.func) or "").startswith("torch."):
            text, imports = spelled(program, "torch.nn.functional.logsigmoid")
            return f"{text}({value})", imports
        if (program.meaning(inner.func) or "").startswith("tensorflow."):
            text, imports = spelled(program, "tensorflow.math.log_sigmoid")
            return f"{text}({value})", imports
    raise CannotFix("no function does both at once")


def _opening(program: Program, call: cst.Call) -> tuple[int, int]:
    return program.outer(call.func)[1]


def _assigned(program: Program, use: cst.Call, name: cst.Name) -> tuple[cst.BaseExpression, tuple[Edit, ...]]:
    """What a name holds, if it is the same at the use; without other uses the assignment goes.

    A value that somebody else needs too is not computed twice, unless it is made of a plain name.
    """
    function = program.scope(use, cst.FunctionDef)
    mentions = [node for node in program.expressions(function) if isinstance(node, cst.Name)]
    written = [node for node in mentions if program.is_written(node)]
    held = [program.parent(target) for node in written if node.value == name.value and (target := program.parent(node))]
    match held:
        case [cst.Assign(targets=[_], value=cst.Call() as value) as assignment]:
            pass
        case _:
            raise CannotFix("it is not clear what the name holds")
    line = program.statement(assignment)
    if program.parent(line) is not program.parent(program.statement(use)):
        raise CannotFix("it is computed elsewhere")
    used = {node.value for node in program.expressions(value) if isinstance(node, cst.Name)}
    start, end = program.span(assignment)[1], program.span(use)[0]
    if any(node.value in used and start <= program.span(node)[0] < end for node in written):
        raise CannotFix("what it was made of has changed since")
    if sum(node.value == name.value for node in mentions) == 2:
        return value, (program.drop_statement(assignment),)
    if not isinstance(taken_by(program, value), cst.Name):
        raise CannotFix("it would be computed twice")
    return value, ()
