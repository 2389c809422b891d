"""Random crop and horizontal flip of a whole batch of 8-bit images at once."""

import torch
from torch import Tensor
from torch.nn import functional


def crop_and_flip(
    images: Tensor, generator: torch.Generator, *, padding: int = 4, flip: bool = True
) -> Tensor:
    """Pads with zeros, cuts a window of the old size at a random place, and flips it or not.

    Args:
        images: (N, C, H, W) uint8.
        generator: source of randomness, on the device of ``images``.
        padding: zeros added on each side; the window moves by up to this much.
        flip: whether to flip left to right with probability 1/2.

    Returns:
        (N, C, H, W) uint8, contiguous. Everything is drawn on the device: nothing waits for the
        host.
    """
    count, _, height, width = images.shape
    device = images.device
    offsets = torch.randint(2 * padding + 1, (2, count), device=device, generator=generator)
    flipped = torch.rand(count, device=device, generator=generator) < 0.5 if flip else None
    return window(images, offsets[0], offsets[1], flipped, padding)


def window(
    images: Tensor, top: Tensor, left: Tensor, flipped: Tensor | None, padding: int
) -> Tensor:
    """The windows of the padded images at the given places, flipped where told.

    Args:
        images: (N, C, H, W) uint8.
        top, left: (N,) int64 in 0..2*padding.
        flipped: (N,) bool, or None for no flip.
        padding: zeros added on each side.
    """
    count, _, height, width = images.shape
    padded = functional.pad(images, (padding,) * 4)
    # A view that lists every window of every image; indexing it copies the chosen one of each.
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)
    chosen = windows[torch.arange(count, device=images.device), :, top, left]
    if flipped is None:
        return chosen
    return torch.where(flipped.view(-1, 1, 1, 1), chosen.flip(3), chosen)
