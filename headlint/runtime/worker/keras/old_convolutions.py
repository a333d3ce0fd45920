"""The functions of ``conv_utils`` in Keras 2, with which programs write convolutions of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


def normalize_tuple(value: Any, n: int, name: str = "", **options: Any) -> tuple[int, ...]:
    """So many numbers: one number counts for all."""
    return (value,) * n if isinstance(value, int) else tuple(value)


def normalize_padding(value: Any) -> Any:
    """The padding in small letters."""
    return value.lower() if isinstance(value, str) else value


def normalize_data_format(value: Any) -> str:
    """The layout of images, that of the settings where none is given."""
    return keras.config.image_data_format() if value is None else str(value).lower()


def conv_output_length(
    input_length: int | None, filter_size: int, padding: str, stride: int, dilation: int = 1
) -> int | None:
    """How many places a convolution gives."""
    if input_length is None:
        return None
    reach = filter_size + (filter_size - 1) * (dilation - 1)
    length = {"valid": input_length - reach + 1, "full": input_length + reach - 1}.get(padding, input_length)
    return (length + stride - 1) // stride


def conv_input_length(output_length: int | None, filter_size: int, padding: str, stride: int) -> int | None:
    """How many places a convolution takes that gives so many."""
    if output_length is None:
        return None
    margin = {"same": filter_size // 2, "full": filter_size - 1}.get(padding, 0)
    return (output_length - 1) * stride - 2 * margin + filter_size


def deconv_output_length(
    input_length: int | None,
    filter_size: int,
    padding: str,
    output_padding: int | None = None,
    stride: int = 1,
    dilation: int = 1,
) -> int | None:
    """How many places a transposed convolution gives."""
    if input_length is None:
        return None
    reach = filter_size + (filter_size - 1) * (dilation - 1)
    if output_padding is None:
        more = {"valid": max(reach - stride, 0), "full": 2 - stride - reach}.get(padding, 0)
        return input_length * stride + more
    margin = {"same": reach // 2, "full": reach - 1}.get(padding, 0)
    return (input_length - 1) * stride + reach - 2 * margin + output_padding


def deconv_length(dim_size: int | None, stride_size: int, kernel_size: int, padding: str, *rest: Any) -> int | None:
    """The same by the name and the order that it had before Keras 2.3."""
    return deconv_output_length(dim_size, kernel_size, padding, stride=stride_size)


CONVOLUTIONS: dict[str, Callable[..., Any]] = {
    one.__name__: one
    for one in (
        normalize_tuple,
        normalize_padding,
        normalize_data_format,
        conv_output_length,
        conv_input_length,
        deconv_output_length,
        deconv_length,
    )
}
"""The functions by their names."""
