"""The device that models are built and run on: which there are, code that names another one, and its random numbers."""

from __future__ import annotations

import inspect
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


def count_devices(kind: str) -> int:
    """How many accelerators of a kind this process can use. It may start their driver, so ask in a child only."""
    if kind == "mps":
        return int(torch.backends.mps.is_available())
    module = getattr(torch, kind, None)
    if module is None or not hasattr(module, "is_available") or not module.is_available():
        return 0
    return int(module.device_count()) if hasattr(module, "device_count") else 1


def limit_memory(device: str, most: int) -> None:
    """Let this process use at most so many bytes of a GPU's memory; other devices know no such limit."""
    if device.startswith("cuda"):
        chosen = torch.device(device)
        share = most / torch.cuda.get_device_properties(chosen).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, share), chosen)


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


@contextmanager
def on_device(device: str) -> Iterator[None]:
    """Whatever is made or moved while it lasts is on the device."""
    with torch.device(device), OnDevice(device):
        yield


def sow(seed: int) -> None:
    """The same random numbers from here on, whatever the program did."""
    random.seed(seed)
    torch.manual_seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None and inspect.ismodule(numpy):
        numpy.random.seed(seed)
