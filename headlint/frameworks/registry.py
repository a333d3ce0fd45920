"""The frameworks that headlint knows, and one look-up for all their tables: what does this canonical name mean?"""

from __future__ import annotations

from headlint.frameworks import data, keras, keras_losses, names, tensorflow, tflearn, torch, torch_geometric, trainers
from headlint.frameworks.kinds import Framework, LayerKind, LossKind, OperationKind, TrainerKind

LAYERS: dict[str, LayerKind] = {}
FUNCTION_LAYERS: dict[str, LayerKind] = {}
LOSSES: dict[str, LossKind] = {}
OPERATIONS: dict[str, OperationKind] = {}
TRAINERS: dict[str, TrainerKind] = {}
CONTAINERS: dict[str, str] = {}
NAMES: set[str] = set()
"""Names of libraries that mean something to the interpreter without standing in a table."""

FRAMEWORKS: dict[str, Framework] = {}

ACTIVATION_EFFECTS = frozenset(
    {"softmax", "softmax2d", "log_softmax", "sigmoid", "log_sigmoid", "tanh", "relu", "nonlinear", "linear"}
)
"""Effects of operations that are activations."""


def known(path: str) -> bool:
    """Whether a canonical name is in any table."""
    return any(path in table for table in (LAYERS, FUNCTION_LAYERS, LOSSES, OPERATIONS, CONTAINERS, TRAINERS, NAMES))


def register(framework: Framework) -> None:
    """Make a framework known: all that headlint asks of one stands in what is registered here."""
    FRAMEWORKS[framework.name] = framework
    LAYERS.update({row.name: row for row in framework.layers})
    FUNCTION_LAYERS.update({row.name: row for row in framework.function_layers})
    LOSSES.update({row.name: row for row in framework.losses})
    LOSSES.update({alias: LOSSES[name] for alias, name in framework.aliases.items()})
    OPERATIONS.update({row.name: row for row in framework.operations})
    TRAINERS.update({row.name: row for row in framework.trainers})
    CONTAINERS.update(framework.containers)
    NAMES.update(framework.names)
    names.PACKAGES.update(framework.packages)
    names.WORDS.update(framework.words)


def built_as(name: str) -> str:
    """The framework that builds what a dotted name of a library is part of, or an empty text."""
    framework = FRAMEWORKS.get(name.partition(".")[0])
    if framework is None:
        return ""
    return framework.built_as or (framework.name if framework.adapter else "")


for _framework in (
    Framework(
        "torch",
        packages=frozenset({"torch", "torchvision", "lightning", "pytorch_lightning"}),
        words=("torch", "lightning"),
        layers=(*torch.LAYERS, *torch_geometric.LAYERS),
        losses=torch.LOSSES,
        operations=torch.OPERATIONS,
        containers=torch.CONTAINERS,
        names=torch.NAMES,
        calls="headlint.flow.libraries.torch_calls",
        adapter=".torch.model",
        install="install it there, or with `pip install 'headlint[torch]'`",
    ),
    Framework(
        "keras",
        packages=frozenset({"keras", "keras_core", "tf_keras"}),
        words=("keras",),
        layers=keras.LAYERS,
        losses=keras_losses.LOSSES,
        operations=keras.OPERATIONS,
        containers=keras.CONTAINERS,
        names=keras.NAMES,
        aliases=keras_losses.ALIASES,
        calls="headlint.flow.keras.keras_calls",
        adapter=".keras.model",
        install="install it there, or with `pip install 'headlint[tensorflow]'`",
    ),
    Framework(
        "tensorflow",
        packages=frozenset({"tensorflow"}),
        words=("tensorflow",),
        function_layers=tensorflow.LAYERS,
        losses=tensorflow.LOSSES,
        operations=tensorflow.OPERATIONS,
        names=frozenset(tensorflow.HEADS),
        calls="headlint.flow.libraries.tensorflow_calls",
        built_as="keras",
    ),
    Framework(
        "tflearn",
        packages=frozenset({"tflearn"}),
        words=("tflearn",),
        function_layers=tflearn.LAYERS,
        losses=tflearn.LOSSES,
        names=frozenset(tflearn.REGRESSIONS),
        calls="headlint.flow.libraries.tflearn_calls",
    ),
    Framework(
        "data",
        packages=frozenset({"numpy", "sklearn", "pandas"}),
        operations=data.OPERATIONS,
        names=data.NAMES | data.HUGGING_FACE_NAMES,
    ),
    Framework(
        "trainers",
        packages=frozenset(),
        losses=trainers.LOSSES,
        trainers=trainers.TRAINERS,
        names=trainers.NAMES,
        calls="headlint.flow.libraries.trainers",
    ),
):
    register(_framework)
