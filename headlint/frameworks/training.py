"""The names around a training step: optimizers, schedules of the learning rate, scalers, clipping."""

from __future__ import annotations

_OPTIMIZERS = (
    *("ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "LBFGS", "Muon", "NAdam", "RAdam"),
    *("RMSprop", "Rprop", "SGD", "SparseAdam"),
)

OPTIMIZERS = frozenset(
    {f"torch.optim.{name}" for name in _OPTIMIZERS}
    | {f"torch.optim.{name.lower()}.{name}" for name in _OPTIMIZERS}
    | {"transformers.AdamW", "transformers.Adafactor", "transformers.optimization.AdamW"}
)
"""Classes whose first argument is what they train. None of them clears a gradient by itself."""

_SCHEDULERS = (
    *("StepLR", "MultiStepLR", "ExponentialLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "LambdaLR"),
    *("MultiplicativeLR", "ConstantLR", "LinearLR", "PolynomialLR", "CyclicLR", "OneCycleLR", "ReduceLROnPlateau"),
)

SCHEDULERS = frozenset(f"torch.optim.lr_scheduler.{name}" for name in _SCHEDULERS)
"""Classes whose first argument is the optimizer."""

SCALERS = frozenset({"torch.amp.GradScaler", "torch.cuda.amp.GradScaler", "torch.cuda.amp.grad_scaler.GradScaler"})

CLIPPING = frozenset(
    f"torch.nn.utils.{module}{name}"
    for module in ("", "clip_grad.")
    for name in ("clip_grad_norm_", "clip_grad_norm", "clip_grad_value_")
)
"""Functions that limit the gradients of their first argument."""

CLOSURE_OPTIMIZERS = frozenset({"LBFGS"})
"""Optimizers that call what they are given several times a step."""
