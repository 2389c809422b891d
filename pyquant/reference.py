"""The ops in plain numpy: slow and readable. The tests compare every kernel with them.

Every kernel of this package, on every device, returns exactly what these functions return.
Images are `(..., height, width)` arrays of uint8 (0..255) or floats ([0, 1]); the loops go
over pixels in raster order and numpy works on all planes of the image at once. What the ops refuse
is refused here with the same errors.
"""

import numpy as np

from pyquant.arguments import checked_bits, checked_choice
from pyquant.modes import ROUNDINGS, VARIANTS

DTYPES = (np.uint8, np.float16, np.float32, np.float64)


def linear_quantize(image: np.ndarray, bits: int, rounding: str = "nearest") -> np.ndarray:
    """Snaps every value to one of n = 2**bits levels. See `pyquant.linear_quantize`."""
    _check_image(image)
    bits, rounding = checked_bits(bits), checked_choice("rounding", rounding, ROUNDINGS)
    steps = 2**bits - 1  # n - 1
    if image.dtype == np.uint8:
        value = image.astype(np.int64)
        if rounding == "nearest":
            code = (2 * value * steps + 255) // 510  # value/255 * steps, rounded half up
            return ((2 * 255 * code + steps) // (2 * steps)).astype(np.uint8)
        code = value >> (8 - bits)
        return (255 * code // steps).astype(np.uint8)
    value = _clamp_to_unit(image)
    if rounding == "nearest":
        code = np.floor(value * np.float32(steps) + np.float32(0.5))
    else:
        code = np.floor(value * np.float32(255) / np.float32(2 ** (8 - bits)))
    return (code / np.float32(steps)).astype(image.dtype)


def floyd_steinberg(image: np.ndarray, bits: int, variant: str = "textbook") -> np.ndarray:
    """Dithers every plane to n = 2**bits levels. See `pyquant.floyd_steinberg`."""
    _check_image(image)
    bits, variant = checked_bits(bits), checked_choice("variant", variant, VARIANTS)
    planes = image.reshape(-1, *image.shape[-2:]) if image.size else image
    diffuse = _floyd_steinberg_textbook if variant == "textbook" else _floyd_steinberg_published
    return diffuse(planes, bits).reshape(image.shape) if image.size else image.copy()


def _check_image(image: object) -> None:
    if not isinstance(image, np.ndarray):
        raise TypeError(f"image must be a numpy.ndarray, got {type(image).__name__}")
    if image.dtype not in DTYPES:
        raise TypeError(f"image must be uint8, float16, float32 or float64, got {image.dtype}")
    if image.ndim < 2:
        raise ValueError(
            f"image must have at least 2 dimensions (..., height, width), got {image.ndim}"
        )


def _floyd_steinberg_textbook(planes: np.ndarray, bits: int) -> np.ndarray:
    """Floyd and Steinberg, "An Adaptive Algorithm for Spatial Greyscale" (1976).

    Float32, errors in units of one level. Each pixel gathers the errors of its four finished
    neighbours; the order of the additions is fixed, since it decides the last bit.
    """
    f = np.float32
    steps = f(2**bits - 1)
    if planes.dtype == np.uint8:
        value = planes.astype(f) / f(255) * steps
    else:
        value = _clamp_to_unit(planes) * steps
    count, height, width = planes.shape
    code = np.zeros(planes.shape, f)
    error = np.zeros((count, height + 1, width + 2), f)  # zeros above, left and right
    for y in range(height):
        for x in range(width):
            up_left, up, up_right = (error[:, y, x + i] for i in range(3))
            left = error[:, y + 1, x]
            above = f(0.0625) * ((up_left + f(5) * up) + f(3) * up_right)
            adjusted = (value[:, y, x] + above) + f(0.4375) * left
            code[:, y, x] = np.clip(np.floor(adjusted + f(0.5)), f(0), steps)
            error[:, y + 1, x + 1] = adjusted - code[:, y, x]
    if planes.dtype == np.uint8:
        n_1, k = 2**bits - 1, code.astype(np.int64)
        return ((2 * 255 * k + n_1) // (2 * n_1)).astype(np.uint8)
    return (code / steps).astype(planes.dtype)


def _floyd_steinberg_published(planes: np.ndarray, bits: int) -> np.ndarray:
    """What the published code of the paper computes: bytes, clipped to 0..255 after every addition.

    Written as the published code is, as a scatter: each pixel adds shares of its error to
    its unfinished neighbours. np.rint rounds half to even, and the quotients are exact.
    """
    if planes.dtype == np.uint8:
        value = planes.astype(np.int64)
    else:
        value = np.trunc(_clamp_to_unit(planes) * np.float32(255)).astype(np.int64)
    _, height, width = planes.shape

    def add(y: int, x: int, share: np.ndarray) -> None:
        value[:, y, x] = np.clip(value[:, y, x] + np.rint(share).astype(np.int64), 0, 255)

    for y in range(height):
        for x in range(width):
            level = 255 * (value[:, y, x] >> (8 - bits)) // (2**bits - 1)
            error = value[:, y, x] - level
            value[:, y, x] = level
            if x + 1 < width:
                add(y, x + 1, error * 7 / 16)
            if y + 1 < height:
                if x > 1:  # sic: not x > 0, so the share of column 1 is dropped
                    add(y + 1, x - 1, error * 3 / 16)
                add(y + 1, x, error * 5 / 16)
                if x + 1 < width:
                    add(y + 1, x + 1, error * 1 / 16)
    if planes.dtype == np.uint8:
        return value.astype(np.uint8)
    return (value.astype(np.float32) / np.float32(255)).astype(planes.dtype)


def _clamp_to_unit(image: np.ndarray) -> np.ndarray:
    """Float32 in [0, 1]; NaN and -0 become 0."""
    value = image.astype(np.float32)
    return np.minimum(np.where(value > 0, value, np.float32(0)), np.float32(1))
