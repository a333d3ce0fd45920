"""Which names in a file are models: classes, factories and module-level objects, told from the syntax alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .slicing import last_part, root_name, walk_statements

MODEL_BASES = frozenset({"Module", "ModuleList", "LightningModule", "Model", "Sequential", "Layer"})
MODEL_CALLS = frozenset({"Sequential", "Model"})
ROLES = re.compile(
    r"(loss|criterion|metrics?|aug|augment|augmentations?|transforms?|optimizer|sampler)$", re.IGNORECASE
)
"""Last words of the names of classes that are modules in form only."""

OTHER_PACKAGES = frozenset(
    {
        "sklearn", "xgboost", "lightgbm", "catboost", "imblearn", "gensim", "statsmodels", "scipy", "nltk", "pandas", "numpy",
        "category_encoders", "optuna", "hyperopt", "skopt", "sklearn_pandas", "umap", "hdbscan", "prophet", "surprise", "mlxtend",
        "tpot", "autosklearn", "pyspark", "dask", "cv2", "spacy", "tokenizers", "wandb", "mlflow", "ray", "accelerate",
    }
)  # fmt: skip
"""Packages whose objects are fitted too, and are no networks."""

FITTED = re.compile(
    r"(Scaler|Encoder|Tokenizer|Binarizer|Imputer|Vectorizer|Transformer|Regressor|Classifier|Regression|PCA|SVC|SVR|KMeans"
    r"|SearchCV|Pipeline|Forest|Neighbors|Trainer|Generator|Discretizer|NB|Tuner|RandomSearch|Hyperband)$"
)
"""Last words of the names of what is fitted to data and is no network, where the name says no package."""

FRAMEWORKS = frozenset({"", "keras", "tensorflow", "keras_preprocessing", "scikeras", "lightning", "pytorch_lightning"})
"""Packages that have both; a class without a package comes from a star."""

MODEL_METHODS = frozenset({"compile", "fit", "summary", "parameters", "state_dict", "eval"})


def discover(tree: ast.Module) -> list[str]:
    """The names of the models that a file defines, in the order of the source.

    Parts of other models are left out; so are layers, losses and augmentations, unless the file defines nothing else.
    """
    classes = model_classes(tree)
    parts = {name for name in classes if any(name != other and uses(classes[other], name) for other in classes)}
    whole = [name for name in classes if name not in parts] or list(classes)
    helpers = {name for name in whole if is_helper(classes[name], classes)}
    makers = MODEL_CALLS | set(classes)
    factories = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and returns_model(node, makers)]
    variables = list(model_variables(tree, set(classes) | set(factories)))
    owners = [name for name, node in other_classes(tree, classes) if makes_model(node, MODEL_CALLS)]
    locals_of_functions = [
        f"{node.name}.{name}"
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name not in factories
        for name in bound_to_calls(node.body, MODEL_CALLS)
    ]
    found = {*whole, *factories, *variables, *owners, *locals_of_functions}
    return sorted(found - helpers or found, key=lambda name: first_line(tree, name.partition(".")[0]))


def model_classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    """Classes with a ``forward`` or ``call`` and a base, or with a base that is named like a framework's model."""
    found: dict[str, ast.ClassDef] = {}
    derived: set[str] = set()
    unfinished: set[str] = set()
    for node in walk_statements(tree.body):
        if not isinstance(node, ast.ClassDef) or not node.bases:
            continue
        bases = {last_part(base) for base in node.bases}
        methods = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
        if not bases & (MODEL_BASES | derived):
            continue
        derived.add(node.name)
        if is_abstract(node, bases, found):
            unfinished |= {node.name} if missing_methods(node) - {"forward", "call"} else set()
            continue
        if methods & {"forward", "call", "__init__"} or bases & (set(found) | unfinished):
            found[node.name] = node
    return found


def is_abstract(node: ast.ClassDef, bases: set[str], models: dict[str, ast.ClassDef]) -> bool:
    """Whether a class of modules leaves its pass to others: it has none, or one that only says that it is missing."""
    passes = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name in ("forward", "call")]
    if passes:
        body = [
            one for one in passes[0].body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        ]
        declared = any(last_part(one) == "abstractmethod" for one in passes[0].decorator_list)
        return (
            declared
            or (bool(body) and all(map(is_missing, body)))
            or bool(missing_methods(node) & used_of_self(passes[0]))
        )
    return bases <= {"Module", "ABC", "object"} and not bases & set(models) and "Module" in bases


def missing_methods(node: ast.ClassDef) -> set[str]:
    """The methods of a class that only say that they are missing."""
    methods = [item for item in node.body if isinstance(item, ast.FunctionDef)]
    return {
        one.name
        for one in methods
        if all(is_missing(inner) for inner in one.body if not isinstance(inner, ast.Expr))
        and any(isinstance(inner, ast.Raise) for inner in one.body)
    }


def used_of_self(function: ast.FunctionDef) -> set[str]:
    """The attributes of ``self`` that a method reads."""
    return {
        inner.attr
        for inner in ast.walk(function)
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id == "self"
    }


def is_missing(statement: ast.stmt) -> bool:
    """Whether a statement does nothing, or says that something is not implemented."""
    match statement:
        case ast.Pass():
            return True
        case ast.Raise(exc=ast.Name(id=name) | ast.Call(func=ast.Name(id=name))):
            return name.startswith("NotImplemented")
    return False


def is_helper(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> bool:
    """Whether a class is a layer, or by its name a loss, an augmentation or the like."""
    bases = {last_part(base) for base in node.bases}
    own_bases = [classes[name] for name in bases & set(classes) - {node.name}]
    layer = "Layer" in bases or any(is_helper(base, {}) for base in own_bases)
    return layer or ROLES.search(node.name) is not None


def other_classes(tree: ast.Module, models: dict[str, ast.ClassDef]) -> Iterator[tuple[str, ast.ClassDef]]:
    """The classes that are no models themselves."""
    for node in walk_statements(tree.body):
        if isinstance(node, ast.ClassDef) and node.name not in models:
            yield node.name, node


def makes_model(node: ast.AST, makers: frozenset[str]) -> bool:
    """Whether one of ``makers`` is called anywhere inside a node."""
    return any(isinstance(inner, ast.Call) and last_part(inner.func) in makers for inner in ast.walk(node))


def uses(node: ast.AST, name: str) -> bool:
    """Whether a name is read anywhere inside a node."""
    return any(isinstance(inner, ast.Name) and inner.id == name for inner in ast.walk(node))


def returns_model(function: ast.FunctionDef, makers: set[str] | frozenset[str]) -> bool:
    """Whether a function returns what one of ``makers`` made."""
    made: set[str] = set()
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=func)) if last_part(func) in makers:
                made.add(name)
    for node in ast.walk(function):
        match node:
            case ast.Return(value=ast.Call(func=func)) if last_part(func) in makers:
                return True
            case ast.Return(value=ast.Name(id=name)) if name in made:
                return True
    return False


def model_variables(tree: ast.Module, known: set[str]) -> Iterator[str]:
    """Module-level names bound to a call that makes a model, other than one of the file's own classes and factories."""
    called = {
        root_name(node.func.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MODEL_METHODS
    }
    changed = {
        root_name(target)
        for node in walk_statements(tree.body)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, (ast.Attribute, ast.Subscript))
    }
    origins = imported_from(tree)
    fitted: set[str] = set()
    for node in walk_statements(tree.body):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=func)) if root_name(
                func
            ) in fitted or is_fitted(func, origins, known):
                fitted.add(name)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=func) as call) if not takes_parameters(
                call
            ):
                maker = last_part(func)
                if (
                    maker in MODEL_CALLS
                    or (maker not in known and name in called)
                    or (maker in known and name in changed)
                ):
                    yield name


def imported_from(tree: ast.Module) -> dict[str, str]:
    """The top-level package behind each imported name."""
    found: dict[str, str] = {}
    for node in walk_statements(tree.body):
        match node:
            case ast.Import(names=aliases):
                found |= {one.asname or one.name.partition(".")[0]: one.name.partition(".")[0] for one in aliases}
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                found |= {one.asname or one.name: module.partition(".")[0] for one in aliases}
    return found


def is_fitted(maker: ast.expr, origins: dict[str, str], known: set[str]) -> bool:
    """Whether a call makes something that is fitted to data and is no network: a scaler, a forest, a trainer."""
    root = root_name(maker)
    if root in known:
        return False
    origin = origins.get(root, "")
    named = origin in FRAMEWORKS and FITTED.search(last_part(maker)) is not None
    return origin in OTHER_PACKAGES or named


def bound_to_calls(body: list[ast.stmt], makers: frozenset[str]) -> Iterator[str]:
    """The names that a block binds to what one of ``makers`` made."""
    for node in walk_statements(body):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=func)) if last_part(func) in makers:
                yield name


def takes_parameters(call: ast.Call) -> bool:
    """Whether a call is given the parameters of a model, as an optimizer is."""
    return any(
        isinstance(node, ast.Attribute) and node.attr in ("parameters", "named_parameters")
        for argument in (*call.args, *(word.value for word in call.keywords))
        for node in ast.walk(argument)
    )


def first_line(tree: ast.Module, name: str) -> int:
    """The line at which a name is first bound."""
    for node in walk_statements(tree.body):
        match node:
            case ast.ClassDef(name=bound) | ast.FunctionDef(name=bound) if bound == name:
                return node.lineno
            case ast.Assign(targets=[ast.Name(id=bound)]) if bound == name:
                return node.lineno
    return 0
