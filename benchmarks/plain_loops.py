"""Error diffusion as a Python user would first write it, compiled by numba and not tuned:
`pyquant.reference` with loops instead of arrays of planes. The bits are the same; `numba_loops.py`
is the same work made fast. Images are (N, C, H, W) with any strides.
"""

import numpy as np
from numba import njit

from benchmarks.numba_loops import dithered_by, to_byte, to_unit

f = np.float32


def floyd_steinberg(image: np.ndarray, bits: int, variant: str) -> np.ndarray:
    """The result of `pyquant.floyd_steinberg`, for uint8, float32 and float64."""
    return dithered_by(_textbook if variant == "textbook" else _published, image, bits, variant)


@njit(cache=True)
def _textbook(image, bits, levels, result):
    steps = f(2**bits - 1)
    count, channels, height, width = image.shape
    for n in range(count):
        for c in range(channels):
            error = np.zeros((height + 1, width + 2), f)  # zeros above, left and right
            for y in range(height):
                for x in range(width):
                    above = (error[y, x] + f(5) * error[y, x + 1]) + f(3) * error[y, x + 2]
                    value = to_unit(image[n, c, y, x]) * steps + f(0.0625) * above
                    value += f(0.4375) * error[y + 1, x]
                    code = min(max(np.floor(value + f(0.5)), f(0)), steps)
                    error[y + 1, x + 1] = value - code
                    result[n, c, y, x] = levels[int(code)]


@njit(cache=True)
def _add(value, y, x, share):
    value[y, x] = min(max(value[y, x] + np.rint(share), 0), 255)


@njit(cache=True)
def _published(image, bits, levels, result):
    count, channels, height, width = image.shape
    for n in range(count):
        for c in range(channels):
            value = np.empty((height, width), np.int64)
            for y in range(height):
                for x in range(width):
                    value[y, x] = to_byte(image[n, c, y, x])
            for y in range(height):
                for x in range(width):
                    code = value[y, x] >> (8 - bits)
                    result[n, c, y, x] = levels[code]
                    error = value[y, x] - 255 * code // (2**bits - 1)
                    if x + 1 < width:
                        _add(value, y, x + 1, error * 7 / 16)
                    if y + 1 < height:
                        if x > 1:
                            _add(value, y + 1, x - 1, error * 3 / 16)
                        _add(value, y + 1, x, error * 5 / 16)
                        if x + 1 < width:
                            _add(value, y + 1, x + 1, error * 1 / 16)
