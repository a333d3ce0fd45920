"""Keras' layers, losses, activations and strings: Keras 1, 2, 3 and ``tf.keras``.

Sources: ``keras/src/layers``, ``keras/src/losses/losses.py``, ``keras/src/activations`` (Keras 3), and the Keras 1 and 2
documentation for spellings that are gone.
"""

from __future__ import annotations

from headlint.frameworks.kinds import LayerKind, LossKind, OperationKind


def _layer(name: str, effect: str, *parameters: str, **columns: str | int) -> LayerKind:
    return LayerKind(f"keras.layers.{name}", "keras", effect, parameters, **columns)  # type: ignore[arg-type]


_CONVOLUTION_NAMES = ("", "Transpose")
_RECURRENT = ("LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU")

LAYERS = (
    _layer("Dense", "dense", "units", "activation", "use_bias", units="units", bias="use_bias"),
    _layer("EinsumDense", "unknown_shape", "equation", "output_shape", "activation", "bias_axes"),
    *(
        _layer(
            f"Conv{n}D{suffix}",
            "convolution",
            "filters",
            "kernel_size",
            "strides",
            "padding",
            units="filters",
            spatial=n,
            bias="use_bias",
        )
        for n in (1, 2, 3)
        for suffix in _CONVOLUTION_NAMES
    ),
    *(
        _layer(
            f"SeparableConv{n}D",
            "convolution",
            "filters",
            "kernel_size",
            "strides",
            units="filters",
            spatial=n,
            bias="use_bias",
        )
        for n in (1, 2)
    ),
    *(
        _layer(f"Convolution{n}D", "convolution", "filters", "kernel_size", units="filters", spatial=n, bias="use_bias")
        for n in (1, 2, 3)
    ),
    _layer("DepthwiseConv2D", "resize", "kernel_size", "strides", "padding", spatial=2, bias="use_bias"),
    _layer("BatchNormalization", "norm"),
    _layer("LayerNormalization", "layer_norm"),
    _layer("GroupNormalization", "norm", "groups"),
    _layer("Dropout", "dropout", "rate"),
    _layer("SpatialDropout1D", "dropout", "rate"),
    _layer("SpatialDropout2D", "dropout", "rate"),
    _layer("AlphaDropout", "dropout", "rate"),
    _layer("GaussianDropout", "dropout", "rate"),
    _layer("GaussianNoise", "dropout_noise", "stddev"),
    _layer("Flatten", "flatten"),
    _layer("Reshape", "reshape_layer", "target_shape"),
    _layer("Permute", "unknown_shape", "dims"),
    _layer("RepeatVector", "repeat_vector", "n"),
    *(
        _layer(f"{kind}Pooling{n}D", "pool", "pool_size", "strides", "padding", spatial=n)
        for kind in ("Max", "Average")
        for n in (1, 2, 3)
    ),
    *(
        _layer(f"{kind}Pool{n}D", "pool", "pool_size", "strides", "padding", spatial=n)
        for kind in ("Max", "Avg")
        for n in (1, 2, 3)
    ),
    *(
        _layer(f"Global{kind}{pool}{n}D", "global_pool", spatial=n)
        for kind in ("Max", "Average", "Avg")
        for pool in ("Pooling", "Pool")
        for n in (1, 2, 3)
    ),
    _layer("Embedding", "embedding", "input_dim", "output_dim", units="output_dim"),
    *(_layer(name, "recurrent", "units", "activation", units="units") for name in _RECURRENT),
    _layer("Bidirectional", "bidirectional", "layer", "merge_mode"),
    _layer("TimeDistributed", "time_distributed", "layer"),
    _layer("Activation", "activation", "activation"),
    _layer("Softmax", "activation", "axis", activation="softmax"),
    _layer("ReLU", "activation", "max_value", activation="relu"),
    *(_layer(name, "activation", activation="nonlinear") for name in ("LeakyReLU", "PReLU", "ELU", "ThresholdedReLU")),
    _layer("UpSampling1D", "resize", "size"),
    _layer("UpSampling2D", "resize", "size"),
    _layer("UpSampling3D", "resize", "size"),
    *(_layer(f"ZeroPadding{n}D", "resize", "padding") for n in (1, 2, 3)),
    *(_layer(f"Cropping{n}D", "resize", "cropping") for n in (1, 2, 3)),
    _layer("Concatenate", "concatenate", "axis"),
    _layer("Add", "add"),
    _layer("Average", "add"),
    _layer("Subtract", "merge"),
    _layer("Multiply", "merge"),
    _layer("Maximum", "merge"),
    _layer("Dot", "merge", "axes"),
    _layer("Lambda", "lambda", "function"),
    _layer("Masking", "same_shape", "mask_value"),
    _layer("InputLayer", "input", "input_shape"),
    _layer("Rescaling", "same_shape", "scale", "offset"),
    _layer("Normalization", "same_shape", "axis"),
    _layer("Resizing", "resize", "height", "width"),
    *(
        _layer(f"Random{name}", "same_shape")
        for name in ("Flip", "Rotation", "Zoom", "Contrast", "Translation", "Brightness")
    ),
    _layer("MultiHeadAttention", "attention", "num_heads", "key_dim"),
    _layer("Attention", "attention"),
    _layer("AdditiveAttention", "attention"),
    _layer("ActivityRegularization", "same_shape"),
)

PARAMETER_SPELLINGS = {
    "output_dim": "units",
    "nb_filter": "filters",
    "nb_filters": "filters",
    "bias": "use_bias",
    "p": "rate",
    "subsample": "strides",
    "pool_length": "pool_size",
}
"""Keras 1 spellings of constructor arguments, and today's."""

ACTIVATIONS = {
    "linear": "linear",
    "softmax": "softmax",
    "log_softmax": "log_softmax",
    "sigmoid": "sigmoid",
    "hard_sigmoid": "sigmoid",
    "log_sigmoid": "log_sigmoid",
    "tanh": "tanh",
    "hard_tanh": "tanh",
    "softsign": "tanh",
    "relu": "relu",
    "relu6": "relu",
    **dict.fromkeys(
        (
            *(
                "leaky_relu",
                "elu",
                "selu",
                "celu",
                "gelu",
                "silu",
                "swish",
                "hard_silu",
                "hard_swish",
                "mish",
                "softplus",
            ),
            *(
                "exponential",
                "exp",
                "glu",
                "tanh_shrink",
                "hard_shrink",
                "soft_shrink",
                "squareplus",
                "sparse_plus",
                "threshold",
            ),
            *("sparse_sigmoid", "crelu"),
        ),
        "nonlinear",
    ),
    "sparsemax": "softmax",
}
"""What the strings that Keras knows as activations do."""

KERAS_1_ACTIVATIONS = frozenset(
    {"softmax", "softplus", "softsign", "relu", "tanh", "sigmoid", "hard_sigmoid", "linear"}
)

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
    ("Poisson", ("poisson",), "other", "anything", ()),
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
    {
        *(
            "accuracy",
            "acc",
            "binary_accuracy",
            "categorical_accuracy",
            "sparse_categorical_accuracy",
            "top_k_categorical_accuracy",
        ),
        *("sparse_top_k_categorical_accuracy", "crossentropy", "ce", "cosine_proximity", "cosine_similarity"),
        *(
            "AUC",
            "Precision",
            "Recall",
            "auc",
            "precision",
            "recall",
            "f1_score",
            "F1Score",
            "FBetaScore",
            "R2Score",
            "iou",
            "mean_iou",
        ),
        *(
            "RootMeanSquaredError",
            "BinaryAccuracy",
            "CategoricalAccuracy",
            "SparseCategoricalAccuracy",
            "TopKCategoricalAccuracy",
        ),
        *(
            "Accuracy",
            "Mean",
            "MeanIoU",
            "BinaryIoU",
            "IoU",
            "OneHotIoU",
            "OneHotMeanIoU",
            "TruePositives",
            "TrueNegatives",
        ),
        *(
            "FalsePositives",
            "FalseNegatives",
            "SensitivityAtSpecificity",
            "SpecificityAtSensitivity",
            "BinaryCrossentropy",
        ),
        *(
            "CategoricalCrossentropy",
            "SparseCategoricalCrossentropy",
            "SparseTopKCategoricalAccuracy",
            "fmeasure",
            "matthews_correlation",
        ),
        *("fbeta_score", "rmse", "bool", "MeanRelativeError", "MeanTensor", "Sum", "LogCoshError", "logcosh", "Hinge"),
        *(
            "RecallAtPrecision",
            "PrecisionAtRecall",
            "concordance_correlation",
            "pearson_correlation",
            "PearsonCorrelation",
        ),
    }
)

CONTAINERS = {"keras.Sequential": "sequential"}

MODEL_CLASSES = frozenset({"keras.Model"})

OPERATIONS = (
    *(
        OperationKind(f"keras.{module}.{name}", effect, parameters)
        for module in ("activations", "backend", "ops", "ops.nn")
        for name, effect, parameters in (
            ("softmax", "softmax", ("x", "axis")),
            ("log_softmax", "log_softmax", ("x", "axis")),
            ("sigmoid", "sigmoid", ("x",)),
            ("hard_sigmoid", "sigmoid", ("x",)),
            ("log_sigmoid", "log_sigmoid", ("x",)),
            ("tanh", "tanh", ("x",)),
            ("relu", "relu", ("x",)),
            ("linear", "identity", ("x",)),
            ("elu", "nonlinear", ("x",)),
            ("gelu", "nonlinear", ("x",)),
            ("selu", "nonlinear", ("x",)),
            ("softplus", "nonlinear", ("x",)),
        )
    ),
    *(
        OperationKind(f"keras.{module}.{name}", effect, parameters)
        for module in ("backend", "ops")
        for name, effect, parameters in (
            ("argmax", "argmax", ("x", "axis")),
            ("argmin", "argmax", ("x", "axis")),
            ("round", "round", ("x",)),
            ("sign", "round", ("x",)),
            ("log", "log", ("x",)),
            ("exp", "exp", ("x",)),
            ("clip", "clamp", ("x", "min_value", "max_value")),
            ("mean", "mean", ("x", "axis")),
            ("sum", "sum", ("x", "axis")),
            ("reshape", "reshape_shape", ("x", "shape")),
            ("flatten", "unknown_shape", ("x",)),
            ("squeeze", "squeeze", ("x", "axis")),
            ("expand_dims", "unsqueeze", ("x", "axis")),
            ("concatenate", "concatenate", ("tensors", "axis")),
            ("stack", "stack", ("tensors", "axis")),
            ("stop_gradient", "detach", ("x",)),
            ("cast", "astype", ("x", "dtype")),
            ("one_hot", "one_hot", ("x", "num_classes")),
            ("dot", "matmul", ("x", "y")),
            ("matmul", "matmul", ("x", "y")),
            ("greater", "compare", ("x", "y")),
            ("convert_to_tensor", "convert", ("x", "dtype")),
        )
    ),
    OperationKind("keras.utils.to_categorical", "one_hot", ("x", "num_classes")),
    OperationKind("keras.layers.concatenate", "concatenate", ("tensors", "axis")),
    OperationKind("keras.layers.merge", "elementwise", ("tensors",)),
    OperationKind("keras.layers.add", "add_list", ("tensors",)),
    OperationKind("keras.layers.multiply", "elementwise", ("tensors",)),
)

BACKBONES = frozenset(
    {
        *(
            "VGG16",
            "VGG19",
            "ResNet50",
            "ResNet101",
            "ResNet152",
            "ResNet50V2",
            "ResNet101V2",
            "ResNet152V2",
            "InceptionV3",
        ),
        *(
            "InceptionResNetV2",
            "Xception",
            "MobileNet",
            "MobileNetV2",
            "MobileNetV3Small",
            "MobileNetV3Large",
            "DenseNet121",
        ),
        *("DenseNet169", "DenseNet201", "NASNetMobile", "NASNetLarge", *(f"EfficientNetB{n}" for n in range(8))),
        *(f"EfficientNetV2{n}" for n in ("B0", "B1", "B2", "B3", "S", "M", "L")),
        *(f"ConvNeXt{n}" for n in ("Tiny", "Small", "Base", "Large", "XLarge")),
    }
)
"""Classes of ``keras.applications``; with ``include_top=False`` they give features, else softmax over ``classes``."""

DATASET_CLASSES = {
    "mnist": 10,
    "fashion_mnist": 10,
    "cifar10": 10,
    "cifar100": 100,
    "imdb": 2,
    "reuters": 46,
}
"""``keras.datasets``: how many classes each has; ``boston_housing`` and ``california_housing`` are regression."""
REGRESSION_DATASETS = frozenset({"boston_housing", "california_housing"})
