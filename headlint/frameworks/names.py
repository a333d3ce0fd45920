"""The many spellings of one name, made one: ``tf.keras``, ``keras``, ``tensorflow.python.keras`` are all ``keras``."""

from __future__ import annotations

from functools import lru_cache

PACKAGES: set[str] = set(
    {
        *("torch", "torchvision", "timm", "keras", "tensorflow", "numpy", "sklearn", "pytorch_lightning", "lightning"),
        *("transformers", "torchmetrics", "pandas", "copy", "functools", "collections", "argparse", "math", "skorch"),
        *("keras_tuner", "kerastuner", "scikeras", "tensorflow_addons", "efficientnet_pytorch", "torch_geometric"),
        *("ignite", "poutyne", "fastai", "composer", "torchbearer", "pytorch_accelerated", "flash", "kornia", "art"),
        *("torch_lr_finder", "ray", "d2l", "pytorch_transformers", "tensornets", "apex"),
        *(
            "accelerate",
            "keras_core",
            "bert4keras",
            "tf_keras",
            "tflearn",
            "dataclasses",
            "abc",
            "typing",
            "os",
            "random",
            "tqdm",
        ),
        *(
            "itertools",
            "operator",
            "importlib",
            "tensorflow_datasets",
            "torchtext",
            "segmentation_models_pytorch",
            "einops",
            "monai",
            "hydra",
            "omegaconf",
            "yaml",
            "easydict",
            "munch",
            "__future__",
        ),
    }
)
"""The top-level packages that the tables speak of; a module of the project with such a name is the project's own."""

WORDS = {
    *("torch", "keras", "tensorflow", "lightning", "skorch", "timm", "transformers", "tflearn", "segmentation_models"),
    *("headlint:", "monai", "fastai"),
}
"""What the text of each file has that uses a library of models, or speaks to headlint."""

ALWAYS_LIBRARIES = frozenset(
    {
        "torch",
        "torchvision",
        "keras",
        "tensorflow",
        "numpy",
        "sklearn",
        "pandas",
        "typing",
        "os",
        "argparse",
        "functools",
        "importlib",
    }
    | {"collections", "math", "__future__", "itertools", "dataclasses", "copy", "abc", "tf_keras"}
)
"""Those whose name nobody gives to a module of his own; their own sources, when analysed, are read as anybody's."""

_PREFIXES = (
    ("tensorflow.compat.v1.", "tensorflow."),
    ("tensorflow.compat.v2.", "tensorflow."),
    ("tensorflow.contrib.keras.api.keras.", "keras."),
    ("tensorflow.contrib.keras.", "keras."),
    ("tensorflow.contrib.eager.", "tensorflow."),
    ("tensorflow.python.keras.", "keras."),
    ("tensorflow.python.framework.ops.", "tensorflow."),
    ("tensorflow.keras.", "keras."),
    ("tensorflow.python.ops.nn.", "tensorflow.nn."),
    ("tensorflow.python.ops.nn_ops.", "tensorflow.nn."),
    ("keras_core.", "keras."),
    ("bert4keras.backend.keras.", "keras."),
    ("bert4keras.layers.", "keras.layers."),
    ("bert4keras.models.", "keras.models."),
    ("tf_keras.", "keras."),
    ("keras.src.", "keras."),
    ("keras.api.", "keras."),
    ("keras.experimental.", "keras."),
    ("lightning.pytorch.", "pytorch_lightning."),
    ("lightning.", "pytorch_lightning."),
    ("pytorch_lightning.core.lightning.", "pytorch_lightning."),
    ("pytorch_lightning.core.module.", "pytorch_lightning."),
    ("pytorch_lightning.core.", "pytorch_lightning."),
    ("torch.nn.modules.module.", "torch.nn."),
    ("keras.engine.topology.", "keras.layers."),
    ("keras.engine.training.", "keras."),
    ("keras.engine.sequential.", "keras."),
    ("keras.engine.", "keras.layers."),
    ("keras.metrics.losses.", "keras.losses."),
    ("torch.nn.init.", "torch.init."),
    ("torchtext.legacy.", "torchtext."),
)

_TORCH_MODULES = tuple(
    f"torch.nn.{name}."
    for name in (
        *("modules", "activation", "adaptive", "batchnorm", "container", "conv", "distance", "dropout", "flatten"),
        *("fold", "instancenorm", "linear", "loss", "module", "normalization", "padding", "pixelshuffle", "pooling"),
        *("rnn", "sparse", "transformer", "upsampling"),
    )
)
"""Where ``torch.nn`` defines what it hands on; ``torch.nn.modules`` may be left out before the module's name."""

_TRAINING_LIBRARIES = {
    "ignite.": "ignite.engine.",
    "poutyne.": "poutyne.",
    "skorch.": "skorch.",
    "fastai.": "fastai.",
    "composer.": "composer.",
    "torchbearer.": "torchbearer.",
    "pytorch_accelerated.": "pytorch_accelerated.",
    "flash.": "flash.",
    "art.": "art.",
    "monai.engines.": "monai.engines.",
    "kornia.x.": "kornia.x.",
    "torch_lr_finder.": "torch_lr_finder.",
    "ray.util.sgd.": "ray.util.sgd.torch.",
    "segmentation_models_pytorch.utils.train.": "segmentation_models_pytorch.",
}
"""Libraries whose classes are imported from many of their modules, and the module that the tables name."""

_THEIR_FUNCTIONS = ("create_supervised_trainer", "supervised_training_step", "soft_cross_entropy")

_WHOLE = {
    "fastai.Module": "torch.nn.Module",
    "tensorflow.keras": "keras",
    "tensorflow.compat.v1": "tensorflow",
    "tensorflow.compat.v2": "tensorflow",
    "tensorflow.python.keras": "keras",
    "tensorflow.contrib.keras": "keras",
    "tensorflow.contrib.slim.python.slim": "tensorflow.contrib.slim",
    "tf_slim": "tensorflow.contrib.slim",
    "keras_core": "keras",
    "bert4keras.backend.keras": "keras",
    "tf_keras": "keras",
    "lightning.pytorch": "pytorch_lightning",
    "keras.models.Sequential": "keras.Sequential",
    "keras.models.Model": "keras.Model",
    "keras.models.Functional": "keras.Model",
    "keras.layers.Model": "keras.Model",
    "keras.layers.Sequential": "keras.Sequential",
    "keras.layers.Input": "keras.Input",
    "keras.layers.InputSpec": "keras.InputSpec",
    "keras.training.Model": "keras.Model",
    "keras.np_utils.to_categorical": "keras.utils.to_categorical",
    "keras.utils.np_utils.to_categorical": "keras.utils.to_categorical",
    "keras.utils.generic_utils.get_custom_objects": "keras.utils.get_custom_objects",
    "keras.utils.generic_utils.custom_object_scope": "keras.utils.custom_object_scope",
    "keras.utils.generic_utils.CustomObjectScope": "keras.utils.CustomObjectScope",
    "tensorflow.sigmoid": "tensorflow.sigmoid",
    "torch.autograd.variable.Variable": "torch.autograd.Variable",
    "torch.nn.Softmax1d": "torch.nn.Softmax",
    "torch.nn.parameter.Parameter": "torch.nn.Parameter",
    "transformers.modeling_utils.PreTrainedModel": "transformers.PreTrainedModel",
    "torch.cuda.amp.autocast": "torch.autocast",
    "torch.cuda.FloatTensor": "torch.FloatTensor",
    "torch.cuda.LongTensor": "torch.LongTensor",
    "torch.DoubleTensor": "torch.FloatTensor",
    "keras.backend.get_value": "keras.backend.eval",
    **{
        f"segmentation_models_pytorch.utils.losses.{name}": f"torch.nn.{name}"
        for name in ("CrossEntropyLoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss", "MSELoss", "L1Loss")
    },
}

_SUBMODULES = ("layers", "losses", "activations", "metrics", "utils", "datasets", "applications", "optimizers", "ops")


@lru_cache(maxsize=20_000)
def canonical(path: str) -> str:
    """The one spelling of a library's dotted name that the tables use."""
    if path in _WHOLE:
        return _WHOLE[path]
    for prefix, replacement in _PREFIXES:
        if path.startswith(prefix):
            return canonical(replacement + path[len(prefix) :])
    if path.startswith("keras."):
        return _keras(path)
    if path.startswith(_TORCH_MODULES):
        return "torch.nn." + path.rsplit(".", 1)[-1]
    if path.startswith("torch_geometric.nn.conv."):
        return "torch_geometric.nn." + path.rsplit(".", 1)[-1]
    if path.startswith("tensorflow.math.") and path[len("tensorflow.math.") :] in (
        "log",
        "argmax",
        "sigmoid",
        "reduce_sum",
    ):
        return "tensorflow." + path[len("tensorflow.math.") :]
    if path.startswith(("tensorflow.losses.", "tensorflow.metrics.")) and _is_of_2_x(path.rsplit(".", 1)[-1]):
        return "keras." + path[len("tensorflow.") :]
    for prefix, home in _TRAINING_LIBRARIES.items():
        if path.startswith(prefix):
            return _of_training_library(path, home)
    if path.startswith("torch.functional."):
        return "torch." + path[len("torch.functional.") :]
    if path.startswith("torchvision.models."):
        return "torchvision.models." + path.rsplit(".", 1)[-1]
    return path


def _is_of_2_x(name: str) -> bool:
    """Whether ``tf.losses`` and ``tf.metrics`` have a name since TensorFlow 2 alone, where they are Keras' own."""
    return name[:1].isupper() or name.endswith("_crossentropy") or name in ("mse", "mae", "mape", "msle", "kld")


def _of_training_library(path: str, home: str) -> str:
    """A class, with what is asked of it, under the module that the tables name; fastai's ``all`` also hands names on."""
    parts = path.split(".")
    first_class = next((index for index, part in enumerate(parts) if part[:1].isupper() and part != "F"), None)
    if first_class is not None:
        short = home + ".".join(parts[first_class:])
        return _WHOLE.get(short, short)
    if parts[-1].startswith(_THEIR_FUNCTIONS):
        return home + parts[-1]
    handed_on = home == "fastai." and parts[-1] in ("nn", "F", "torch", "np")
    return usual_meaning(parts[-1]) if handed_on else path


def _keras(path: str) -> str:
    """``keras.layers.core.Dense`` and ``keras.layers.convolutional.conv2d.Conv2D`` are ``keras.layers.Dense`` …."""
    parts = path.split(".")
    if len(parts) == 2 and parts[1] in ("Model", "Sequential", "Input"):
        return path
    if parts[1] == "legacy" and len(parts) > 3:
        return canonical(".".join(["keras", *parts[2:]]))
    if parts[1] in _SUBMODULES and len(parts) > 3 and parts[1] not in ("datasets", "applications", "ops", "utils"):
        return f"keras.{parts[1]}.{parts[-1]}"
    return path


_USUAL_LAYERS = (
    *("Activation", "AveragePooling2D", "BatchNormalization", "Bidirectional", "Concatenate", "Conv1D", "Conv2D"),
    *("Conv2DTranspose", "Conv3D", "Convolution1D", "Convolution2D", "Dense", "Dropout", "Embedding", "Flatten", "GRU"),
    *("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "InputLayer"),
    *("LSTM", "LeakyReLU", "MaxPool2D", "MaxPooling1D", "MaxPooling2D", "RepeatVector", "Reshape", "SimpleRNN"),
    *("SpatialDropout1D", "TimeDistributed", "UpSampling2D", "ZeroPadding2D", "concatenate"),
)
_USUAL = {
    "torch": "torch",
    "nn": "torch.nn",
    "F": "torch.nn.functional",
    "tf": "tensorflow",
    "keras": "keras",
    "layers": "keras.layers",
    "models": "keras.models",
    "K": "keras.backend",
    "np": "numpy",
    "pd": "pandas",
    "Sequential": "keras.Sequential",
    "Model": "keras.Model",
    "Input": "keras.Input",
    "to_categorical": "keras.utils.to_categorical",
    "np_utils": "keras.utils.np_utils",
    "ImageDataGenerator": "keras.preprocessing.image.ImageDataGenerator",
    "train_test_split": "sklearn.model_selection.train_test_split",
    **{name: f"sklearn.preprocessing.{name}" for name in ("LabelEncoder", "OneHotEncoder", "StandardScaler")},
    **{name: f"keras.layers.{name}" for name in _USUAL_LAYERS},
}


_USUAL_MODULES = frozenset({"torch", "nn", "F", "tf", "keras", "layers", "np"})


def usual_module(name: str) -> str:
    """The same for names of modules only, which a star import or a cell that is not here may have bound."""
    return _USUAL[name] if name in _USUAL_MODULES else ""


def usual_meaning(name: str) -> str:
    """The library's name that everybody binds a variable of this name to, or an empty text."""
    return _USUAL.get(name, "")
