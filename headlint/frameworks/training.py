"""The names around a training step: optimizers, schedules of the learning rate, scalers, clipping."""

from __future__ import annotations

_OPTIMIZERS = (
    *("ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "LBFGS", "Muon", "NAdam", "RAdam"),
    *("RMSprop", "Rprop", "SGD", "SparseAdam"),
)

OPTIMIZERS = frozenset(
    {f"torch.optim.{name}" for name in _OPTIMIZERS}
    | {f"torch.optim.{name.lower()}.{name}" for name in _OPTIMIZERS}
    | {f"apex.optimizers.Fused{name}" for name in ("Adam", "SGD", "LAMB", "NovoGrad", "Adagrad")}
    | {"transformers.AdamW", "transformers.Adafactor", "transformers.optimization.AdamW", "pytorch_transformers.AdamW"}
)
"""Classes whose first argument is what they train. None of them clears a gradient by itself."""

ANY_OPTIMIZER = "torch.optim.Optimizer"

OPTIMIZER_BASES = OPTIMIZERS | {ANY_OPTIMIZER, "torch.optim.optimizer.Optimizer"}
"""Classes that optimizers of a program's own are derived from."""

_SCHEDULERS = (
    *("StepLR", "MultiStepLR", "ExponentialLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "LambdaLR"),
    *("MultiplicativeLR", "ConstantLR", "LinearLR", "PolynomialLR", "CyclicLR", "OneCycleLR", "ReduceLROnPlateau"),
    "SequentialLR",
)

_SCHEDULES_OF_TRANSFORMERS = (
    *("get_constant_schedule", "get_constant_schedule_with_warmup", "get_linear_schedule_with_warmup"),
    *("get_cosine_schedule_with_warmup", "get_cosine_with_hard_restarts_schedule_with_warmup"),
    *("get_polynomial_decay_schedule_with_warmup", "get_inverse_sqrt_schedule", "get_wsd_schedule"),
)

SCHEDULERS = frozenset(
    {f"torch.optim.lr_scheduler.{name}" for name in _SCHEDULERS}
    | {"torch.optim.swa_utils.SWALR"}
    | {f"transformers.{module}{name}" for module in ("", "optimization.") for name in _SCHEDULES_OF_TRANSFORMERS}
    | {f"pytorch_transformers.Warmup{kind}Schedule" for kind in ("Linear", "Constant", "Cosine")}
)
"""Classes, and functions that build one, whose first argument is the optimizer."""

SCHEDULERS_BY_NAME = frozenset(
    {"transformers.get_scheduler", "transformers.optimization.get_scheduler", "diffusers.optimization.get_scheduler"}
)
"""Functions that build one by its name, which comes before the optimizer."""

ANY_SCHEDULER = "torch.optim.lr_scheduler.LRScheduler"

SCHEDULER_BASES = SCHEDULERS | {ANY_SCHEDULER, "torch.optim.lr_scheduler._LRScheduler"}
"""Classes that schedules of a program's own are derived from."""

SCALERS = frozenset({"torch.amp.GradScaler", "torch.cuda.amp.GradScaler", "torch.cuda.amp.grad_scaler.GradScaler"})

TAPE = "tensorflow.GradientTape"

CLIPPING = frozenset(
    f"torch.nn.utils.{module}{name}"
    for module in ("", "clip_grad.")
    for name in ("clip_grad_norm_", "clip_grad_norm", "clip_grad_value_")
)
"""Functions that limit the gradients of their first argument."""

CLOSURE_OPTIMIZERS = frozenset({"LBFGS"})
"""Optimizers that call what they are given several times a step."""

MISSPELT_OF_PARAMETERS = frozenset(
    {"require_grad", "require_grads", "requires_grads", "required_grad", "requires_gradient", "requires_gradients"}
    | {"require_gradient", "require_gradients", "requiresgrad", "requires_Grad", "requires_grade", "require_grad_"}
    | {"need_grad", "needs_grad", "trainable", "trainble", "trainabel"}
)
"""Names that people write for ``requires_grad`` of a parameter."""

MISSPELT_OF_MODULES = MISSPELT_OF_PARAMETERS | {"requires_grad"}
"""A module has no such attribute at all: only its parameters have one, and the method ``requires_grad_``."""

MISSPELT_OF_KERAS = frozenset(
    {"trainble", "trainabel", "trainiable", "trainalbe", "trianable", "traineable", "trainables", "is_trainable"}
    | {"requires_grad", "require_grad", "Trainable", "tranable", "trainable_"}
)
"""Names that people write for ``trainable`` of a layer or model of Keras."""
