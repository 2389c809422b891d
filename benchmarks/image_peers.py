"""Pillow and the dithering package. Each gets its input in the form in which it is fastest: arrays and
images are converted before the clock starts."""

from functools import cached_property

import dithering
import numpy as np
import torch
from PIL import Image
from torch import Tensor


class PillowImages:
    """The images of a uint8 case as Pillow wants them: one RGB image each, or one grey image
    per channel. Pillow dithers only RGB images to a palette, so grey is written as RGB."""

    def __init__(self, image: Tensor, bits: int) -> None:
        batch = image[(None,) * (4 - image.dim())]
        self.shape = image.shape
        self.arrays = [np.ascontiguousarray(array) for array in batch.permute(0, 2, 3, 1).numpy()]
        self.grey = np.round(np.arange(2**bits) * 255 / (2**bits - 1)).astype(np.uint8)

    @cached_property
    def joint(self) -> list[Image.Image]:
        return [Image.fromarray(array) for array in self.arrays]

    @cached_property
    def channels(self) -> list[Image.Image]:
        planes = [plane for array in self.arrays for plane in array.transpose(2, 0, 1)]
        return [Image.fromarray(np.stack([plane] * 3, axis=-1)) for plane in planes]

    @property
    def joint_palette(self) -> Image.Image:
        """Every colour whose channels are levels."""
        return _palette(np.stack(np.meshgrid(*[self.grey] * 3, indexing="ij"), axis=-1))

    @property
    def grey_palette(self) -> Image.Image:
        return _palette(np.repeat(self.grey, 3))


def _palette(colours: np.ndarray) -> Image.Image:
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours.tobytes())
    return palette


def pillow_quantize(images: list[Image.Image], palette: Image.Image) -> list[Image.Image]:
    dither = Image.Dither.FLOYDSTEINBERG
    return [image.quantize(palette=palette, dither=dither) for image in images]


def joint_to_tensor(shape: torch.Size, quantized: list[Image.Image]) -> Tensor:
    arrays = np.stack([np.asarray(image.convert("RGB")) for image in quantized])
    return torch.from_numpy(arrays).permute(0, 3, 1, 2).reshape(shape)


def channels_to_tensor(shape: torch.Size, quantized: list[Image.Image]) -> Tensor:
    arrays = np.stack([np.asarray(image.convert("L")) for image in quantized])
    return torch.from_numpy(arrays).reshape(shape)


def dithering_images(arrays: list[np.ndarray], bits: int) -> list[np.ndarray]:
    return [dithering.error_diffusion(array, levels=2**bits) for array in arrays]


def arrays_to_tensor(shape: torch.Size, arrays: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).reshape(shape)
