"""One look-up for all tables: what does this canonical name mean?"""

from __future__ import annotations

from headlint.frameworks import data, keras, tensorflow, torch
from headlint.frameworks.kinds import LayerKind, LossKind, OperationKind

LAYERS: dict[str, LayerKind] = {row.name: row for row in (*torch.LAYERS, *keras.LAYERS)}
FUNCTION_LAYERS: dict[str, LayerKind] = {row.name: row for row in tensorflow.LAYERS}
LOSSES: dict[str, LossKind] = {row.name: row for row in (*torch.LOSSES, *keras.LOSSES, *tensorflow.LOSSES)}
LOSSES.update({row.name.replace("keras.losses.", "keras.metrics."): row for row in keras.LOSSES if row.short_name.islower()})
OPERATIONS: dict[str, OperationKind] = {
    row.name: row for row in (*tensorflow.OPERATIONS, *data.OPERATIONS, *keras.OPERATIONS, *torch.OPERATIONS)
}
CONTAINERS = {**torch.CONTAINERS, **keras.CONTAINERS}

ACTIVATION_EFFECTS = frozenset(
    {"softmax", "softmax2d", "log_softmax", "sigmoid", "log_sigmoid", "tanh", "relu", "nonlinear", "linear"}
)
"""Effects of operations that are activations."""
