"""The pace to beat: training data prepared image by image and pixel by pixel in Python.

It stands for the paper's published code, and prepares a batch with the same arithmetic (the
``published`` variant) and the same tools: PIL for the crop and the flip, Python for every pixel.
"""

import random

import numpy
import torch
from PIL import Image, ImageOps
from torch import Tensor


def prepare_batch(images: Tensor, bits: int, padding: int, source: random.Random) -> Tensor:
    """Crops, flips and dithers (N, 3, H, W) uint8 images one by one.

    Returns:
        (N, 3, H, W) float32 in [0, 1], contiguous.
    """
    prepared = []
    for image in images.permute(0, 2, 3, 1).numpy():
        height, width, _ = image.shape
        padded = ImageOps.expand(Image.fromarray(image), padding)
        left, top = (source.randrange(2 * padding + 1) for _ in range(2))
        cut = padded.crop((left, top, left + width, top + height))
        if source.random() < 0.5:
            cut = ImageOps.mirror(cut)
        planes = [dither_plane(plane, bits) for plane in numpy.asarray(cut).transpose(2, 0, 1)]
        prepared.append(numpy.array(planes, numpy.float32) / 255)
    return torch.from_numpy(numpy.stack(prepared))


def dither_plane(plane: numpy.ndarray, bits: int) -> list[list[int]]:
    """Floyd-Steinberg dithering of one (H, W) uint8 plane, in Python integers."""
    rows = plane.tolist()
    height, width = plane.shape
    shift, steps = 8 - bits, 2**bits - 1
    for y, row in enumerate(rows):
        below = rows[y + 1] if y + 1 < height else None
        for x in range(width):
            level = 255 * (row[x] >> shift) // steps
            error = row[x] - level
            row[x] = level
            if x + 1 < width:
                row[x + 1] = min(max(row[x + 1] + round(error * 7 / 16), 0), 255)
            if below is not None:
                if x > 1:
                    below[x - 1] = min(max(below[x - 1] + round(error * 3 / 16), 0), 255)
                below[x] = min(max(below[x] + round(error * 5 / 16), 0), 255)
                if x + 1 < width:
                    below[x + 1] = min(max(below[x + 1] + round(error / 16), 0), 255)
    return rows
