"""The peer that a Python user can write: plain loops in one thread, compiled by numba.

The arithmetic is that of `pyquant.reference`, so the bits are the same. Errors of the row
above are kept in one line; images are (N, C, H, W) with any strides.
"""

from collections.abc import Callable

import numpy as np
from numba import njit

from pyquant import reference

f = np.float32


def floyd_steinberg(
    image: np.ndarray, bits: int, variant: str, result: np.ndarray | None = None
) -> np.ndarray:
    """The result of `pyquant.floyd_steinberg`, for uint8, float32 and float64."""
    loop = _textbook if variant == "textbook" else _published
    return dithered_by(loop, image, bits, variant, result)


def dithered_by(
    loop: Callable[..., None],
    image: np.ndarray,
    bits: int,
    variant: str,
    result: np.ndarray | None = None,
) -> np.ndarray:
    """The image, by default a new one, that loop(image, bits, levels, result) fills in four
    dimensions."""
    result = np.empty_like(image) if result is None else result
    batch = (None,) * (4 - image.ndim)
    loop(image[batch], bits, _levels(bits, variant, image.dtype), result[batch])
    return result


def linear_quantize(
    image: np.ndarray, bits: int, rounding: str, result: np.ndarray | None = None
) -> np.ndarray:
    """The result of `pyquant.linear_quantize`, for dense uint8, float32 and float64; a given
    `result` is as dense as the image."""
    result = np.empty_like(image) if result is None else result
    samples, quantized = image.ravel(order="K"), result.ravel(order="K")
    if image.dtype == np.uint8:
        every_byte = np.arange(256, dtype=np.uint8)[None]
        table = reference.linear_quantize(every_byte, bits, rounding)[0]
        _look_up(samples, table, quantized)
    elif rounding == "nearest":
        _quantize(samples, f(2**bits - 1), f(1), f(0.5), f(2**bits - 1), quantized)
    else:
        _quantize(samples, f(255), f(2.0 ** (bits - 8)), f(0), f(2**bits - 1), quantized)
    return result


def _levels(bits: int, variant: str, dtype: np.dtype) -> np.ndarray:
    steps = 2**bits - 1
    code = np.arange(2**bits)
    if variant == "published":
        level = 255 * code // steps
        return (level if dtype == np.uint8 else level.astype(f) / f(255)).astype(dtype)
    if dtype == np.uint8:
        return ((2 * 255 * code + steps) // (2 * steps)).astype(dtype)
    return (code.astype(f) / f(steps)).astype(dtype)


# The dtype of a sample is known when numba compiles: only one branch is left of each.


@njit(cache=True)
def to_unit(sample):
    """Float32 in [0, 1]; NaN counts as 0."""
    if isinstance(sample, np.uint8):
        return f(sample) / f(255)
    value = f(sample)
    value = value if value > f(0) else f(0)
    return value if value < f(1) else f(1)


@njit(cache=True)
def to_byte(sample):
    """An integer in 0..255; NaN counts as 0."""
    if isinstance(sample, np.uint8):
        return np.int32(sample)
    return np.int32(to_unit(sample) * f(255))


@njit(cache=True)
def _textbook(image, bits, levels, result):
    steps = f(2**bits - 1)
    count, channels, height, width = image.shape
    errors = np.empty(width + 2, f)
    for plane in range(count * channels):
        source = image[plane // channels, plane % channels]
        target = result[plane // channels, plane % channels]
        errors[:] = f(0)
        for y in range(height):
            up_left = left = f(0)
            for x in range(width):
                up = errors[x + 1]
                above = f(0.0625) * ((up_left + f(5) * up) + f(3) * errors[x + 2])
                adjusted = (to_unit(source[y, x]) * steps + above) + f(0.4375) * left
                code = min(max(np.floor(adjusted + f(0.5)), f(0)), steps)
                target[y, x] = levels[np.int32(code)]
                left = adjusted - code
                errors[x + 1] = left
                up_left = up


@njit(cache=True)
def _share(error, sixteenths):
    """error * sixteenths / 16, rounded half to even."""
    product = error * sixteenths
    return (product + 7 + ((product >> 4) & 1)) >> 4


@njit(cache=True)
def _published(image, bits, levels, result):
    byte_levels = 255 * np.arange(2**bits) // (2**bits - 1)
    shift = 8 - bits
    count, channels, height, width = image.shape
    errors = np.empty(width + 2, np.int32)
    for plane in range(count * channels):
        source = image[plane // channels, plane % channels]
        target = result[plane // channels, plane % channels]
        errors[:] = 0
        for y in range(height):
            up_left = left = 0
            for x in range(width):
                up = errors[x + 1]
                # The pixel to the upper right keeps its share if it is in column 1.
                up_right = errors[x + 2] if x > 0 else 0
                value = to_byte(source[y, x])
                value = min(max(value + _share(up_left, 1), 0), 255)
                value = min(max(value + _share(up, 5), 0), 255)
                value = min(max(value + _share(up_right, 3), 0), 255)
                value = min(max(value + _share(left, 7), 0), 255)
                code = value >> shift
                target[y, x] = levels[code]
                left = value - byte_levels[code]
                errors[x + 1] = left
                up_left = up


@njit(cache=True)
def _look_up(samples, table, result):
    for i in range(samples.size):
        result[i] = table[samples[i]]


@njit(cache=True)
def _quantize(samples, factor, shrink, offset, steps, result):
    """floor(x * factor * shrink + offset) / steps; shrink is a power of two, hence exact."""
    for i in range(samples.size):
        result[i] = np.floor(to_unit(samples[i]) * factor * shrink + offset) / steps
