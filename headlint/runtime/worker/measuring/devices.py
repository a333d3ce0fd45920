"""Which device a model is built on: from what was asked for and what there is. Knows no framework."""

from __future__ import annotations

from collections.abc import Callable

from ..reasons import Unmeasurable

AUTOMATIC = ("cuda", "mps")
"""What ``auto`` tries before the processor, in this order."""

WITHOUT_DRIVER = ("cpu", "meta")
"""Devices that need no driver: a process that has used one of these can be forked, and there is always one."""


def plan_device(wanted: str, count: Callable[[str], int]) -> str:
    """The device to use: ``auto`` becomes the first kind of which there is one, ``cuda:1`` must exist.

    ``count`` tells how many devices of a kind there are.

    Raises:
        Unmeasurable: there is no such device.
    """
    if wanted in WITHOUT_DRIVER:
        return wanted
    if wanted == "auto":
        return next((kind for kind in AUTOMATIC if count(kind)), "cpu")
    kind, _, number = wanted.partition(":")
    available = count(kind)
    if not available:
        raise Unmeasurable("device", f"no {kind} device can be used in this environment")
    if number and int(number) >= available:
        told = f"is 1 {kind} device" if available == 1 else f"are {available} {kind} devices"
        raise Unmeasurable("device", f"there {told}, counted from 0; there is no {wanted}")
    return wanted
