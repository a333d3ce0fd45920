"""The words without which no code can build, train or judge a model: what is worth following is decided by them alone.

Whoever teaches the interpreter a method of something unknown names it here; new layers, losses and libraries follow from
the tables. The words are generous: code that holds one is looked at, and code that can reach none is not.
"""

from __future__ import annotations

from headlint.frameworks.names import PACKAGES
from headlint.frameworks.training import MISSPELT_OF_KERAS, MISSPELT_OF_MODULES

PLAIN_PACKAGES = frozenset(
    {"copy", "functools", "collections", "argparse", "math", "dataclasses", "abc", "typing", "os", "random", "tqdm"}
    | {"itertools", "operator", "importlib", "__future__", "numpy", "sklearn", "pandas"}
    | {"omegaconf", "yaml", "easydict", "munch"}
)
"""Packages that mean something to the interpreter and make no model: labels and arithmetic say nothing by themselves."""


def libraries() -> frozenset[str]:
    """The packages that layers, losses, optimizers and models come from."""
    return frozenset(PACKAGES - PLAIN_PACKAGES)


TENSOR_METHODS = frozenset(
    {"softmax", "log_softmax", "view", "reshape", "flatten", "squeeze", "unsqueeze", "permute", "transpose", "argmax"}
    | {"sigmoid", "tanh", "relu", "log"}
)
"""Methods that only a tensor has; called on something unknown they say that it is a tensor."""

OF_TENSORFLOW = frozenset({"gradient", "minimize", "compute_gradients"})
"""Those of TensorFlow's tapes and optimizers."""

GRADIENT_METHODS = OF_TENSORFLOW | {"backward", "manual_backward", "scale"}
"""Methods of something unknown that differentiate a loss."""

TRAINING_METHODS = frozenset({"zero_grad", "grad", "unscale_", "apply_gradients", "requires_grad", "requires_grad_"})
"""What is done in the steps of a training loop, to whatever it is done; ``step`` says nothing without one of these."""

TELLING_ATTRIBUTES = (
    TENSOR_METHODS
    | GRADIENT_METHODS
    | TRAINING_METHODS
    | MISSPELT_OF_MODULES
    | MISSPELT_OF_KERAS
    | {"exp", "trainable"}
)
"""Attributes that matter whatever they are asked of; a softmax by hand begins with ``exp``."""
