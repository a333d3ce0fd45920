"""Cross entropies that a program writes out itself: they take the logarithm of probabilities and of nothing else."""

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
