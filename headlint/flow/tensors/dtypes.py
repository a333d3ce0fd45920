"""Kinds of numbers: ``float``, ``integer``, ``boolean``, or nothing where it is not known."""

from __future__ import annotations

from msgspec.structs import replace

from headlint.flow.values.python_values import Constant, FrameworkName, Site, Unknown, Value
from headlint.flow.values.tensor_values import Domain, Labels, Tensor

_STARTS = (
    (("float", "double", "half", "bfloat", "doubletensor", "halftensor"), "float"),
    (("int", "uint", "long", "short", "byte"), "integer"),
    (("bool",), "boolean"),
)

_COMPUTED = (
    *(Domain.LINEAR, Domain.SOFTMAX, Domain.LOG_SOFTMAX, Domain.SIGMOID, Domain.LOG_SIGMOID),
    *(Domain.RECTIFIED, Domain.TANH, Domain.LOSS),
)
"""What only floats can mean."""


def type_name(value: Value | None) -> str:
    """The kind of numbers that a type stands for."""
    match value:
        case Constant(str() as name):
            text = name
        case FrameworkName(path):
            text = path
        case Unknown(key=(Tensor() as tensor, "dtype")):
            return dtype_of(tensor)
        case _:
            return ""
    text = text.rsplit(".", 1)[-1].lower()
    return next((kind for starts, kind in _STARTS if text.startswith(starts)), "")


def dtype_of(tensor: Tensor) -> str:
    """The kind of a tensor's numbers."""
    if tensor.labels is not None and tensor.labels.dtype:
        return tensor.labels.dtype
    return "float" if tensor.domain in _COMPUTED or tensor.origin.role in ("layer", "activation") else ""


def requested(value: Value | None, default: str) -> str:
    """The kind that ``dtype=value`` asks for; nothing for a type that is not known."""
    if value is None or value == Constant(None):
        return default
    return type_name(value)


def moved(tensor: Tensor, value: Value) -> Tensor:
    """``tensor.to(value)``: to a device, a type, or what another tensor has; nobody knows which, for some values."""
    match value:
        case Tensor():
            return with_type(tensor, dtype_of(value))
        case Unknown(key=(Tensor(), "dtype") | "dtype"):
            return with_type(tensor, type_name(value))
        case Unknown(key=str() | ("torch.device", Site()) | ("parameter", _, "device")):
            return tensor
        case Unknown():
            return with_type(tensor, "")
        case _:
            return as_type(tensor, type_name(value))


def as_type(tensor: Tensor, dtype: str) -> Tensor:
    """The tensor with labels of another kind of numbers, if it is a known one."""
    return with_type(tensor, dtype) if dtype else tensor


def with_type(tensor: Tensor, dtype: str) -> Tensor:
    """The tensor with labels of another kind of numbers."""
    if tensor.labels is None or tensor.labels.dtype == dtype:
        return tensor
    return tensor.derive(labels=converted(tensor.labels, dtype))


def converted(labels: Labels, dtype: str) -> Labels:
    """Labels after their numbers were converted: amounts that are cut off to integers may be class numbers."""
    if dtype != "integer" or labels.encoding != "values":
        return replace(labels, dtype=dtype)
    interval = labels.interval.cut_off() if labels.interval is not None and labels.dtype == "float" else labels.interval
    return replace(labels, dtype=dtype, encoding="", interval=interval)
