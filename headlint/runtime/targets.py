"""Which models are to be built: those behind findings, those that the user names, and those that the files define."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from headlint.findings.finding import Finding, Step
from headlint.findings.heads import HeadPicture
from headlint.frameworks import registry
from headlint.frameworks.kinds import LossKind
from headlint.runtime.parts import ABOUT_PARTS, CAUSES

_IMPORTED = re.compile(r"\b(?:import|from)\s+([\w.]+)")

_USED = {
    "torch": re.compile(r"\bnn\.Module\b|^import torch|\btorch\.nn\.", re.M),
    "keras": re.compile(r"\btf\.keras\.|\bkeras\.(?:layers|models|Model)\b"),
}
"""What a program says that has its framework from elsewhere, as by ``from utils import *``."""

LAYERS = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid", "LogSigmoid": "log_sigmoid"}
"""Layers, and the functions that do the same: one stands behind a model that is a part of another."""

APPLIED = frozenset({"softmax", "log_softmax", "sigmoid", "log_sigmoid", "argmax", "round", "sign", "detach"})
"""What a program may do to a model's output before the loss, by the last part of its name."""


@dataclass(frozen=True, slots=True)
class LossWanted:
    """The loss to be measured: a framework's name, what it is, and the expression that the user gave instead."""

    name: str = ""
    family: str = "other"
    expects: str = "values"
    from_logits: bool | None = None
    written: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """One model to be built, and what it is measured for.

    ``after`` is what the program does to the output outside of the model. ``heads`` is what the static side derived.
    ``named`` says that the user asked for this very model.
    """

    path: Path
    name: str
    framework: str
    findings: tuple[Finding, ...] = ()
    loss: LossWanted | None = None
    after: tuple[str, ...] = ()
    heads: tuple[HeadPicture, ...] = field(default=(), repr=False)
    named: bool = False

    @property
    def label(self) -> str:
        """``model.py::Net``."""
        return f"{self.path.name}::{self.name}" if self.name else self.path.name


def split_target(text: str) -> tuple[Path, str]:
    """``model.py::Net`` as a path and a name; the name is empty where none is given."""
    path, _, name = text.partition("::")
    return Path(path), name


def framework_of(text: str) -> str:
    """The framework that builds the models of a program, by what it imports; empty when that is none."""
    imported = {package.partition(".")[0] for package in _IMPORTED.findall(text)}
    using = (
        framework.name for framework in registry.FRAMEWORKS.values() if not imported.isdisjoint(framework.packages)
    )
    built = next((built for name in using if (built := registry.built_as(name))), "")
    return built or next((name for name, written in _USED.items() if written.search(text)), "")


def targets_of_findings(findings: Iterable[Finding], heads: Sequence[HeadPicture]) -> list[Target]:
    """The models behind the findings, each with the findings that one measurement answers."""
    targets: dict[tuple[Path, str, LossWanted | None, tuple[str, ...]], Target] = {}
    for finding in findings:
        path, model, framework = _model_behind(finding)
        if not model:
            continue
        about = tuple(one for one in heads if one.model == model and Path(one.place.path) == path)
        loss = _loss_behind(finding, about)
        # What lies between the samples is asked of the model itself: a softmax over the classes would hide it.
        after = _applied_outside(finding, path, model) if finding.model and finding.code not in CAUSES else ()
        target = targets.setdefault((path, model, loss, after), Target(path, model, framework, (), loss, after, about))
        targets[path, model, loss, after] = replace(target, findings=(*target.findings, finding))
    return list(targets.values())


def _model_behind(finding: Finding) -> tuple[Path, str, str]:
    """The file, the name and the framework of the model that a finding is about; the name is empty where there is none."""
    head = _head(finding)
    around = _class_around(Path(finding.place.path), finding.place.line) if finding.code in ABOUT_PARTS else ""
    if head is not None and around:
        return Path(finding.place.path), around, registry.built_as(head.name)
    if head is not None and finding.model:
        return Path(head.place.path), finding.model, registry.built_as(head.name)
    path = Path(finding.place.path)
    if finding.code == "HL510":
        return path, _model_given_at(path, finding.place.line), "torch"
    if finding.code not in CAUSES:
        return path, "", ""
    return (
        path,
        _class_around(path, finding.place.line),
        registry.built_as(finding.trail[0].name if finding.trail else ""),
    )


def _model_given_at(path: Path, line: int) -> str:
    """The model whose ``parameters()`` are taken on a line: ``model``, or ``main.model`` for a local of a function."""
    within = [
        node.name
        for node in _definitions(path)
        if isinstance(node, ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    for node in _nodes(path):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="parameters"), lineno=number) if (
                number == line
            ):
                return ".".join([*within[:1], name])
    return ""


def _class_around(path: Path, line: int) -> str:
    """The outermost class that a line belongs to."""
    around = [
        node.name
        for node in _definitions(path)
        if isinstance(node, ast.ClassDef) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    return around[0] if around else ""


def target_of_name(path: Path, name: str, framework: str, heads: Sequence[HeadPicture], named: bool) -> Target:
    """A model that no finding is about."""
    about = tuple(one for one in heads if one.model == name and Path(one.place.path) == path)
    known = next((one.framework for one in about), "")
    return Target(path, name, registry.built_as(known) or framework, (), _loss_of_heads(about), (), about, named)


def loss_of(finding: Finding) -> LossWanted | None:
    """The loss at the end of a finding's trail."""
    names = [step.name for step in finding.trail if step.role == "loss" and step.name in registry.LOSSES]
    given = finding.detail("from_logits")
    return _wanted(names[-1], given if isinstance(given, bool) else None) if names else None


def _loss_behind(finding: Finding, heads: Iterable[HeadPicture]) -> LossWanted | None:
    """The loss of a finding, which may not say what that expects, or the one of the model's heads, which does."""
    told, drawn = loss_of(finding), _loss_of_heads(heads)
    is_the_same = told is not None and drawn is not None and told.from_logits is None and told.name == drawn.name
    return drawn if told is None or is_the_same else told


def loss_of_text(text: str, framework: str) -> LossWanted:
    """The loss that an expression of the user's makes: ``nn.CrossEntropyLoss()`` or ``'mse'``."""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        return LossWanted(written=text)
    call = tree if isinstance(tree, ast.Call) else ast.Call(tree, [], [])
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
            known = [kind.name for kind in registry.LOSSES.values() if _named(kind, name, framework)]
        case _:
            known = []
    options = {word.arg: word.value.value for word in call.keywords if isinstance(word.value, ast.Constant)}
    return (
        replace(_wanted(known[0], options.get("from_logits") is True), written=text)
        if known
        else LossWanted(written=text)
    )


def _named(kind: LossKind, name: str, framework: str) -> bool:
    return kind.short_name == name and registry.built_as(kind.name) == framework


def _loss_of_heads(heads: Iterable[HeadPicture]) -> LossWanted | None:
    for loss in (loss for head in heads for loss in head.losses):
        if loss.kind in registry.LOSSES:
            return _wanted(loss.kind, loss.from_logits)
    return None


def _wanted(name: str, from_logits: bool | None) -> LossWanted:
    kind = registry.LOSSES[name]
    expects = kind.expects
    if expects == "from_logits":
        expects = "logits" if from_logits else "probabilities"
    return LossWanted(kind.name, kind.family, expects, from_logits)


def _head(finding: Finding) -> Step | None:
    """The step of the trail that made the value: the last layer, else the activation."""
    layers = [step for step in finding.trail if step.role == "layer"]
    made = layers or [step for step in finding.trail if step.role == "activation"]
    return made[-1] if made else None


def _applied_outside(finding: Finding, path: Path, model: str) -> tuple[str, ...]:
    """What the trail shows to be done to the output behind the model's own definition."""
    lines = definition_lines(path, model)
    steps = [step for step in finding.trail if step.role in ("activation", "operation")]
    if lines is not None:
        outside = [
            step for step in steps if not (Path(step.place.path) == path and lines[0] <= step.place.line <= lines[1])
        ]
    else:
        # A variable holds layers; functions of torch are applied to what they give.
        outside = [step for step in steps if _is_function_of_torch(step.name)]
    names = (step.name.rpartition(".")[2] for step in outside)
    return tuple(name for one in names if (name := LAYERS.get(one, one)) in APPLIED)


def _is_function_of_torch(name: str) -> bool:
    return name.startswith("torch.") and name.rpartition(".")[2].islower()


def definition_lines(path: Path, name: str) -> tuple[int, int] | None:
    """The first and last line of a class or function; None for other names, notebooks, and files that do not parse."""
    for node in _definitions(path):
        if node.name == name:
            return node.lineno, node.end_lineno or node.lineno
    return None


def assigned_line(path: Path, name: str) -> int | None:
    """The last line that gives a variable a value, a local one (``main.model``) too; None where there is none."""
    last = name.rpartition(".")[2]
    lines = [
        node.lineno
        for node in _nodes(path)
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == last for target in node.targets)
    ]
    return max(lines, default=None)


def is_made_in_one_way(path: Path, name: str) -> bool:
    """Whether a file calls a class or function at one place at most: else one object's shape says nothing about another."""
    calls = [
        node
        for node in _nodes(path)
        if isinstance(node, ast.Call) and name == getattr(node.func, "id", getattr(node.func, "attr", ""))
    ]
    return len(calls) < 2


def _definitions(path: Path) -> Iterator[ast.ClassDef | ast.FunctionDef]:
    """The classes and functions of a file."""
    for node in _nodes(path):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            yield node


def _nodes(path: Path) -> Iterator[ast.AST]:
    """The syntax of a file; nothing of notebooks, and of files that do not parse."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8")) if path.suffix == ".py" else ast.Module([], [])
    except (OSError, SyntaxError, ValueError):
        return
    yield from ast.walk(tree)
