"""A residual block for a network that takes the class of its blocks, where the program has none at hand."""

from __future__ import annotations

import sys
from typing import Any


def residual_block(axes: int) -> Any:
    """The basic block of a ResNet over images (``axes`` 2) or volumes; None without torch."""
    torch = sys.modules.get("torch")
    if torch is None or "keras" in sys.modules:
        return None
    nn = torch.nn
    convolution, normalization = getattr(nn, f"Conv{axes}d"), getattr(nn, f"BatchNorm{axes}d")

    class BasicBlock(nn.Module):  # type: ignore[name-defined]
        expansion = 1

        def __init__(self, inplanes: int, planes: int, stride: Any = 1, downsample: Any = None, **options: Any) -> None:
            super().__init__()
            self.first = convolution(inplanes, planes, 3, stride, 1, bias=False)
            self.first_norm = normalization(planes)
            self.second = convolution(planes, planes, 3, 1, 1, bias=False)
            self.second_norm = normalization(planes)
            self.downsample = downsample

        def forward(self, values: Any) -> Any:
            kept = values if self.downsample is None else self.downsample(values)
            values = self.second_norm(self.second(self.first_norm(self.first(values)).relu()))
            return (values + kept).relu() if values.shape == kept.shape else values.relu()

    return BasicBlock
