"""Losses that a program writes out itself. A cross entropy takes the logarithm of probabilities and of nothing else."""

from __future__ import annotations

from headlint.frameworks.kinds import LossKind

_NAMES = {"cross_entropy": "hand-written cross entropy", "binary_cross_entropy": "hand-written binary cross entropy"}

LOSSES = {
    framework: {
        family: LossKind(
            name,
            framework,
            family,
            "probabilities",
            ("labels", "probabilities"),
            prediction="probabilities",
            target="labels",
            by_hand=True,
        )
        for family, name in _NAMES.items()
    }
    for framework in ("tensorflow", "keras", "torch")
}
"""By framework and family."""

SQUARED_ERROR = LossKind("hand-written squared error", "torch", "regression", "values", symmetric=True, by_hand=True)
"""The mean, or the sum, of squared differences; or of their sizes."""
