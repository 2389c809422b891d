"""ResNet20 for 32x32 images (He et al. 2016, section 4.2), shortcuts without parameters."""

from copy import deepcopy
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

#: Smaller images shrink to a single pixel, and a batch of one pixel has no variance.
SMALLEST_SIDE = 5


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut, padded with zeros where the width doubles."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.stride = stride
        self.new_channels = channels - channels_in

    def forward(self, images: Tensor) -> Tensor:
        result = functional.relu(self.norm1(self.conv1(images)), inplace=True)
        result = self.norm2(self.conv2(result))
        shortcut = images
        if self.new_channels:
            before = self.new_channels // 2
            # Sliced with the channels last: autograd lays out the gradient of a slice in the order of
            # its dimensions, and one gradient in another order slows the backward pass.
            pixels = images.permute(0, 2, 3, 1)[:, :: self.stride, :: self.stride]
            shortcut = functional.pad(pixels, (before, self.new_channels - before))
            shortcut = shortcut.permute(0, 3, 1, 2)
        return functional.relu(result + shortcut, inplace=True)


class ResNet20(nn.Module):
    """19 convolutions and one linear layer, 0.27 million parameters.

    Takes (N, 3, H, W) floats in [0, 1], not normalised any further, and gives (N, classes) logits.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        widths = [16] * 4 + [32] * 3 + [64] * 3
        self.blocks = nn.Sequential(
            *(
                BasicBlock(before, width, 1 if before == width else 2)
                for before, width in pairwise(widths)
            )
        )
        self.linear = nn.Linear(64, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, images: Tensor) -> Tensor:
        features = self.blocks(functional.relu(self.norm(self.conv(images)), inplace=True))
        # As in the shortcut: the gradient of a mean over (2, 3) would not be channels last.
        return self.linear(features.permute(0, 2, 3, 1).flatten(1, 2).mean(1))


def seeded_model(seed: int, classes: int) -> ResNet20:
    """A ResNet20 initialised from ``seed`` alone; the global random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ResNet20(classes)


def for_evaluation(model: ResNet20) -> ResNet20:
    """A copy to attack and to classify with: frozen, channels last, and folded.

    A trained batch normalisation multiplies and adds a number for each channel. Folded into the
    weights of the convolution before it, it costs nothing: half as many passes over memory. The
    function is the same, its rounding another one.
    """
    model = deepcopy(model).eval()
    _fold(model, "conv", "norm")
    for block in model.blocks:
        _fold(block, "conv1", "norm1")
        _fold(block, "conv2", "norm2")
    return model.requires_grad_(False).to(memory_format=torch.channels_last)


def _fold(module: nn.Module, convolution: str, norm: str) -> None:
    folded = fuse_conv_bn_eval(getattr(module, convolution), getattr(module, norm))
    setattr(module, convolution, folded)
    setattr(module, norm, nn.Identity())
