"""How 8-bit images are turned into each kind, and which values a kind can hold."""

import torch
from torch import Tensor

import pyquant
from experiments.method.kinds import bits_of, is_dithered


def prepare(images: Tensor, kind: str) -> Tensor:
    """Turns 8-bit images into those of ``kind``, as the paper's published code does.

    Args:
        images: (N, C, H, W) uint8.
        kind: one of KINDS.

    Returns:
        (N, C, H, W) float32 in [0, 1], channels_last. Linear kinds hold ``k/(2**bits - 1)``,
        dithered ones ``floor(255*k/(2**bits - 1))/255``, kind 8 ``v/255``.
    """
    if images.dtype != torch.uint8:
        raise TypeError(f"images has dtype {images.dtype}; accepted is torch.uint8")
    bits = bits_of(kind)
    if is_dithered(kind):
        images = pyquant.floyd_steinberg(images, bits, variant="published")
    values = pyquant.from_codes(images.contiguous(memory_format=torch.channels_last), 8)
    if not is_dithered(kind) and bits < 8:
        values = pyquant.linear_quantize(values, bits, rounding="floor")
    return values


def quantize(values: Tensor, kind: str) -> Tensor:
    """Turns floats into images of ``kind``; the gradient passes straight through.

    Args:
        values: (N, C, H, W) float32 in [0, 1].
        kind: one of KINDS.

    Returns:
        (N, C, H, W) float32 in [0, 1], with the values that ``prepare`` gives.
    """
    bits = bits_of(kind)
    if is_dithered(kind):
        return pyquant.floyd_steinberg(values, bits, variant="published")
    return values if bits == 8 else pyquant.linear_quantize(values, bits, rounding="floor")


def off_grid(images: Tensor, kind: str) -> Tensor:
    """Which images hold a value that no image of ``kind`` can hold.

    Args:
        images: (N, C, H, W) float32 in [0, 1].
        kind: one of KINDS.

    Returns:
        (N,) bool on the device of ``images``.
    """
    every_value = torch.arange(256, dtype=torch.uint8, device=images.device).view(1, 1, 1, 256)
    if is_dithered(kind):
        # A flat image of each level dithers to itself, and no other level exists.
        levels = pyquant.linear_quantize(every_value, bits_of(kind), rounding="floor")
        grid = pyquant.from_codes(torch.unique(levels), 8)
    else:
        grid = torch.unique(prepare(every_value, kind))
    nearest = torch.bucketize(images.contiguous(), grid).clamp_(max=grid.numel() - 1)
    return (grid[nearest] != images).flatten(1).any(1)
