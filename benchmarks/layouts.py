"""How the images of each size lie in memory."""

import torch
from torch import Tensor

from benchmarks.sizes import SHAPES, Size

CROP_OF, CROP_ROW, CROP_COLUMN = 256, 16, 11  # rows and columns of the whole image; where it begins


def layout(size: Size) -> str:
    """How the images lie in memory; nothing if they are contiguous."""
    if size.endswith("channels_last"):
        return "channels_last"
    return {
        "crop": f"crop of {CROP_OF}x{CROP_OF}",
        "every_second_column": "every second column",
        "transposed": "transposed",
    }.get(size, "")


def stored_shape(size: Size, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the contiguous tensor that `view` makes an image of."""
    *leading, height, width = shape
    return {
        "crop": (*leading, CROP_OF, CROP_OF),
        "every_second_column": (*leading, height, 2 * width),
        "transposed": (*leading, width, height),
    }.get(size, shape)


def view(size: Size, stored: Tensor) -> Tensor:
    """The image of that size: a view, or in channels_last a copy."""
    if size.endswith("channels_last"):
        return stored.contiguous(memory_format=torch.channels_last)
    if size == "crop":
        _, _, height, width = SHAPES[size]
        rows = slice(CROP_ROW, CROP_ROW + height)
        return stored[..., rows, CROP_COLUMN : CROP_COLUMN + width]
    if size == "every_second_column":
        return stored[..., ::2]
    return stored.mT if size == "transposed" else stored
