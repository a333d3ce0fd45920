"""Keras' layers, activations, operations and ready-made models: Keras 1, 2, 3 and ``tf.keras``.

Sources: ``keras/src/layers``, ``keras/src/activations`` (Keras 3), and the Keras 1 and 2
documentation for spellings that are gone.
"""

from __future__ import annotations

from headlint.frameworks.kinds import LayerKind, OperationKind


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
    *(
        _layer(f"DepthwiseConv{n}D", "resize", "kernel_size", "strides", "padding", spatial=n, bias="use_bias")
        for n in (1, 2)
    ),
    _layer("BatchNormalization", "norm"),
    _layer("LayerNormalization", "layer_norm"),
    _layer("GroupNormalization", "norm", "groups"),
    _layer("RMSNormalization", "layer_norm"),
    _layer("Dropout", "dropout", "rate"),
    *(_layer(f"SpatialDropout{n}D", "dropout", "rate") for n in (1, 2, 3)),
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
    _layer("Minimum", "merge"),
    _layer("Dot", "merge", "axes"),
    _layer("Lambda", "lambda", "function"),
    _layer("Masking", "same_shape", "mask_value"),
    _layer("InputLayer", "input", "input_shape"),
    _layer("Rescaling", "same_shape", "scale", "offset"),
    _layer("Normalization", "same_shape", "axis"),
    _layer("Resizing", "resize", "height", "width"),
    *(
        _layer(f"Random{name}", "same_shape")
        for name in (
            *("Flip", "Rotation", "Zoom", "Contrast", "Translation", "Brightness", "Sharpness", "Shear", "Hue"),
            *("Saturation", "Posterization", "Perspective", "Invert", "Grayscale", "GaussianBlur", "Erasing"),
            *("ElasticTransform", "ColorJitter", "ColorDegeneration"),
        )
    ),
    *(_layer(name, "same_shape") for name in ("AugMix", "AutoContrast", "Equalization", "RandAugment", "Solarization")),
    _layer("MultiHeadAttention", "attention", "num_heads", "key_dim"),
    _layer("Attention", "attention"),
    _layer("AdditiveAttention", "attention"),
    _layer("ActivityRegularization", "same_shape"),
    _layer("Identity", "identity"),
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
            ("add", "add", ("x", "y")),
            ("subtract", "subtract", ("x", "y")),
            ("multiply", "multiply", ("x", "y")),
            ("divide", "divide", ("x", "y")),
            ("negative", "negative", ("x",)),
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
            ("ndim", "rank", ("x",)),
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
"""``keras.datasets``: how many classes each has; those of amounts stand below."""
REGRESSION_DATASETS: dict[str, tuple[float, float]] = {
    "boston_housing": (5, 50),
    "california_housing": (15_000, 500_000),
}
"""Keras' data of amounts, and how far these reach."""

DATASET_SHAPES: dict[str, tuple[int | None, ...]] = {
    "mnist": (None, 28, 28),
    "fashion_mnist": (None, 28, 28),
    "cifar10": (None, 32, 32, 3),
    "cifar100": (None, 32, 32, 3),
    "boston_housing": (None, 13),
    "california_housing": (None, 8),
}
"""The shapes of the features."""

IMAGES = frozenset({"mnist", "fashion_mnist", "cifar10", "cifar100"})
"""The data sets whose features are pixels, as numbers up to 255."""

NAMES = frozenset(
    {"keras.Model", "keras.Input", "keras.layers.Layer", "keras.layers.Wrapper"}
    | {f"keras.applications.{name}" for name in BACKBONES}
    | {f"keras.datasets.{name}" for name in DATASET_CLASSES}
)
"""What means something to the interpreter without standing in a table."""
