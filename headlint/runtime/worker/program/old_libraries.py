"""What older versions of libraries took that programs may still say, beside the frameworks themselves."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

NEEDS_LOADER = "missing 1 required positional argument: 'Loader'"
"""What PyYAML 6 says of ``yaml.load(file)``."""


def accept_old_yaml() -> None:
    """Lets ``yaml.load(file)`` and ``yaml.load_all(file)`` do without a loader, as before PyYAML 6."""
    yaml = sys.modules.get("yaml")
    for name in ("load", "load_all") if yaml is not None else ():
        setattr(yaml, name, with_loader(getattr(yaml, name), yaml.FullLoader))  # type: ignore[union-attr]


def with_loader(function: Callable[..., Any], loader: Any) -> Callable[..., Any]:
    """The function with a loader where none is given."""

    @functools.wraps(function)
    def load(stream: Any, Loader: Any = loader) -> Any:
        return function(stream, Loader)

    return load
