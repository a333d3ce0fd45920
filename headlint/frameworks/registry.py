"""One look-up for all tables: what does this canonical name mean?"""

from __future__ import annotations

from headlint.frameworks import data, keras, keras_losses, tensorflow, torch, trainers
from headlint.frameworks.kinds import LayerKind, LossKind, OperationKind, TrainerKind

LAYERS: dict[str, LayerKind] = {row.name: row for row in (*torch.LAYERS, *keras.LAYERS)}
FUNCTION_LAYERS: dict[str, LayerKind] = {row.name: row for row in tensorflow.LAYERS}
LOSSES: dict[str, LossKind] = {
    row.name: row for row in (*torch.LOSSES, *keras_losses.LOSSES, *tensorflow.LOSSES, *trainers.LOSSES)
}
LOSSES.update(
    {
        row.name.replace("keras.losses.", "keras.metrics."): row
        for row in keras_losses.LOSSES
        if row.short_name.islower()
    }
)
OPERATIONS: dict[str, OperationKind] = {
    row.name: row for row in (*tensorflow.OPERATIONS, *data.OPERATIONS, *keras.OPERATIONS, *torch.OPERATIONS)
}
TRAINERS: dict[str, TrainerKind] = {row.name: row for row in trainers.TRAINERS}
CONTAINERS = {**torch.CONTAINERS, **keras.CONTAINERS}

ACTIVATION_EFFECTS = frozenset(
    {"softmax", "softmax2d", "log_softmax", "sigmoid", "log_sigmoid", "tanh", "relu", "nonlinear", "linear"}
)
"""Effects of operations that are activations."""


def known(path: str) -> bool:
    """Whether a canonical name is in any table."""
    return (
        any(path in table for table in (LAYERS, FUNCTION_LAYERS, LOSSES, OPERATIONS, CONTAINERS, TRAINERS))
        or path in _OTHERS
    )


_OTHERS = frozenset(
    {
        *("torch.nn.Module", "torch.no_grad", "torch.utils.data.DataLoader", "torch.utils.data.TensorDataset"),
        *("torch.utils.data.Dataset", "keras.Model", "keras.Input", "torch.optim.Adam", "torch.optim.SGD"),
        *trainers.LABELLED_BY_CLASS,
        *trainers.FASTAI_BLOCKS,
        *("fastai.DataBlock", "fastai.ImageDataLoaders", "fastai.ImageDataBunch", "fastai.ImageBlock"),
        *("torch", "numpy"),
        *("keras.layers.Layer", "keras.layers.Wrapper", "torch.nn.functional", "torch.nn", "torch.nn.Parameter"),
        *("pytorch_lightning.LightningModule", "pytorch_lightning.Trainer", "torch.nn.DataParallel"),
        *(f"keras.applications.{name}" for name in keras.BACKBONES),
        *(f"keras.datasets.{name}" for name in keras.DATASET_CLASSES),
        *(f"sklearn.datasets.{name}" for name in data.SKLEARN_CLASSES),
        *(f"torchvision.datasets.{name}" for name in data.TORCHVISION_CLASSES),
    }
)
"""Names of libraries that mean something to the interpreter without standing in a table of layers or operations."""
