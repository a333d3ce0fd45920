"""Which fix belongs to which rule."""

from __future__ import annotations

from collections.abc import Callable, Container

from headlint.findings.finding import Finding, Report
from headlint.fixes import axes, calls, heads, layers, losses, modes, modules, training, uses
from headlint.fixes.case import Case, Programs, Repair, Sources
from headlint.fixes.edits import Edit, Fix
from headlint.fixes.program import CannotFix

Fixer = Callable[[Case], Repair]

FIXERS: dict[str, tuple[Fixer, ...]] = {
    "HL101": (heads.activation_off, heads.activation_removed),
    "HL102": (losses.nll_for_log_softmax, heads.activation_off, heads.activation_removed),
    "HL103": (heads.activation_off, heads.activation_removed),
    "HL104": (heads.activation_off, heads.activation_removed),
    "HL105": (losses.logits_stated, layers.activation_on),
    "HL106": (losses.logits_stated, layers.activation_on),
    "HL107": (losses.categorical_loss, heads.sigmoid_for_softmax),
    "HL108": (heads.softmax_for_sigmoid, losses.binary_loss_for_sigmoids),
    "HL109": (heads.log_softmax_for_nll,),
    "HL110": (heads.log_softmax_for_kl_div,),
    "HL112": (heads.squashing_off,),
    "HL113": (heads.log_in_one_step,),
    "HL115": (losses.binary_loss_for_classes,),
    "HL116": (heads.softmax_and_categorical,),
    "HL117": (heads.sigmoid_into_the_loss,),
    "HL120": (heads.second_activation_removed,),
    "HL201": (heads.activation_of_one_unit,),
    "HL202": (heads.units_for_classes, losses.binary_loss),
    "HL204": (layers.units_of_classes,),
    "HL207": (layers.flatten_before,),
    "HL301": (heads.dim_written,),
    "HL302": (heads.axis_of_classes,),
    "HL304": (losses.classes_moved, heads.axis_of_classes),
    "HL305": (axes.batch_first,),
    "HL306": (axes.axes_exchanged,),
    "HL401": (layers.bias_on,),
    "HL402": (layers.bias_on,),
    "HL403": (layers.bias_off,),
    "HL502": (losses.cut_removed,),
    "HL503": (losses.arguments_swapped,),
    "HL504": (layers.layer_off,),
    "HL506": (heads.relu_for_softmax,),
    "HL507": (losses.constructor_called,),
    "HL508": (training.cleared_before_backward,),
    "HL511": (modules.registered,),
    "HL516": (training.attribute_spelt,),
    "HL517": (training.detached_where_kept,),
    "HL601": (losses.loss_for_the_labels, losses.labels_converted),
    "HL602": (uses.error_for_accuracy,),
    "HL603": (uses.fitting_metric,),
    "HL605": (uses.border_at_zero,),
    "HL606": (uses.labels_as_they_are,),
    "HL607": (modes.evaluation_before, modes.evaluation_around),
    "HL608": (modes.training_before,),
    "HL609": (modules.mode_passed,),
    "HL610": (training.shuffled,),
    "HL701": (uses.prediction_of_today,),
    "HL702": (uses.nearest_name,),
    "HL703": (calls.layer_applied,),
    "HL901": (uses.comment_off,),
}
"""The fixes of each rule; one is tried where those before it are not possible or would bring another finding."""


def fix_for(finding: Finding, sources: Sources | Programs) -> Fix | None:
    """The fix of a finding, or None where none is known or the text is not what it looks for.

    With ``Programs`` for sources, a text that several findings are about is parsed once.
    """
    programs = sources if isinstance(sources, Programs) else Programs(sources)
    return _fix(finding, programs) if finding.code in FIXERS else None


def plan_fixes(report: Report, sources: Sources, refused: Container[tuple[Edit, ...]] = frozenset()) -> tuple[Fix, ...]:
    """The fixes of a report's findings, without those refused; they may clash with each other."""
    programs = Programs(sources)
    fixes = (_fix(finding, programs, refused) for finding in report if finding.code in FIXERS)
    return tuple(fix for fix in fixes if fix is not None)


def _fix(finding: Finding, programs: Programs, refused: Container[tuple[Edit, ...]] = frozenset()) -> Fix | None:
    for fixer in FIXERS[finding.code]:
        try:
            correction = fixer(Case(finding, programs))
        except CannotFix:
            continue
        if correction.edits not in refused:
            return Fix(finding, correction.safe, correction.reason, correction.edits, correction.title)
    return None
