"""The device that models are built and run on: which there are, and code that names another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from .reasons import Unmeasurable

AUTOMATIC = ("cuda", "mps", "cpu")
"""What ``auto`` tries, in this order."""


def plan_device(wanted: str, count: Callable[[str], int]) -> str:
    """The device to use: ``auto`` becomes the first kind of which there is one, ``cuda:1`` must exist.

    ``count`` tells how many devices of a kind there are.

    Raises:
        Unmeasurable: there is no such device.
    """
    if wanted == "auto":
        return next((kind for kind in AUTOMATIC if count(kind)), "cpu")
    kind, _, number = wanted.partition(":")
    if number and not number.isdigit():
        raise Unmeasurable("device", f"{wanted!r} is not the name of a device")
    available = count(kind)
    if not available:
        raise Unmeasurable("device", f"this environment has no {kind} device")
    if number and int(number) >= available:
        raise Unmeasurable("device", f"there are {available} {kind} devices, counted from 0; there is no {wanted}")
    return wanted


def count_devices(kind: str) -> int:
    """How many devices of a kind this process can use."""
    if kind in ("cpu", "meta"):
        return 1
    if kind == "mps":
        return int(torch.backends.mps.is_available())
    module = getattr(torch, kind, None)
    if module is None or not hasattr(module, "is_available") or not module.is_available():
        return 0
    return int(module.device_count()) if hasattr(module, "device_count") else 1


class OnDevice(TorchFunctionMode):
    """Whatever accelerator the program names, what it asks for is put on ``device``; on meta everything is."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device = torch.device(device)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """The call with its devices replaced."""
        kwargs = dict(kwargs or {})
        if kwargs.get("device") is not None:
            kwargs["device"] = self.replaced(kwargs["device"])
        match getattr(func, "__name__", ""):
            case "cuda" | "mps" | "xpu" if args and isinstance(args[0], torch.Tensor):
                return torch.Tensor.to(args[0], self.device)
            case "cpu" if args and self.device.type == "meta":
                return args[0]
            case "pin_memory" if args and self.device.type != "cuda":
                return args[0]
            case "to":
                args = (args[0], *(self.replaced(argument) for argument in args[1:]))
        return func(*args, **kwargs)

    def replaced(self, value: Any) -> Any:
        """The device in place of one that is named; any other value as it is."""
        if isinstance(value, int) and not isinstance(value, bool):
            return self.device
        if not isinstance(value, (str, torch.device)):
            return value
        kind = str(value).partition(":")[0]
        return self.device if kind != "cpu" or self.device.type == "meta" else value
