"""A photograph at every bit depth, as Figs. 5 and 6 of the paper show one."""

import torch
from matplotlib import pyplot
from matplotlib.figure import Figure
from sklearn.datasets import load_sample_image
from torch import Tensor

from experiments.method.quantization import prepare


def photograph() -> Tensor:
    """A photograph of 200 x 200 pixels, (1, 3, 200, 200) uint8."""
    pixels = torch.from_numpy(load_sample_image("flower.jpg").copy()).permute(2, 0, 1)
    return pixels[None, :, 120:320, 230:430].contiguous()


def draw_bit_depths(image: Tensor, suffix: str) -> Figure:
    """The image at 8 bits and at 7 to 1.

    Args:
        image: (1, 3, H, W) uint8.
        suffix: of the kinds of images, "d" for dithered, "" for linear.
    """
    figure, axes = pyplot.subplots(2, 4, figsize=(9.2, 5.2), layout="constrained")
    for bits, axis in zip(range(8, 0, -1), axes.flat, strict=True):
        quantized = prepare(image, "8" if bits == 8 else f"{bits}{suffix}")[0]
        axis.imshow(quantized.permute(1, 2, 0).numpy(), interpolation="nearest")
        axis.set_title(f"{bits} bit" + "s" * (bits > 1))
        axis.axis("off")
    return figure
