"""The random subset of the test images that an evaluation takes."""

from functools import lru_cache

import numpy
import torch
from torch import Tensor

SUBSET_SEED = 2019


def subset(total: int, images: int) -> Tensor:
    """Indices, (min(images, total),) int64, of a random subset, the same on every machine.

    A smaller subset is the beginning of a larger one.
    """
    return torch.from_numpy(_shuffled(total)[:images]).long()


@lru_cache(maxsize=4)
def _shuffled(total: int) -> numpy.ndarray:
    return numpy.random.RandomState(SUBSET_SEED).permutation(total)
