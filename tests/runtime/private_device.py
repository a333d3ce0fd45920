"""A device of pure Python for torch: ordinary tensors stand behind its own, and every operation is done on those.

Run as a program it registers the device under the name ``npu``, has the worker answer the request on its command line as
a child would, and prints the reply. So the way that models take to a GPU can be gone where there is none.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch.utils import backend_registration
from torch.utils._pytree import tree_map

NAME = "npu"

touched: set[str] = set()
"""The operations that the device has done."""


held: dict[int, tuple[Any, torch.Tensor]] = {}
"""By storage on the device: the storage, so that it stays, and the ordinary tensor behind it."""


def hold(value: Any) -> Any:
    """What an operation gave, on the device. What it gave as a view of something is a copy there."""
    if not isinstance(value, torch.Tensor) or value.device.type == NAME:
        return value
    made = torch._C._acc.create_empty_tensor(value.shape, value.dtype)
    storage = made.untyped_storage()
    held[storage._cdata] = storage, value.detach().clone(memory_format=torch.contiguous_format)
    return made


def let_go(value: Any) -> Any:
    """What an operation takes, as it is on the processor."""
    if isinstance(value, torch.Tensor) and value.device.type == NAME:
        behind = held[value.untyped_storage()._cdata][1]
        return behind.as_strided(value.size(), value.stride(), value.storage_offset())
    return torch.device("cpu") if isinstance(value, torch.device) else value


def operate(operation: Any, *arguments: Any, **keywords: Any) -> Any:
    """Any operation, done on the processor; what it changes in place stays what it was."""
    touched.add(operation.name())
    places = list(zip(arguments, operation._schema.arguments, strict=False))
    changed = [value for value, place in places if place.alias_info is not None and place.alias_info.is_write]
    taken = [
        torch.tensor(value) if isinstance(value, (int, float)) and str(place.type) == "Tensor" else value
        for value, place in places
    ]
    done = operation(*tree_map(let_go, taken), **tree_map(let_go, keywords))
    return changed[0] if len(changed) == 1 and isinstance(done, torch.Tensor) else tree_map(hold, done)


def copy_from(source: torch.Tensor, target: torch.Tensor, non_blocking: bool = False) -> torch.Tensor:
    """Between the device and the processor, either way."""
    let_go(target).copy_(let_go(source))
    return target


def register() -> None:
    """From here on torch has the device."""
    backend_registration._setup_privateuseone_for_python_backend(NAME)
    anything = torch.library.Library("_", "IMPL")
    anything.fallback(operate, "PrivateUse1")
    known = torch.library.Library("aten", "IMPL")
    known.impl("_copy_from", copy_from, "PrivateUse1")
    # Operations that torch has for no device by default, or has by way of tensors that change their size.
    for name in ("empty.memory_format", "empty_strided", "view", "as_strided", "logsumexp", "abs", "randperm"):
        overload = getattr(getattr(torch.ops.aten, name.partition(".")[0]), name.partition(".")[2] or "default")
        known.impl(name, lambda *given, overload=overload, **named: operate(overload, *given, **named), "PrivateUse1")
    kept.extend((anything, known))


kept: list[torch.library.Library] = []
"""Registrations last as long as their objects."""


def main(request: dict[str, Any]) -> None:
    start = Path(__file__).parents[2] / "headlint" / "runtime" / "worker" / "start.py"
    spec = importlib.util.spec_from_file_location("start", start)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.load_package()
    register()
    child = importlib.import_module(f"{module.PACKAGE}.child")
    reply = child.handle(request)
    sys.__stdout__.write(json.dumps({**reply, "touched": sorted(touched)}))  # type: ignore[union-attr]


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
