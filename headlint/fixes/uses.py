"""Fixes of metrics, labels and what is done with predictions."""

from __future__ import annotations

from difflib import get_close_matches

import libcst as cst

from headlint.fixes.activations import taken_by
from headlint.fixes.case import Case, Repair
from headlint.fixes.edits import Edit
from headlint.fixes.program import CannotFix, Program, last_name
from headlint.fixes.spelling import spelled


def _string(node: cst.BaseExpression) -> cst.SimpleString:
    if not isinstance(node, cst.SimpleString):
        raise CannotFix("there is no string at the place")
    return node


def nearest_name(case: Case) -> Repair:
    """HL702: the name that Keras knows."""
    nearest = case.detail("nearest")
    if not isinstance(nearest, str):
        raise CannotFix("no name is near")
    program, node = case.node(case.finding.place)
    text = _string(_misspelt(node, nearest) if isinstance(node, cst.List) else node)
    reason = "the nearest name is not always the one that was meant"
    edit = program.replace(text, f"{text.prefix}{text.quote}{nearest}{text.quote}")
    return Repair(f"Write {nearest!r}", reason, (edit,))


def _misspelt(row: cst.List, nearest: str) -> cst.BaseExpression:
    """The one string of a list that is close to a name and not the name itself."""
    strings = [one.value for one in row.elements if isinstance(one.value, cst.SimpleString)]
    close = [one for one in strings if get_close_matches(str(one.evaluated_value), [nearest], cutoff=0.75)]
    wrong = [one for one in close if one.evaluated_value != nearest]
    if len(wrong) != 1:
        raise CannotFix("it is not clear which name is meant")
    return wrong[0]


def error_for_accuracy(case: Case) -> Repair:
    """HL602: a measure of values."""
    program, node = _metric(case)
    text = _string(node)
    reason = "code that reads history['accuracy'] or watches val_accuracy no longer finds it"
    element = program.parent(node)
    row = program.parent(element) if element is not None else None
    if isinstance(row, cst.List) and isinstance(element, cst.Element):
        others = [one for one in row.elements if isinstance(one, cst.Element)]
        if any(isinstance(one.value, cst.SimpleString) and one.value.evaluated_value == "mae" for one in others):
            return Repair("Remove the accuracy", reason, (program.remove_item(others, element),))
    return Repair("Measure the mean absolute error", reason, (program.replace(text, f"{text.quote}mae{text.quote}"),))


def _metric(case: Case) -> tuple[Program, cst.BaseExpression]:
    """The metric that a finding is about, of those in the list at its place."""
    program, node = case.node(case.finding.place)
    name = case.step("metric").name
    metrics = [element.value for element in node.elements] if isinstance(node, cst.List | cst.Tuple) else [node]
    for metric in metrics:
        if isinstance(metric, cst.SimpleString) and metric.evaluated_value == name:
            return program, metric
        if isinstance(metric, cst.Call) and last_name(metric.func) == name:
            return program, metric
    raise CannotFix("the metric is not to be seen")


_BORDERS = {"binaryaccuracy": "threshold", "precision": "thresholds", "recall": "thresholds"}


def fitting_metric(case: Case) -> Repair:
    """HL603: the metric that fits the head and the labels."""
    program, node = _metric(case)
    name = case.step("metric").name.lower().replace("_", "")
    reason = "the name under which the number is reported may change"
    if "categorical" in name or case.steps("activation"):
        quote = node.quote if isinstance(node, cst.SimpleString) else '"'
        edit = program.replace(node, f"{quote}accuracy{quote}")
        return Repair("Use 'accuracy', which goes by the loss", reason, (edit,))
    if isinstance(node, cst.SimpleString) and name in ("accuracy", "acc", "binaryaccuracy"):
        text, imports = spelled(program, "keras.metrics.BinaryAccuracy")
        edits = (program.replace(node, f"{text}(threshold=0)"), *imports)
        return Repair("Use BinaryAccuracy(threshold=0)", reason, edits)
    if isinstance(node, cst.Call) and name == "auc":
        return Repair("Set from_logits=True", reason, (program.set_argument(node, "from_logits", "True"),))
    if isinstance(node, cst.Call) and name in _BORDERS:
        edit = program.set_argument(node, _BORDERS[name], "0")
        return Repair(f"Set {_BORDERS[name]}=0", reason, (edit,))
    raise CannotFix("the metric that fits is not known")


def border_at_zero(case: Case) -> Repair:
    """HL605: the border between the classes of raw scores."""
    program, node = case.node(case.finding.place)
    reason = "the accuracy that the program reports changes"
    match node:
        case cst.Comparison(left=left, comparisons=[cst.ComparisonTarget(comparator=right)]):
            for side in (left, right):
                if isinstance(side, cst.Float) and float(side.value) == 0.5:
                    return Repair("Compare with 0", reason, (program.replace(side, "0"),))
        case cst.Call(func=func) if program.meaning(func) == "torch.round":
            scores = taken_by(program, node)
            if isinstance(scores, cst.Name | cst.Attribute | cst.Call | cst.Subscript):
                written = f"({program.text(scores)} > 0).float()"
                return Repair("Compare with 0", reason, (program.replace(node, written),))
        case _:
            pass
    raise CannotFix("it is not compared with 0.5")


def labels_as_they_are(case: Case) -> Repair:
    """HL606: classes are no pixels."""
    program, node = case.node(case.finding.place)
    reason = "code further down may count on the scaled numbers"
    parent = program.parent(node)
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Divide):
        return Repair("Leave the labels as they are", reason, (program.put_in_place(node, node.left),))
    if isinstance(parent, cst.AugAssign) and isinstance(parent.operator, cst.DivideAssign):
        edit = program.drop_statement(parent)
        return Repair("Leave the labels as they are", reason, (edit,))
    raise CannotFix("there is no division at the place")


def prediction_of_today(case: Case) -> Repair:
    """HL701: what the removed method gave, by ``predict``."""
    program, call = case.call(case.finding.place)
    if not isinstance(call.func, cst.Attribute):
        raise CannotFix("it is no method")
    method, head = case.detail("method"), case.detail("head")
    written = program.between(program.outer(call.func)[1], program.span(call)[1])
    predicted = f"{program.text(call.func.value)}.predict{written}"
    reason = "the call fails in every version since TensorFlow 2.6; the new code gives what the old call gave"
    edits: tuple[Edit, ...]
    units = case.detail("units")
    several = isinstance(units, int) and units > 1
    match method, head:
        case "predict_proba", _:
            edits = (program.replace(call.func.attr, "predict"),)
        case "predict_classes", "sigmoid":
            edits = (program.replace(call, f'({predicted} > 0.5).astype("int32")'),)
            if units != 1:
                reason = "every sigmoid is compared with 0.5; of several the old call took the largest"
                return Repair("Compare model.predict with 0.5", reason, edits)
        case "predict_classes", _ if head == "softmax" or several:
            text, imports = spelled(program, "numpy.argmax")
            edits = (program.replace(call, f"{text}({predicted}, axis=-1)"), *imports)
        case _:
            raise CannotFix("the head is not known")
    return Repair("Use model.predict", reason, edits, safe=True)


def comment_off(case: Case) -> Repair:
    """HL901: a comment that suppresses nothing and says nothing else."""
    place = case.finding.place
    program = case.programs[place.path]
    above = program.cells[place.cell] - 1 if place.cell is not None else 0
    line = place.line + above
    text = program.lines[line - 1]
    comment = text[place.column - 1 : place.end_column - 1]
    behind = text[place.end_column - 1 :].lstrip()
    if "," in comment or not (behind == "" or behind.startswith("#")):
        raise CannotFix("the comment says more")
    if behind:
        edit = program.edit((line, place.column), (line, len(text) - len(behind) + 1), "")
    else:
        edit = program.edit((line, len(text[: place.column - 1].rstrip()) + 1), (line, len(text) + 1), "")
    return Repair("Remove the comment", "it changes no program", (edit,), safe=True)
