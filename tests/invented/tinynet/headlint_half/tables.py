"""All that headlint is told of tinynet."""

from __future__ import annotations

from headlint.frameworks.kinds import Framework, LayerKind, LossKind, OperationKind, TrainerKind

FRAMEWORK = Framework(
    "tinynet",
    packages=frozenset({"tinynet"}),
    words=("tinynet",),
    layers=(
        LayerKind(
            *("tinynet.Affine", "tinynet", "dense", ("inputs", "outputs", "offset")),
            units="outputs",
            features="inputs",
            bias="offset",
        ),
    ),
    losses=(
        LossKind(
            *("tinynet.CategoricalLoss", "tinynet", "cross_entropy", "logits", ("scores", "wanted")),
            prediction="scores",
            target="wanted",
        ),
    ),
    operations=(OperationKind("tinynet.softmax", "softmax"), OperationKind("tinynet.rectified", "relu")),
    trainers=(TrainerKind("tinynet.Trainer", ("model", "loss"), "model", "loss"),),
    names=frozenset({"tinynet.Module"}),
    calls="tinynet.headlint_half.calls",
    adapter="tinynet.headlint_half.worker",
    install="write it anew",
)
