"""PyTorch's layers, losses and operations.

Sources: the signatures and forward methods in ``torch/nn/modules/*.py`` and ``torch/nn/functional.py`` (torch 2.13).
"""

from __future__ import annotations

from headlint.frameworks import torch_views
from headlint.frameworks.kinds import LayerKind, LossKind, OperationKind

_CONVOLUTION = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "bias")
_TRANSPOSED = (
    *("in_channels", "out_channels", "kernel_size", "stride", "padding", "output_padding", "groups", "bias"),
    "dilation",
)
_RECURRENT = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional")
_POOL = ("kernel_size", "stride", "padding")


def _layer(name: str, effect: str, *parameters: str, **columns: str | int) -> LayerKind:
    return LayerKind(f"torch.nn.{name}", "torch", effect, parameters, **columns)  # type: ignore[arg-type]


def _activation(name: str, domain: str, *parameters: str) -> LayerKind:
    return LayerKind(f"torch.nn.{name}", "torch", "activation", parameters, activation=domain)


LAYERS = (
    _layer(
        *("Linear", "dense", "in_features", "out_features", "bias"),
        units="out_features",
        features="in_features",
        bias="bias",
    ),
    _layer("LazyLinear", "dense", "out_features", "bias", units="out_features", bias="bias"),
    _layer(
        "Bilinear",
        "bilinear",
        "in1_features",
        "in2_features",
        "out_features",
        "bias",
        units="out_features",
        bias="bias",
    ),
    *(
        _layer(
            *(f"Conv{n}d", "convolution", *_CONVOLUTION),
            units="out_channels",
            features="in_channels",
            spatial=n,
            bias="bias",
        )
        for n in (1, 2, 3)
    ),
    *(
        _layer(
            *(f"ConvTranspose{n}d", "convolution", *_TRANSPOSED),
            units="out_channels",
            features="in_channels",
            spatial=n,
            bias="bias",
        )
        for n in (1, 2, 3)
    ),
    *(
        _layer(f"LazyConv{n}d", "convolution", *_CONVOLUTION[1:], units="out_channels", spatial=n, bias="bias")
        for n in (1, 2, 3)
    ),
    *(_layer(f"BatchNorm{n}d", "norm", "num_features", features="num_features", spatial=n) for n in (1, 2, 3)),
    *(_layer(f"LazyBatchNorm{n}d", "norm", spatial=n - 1) for n in (1, 2, 3)),
    *(_layer(f"InstanceNorm{n}d", "norm", "num_features", features="num_features", spatial=n) for n in (1, 2, 3)),
    _layer("SyncBatchNorm", "norm", "num_features", features="num_features"),
    _layer("GroupNorm", "norm", "num_groups", "num_channels", features="num_channels"),
    _layer("LayerNorm", "layer_norm", "normalized_shape"),
    _layer("RMSNorm", "layer_norm", "normalized_shape"),
    _layer("LocalResponseNorm", "same_shape", "size"),
    *(_layer(f"{kind}Dropout{n}", "dropout", "p", "inplace") for kind in ("", "Alpha") for n in ("", "1d", "2d", "3d")),
    _layer("FeatureAlphaDropout", "dropout", "p", "inplace"),
    _layer("Flatten", "flatten", "start_dim", "end_dim"),
    _layer("Unflatten", "unknown_shape", "dim", "unflattened_size"),
    _layer("Identity", "identity"),
    _layer("GLU", "unknown_shape", "dim"),
    *(_layer(f"{kind}Pool{n}d", "pool", *_POOL, spatial=n) for kind in ("Max", "Avg") for n in (1, 2, 3)),
    *(_layer(f"LPPool{n}d", "pool", "norm_type", "kernel_size", "stride", "ceil_mode", spatial=n) for n in (1, 2, 3)),
    *(
        _layer(f"Adaptive{kind}Pool{n}d", "adaptive_pool", "output_size", spatial=n)
        for kind in ("Avg", "Max")
        for n in (1, 2, 3)
    ),
    _layer("Embedding", "embedding", "num_embeddings", "embedding_dim", units="embedding_dim"),
    _layer("EmbeddingBag", "embedding_bag", "num_embeddings", "embedding_dim", units="embedding_dim"),
    *(
        _layer(name, "recurrent", *_RECURRENT, units="hidden_size", features="input_size")
        for name in ("RNN", "LSTM", "GRU")
    ),
    _layer(
        "LSTMCell",
        "recurrent_cell_pair",
        "input_size",
        "hidden_size",
        "bias",
        units="hidden_size",
        features="input_size",
    ),
    *(
        _layer(name, "recurrent_cell", "input_size", "hidden_size", "bias", units="hidden_size", features="input_size")
        for name in ("GRUCell", "RNNCell")
    ),
    _layer("MultiheadAttention", "attention", "embed_dim", "num_heads", "dropout", "bias", units="embed_dim"),
    _layer(
        "TransformerEncoderLayer",
        "hidden_same_shape",
        "d_model",
        "nhead",
        "dim_feedforward",
        "dropout",
        units="d_model",
    ),
    _layer(
        "TransformerDecoderLayer",
        "hidden_same_shape",
        "d_model",
        "nhead",
        "dim_feedforward",
        "dropout",
        units="d_model",
    ),
    _layer("TransformerEncoder", "hidden_same_shape", "encoder_layer", "num_layers", "norm"),
    _layer("TransformerDecoder", "hidden_same_shape", "decoder_layer", "num_layers", "norm"),
    _layer("Upsample", "resize", "size", "scale_factor"),
    _layer("UpsamplingBilinear2d", "resize", "size", "scale_factor"),
    _layer("UpsamplingNearest2d", "resize", "size", "scale_factor"),
    _layer("PixelShuffle", "unknown_shape", "upscale_factor"),
    *(
        _layer(f"{kind}Pad{n}d", "resize", "padding")
        for kind in ("Zero", "Reflection", "Replication", "Constant", "Circular")
        for n in (1, 2, 3)
    ),
    _activation("Softmax", "softmax", "dim"),
    _activation("Softmax2d", "softmax2d"),
    _activation("LogSoftmax", "log_softmax", "dim"),
    _activation("Softmin", "softmax", "dim"),
    _activation("Sigmoid", "sigmoid"),
    _activation("Hardsigmoid", "sigmoid", "inplace"),
    _activation("LogSigmoid", "log_sigmoid"),
    _activation("Tanh", "tanh"),
    _activation("Hardtanh", "tanh", "min_val", "max_val", "inplace"),
    _activation("Softsign", "tanh"),
    *(_activation(name, "relu", "inplace") for name in ("ReLU", "ReLU6")),
    *(
        _activation(name, "nonlinear")
        for name in (
            *("LeakyReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "PReLU", "RReLU", "Softplus", "Hardswish"),
            *("Hardshrink", "Softshrink", "Tanhshrink", "Threshold"),
        )
    ),
)

CONTAINERS = {
    "torch.nn.Sequential": "sequential",
    "torch.nn.ModuleList": "list",
    "torch.nn.ModuleDict": "dict",
}

_CRITERION = ("weight", "size_average", "ignore_index", "reduce", "reduction", "label_smoothing")
_BINARY = ("weight", "size_average", "reduce", "reduction", "pos_weight")


_CTC = ("log_probs", "targets", "input_lengths", "target_lengths", "blank", "reduction", "zero_infinity")


def _losses(
    module: str, function: str, family: str, expects: str, parameters: tuple[str, ...] = (), **more: bool
) -> tuple[LossKind, ...]:
    """The loss as a module and, where there is one, as a function."""
    rows = [LossKind(f"torch.nn.{module}", "torch", family, expects, ("input", "target"), parameters, **more)]  # type: ignore[arg-type]
    if function:
        call = ("input", "target", *parameters)
        rows.append(LossKind(f"torch.nn.functional.{function}", "torch", family, expects, call, **more))  # type: ignore[arg-type]
    return tuple(rows)


LOSSES = (
    *_losses("CrossEntropyLoss", "cross_entropy", "cross_entropy", "logits", _CRITERION),
    *_losses("NLLLoss", "nll_loss", "nll", "log_probabilities", _CRITERION),
    *_losses("NLLLoss2d", "", "nll", "log_probabilities", _CRITERION),
    *_losses("BCELoss", "binary_cross_entropy", "binary_cross_entropy", "probabilities", _BINARY),
    *_losses("BCEWithLogitsLoss", "binary_cross_entropy_with_logits", "binary_cross_entropy", "logits", _BINARY),
    *_losses(
        "MultiLabelSoftMarginLoss",
        "multilabel_soft_margin_loss",
        "binary_cross_entropy",
        "logits",
        _BINARY,
        any_type=True,
    ),
    *_losses(
        "KLDivLoss", "kl_div", "kl_div", "log_probabilities", ("size_average", "reduce", "reduction", "log_target")
    ),
    LossKind("torch.nn.CTCLoss", "torch", "ctc", "log_probabilities", _CTC, _CTC[4:], "log_probs", "targets"),
    LossKind("torch.nn.functional.ctc_loss", "torch", "ctc", "log_probabilities", _CTC, (), "log_probs", "targets"),
    *_losses("MSELoss", "mse_loss", "regression", "values", ("size_average", "reduce", "reduction"), symmetric=True),
    *_losses("L1Loss", "l1_loss", "regression", "values", ("size_average", "reduce", "reduction"), symmetric=True),
    *_losses("SmoothL1Loss", "smooth_l1_loss", "regression", "values", symmetric=True),
    *_losses("HuberLoss", "huber_loss", "regression", "values", symmetric=True),
    *_losses("MultiMarginLoss", "multi_margin_loss", "other", "anything"),
    *_losses("MultiLabelMarginLoss", "multilabel_margin_loss", "other", "anything"),
    *_losses("SoftMarginLoss", "soft_margin_loss", "other", "anything"),
    *_losses("PoissonNLLLoss", "poisson_nll_loss", "count", "values", ("log_input",)),
    *_losses("GaussianNLLLoss", "gaussian_nll_loss", "other", "anything"),
    *(
        LossKind(
            f"segmentation_models_pytorch.losses.{name}",
            "torch",
            family,
            "logits",
            ("y_pred", "y_true"),
            parameters,
            "y_pred",
            "y_true",
            any_type=True,
        )
        for name, family, parameters in (
            ("SoftCrossEntropyLoss", "cross_entropy", ("reduction", "smooth_factor", "ignore_index", "dim")),
            ("SoftBCEWithLogitsLoss", "binary_cross_entropy", ("weight", "ignore_index", "reduction")),
        )
    ),
    *(
        LossKind(
            f"segmentation_models_pytorch.losses.{name}",
            "torch",
            "overlap",
            "from_logits",
            ("y_pred", "y_true"),
            ("mode", "classes", "log_loss", "from_logits"),
            "y_pred",
            "y_true",
            takes_logits=True,
            any_type=True,
        )
        for name in ("DiceLoss", "JaccardLoss", "TverskyLoss")
    ),
    LossKind(
        "torchvision.ops.sigmoid_focal_loss",
        "torch",
        "binary_cross_entropy",
        "logits",
        ("inputs", "targets"),
        (),
        "inputs",
        "targets",
    ),
)

_SOFTMAX = ("input", "dim")

_FUNCTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "softmax": ("softmax", _SOFTMAX),
    "log_softmax": ("log_softmax", _SOFTMAX),
    "gumbel_softmax": ("gumbel", ("logits", "tau", "hard", "eps", "dim")),
    "sigmoid": ("sigmoid", ("input",)),
    "logsigmoid": ("log_sigmoid", ("input",)),
    "tanh": ("tanh", ("input",)),
    "relu": ("relu", ("input", "inplace")),
    "relu6": ("relu", ("input", "inplace")),
    "dropout": ("dropout", ("input", "p", "training")),
    **dict.fromkeys(("dropout1d", "dropout2d", "dropout3d"), ("dropout", ("input", "p", "training"))),
    "argmax": ("argmax", ("input", "dim", "keepdim")),
    "argmin": ("argmax", ("input", "dim", "keepdim")),
    "max": ("max", ("input", "dim", "keepdim")),
    "min": ("max", ("input", "dim", "keepdim")),
    "topk": ("topk", ("input", "k", "dim")),
    "round": ("round", ("input",)),
    "sign": ("round", ("input",)),
    "heaviside": ("round", ("input",)),
    "floor": ("round", ("input",)),
    "ceil": ("round", ("input",)),
    "log": ("log", ("input",)),
    "log2": ("log", ("input",)),
    "log10": ("log", ("input",)),
    "exp": ("exp", ("input",)),
    "glu": ("unknown_shape", ("input", "dim")),
    "clamp": ("clamp", ("input", "min", "max")),
    "clip": ("clamp", ("input", "min", "max")),
    "flatten": ("flatten", ("input", "start_dim", "end_dim")),
    "squeeze": ("squeeze", ("input", "dim")),
    "unsqueeze": ("unsqueeze", ("input", "dim")),
    "reshape": ("reshape", ("input", "*shape")),
    "view": ("reshape", ("input", "*shape")),
    "transpose": ("transpose", ("input", "dim0", "dim1")),
    "permute": ("permute", ("input", "*dims")),
    "t": ("transpose_last", ("input",)),
    "cat": ("concatenate", ("tensors", "dim")),
    "concat": ("concatenate", ("tensors", "dim")),
    "concatenate": ("concatenate", ("tensors", "dim")),
    "hstack": ("concatenate", ("tensors", "dim")),
    "stack": ("stack", ("tensors", "dim")),
    "mean": ("mean", ("input", "dim", "keepdim")),
    "sum": ("sum", ("input", "dim", "keepdim")),
    "matmul": ("matmul", ("input", "other")),
    **dict.fromkeys(("mm", "bmm"), ("matmul", ("input", "other"))),
    **dict.fromkeys(("spmm", "smm", "sparse.mm"), ("sparse_product", ("input", "other"))),
    "add": ("add", ("input", "other")),
    **dict.fromkeys(("mul", "multiply"), ("multiply", ("input", "other"))),
    **dict.fromkeys(("sub", "subtract"), ("subtract", ("input", "other"))),
    **dict.fromkeys(("div", "divide", "true_divide"), ("divide", ("input", "other"))),
    **dict.fromkeys(("neg", "negative"), ("negative", ("input",))),
    "linear": ("linear_function", ("input", "weight", "bias")),
    "one_hot": ("one_hot", ("tensor", "num_classes")),
    "normalize": ("elementwise", ("input",)),
    "interpolate": ("resize", ("input", "size", "scale_factor")),
    "max_pool2d": ("pool", ("input", "kernel_size")),
    "avg_pool2d": ("pool", ("input", "kernel_size")),
    "max_pool1d": ("pool", ("input", "kernel_size")),
    "avg_pool1d": ("pool", ("input", "kernel_size")),
    "adaptive_avg_pool2d": ("adaptive_pool", ("input", "output_size")),
    "adaptive_max_pool2d": ("adaptive_pool", ("input", "output_size")),
    "adaptive_avg_pool1d": ("adaptive_pool", ("input", "output_size")),
    "adaptive_max_pool1d": ("adaptive_pool", ("input", "output_size")),
    "eq": ("compare", ("input", "other")),
    "ge": ("compare", ("input", "other")),
    "gt": ("compare", ("input", "other")),
    "tensor": ("new_tensor", ("data", "dtype", "device", "requires_grad")),
    "as_tensor": ("convert", ("data", "dtype", "device")),
    "from_numpy": ("convert", ("data",)),
    "arange": ("range", ("start", "stop", "step")),
    "randperm": ("permutation", ("n",)),
    "linspace": ("linspace", ("start", "stop", "num")),
    "bernoulli": ("bernoulli", ("input",)),
    **dict.fromkeys(("abs", "sqrt", "square", "sin", "cos", "log1p", "expm1"), ("function", ("input",))),
    **dict.fromkeys(("imag", "angle", "rsqrt", "erf", "reciprocal"), ("function", ("input",))),
    **dict.fromkeys(("layer_norm", "batch_norm", "instance_norm", "group_norm"), ("function", ("input",))),
    "scaled_dot_product_attention": ("attended", ("query", "key", "value")),
    **dict.fromkeys(("pairwise_distance", "cosine_similarity", "cdist"), ("distance", ("x1", "x2"))),
    "pow": ("power", ("input", "exponent")),
    "eye": ("identity_matrix", ("n",)),
    "zeros": ("fresh", ("*size",)),
    "ones": ("fresh", ("*size",)),
    "rand": ("fresh", ("*size",)),
    "randn": ("fresh", ("*size",)),
    "empty": ("fresh", ("*size",)),
    "zeros_like": ("fresh_like", ("input",)),
    "ones_like": ("fresh_like", ("input",)),
    "rand_like": ("fresh_like", ("input",)),
    "randn_like": ("fresh_like", ("input",)),
    "full_like": ("fresh_like", ("input", "fill_value")),
    "full": ("fresh_sized", ("size", "fill_value")),
    "randint": ("random_integers", ("low", "high", "size")),
}
_NONLINEAR = (
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "gelu",
    "silu",
    "mish",
    "prelu",
    "rrelu",
    "softplus",
    "hardswish",
)

_MODULES = ("torch", "torch.nn.functional", "torch.special", "torch.linalg")

OPERATIONS = (
    *(
        OperationKind(f"{module}.{name}", effect, parameters)
        for module in _MODULES
        for name, (effect, parameters) in _FUNCTIONS.items()
    ),
    *(OperationKind(f"torch.{name}", *entry) for name, entry in torch_views.FUNCTIONS.items()),
    *(OperationKind(f"einops.{name}", "rearrange", ("input", "pattern")) for name in ("rearrange", "repeat")),
    OperationKind("einops.reduce", "rearrange", ("input", "pattern", "reduction")),
    OperationKind("torch.einsum", "einsum", ("equation", "*operands")),
    *(OperationKind(f"{module}.{name}", "nonlinear", ("input",)) for module in _MODULES for name in _NONLINEAR),
    OperationKind("torch.special.expit", "sigmoid", ("input",)),
    OperationKind("torch.nn.functional.hardsigmoid", "sigmoid", ("input",)),
    OperationKind("torch.Tensor", "new_tensor", ("data", "*sizes")),
    OperationKind("torch.FloatTensor", "new_tensor", ("data", "*sizes")),
    OperationKind("torch.LongTensor", "new_tensor", ("data", "*sizes")),
    OperationKind("torch.autograd.Variable", "variable_of", ("data", "requires_grad")),
    OperationKind("torch.squeeze", "squeeze", ("input", "dim")),
)

METHODS: dict[str, tuple[str, tuple[str, ...]]] = {
    **{
        name: entry
        for name, entry in _FUNCTIONS.items()
        if entry[1][0] in ("input",) and name not in ("linear", "tensor", "normalize") and entry[0] != "dropout"
    },
    **torch_views.METHODS,
    **dict.fromkeys(("float", "double", "half", "bfloat16"), ("to_float", ("input",))),
    **dict.fromkeys(("long", "int"), ("to_integer", ("input",))),
    "bool": ("round", ("input",)),
    "type_as": ("type_as", ("input", "other")),
    **dict.fromkeys(("random_", "normal_", "uniform_"), ("fill_random", ("input", "low", "to"))),
    "detach": ("detach", ("input",)),
    "detach_": ("detach", ("input",)),
    "item": ("item", ("input",)),
    "numpy": ("detach", ("input",)),
    "tolist": ("listed", ("input",)),
    "sigmoid_": ("sigmoid", ("input",)),
    "relu_": ("relu", ("input",)),
    "tanh_": ("tanh", ("input",)),
    "backward": ("backward", ("input",)),
    "size": ("size", ("input", "dim")),
    "dim": ("rank", ("input",)),
    "add_": ("add", ("input", "other")),
    "clamp_": ("clamp", ("input", "min", "max")),
    "clamp_min": ("clamp", ("input", "min")),
    "matmul": ("matmul", ("input", "other")),
    "div_": ("divide", ("input", "other")),
    "astype": ("astype", ("input", "dtype")),
}
"""Methods of a tensor: what they do, and their parameters with the tensor itself first."""

SAME_MODULE_METHODS = frozenset(
    {"to", "cuda", "cpu", "train", "eval", "half", "float", "double", "bfloat16", "requires_grad_", "apply", "xpu"}
    | {"share_memory", "type", "to_empty", "ipu", "compile", "module"}
)
"""Methods of a module that give the module itself back (``compile`` gives None but the model stays what it is)."""

WRAPPERS = frozenset(
    {
        "torch.nn.DataParallel",
        "torch.nn.parallel.DataParallel",
        "torch.nn.parallel.DistributedDataParallel",
        "apex.parallel.DistributedDataParallel",
        "apex.parallel.convert_syncbn_model",
        "torch.compile",
        "torch.jit.script",
        "torch.nn.utils.weight_norm",
        "torch.nn.utils.spectral_norm",
        "torch.nn.utils.parametrizations.weight_norm",
        "torch.nn.utils.parametrizations.spectral_norm",
        "copy.deepcopy",
        "copy.copy",
        "torch.quantization.prepare_qat",
        "torch.nn.SyncBatchNorm.convert_sync_batchnorm",
        "torch.distributed.fsdp.FullyShardedDataParallel",
    }
)
"""Functions and classes that give back the model they are given as their first argument."""

PARAMETER = "torch.nn.Parameter"
FROZEN = "frozen"
"""The note of a parameter that is made to get no gradient."""

MODULE_BASES = frozenset(
    {
        "torch.nn.Module",
        "pytorch_lightning.LightningModule",
        "transformers.PreTrainedModel",
        "torch.nn.Sequential",
        "torch.nn.ModuleList",
        "torch_geometric.nn.MessagePassing",
    }
)
"""Library classes whose subclasses are models with a ``forward``."""

BACKBONE_HEADS = ("fc", "classifier", "head", "heads", "_fc", "last_linear", "output_layer", "final_conv")
"""Attributes under which torchvision, timm and others keep the head of a ready-made model."""

SEGMENTATION_MODELS = frozenset(
    {
        *("Unet", "UnetPlusPlus", "MAnet", "Linknet", "FPN", "PSPNet", "PAN"),
        *("DeepLabV3", "DeepLabV3Plus", "UPerNet", "Segformer", "DPT"),
    }
)
"""The models of segmentation_models_pytorch, beside which it has losses and metrics."""

ATTENTION_THAT_DROPS = "torch.nn.functional.scaled_dot_product_attention"
ACTIVE_DROPOUTS = frozenset(
    {ATTENTION_THAT_DROPS} | {f"torch.nn.functional.dropout{axes}" for axes in ("", "1d", "2d", "3d")}
)
"""Functions that drop values unless they are given training=False."""

_DROPPING_BY_DESIGN = ("prenet", "mcdropout", "montecarlo")
"""What the names of modules hold whose dropout stays on: Tacotron's prenet varies its output by it."""

NO_GRADIENT = frozenset({"torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad"})

NAMES = frozenset(
    {"torch", "torch.nn", "torch.nn.functional", "torch.nn.Module", "torch.nn.Parameter", "torch.nn.DataParallel"}
    | {"torch.no_grad", "torch.utils.data.Dataset", "torch.utils.data.DataLoader", "torch.utils.data.TensorDataset"}
    | {"torch.optim.Adam", "torch.optim.SGD", "pytorch_lightning.LightningModule", "pytorch_lightning.Trainer"}
)
"""What means something to the interpreter without standing in a table."""


def drops_by_design(name: str) -> bool:
    """Whether a module's name says that its dropout is to stay on."""
    return any(word in name.lower().replace("_", "") for word in _DROPPING_BY_DESIGN)
