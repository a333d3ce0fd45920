"""Keras' losses and metrics, and the strings that ``compile`` knows them by.

Sources: ``keras/src/losses/losses.py``, ``keras/src/metrics`` (Keras 3), and the Keras 1 and 2 documentation.
"""

from __future__ import annotations

from headlint.frameworks.kinds import LossKind

_PAIR = ("y_true", "y_pred")
_KERAS = "keras.losses."

_FAMILIES: tuple[tuple[str, tuple[str, ...], str, str, tuple[str, ...]], ...] = (
    # class, functions and strings, family, expects, constructor parameters
    (
        "CategoricalCrossentropy",
        ("categorical_crossentropy",),
        "cross_entropy",
        "from_logits",
        ("from_logits", "label_smoothing"),
    ),
    (
        "CategoricalFocalCrossentropy",
        ("categorical_focal_crossentropy",),
        "cross_entropy",
        "from_logits",
        ("alpha", "gamma", "from_logits"),
    ),
    (
        "SparseCategoricalCrossentropy",
        ("sparse_categorical_crossentropy",),
        "sparse_cross_entropy",
        "from_logits",
        ("from_logits", "ignore_class"),
    ),
    (
        "CategoricalGeneralizedCrossEntropy",  # named like the one-hot loss, and takes class numbers
        ("categorical_generalized_cross_entropy",),
        "sparse_cross_entropy",
        "probabilities",
        ("q",),
    ),
    (
        "BinaryCrossentropy",
        ("binary_crossentropy",),
        "binary_cross_entropy",
        "from_logits",
        ("from_logits", "label_smoothing"),
    ),
    (
        "BinaryFocalCrossentropy",
        ("binary_focal_crossentropy",),
        "binary_cross_entropy",
        "from_logits",
        ("apply_class_balancing", "alpha", "gamma", "from_logits"),
    ),
    ("KLDivergence", ("kl_divergence", "kullback_leibler_divergence", "kld", "KLD"), "other", "probabilities", ()),
    ("MeanSquaredError", ("mean_squared_error", "mse", "MSE"), "regression", "values", ()),
    ("MeanAbsoluteError", ("mean_absolute_error", "mae", "MAE"), "regression", "values", ()),
    (
        "MeanAbsolutePercentageError",
        ("mean_absolute_percentage_error", "mape", "MAPE"),
        "regression",
        "values",
        (),
    ),
    (
        "MeanSquaredLogarithmicError",
        ("mean_squared_logarithmic_error", "msle", "MSLE"),
        "regression",
        "values",
        (),
    ),
    ("Huber", ("huber", "huber_loss"), "regression", "values", ("delta",)),
    ("LogCosh", ("log_cosh", "logcosh"), "regression", "values", ()),
    ("Hinge", ("hinge",), "other", "anything", ()),
    ("SquaredHinge", ("squared_hinge",), "other", "anything", ()),
    ("CategoricalHinge", ("categorical_hinge",), "other", "anything", ()),
    ("Poisson", ("poisson",), "count", "values", ()),
    ("CosineSimilarity", ("cosine_similarity", "cosine_proximity", "cosine"), "other", "anything", ("axis",)),
    ("Dice", ("dice",), "other", "probabilities", ()),
    ("Tversky", ("tversky",), "other", "probabilities", ()),
    ("Circle", ("circle",), "other", "anything", ()),
    ("CTC", ("ctc",), "other", "anything", ()),
)


def _rows() -> tuple[LossKind, ...]:
    rows: list[LossKind] = []
    for cls, functions, family, expects, parameters in _FAMILIES:
        symmetric = family == "regression"
        rows.append(LossKind(_KERAS + cls, "keras", family, expects, _PAIR, parameters, "y_pred", "y_true", symmetric))
        call = (*_PAIR, *parameters)
        rows += [
            LossKind(_KERAS + name, "keras", family, expects, call, (), "y_pred", "y_true", symmetric)
            for name in functions
        ]
    return tuple(rows)


LOSSES = (
    *_rows(),
    LossKind(
        "keras.backend.ctc_batch_cost",
        "keras",
        "ctc",
        "probabilities",
        ("y_true", "y_pred", "input_length", "label_length"),
        (),
        "y_pred",
        "y_true",
    ),
    *(
        LossKind(
            f"keras.{module}.{name}",
            "keras",
            family,
            "from_logits",
            (first, second, "from_logits"),
            (),
            prediction,
            target,
        )
        for module, first, second, prediction, target in (
            ("backend", "target", "output", "output", "target"),
            ("ops", "target", "output", "output", "target"),
        )
        for name, family in (
            ("binary_crossentropy", "binary_cross_entropy"),
            ("categorical_crossentropy", "cross_entropy"),
            ("sparse_categorical_crossentropy", "sparse_cross_entropy"),
        )
    ),
)

LOSS_STRINGS = {row.short_name: row for row in LOSSES if row.name.startswith(_KERAS)}
"""The losses that ``compile(loss="…")`` knows: function names and class names (``keras.losses.get``)."""

METRIC_STRINGS = frozenset(
    [
        "acc",
        "accuracy",
        "auc",
        "binary_accuracy",
        "bool",
        "categorical_accuracy",
        "ce",
        "concordance_correlation",
        "cosine_proximity",
        "cosine_similarity",
        "crossentropy",
        "f1_score",
        "fbeta_score",
        "fmeasure",
        "iou",
        "logcosh",
        "matthews_correlation",
        "mean_iou",
        "pearson_correlation",
        "precision",
        "recall",
        "rmse",
        "sparse_categorical_accuracy",
        "sparse_top_k_categorical_accuracy",
        "top_k_categorical_accuracy",
        "AUC",
        "Accuracy",
        "BinaryAccuracy",
        "BinaryCrossentropy",
        "BinaryIoU",
        "CategoricalAccuracy",
        "CategoricalCrossentropy",
        "F1Score",
        "FBetaScore",
        "FalseNegatives",
        "FalsePositives",
        "Hinge",
        "IoU",
        "LogCoshError",
        "Mean",
        "MeanIoU",
        "MeanRelativeError",
        "MeanTensor",
        "OneHotIoU",
        "OneHotMeanIoU",
        "PearsonCorrelation",
        "Precision",
        "PrecisionAtRecall",
        "R2Score",
        "Recall",
        "RecallAtPrecision",
        "RootMeanSquaredError",
        "SensitivityAtSpecificity",
        "SparseCategoricalAccuracy",
        "SparseCategoricalCrossentropy",
        "SparseTopKCategoricalAccuracy",
        "SpecificityAtSensitivity",
        "Sum",
        "TopKCategoricalAccuracy",
        "TrueNegatives",
        "TruePositives",
    ]
)
"""The metrics that ``compile(metrics=["…"])`` knows: functions, and classes (``keras.metrics.get``)."""

ALIASES = {
    row.name.replace(_KERAS, "keras.metrics."): row.name
    for row in LOSSES
    if row.name.startswith(_KERAS) and row.short_name.islower()
}
"""Losses that are metrics as well."""
