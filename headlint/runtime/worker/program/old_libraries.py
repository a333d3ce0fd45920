"""What older versions of libraries took that programs may still say, beside the frameworks themselves."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

NEEDS_LOADER = "missing 1 required positional argument: 'Loader'"
"""What PyYAML 6 says of ``yaml.load(file)``."""


OLD_ALIASES: dict[str, str] = {
    "product": "prod", "cumproduct": "cumprod", "float_": "float64", "complex_": "complex128", "unicode_": "str_",
    "string_": "bytes_", "Inf": "inf", "Infinity": "inf", "infty": "inf", "NaN": "nan", "in1d": "isin", "trapz": "trapezoid",
    "row_stack": "vstack", "alltrue": "all", "sometrue": "any",
}  # fmt: skip
"""Names of NumPy that are gone, and those that do their work."""


def accept_old_numpy() -> None:
    """Gives NumPy back the names that it once had, as ``numpy.float`` for ``float``."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return
    for kind in (bool, int, float, complex, object, str):
        if kind.__name__ not in vars(numpy):
            setattr(numpy, kind.__name__, kind)
    for old, new in OLD_ALIASES.items():
        if old not in vars(numpy) and new in vars(numpy):
            setattr(numpy, old, getattr(numpy, new))


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
