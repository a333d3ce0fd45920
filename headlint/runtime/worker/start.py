"""Entry point: loads this folder as a package of its own name, so that no module of the user's can hide it."""

import importlib
import importlib.util
import sys
from pathlib import Path

PACKAGE = "headlint_worker"


def load_package() -> None:
    """Makes the folder of this file importable as ``headlint_worker`` without touching ``sys.path``."""
    folder = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load the worker from {folder}")
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    if sys.version_info < (3, 10):  # noqa: UP036 - this runs under the interpreter of the user's program
        sys.exit("headlint confirm needs Python 3.10 or newer in the environment of the model")
    sys.path.pop(0)
    load_package()
    sys.exit(importlib.import_module(f"{PACKAGE}.process.server").main(sys.argv[1:]))
