"""TFLearn: layers that are functions, and the losses that ``regression`` knows by name.

Sources: ``tflearn/layers/core.py``, ``conv.py``, ``estimator.py`` and ``objectives.py`` (0.5).
"""

from __future__ import annotations

from msgspec.structs import replace

from headlint.frameworks.kinds import LayerKind, LossKind

_CALL = ("y_pred", "y_true")


def _layer(name: str, effect: str, *parameters: str, units: str = "", bias: str = "", spatial: int = 0) -> LayerKind:
    return LayerKind(
        f"tflearn.{name}", "tensorflow", effect, ("inputs", *parameters), units=units, bias=bias, spatial=spatial
    )


_LAYERS = {
    "core": (
        _layer("fully_connected", "dense", "n_units", "activation", "bias", units="n_units", bias="bias"),
        _layer("dropout", "dropout", "keep_prob"),
        _layer("flatten", "flatten"),
        _layer("activation", "activation", "activation"),
    ),
    "conv": tuple(
        _layer(
            f"conv_{n}d",
            "convolution",
            *("nb_filter", "filter_size", "strides", "padding", "activation", "bias"),
            units="nb_filter",
            bias="bias",
            spatial=n,
        )
        for n in (1, 2, 3)
    ),
}

LAYERS = tuple(
    replace(row, name=f"tflearn.{package}{row.short_name}")
    for module, rows in _LAYERS.items()
    for row in rows
    for package in ("", f"layers.{module}.")
)

REGRESSIONS = ("tflearn.regression", "tflearn.layers.estimator.regression")
"""What joins the last layer to its loss."""

LOSSES = tuple(
    LossKind(f"tflearn.objectives.{name}", "tensorflow", family, expects, _CALL, (), *_CALL, family == "regression")
    for name, family, expects in (
        ("categorical_crossentropy", "cross_entropy", "probabilities"),
        ("softmax_categorical_crossentropy", "cross_entropy", "logits"),
        ("binary_crossentropy", "binary_cross_entropy", "logits"),
        ("weighted_crossentropy", "binary_cross_entropy", "logits"),
        ("mean_square", "regression", "values"),
    )
)
