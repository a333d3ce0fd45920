"""Fixes: what to write instead, as small edits of the text, and putting them into the files.

``fix_for(finding, sources)`` gives the fix of one finding or None; ``plan_fixes(report, sources)`` those of a report;
``apply_fixes(paths, settings, unsafe, diff)`` checks, fixes and checks again until nothing is left to fix;
``diff_of(fix, root)`` shows what one fix would change.
``sources`` gives a file's text by path (of a notebook the JSON as it is on disk), or None when it is gone.

A fix reads the finding's trail, where ``activation`` steps stand on the functional call, the constructor or the value
of the ``activation`` keyword, and ``loss`` steps first on the place where the loss is chosen and last on its use.
Where the text there is not what a fix knows, there is no fix. ``finding.other_uses`` are the calls that give the value to
others than the loss: they go on getting it (``headlint.fixes.other_uses``). Beside the trail, fixes read these details:

===========================  =====================================================================================
rule                         details
===========================  =====================================================================================
HL101 HL103 HL104 HL105      ``framework``
HL109 HL110                  ``head`` (of the input); HL110 about the target: ``log_target`` (the value it should have)
HL102                        ``over_classes``; ``encoding`` of the labels where it is known
HL107                        ``framework``; ``encoding`` of the labels where it is known
HL115 HL202                  ``framework``, ``head``; HL202 also ``classes`` where they are known
HL201                        ``family`` of the loss and ``classes`` where they are known
HL116                        ``encoding`` of the labels (``one_hot`` or ``index``)
HL204                        ``classes``
HL301                        ``rank`` (safe only where it is known)
HL502                        ``operation`` steps of the trail
HL601                        ``encoding``, ``framework``; for PyTorch ``conversion``: what the labels need
HL607                        ``beside_training``: whether the round in which the model is judged trains it too
HL603                        ``fits``: the name of the metric to use instead, or ``threshold``: the border to use
HL605                        ``head``
HL701                        ``head``, ``method``, ``units`` (0 where not known)
HL702                        ``nearest``
===========================  =====================================================================================
"""

from __future__ import annotations

from headlint.fixes.applying import FixOutcome, apply_fixes, apply_fixes_to_source, diff_of, resolves
from headlint.fixes.case import Programs, Sources
from headlint.fixes.edits import Edit, Fix, apply_edits
from headlint.fixes.planning import fix_for, plan_fixes
from headlint.fixes.workspace import edited

__all__ = [
    "Edit",
    "Fix",
    "FixOutcome",
    "Programs",
    "Sources",
    "apply_edits",
    "apply_fixes",
    "apply_fixes_to_source",
    "diff_of",
    "edited",
    "fix_for",
    "plan_fixes",
    "resolves",
]
