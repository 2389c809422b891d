"""The paper's filter: quantize what arrived once more, to the bit depth it was sent with."""

from torch import Tensor

import pyquant
from experiments.method.kinds import bits_of, is_dithered

#: ``floor`` is the paper's filter, ``nearest`` the same with rounding to the nearest level.
FILTERS: tuple[str, ...] = ("none", "floor", "nearest")


def apply_filter(name: str, images: Tensor, bits: int) -> Tensor:
    """Filters (N, C, H, W) floats in [0, 1] with one of FILTERS at ``bits`` bits per channel."""
    if name not in FILTERS:
        raise ValueError(f"filter is {name!r}; accepted are {', '.join(FILTERS)}")
    return images if name == "none" else pyquant.linear_quantize(images, bits, rounding=name)


def certified_epsilon(name: str, kind: str) -> int:
    """Largest whole perturbation, in 1/255, that a filter is proved to undo on images of ``kind``.

    Without a filter that is 0. Dithered images hold the published levels, linear ones the exact
    fractions ``k/(2**bits - 1)``, which are the textbook levels.
    """
    if name == "none":
        return 0
    variant = "published" if is_dithered(kind) else "textbook"
    return round(255 * pyquant.certified_radius(bits_of(kind), variant=variant, rounding=name))
