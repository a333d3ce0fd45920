"""TensorFlow's own operations and losses: ``tf.nn``, ``tf.losses``, ``tf.layers``, ``tf.math``, ``tf.contrib`` (1.x).

Sources: ``tensorflow/python/ops/nn_ops.py``, ``nn_impl.py``, ``losses/losses_impl.py`` (TensorFlow 2.21) and the 1.15
documentation. Names are given without ``tensorflow.compat.v1``, which ``headlint.frameworks.names`` removes.
"""

from __future__ import annotations

from headlint.frameworks.kinds import LayerKind, LossKind, OperationKind

_WITH_LOGITS = ("labels", "logits")


def _loss(name: str, family: str, expects: str, call: tuple[str, ...], prediction: str, target: str) -> LossKind:
    return LossKind(
        f"tensorflow.{name}", "tensorflow", family, expects, call, (), prediction, target, family == "regression"
    )


LOSSES = (
    _loss("nn.softmax_cross_entropy_with_logits", "cross_entropy", "logits", _WITH_LOGITS, "logits", "labels"),
    _loss("nn.softmax_cross_entropy_with_logits_v2", "cross_entropy", "logits", _WITH_LOGITS, "logits", "labels"),
    _loss("nn.ctc_loss", "ctc", "logits", ("labels", "logits", "label_length", "logit_length"), "logits", "labels"),
    _loss(
        "nn.sparse_softmax_cross_entropy_with_logits",
        "sparse_cross_entropy",
        "logits",
        _WITH_LOGITS,
        "logits",
        "labels",
    ),
    _loss("nn.sigmoid_cross_entropy_with_logits", "binary_cross_entropy", "logits", _WITH_LOGITS, "logits", "labels"),
    _loss(
        "nn.weighted_cross_entropy_with_logits",
        "binary_cross_entropy",
        "logits",
        (*_WITH_LOGITS, "pos_weight"),
        "logits",
        "labels",
    ),
    _loss(
        "losses.softmax_cross_entropy",
        "cross_entropy",
        "logits",
        ("onehot_labels", "logits"),
        "logits",
        "onehot_labels",
    ),
    _loss("losses.sparse_softmax_cross_entropy", "sparse_cross_entropy", "logits", _WITH_LOGITS, "logits", "labels"),
    _loss(
        "losses.sigmoid_cross_entropy",
        "binary_cross_entropy",
        "logits",
        ("multi_class_labels", "logits"),
        "logits",
        "multi_class_labels",
    ),
    _loss("losses.mean_squared_error", "regression", "values", ("labels", "predictions"), "predictions", "labels"),
    _loss("losses.absolute_difference", "regression", "values", ("labels", "predictions"), "predictions", "labels"),
    _loss("losses.huber_loss", "regression", "values", ("labels", "predictions"), "predictions", "labels"),
    _loss(
        "losses.log_loss", "binary_cross_entropy", "probabilities", ("labels", "predictions"), "predictions", "labels"
    ),
    *(
        _loss(f"contrib.{package}losses.{name}", family, expects, (prediction, target), prediction, target)
        for package in ("", "slim.")
        for name, family, expects, prediction, target in (
            ("softmax_cross_entropy", "cross_entropy", "logits", "logits", "onehot_labels"),
            ("sparse_softmax_cross_entropy", "sparse_cross_entropy", "logits", "logits", "labels"),
            ("sigmoid_cross_entropy", "binary_cross_entropy", "logits", "logits", "multi_class_labels"),
            ("mean_squared_error", "regression", "values", "predictions", "labels"),
            ("absolute_difference", "regression", "values", "predictions", "labels"),
        )
    ),
    _loss(
        "contrib.seq2seq.sequence_loss",
        "sparse_cross_entropy",
        "logits",
        ("logits", "targets", "weights"),
        "logits",
        "targets",
    ),
)

HEADS = {
    f"tensorflow.{name}": _loss(name, family, expects, _WITH_LOGITS, "logits", "labels")
    for names, family, expects in (
        (("MultiClassHead", "multi_class_head"), "sparse_cross_entropy", "logits"),
        (("BinaryClassHead", "binary_classification_head"), "binary_cross_entropy", "logits"),
        (("MultiLabelHead", "multi_label_head"), "binary_cross_entropy", "logits"),
        (("RegressionHead", "regression_head"), "regression", "values"),
    )
    for name in (f"estimator.{names[0]}", *(f"contrib.{package}.{names[1]}" for package in ("estimator", "learn")))
}
"""Heads of estimators, which compute the loss of raw scores (``tensorflow_estimator/python/estimator/head``)."""

TENSORNETS = frozenset(
    {"GoogLeNet", *(f"Inception{version}" for version in (1, 2, 3, 4)), "InceptionResNet2", "WideResNet50", "ZF"}
    | {f"ResNet{depth}{version}" for depth in (50, 101, 152) for version in ("", "v2")}
    | {"ResNet200v2", "ResNeXt50", "ResNeXt101", "ResNeXt50c32", "ResNeXt101c32", "ResNeXt101c64"}
    | {"NASNetAlarge", "NASNetAmobile", "PNASNetlarge", "VGG16", "VGG19", "SqueezeNet", "Darknet19", "TinyDarknet19"}
    | {"DenseNet121", "DenseNet169", "DenseNet201", *(f"EfficientNetB{size}" for size in range(8))}
    | {*(f"MobileNet{width}" for width in (25, 50, 75, 100)), *(f"MobileNet{width}v2" for width in (35, 50, 75, 100))}
)
"""Functions of tensornets that end in a softmax over ``classes`` (``tensornets/resnets.py``, 0.4.6)."""

LAYERS = (
    LayerKind(
        "tensorflow.contrib.layers.fully_connected",
        "tensorflow",
        "dense",
        ("inputs", "num_outputs", "activation_fn"),
        units="num_outputs",
        activation="relu",
    ),
    LayerKind(
        "tensorflow.contrib.slim.fully_connected",
        "tensorflow",
        "dense",
        ("inputs", "num_outputs", "activation_fn"),
        units="num_outputs",
        activation="relu",
    ),
    LayerKind(
        "tensorflow.layers.dense",
        "tensorflow",
        "dense",
        ("inputs", "units", "activation", "use_bias"),
        units="units",
        bias="use_bias",
    ),
    *(
        LayerKind(
            f"tensorflow.layers.conv{n}d",
            "tensorflow",
            "convolution",
            ("inputs", "filters", "kernel_size", "strides", "padding"),
            units="filters",
            spatial=n,
        )
        for n in (1, 2, 3)
    ),
    LayerKind("tensorflow.layers.flatten", "tensorflow", "flatten", ("inputs",)),
    LayerKind("tensorflow.contrib.layers.flatten", "tensorflow", "flatten", ("inputs",)),
    LayerKind("tensorflow.contrib.slim.flatten", "tensorflow", "flatten", ("inputs",)),
    LayerKind("tensorflow.layers.dropout", "tensorflow", "dropout", ("inputs", "rate")),
    LayerKind("tensorflow.layers.batch_normalization", "tensorflow", "norm", ("inputs",)),
    LayerKind("tensorflow.layers.max_pooling2d", "tensorflow", "pool", ("inputs", "pool_size", "strides"), spatial=2),
    LayerKind(
        "tensorflow.layers.average_pooling2d", "tensorflow", "pool", ("inputs", "pool_size", "strides"), spatial=2
    ),
)
"""Layers of TensorFlow 1 that are functions: they build the layer and apply it at once."""

_OPERATIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "nn.softmax": ("softmax", ("logits", "axis")),
    **dict.fromkeys(("contrib.layers.softmax", "contrib.slim.softmax"), ("softmax", ("logits",))),
    "nn.log_softmax": ("log_softmax", ("logits", "axis")),
    "nn.sigmoid": ("sigmoid", ("x",)),
    "nn.tanh": ("tanh", ("x",)),
    "nn.relu": ("relu", ("features",)),
    "nn.relu6": ("relu", ("features",)),
    "nn.leaky_relu": ("nonlinear", ("features",)),
    "nn.elu": ("nonlinear", ("features",)),
    "nn.selu": ("nonlinear", ("features",)),
    "nn.softplus": ("nonlinear", ("features",)),
    "nn.dropout": ("dropout", ("x", "keep_prob")),
    "nn.bias_add": ("bias_add", ("value", "bias")),
    "nn.xw_plus_b": ("matmul", ("x", "weights", "biases")),
    "sigmoid": ("sigmoid", ("x",)),
    "tanh": ("tanh", ("x",)),
    "argmax": ("argmax", ("input", "axis")),
    "arg_max": ("argmax", ("input", "axis")),
    "argmin": ("argmax", ("input", "axis")),
    "round": ("round", ("x",)),
    "sign": ("round", ("x",)),
    "log": ("log", ("x",)),
    "exp": ("exp", ("x",)),
    **dict.fromkeys(("abs", "sqrt", "square", "sin", "cos", "log1p", "expm1"), ("function", ("x",))),
    "pow": ("power", ("x", "exponent")),
    "clip_by_value": ("clamp", ("t", "clip_value_min", "clip_value_max")),
    "maximum": ("clamp", ("x", "y")),
    "matmul": ("matmul", ("a", "b")),
    "add": ("add", ("x", "y")),
    **dict.fromkeys(("subtract", "sub"), ("subtract", ("x", "y"))),
    **dict.fromkeys(("multiply", "mul"), ("multiply", ("x", "y"))),
    **dict.fromkeys(("divide", "div", "truediv", "div_no_nan", "realdiv"), ("divide", ("x", "y"))),
    **dict.fromkeys(("negative", "neg"), ("negative", ("x",))),
    "reduce_sum": ("sum", ("input_tensor", "axis")),
    "reduce_mean": ("mean", ("input_tensor", "axis")),
    "reduce_max": ("unknown_shape", ("input_tensor", "axis")),
    "reshape": ("reshape_shape", ("tensor", "shape")),
    "squeeze": ("squeeze", ("input", "axis")),
    "expand_dims": ("unsqueeze", ("input", "axis")),
    "transpose": ("unknown_shape", ("a", "perm")),
    **dict.fromkeys(("gather", "gather_nd", "batch_gather"), ("unknown_shape", ("params", "indices"))),
    "boolean_mask": ("unknown_shape", ("tensor", "mask")),
    "concat": ("concatenate", ("values", "axis")),
    "stack": ("stack", ("values", "axis")),
    "cast": ("astype", ("x", "dtype")),
    "to_float": ("to_float", ("x",)),
    "identity": ("identity", ("input",)),
    "stop_gradient": ("detach", ("input",)),
    "one_hot": ("one_hot", ("indices", "depth")),
    "convert_to_tensor": ("convert", ("value", "dtype")),
    "constant": ("convert", ("value", "dtype")),
    **dict.fromkeys(("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"), ("compare", ("x", "y"))),
    "linspace": ("linspace", ("start", "stop", "num")),
    "eye": ("identity_matrix", ("num_rows",)),
    "placeholder": ("placeholder", ("dtype", "shape", "name")),
    "zeros": ("fresh_sized", ("shape",)),
    "ones": ("fresh_sized", ("shape",)),
    "ones_like": ("fresh_like", ("input",)),
    "zeros_like": ("fresh_like", ("input",)),
    "truncated_normal": ("fresh_sized", ("shape",)),
    "random_normal": ("fresh_sized", ("shape",)),
    **dict.fromkeys(("random_uniform", "uniform"), ("uniform_of_type", ("shape", "minval", "maxval", "dtype"))),
    "normal": ("fresh_sized", ("shape",)),
    "Variable": ("variable", ("initial_value",)),
    "get_variable": ("fresh_named", ("name", "shape")),
}

OPERATIONS = tuple(
    OperationKind(f"tensorflow.{prefix}{name}", effect, parameters)
    for name, (effect, parameters) in _OPERATIONS.items()
    for prefix in ("", "math.", "random.")
)

NO_GRADIENT: frozenset[str] = frozenset()
