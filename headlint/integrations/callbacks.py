"""What the callbacks of Keras and Lightning share: inspect once, then warn or stop."""

from __future__ import annotations

import warnings
from typing import Any, Literal

OnError = Literal["warn", "raise"]


class HeadlintWarning(UserWarning):
    """Something was found in a model that is being trained."""


def inspect_once(model: Any, batch: Any, optimizer: Any, on_error: OnError) -> None:
    """Inspect a model and say what was found.

    Raises:
        InspectionError: something was found and ``on_error`` is ``raise``.
    """
    from headlint.inspection.inspection import inspect
    from headlint.inspection.report import InspectionError

    try:
        report = inspect(model, batch, optimizer=optimizer)
    except Exception as error:  # training goes on: it says itself what is wrong with the model
        warnings.warn(f"headlint could not inspect the model: {type(error).__name__}: {error}", HeadlintWarning, 2)
        return
    if report.ok:
        return
    if on_error == "raise":
        raise InspectionError(report)
    warnings.warn(str(report), HeadlintWarning, stacklevel=2)


def checked(on_error: str) -> OnError:
    """The argument, if it is one of the two.

    Raises:
        ValueError: it is neither.
    """
    match on_error:
        case "warn" | "raise":
            return on_error
    raise ValueError(f'on_error is {on_error!r}, but should be "warn" or "raise"')
