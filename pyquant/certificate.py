"""The largest perturbation that linear quantization provably undoes."""

from functools import cache

import torch

from pyquant.ops import as_index, levels, linear_quantize


def certified_radius(bits: int, *, variant: str = "textbook", rounding: str = "nearest") -> float:
    """The largest whole eps, in units of 1/255, such that changing every value of a dithered
    image by at most eps leaves the result of `linear_quantize` unchanged.

    The claim of AprilPyone, Kinoshita and Kiya (APSIPA 2019, Section V), made exact: an
    attacker who perturbs the *dithered* image within this radius in the l-infinity norm
    changes nothing that a network behind the filter sees. It says nothing about an attacker
    who perturbs the image before it is dithered.

    Proof by enumeration, in float32 as the op computes: `linear_quantize` never decreases
    when its input increases, so if it returns the same value at level - eps and at
    level + eps it does so everywhere between them. A dithered image holds at most 2**bits
    levels, so the two ends of each are tried for eps = 1/255, 2/255, ... until one fails.

    Args:
        bits: bits per sample, 1 to 8.
        variant: of `floyd_steinberg`, "textbook" or "published".
        rounding: of `linear_quantize`, "nearest" or "floor".

    Returns:
        eps in [0, 1], a multiple of 1/255. With 2 bits it is 42/255 for "nearest" and
        21/255 for "published" with "floor", as in the paper.

    Raises:
        ValueError: for `bits` outside 1..8 or an unknown `variant` or `rounding`.
    """
    return _certified_byte_radius(as_index(bits), str(variant), str(rounding)) / 255


@cache
def _certified_byte_radius(bits: int, variant: str, rounding: str) -> int:
    clean = levels(bits, variant=variant)[None]
    code = linear_quantize(clean, bits, rounding=rounding)
    radii = torch.arange(256)
    shift = (radii / 255)[:, None]
    ends = torch.stack([clean - shift, clean + shift])
    unchanged = (linear_quantize(ends, bits, rounding=rounding) == code).all(dim=2).all(dim=0)
    return int(radii[unchanged.cumprod(dim=0).bool()].max())
