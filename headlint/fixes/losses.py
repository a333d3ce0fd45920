"""Fixes of the loss: another one, its options, and what it is given."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst

from headlint.findings.finding import Place
from headlint.fixes.case import Case, Repair
from headlint.fixes.edits import Edit
from headlint.fixes.program import CannotFix, Program, argument, last_name
from headlint.fixes.spelling import beside, spelled

_KERAS_CLASSES = {
    "binary_crossentropy": "BinaryCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
}
_KERAS_FUNCTIONS = {name: function for function, name in _KERAS_CLASSES.items()}
_ONLY_OF_CROSS_ENTROPY = ("weight", "ignore_index", "label_smoothing")


def _places(case: Case) -> list[Place]:
    """Where the loss is chosen, then where it is used."""
    return [step.place for step in case.steps("loss")] or [case.finding.place]


def rename_loss(case: Case, names: Mapping[str, str], unwanted: tuple[str, ...] = ()) -> tuple[Edit, ...]:
    """Write another loss for the one of the finding, which keeps its options except those that must not be there."""
    for place in _places(case):
        program, node = case.node(place)
        node = program.literal(node)
        named = node.func if isinstance(node, cst.Call) else node
        options = node.args if isinstance(node, cst.Call) else ()
        if any(arg.star or (arg.keyword and arg.keyword.value in unwanted) for arg in options):
            raise CannotFix("it has options that the other loss lacks")
        if isinstance(named, cst.SimpleString):
            old = str(named.evaluated_value)
            if old in names:
                return (program.replace(named, f"{named.prefix}{named.quote}{names[old]}{named.quote}"),)
        elif isinstance(named, cst.Name | cst.Attribute):
            old = (program.meaning(named) or last_name(named)).rpartition(".")[2]
            if old in names and (program.meaning(named) or not isinstance(named, cst.Name)):
                text, imports = beside(program, named, names[old])
                return (program.replace(named, text), *imports)
    raise CannotFix("the loss is not to be seen")


def nll_for_log_softmax(case: Case) -> Repair:
    """HL102: the loss that belongs to log-probabilities."""
    if not case.detail("over_classes"):
        raise CannotFix("it is taken over another axis than that of the classes")
    names = {"CrossEntropyLoss": "NLLLoss", "cross_entropy": "nll_loss"}
    edits = rename_loss(case, names, ("label_smoothing",))
    if case.detail("encoding") in ("index", "binary"):
        return Repair("Use NLLLoss", "the two losses give the same for log-probabilities", edits, safe=True)
    return Repair(
        "Use NLLLoss", "the loss is the same, but takes class numbers only, and no rows of probabilities", edits
    )


def flip_from_logits(case: Case, value: str) -> Edit | None:
    """Change a ``from_logits`` that is written out."""
    for place in _places(case):
        program, node = case.node(place)
        given = argument(node, "from_logits") if isinstance(node, cst.Call) else None
        if given is not None and isinstance(given.value, cst.Name) and given.value.value in ("True", "False"):
            return program.replace(given.value, value)
    return None


def logits_stated(case: Case) -> Repair:
    """HL105, HL106: the loss that takes raw scores."""
    if case.detail("head") in ("log_softmax", "log_sigmoid"):
        raise CannotFix("the logarithm must be removed first")
    if case.detail("framework") == "torch":
        names = {"BCELoss": "BCEWithLogitsLoss", "binary_cross_entropy": "binary_cross_entropy_with_logits"}
        reason = "the loss has other values, and code that reads the output as a probability must take the sigmoid"
        return Repair("Use BCEWithLogitsLoss", reason, rename_loss(case, names))
    activation = "sigmoid" if case.finding.code == "HL105" else "softmax"
    reason = f"the loss has other values, and code that reads the output as a probability must take the {activation}"
    return Repair("Set from_logits=True", reason, _from_logits(case))


def _from_logits(case: Case) -> tuple[Edit, ...]:
    for place in _places(case):
        program, node = case.node(place)
        if isinstance(node, cst.Call):
            name = last_name(node.func)
            if name in _KERAS_FUNCTIONS or name in _KERAS_CLASSES:
                return (program.set_argument(node, "from_logits", "True"),)
            continue
        node = program.literal(node)
        name = str(node.evaluated_value) if isinstance(node, cst.SimpleString) else _function_named(program, node)
        if name in _KERAS_CLASSES:
            text, imports = spelled(program, f"keras.losses.{_KERAS_CLASSES[name]}")
            return (program.replace(node, f"{text}(from_logits=True)"), *imports)
    raise CannotFix("the loss is not to be seen")


def _function_named(program: Program, node: cst.BaseExpression) -> str:
    meaning = program.meaning(node) or ""
    return meaning.rpartition(".")[2] if meaning.startswith("keras.") else ""


ONLY_FOR_TWO_CLASSES = (
    "with more than two classes the head needs more units instead, and the labels may need another shape"
)


def binary_loss(case: Case) -> Repair:
    """HL202: a binary loss for a single output."""
    edits = binary_loss_written(case, str(case.detail("head")))
    return Repair("Use a binary loss", ONLY_FOR_TWO_CLASSES, edits)


def binary_loss_written(case: Case, head: str) -> tuple[Edit, ...]:
    """The binary loss for a single output in place of one for several."""
    if case.detail("framework") != "torch":
        return rename_loss(case, _KERAS_BINARY)
    if head not in _TORCH_BINARY:
        raise CannotFix("the head must change first")
    return (*rename_loss(case, _TORCH_BINARY[head], _ONLY_OF_CROSS_ENTROPY), *_column_of_labels(case))


_TORCH_BINARY = {
    "sigmoid": {"CrossEntropyLoss": "BCELoss", "cross_entropy": "binary_cross_entropy"},
    "linear": {"CrossEntropyLoss": "BCEWithLogitsLoss", "cross_entropy": "binary_cross_entropy_with_logits"},
}
_KERAS_BINARY = {
    "categorical_crossentropy": "binary_crossentropy",
    "sparse_categorical_crossentropy": "binary_crossentropy",
    "CategoricalCrossentropy": "BinaryCrossentropy",
    "SparseCategoricalCrossentropy": "BinaryCrossentropy",
}


def _column_of_labels(case: Case) -> tuple[Edit, ...]:
    """Class numbers of shape [N], as the cross entropy took them, as the floats of shape [N, 1] of a binary loss."""
    return (_labels_with(case, "float().unsqueeze(1)"),)


def _labels_with(case: Case, method: str) -> Edit:
    """A method called on the labels where the loss takes them."""
    program, call = case.call(_places(case)[-1])
    labels = argument(call, "target", 1)
    if labels is None:
        raise CannotFix("the labels are not to be seen")
    value, methods = labels.value, method.split(".")
    while isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute):
        taken_back = _TAKEN_BACK.get(program.between(program.span(value.func.attr)[0], program.span(value)[1]))
        if taken_back not in methods:
            break
        value = value.func.value
        methods = [one for one in methods if one != taken_back or one == "long()"]
    simple = isinstance(value, cst.Name | cst.Attribute | cst.Call | cst.Subscript) or value.lpar
    text = program.text(value)
    return program.edit(*program.outer(labels.value), ".".join([text if simple else f"({text})", *methods]))


_TAKEN_BACK = {
    "float()": "long()",
    "double()": "long()",
    "unsqueeze(1)": "squeeze(1)",
    "unsqueeze(-1)": "squeeze(1)",
    "view(-1, 1)": "squeeze(1)",
    "reshape(-1, 1)": "squeeze(1)",
    "long()": "float()",
    "squeeze()": "unsqueeze(1)",
    "squeeze(1)": "unsqueeze(1)",
}
"""The call that each call on labels is taken back by; both need not be written."""


def categorical_loss(case: Case) -> Repair:
    """HL107: the loss of classes that exclude each other."""
    match case.detail("encoding"):
        case "multi_hot":
            raise CannotFix("the labels do not exclude each other")
        case "index" | "binary":
            names = {
                "binary_crossentropy": "sparse_categorical_crossentropy",
                "BinaryCrossentropy": "SparseCategoricalCrossentropy",
            }
        case _:
            names = {"binary_crossentropy": "categorical_crossentropy", "BinaryCrossentropy": "CategoricalCrossentropy"}
    reason = "where several labels may hold at once the softmax is what must change; one-hot rows are expected"
    return Repair("Use the categorical loss", reason, rename_loss(case, names))


def binary_loss_for_sigmoids(case: Case) -> Repair:
    """HL108: the loss of labels that do not exclude each other."""
    if "sparse" in str(case.detail("loss")).lower():
        raise CannotFix("class numbers are no labels for several sigmoids")
    reason = "where the labels exclude each other the activation is what must change instead"
    return Repair("Use the binary loss", reason, rename_loss(case, _KERAS_BINARY))


def binary_loss_for_classes(case: Case) -> Repair:
    """HL115: a cross entropy for classes."""
    if case.detail("head") != "sigmoid":
        raise CannotFix("a tanh needs another activation first")
    keras = dict.fromkeys(("mse", "mean_squared_error", "mae", "mean_absolute_error"), "binary_crossentropy")
    classes = dict.fromkeys(("MeanSquaredError", "MeanAbsoluteError"), "BinaryCrossentropy")
    torch = {"MSELoss": "BCELoss", "L1Loss": "BCELoss", "mse_loss": "binary_cross_entropy"}
    edits = rename_loss(case, keras | classes | torch)
    return Repair("Use the binary cross entropy", "the loss has another scale", edits)


def loss_for_the_labels(case: Case) -> Repair:
    """HL601: the Keras loss that takes the labels as they are."""
    names = {
        "one_hot": {
            "sparse_categorical_crossentropy": "categorical_crossentropy",
            "SparseCategoricalCrossentropy": "CategoricalCrossentropy",
        },
        "index": {
            "categorical_crossentropy": "sparse_categorical_crossentropy",
            "CategoricalCrossentropy": "SparseCategoricalCrossentropy",
        },
    }.get(str(case.detail("encoding")))
    if case.detail("framework") != "keras" or names is None:
        raise CannotFix("the labels are what must change")
    reason = "the labels may be what was meant to change, and metrics that name the old kind no longer fit"
    return Repair("Use the loss for these labels", reason, rename_loss(case, names))


_RAISING = (
    "CrossEntropyLoss",
    "NLLLoss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "cross_entropy",
    "nll_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
)
"""The losses that do not take labels of another kind or shape at all."""


def labels_converted(case: Case) -> Repair:
    """HL601: the labels in the shape and with the numbers that a loss of PyTorch takes."""
    conversion = case.detail("conversion")
    if case.detail("framework") != "torch" or not isinstance(conversion, str) or not conversion:
        raise CannotFix("the labels are what must change")
    edit = _labels_with(case, conversion)
    title = f"Give the loss labels.{conversion}"
    if case.detail("loss") in _RAISING:
        return Repair(title, "the loss raised an error before", (edit,), safe=True)
    return Repair(title, "the loss compares other pairs of numbers, as it should", (edit,))


_PAIRS = (("input", "target"), ("y_true", "y_pred"), ("labels", "logits"))


def arguments_swapped(case: Case) -> Repair:
    """HL503: the output and the labels where the loss takes them."""
    program, call = case.call(case.finding.place)
    reason = "the numbers that the program prints change, as they should"
    for first, second in _PAIRS:
        one, other = argument(call, first, 0), argument(call, second, 1)
        if one is None or other is None or one is other:
            continue
        edits = (
            program.edit(*program.outer(one.value), program.text(other.value)),
            program.edit(*program.outer(other.value), program.text(one.value)),
        )
        return Repair("Swap the two arguments", reason, edits)
    raise CannotFix("the two arguments are not to be seen")


def classes_moved(case: Case) -> Repair:
    """HL304: the classes on the axis where the loss looks for them."""
    if case.detail("classes") is not None:
        raise CannotFix("the classes are where the loss looks for them")
    program, call = case.call(_places(case)[-1])
    given = argument(call, "input", 0)
    if given is None:
        raise CannotFix("the scores are not to be seen")
    simple = isinstance(given.value, cst.Name | cst.Attribute | cst.Call | cst.Subscript) or given.value.lpar
    text = program.text(given.value)
    edit = program.edit(*program.outer(given.value), f"{text if simple else f'({text})'}.movedim(-1, 1)")
    reason = "labels that are probabilities of the same shape have to be moved as well"
    return Repair("Move the classes to axis 1", reason, (edit,))


def constructor_called(case: Case) -> Repair:
    """HL507: build the loss, then give it the tensors."""
    program, call = case.call(case.finding.place)
    if len(call.args) != 2 or any(arg.star for arg in call.args):
        raise CannotFix("some of the arguments are options of the loss")
    end = program.outer(call.func)[1]
    return Repair(
        "Build the loss first", "the program could not run before", (program.edit(end, end, "()"),), safe=True
    )


_CUTS = ("detach", "data", "tensor", "from_numpy", "numpy")
_ON_THE_WAY = ("cpu",)
"""What stands between two cuts, and cuts nothing off itself."""


def cut_removed(case: Case) -> Repair:
    """HL502: let the gradient pass."""
    operations = case.steps("operation")
    if not operations or any(step.name.rpartition(".")[2] not in _CUTS for step in operations):
        raise CannotFix("the way is cut in another manner")
    program, outer = case.node(operations[-1].place)
    around: cst.CSTNode | None = outer
    while isinstance(around, cst.BaseExpression | cst.Arg):
        if isinstance(around, cst.BaseExpression) and _passed(program, around, _CUTS) is not None:
            outer = around
        around = program.parent(around)
    inner = outer
    while (value := _passed(program, inner, (*_CUTS, *_ON_THE_WAY))) is not None:
        inner = value
    cuts = [case.node(step.place)[1] for step in operations]
    if inner is outer or any(not program.inside(outer, cut) or program.inside(inner, cut) for cut in cuts):
        raise CannotFix("the way is cut in another manner")
    edit = program.put_in_place(outer, inner)
    return Repair("Remove what cuts the gradient off", "training starts to work, so every number changes", (edit,))


def _passed(program: Program, node: cst.BaseExpression, kinds: tuple[str, ...]) -> cst.BaseExpression | None:
    """What an operation of some kinds passes on: ``x`` of ``x.detach()``; None for everything else."""
    match node:
        case cst.Call(
            func=cst.Attribute(value=value, attr=cst.Name(value="detach" | "numpy" | "cpu" as name)), args=[]
        ):
            return value if name in kinds else None
        case cst.Attribute(value=value, attr=cst.Name(value="data")):
            return value
        case cst.Call(func=func, args=[cst.Arg(value=value, star=""), *_]):
            meaning = program.meaning(func) or ""
            return value if meaning.startswith("torch.") and meaning[len("torch.") :] in kinds else None
    return None
