"""HL510, HL514 and HL516: the parameters that an optimizer holds, and those that get no gradient."""

from __future__ import annotations

from collections.abc import Iterator

from headlint.checks.diagnostic import Diagnostic, DiagnosticStep
from headlint.checks.evidence import Evidence
from headlint.checks.training.copies import only_copies_behind
from headlint.checks.training.order import Run, together
from headlint.checks.training.reach import behind, is_known_throughout, reaches_none_of
from headlint.flow.training.parameters import has_weights
from headlint.flow.values.facts import Event, LossUse, TrainingEvent, UnreadAttribute
from headlint.flow.values.library_values import Layer
from headlint.flow.values.python_values import Site, Unknown
from headlint.flow.values.tensor_values import Tensor
from headlint.flow.values.training_values import Optimizer


def optimizer_misses_parameters(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL510."""
    steps = evidence.events_of(Event.STEPPED)
    held_by_any = {member for optimizer in evidence.optimizers for member in optimizer.held.members}
    for optimizer in evidence.optimizers:
        own = [step for step in steps if step.subject is optimizer]
        if any(optimizer in event.given for event in evidence.events_of(Event.HANDED_OVER)):
            continue
        missing = [
            layer
            for step in own
            for layer in step.missing
            if isinstance(layer, Layer) and layer not in held_by_any and layer.born > optimizer.born
        ]
        if missing:
            first = min(missing, key=lambda layer: layer.born)
            yield _about_optimizer(
                optimizer,
                f"The optimizer took the parameters of the model before this {first.kind.short_name} became a part of "
                "it, so it never changes them.",
                "Build the optimizer after the last change of the model.",
                DiagnosticStep(first.site, "becomes a part of the model too late", "event"),
                not any(step.guards for step in own),
            )
        elif own and (loss := _loss_of_another_model(evidence, optimizer, own)) is not None:
            yield _about_optimizer(
                optimizer,
                "No loss that is differentiated depends on what the optimizer holds: another model gets the gradients.",
                "Give the optimizer the parameters of the model that is trained.",
                DiagnosticStep(loss.site, "computes gradients of another model", "event"),
                not loss.guards,
            )


def _about_optimizer(optimizer: Optimizer, message: str, advice: str, step: DiagnosticStep, proved: bool) -> Diagnostic:
    taken = DiagnosticStep(optimizer.site, "takes the parameters", "event")
    return Diagnostic("HL510", optimizer.site, message, advice, proved, (taken, step), subject=optimizer)


def _loss_of_another_model(
    evidence: Evidence, optimizer: Optimizer, steps: list[TrainingEvent]
) -> TrainingEvent | None:
    """A loss that is differentiated with each step, where none of them all depends on what the optimizer holds."""
    if not is_known_throughout(evidence, optimizer.held) or not any(
        has_weights(member) for member in optimizer.held.members
    ):
        return None
    found: TrainingEvent | None = None
    for run in evidence.runs:
        if not run.whole:
            return None
        if not any(event.subject is optimizer for event in run.events):
            continue
        for event in run.of(Event.DIFFERENTIATED):
            if not reaches_none_of(evidence, event.subject, optimizer.held):
                return None
            if event.by is None and any(_go_together(run, event, step) for step in steps):
                found = found or event
        if any(event.event is Event.WRITTEN for event in run.events):
            return None
    return found if found is not None and behind(evidence, found.subject).anything else None


def _go_together(run: Run, backward: TrainingEvent, step: TrainingEvent) -> bool:
    return step in run.round_of(backward) and together(step, backward)


def nothing_to_train(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL514."""
    for run in evidence.runs:
        for backward in run.of(Event.DIFFERENTIATED):
            if (
                backward.by is None
                and _was_computed_without_gradient(evidence, run, backward)
                and not _is_for_training(run, backward)
                and not _asks_for_gradients(backward)
            ):
                yield Diagnostic(
                    "HL514",
                    backward.site,
                    "The loss is computed while the gradient is switched off (no_grad, inference_mode), so there is nothing "
                    "to differentiate: backward() fails.",
                    "Train outside of no_grad; it belongs around the evaluation.",
                    not backward.guards,
                    (DiagnosticStep(backward.site, "cannot compute gradients", "event"),),
                    subject=backward,
                )
                continue
            if backward.by is None and run.whole and (cut := _lost_graph(evidence, run, backward)) is not None:
                yield Diagnostic(
                    "HL514",
                    backward.site,
                    "What is differentiated is a copy of the loss without its graph: no gradient reaches the model.",
                    "Call backward() of the loss itself; detach, .item(), .data and torch.tensor(…) are for reporting it.",
                    not backward.guards,
                    (
                        DiagnosticStep(cut, "takes the loss without its graph", "event"),
                        DiagnosticStep(backward.site, "computes no gradient of the model", "event"),
                    ),
                    subject=backward,
                )
                continue
            steps = [step for step in run.of(Event.STEPPED) if _go_together(run, backward, step)]
            if steps and all(step.frozen for step in steps):
                optimizer = steps[0].subject
                assert isinstance(optimizer, Optimizer)
                yield Diagnostic(
                    "HL514",
                    backward.site,
                    "Every parameter that the optimizer holds is frozen (requires_grad is False): nothing is trained.",
                    "Leave the parameters that should learn unfrozen; a new head is best added after freezing.",
                    not backward.guards,
                    (
                        DiagnosticStep(optimizer.site, "takes the parameters", "event"),
                        DiagnosticStep(backward.site, "computes no gradient for any of them", "event"),
                    ),
                    subject=backward,
                )


def _is_for_training(run: Run, backward: TrainingEvent) -> bool:
    """Whether the same place differentiates with gradients too: a test of the mode keeps it from where they are off."""
    return any(event.site == backward.site and not event.without_gradient for event in run.of(Event.DIFFERENTIATED))


def _asks_for_gradients(backward: TrainingEvent) -> bool:
    """Whether a program differentiates only where it finds that there is something to differentiate."""
    subjects = (guard.condition.subject for guard in backward.guards)
    return any(isinstance(one, Unknown) and one.key in ("requires_grad", "grad_fn") for one in subjects)


def _was_computed_without_gradient(evidence: Evidence, run: Run, backward: TrainingEvent) -> bool:
    if not backward.without_gradient:
        return False
    match backward.subject:
        case Tensor() as loss:
            return not loss.attached and any(
                part is use.result and not use.in_training for use in evidence.of(LossUse) for part in _parts(loss)
            )
        case Unknown(key=("call", site), parent=Unknown() as function):
            return any(
                event.event is Event.HANDED_OVER and event.subject is function and event.site == site
                for event in run.events
                if event.without_gradient
            )
        case _:
            return False


def _lost_graph(evidence: Evidence, run: Run, backward: TrainingEvent) -> Site | None:
    """Where the graph of a loss, or of all that it is computed from, was lost."""
    return _cut_behind_the_loss(evidence, backward) or only_copies_behind(evidence, run, backward)


def _cut_behind_the_loss(evidence: Evidence, backward: TrainingEvent) -> Site | None:
    """Where a loss that is differentiated lost its graph, after it was computed.

    Where the loss itself is differentiated too, its copy may be on purpose: each stage of a pipeline computes its own part.
    So may one with a hook be, which does what backward() does.
    """
    match backward.subject:
        case Tensor(attached=False, cut=Site() as cut) as copy:
            losses = [part for part in _parts(copy) if part.attached and id(part) in evidence.uses_by_result]
            others = (event.subject for event in evidence.events_of(Event.DIFFERENTIATED))
            whole = {
                part
                for other in others
                if isinstance(other, Tensor) and other is not copy and other.attached
                for part in _parts(other)
            }
            hooked = any(copy in event.given for event in evidence.events_of(Event.HANDED_OVER))
            return cut if losses and not hooked and not whole.intersection(losses) else None
        case _:
            return None


def _parts(loss: Tensor, depth: int = 6) -> Iterator[Tensor]:
    yield loss
    if depth > 0:
        for part in loss.inputs:
            yield from _parts(part, depth - 1)


def misspelt_freeze(evidence: Evidence) -> Iterator[Diagnostic]:
    """HL516."""
    for fact in evidence.of(UnreadAttribute):
        if fact.meant == "requires_grad_":
            message = f"A module has no attribute {fact.name}: setting it freezes and releases nothing."
            advice = "Call requires_grad_(False) of the module, or set requires_grad of each of its parameters."
        else:
            what = "A tensor" if fact.meant == "requires_grad" else "A layer"
            message = f"{what} has no attribute {fact.name}: setting it freezes and releases nothing."
            if fact.harmless:
                message += " This one needs no gradient anyway."
            advice = f"Its name is {fact.meant}."
        yield Diagnostic(
            "HL516",
            fact.site,
            message,
            advice,
            not fact.guards,
            (DiagnosticStep(fact.site, "sets an attribute that nothing reads", "event"),),
            (("meant", fact.meant), ("name", fact.name)),
            subject=fact,
            advice_only=fact.harmless,
        )


RULES = (optimizer_misses_parameters, nothing_to_train, misspelt_freeze)
