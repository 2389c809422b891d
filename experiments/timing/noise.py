"""Random images, for timings that do not depend on what images show."""

import torch

from experiments.support.data_sets import Split


def noise(count: int, device: torch.device) -> Split:
    """``count`` random images, (count, 3, 32, 32) uint8, of ten classes."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (count, 3, 32, 32), generator=generator, dtype=torch.uint8)
    labels = torch.randint(10, (count,), generator=generator)
    names = tuple(str(number) for number in range(10))
    return Split(images.to(device), labels.to(device), names, "noise", flip=True)
