"""The largest perturbation that linear quantization provably undoes."""

from functools import cache

import torch

from pyquant.arguments import checked_bits, checked_choice
from pyquant.modes import ROUNDINGS, VARIANTS
from pyquant.ops import check_dtype, levels, linear_quantize
from pyquant.torch_private import without_tracing


def certified_radius(
    bits: int,
    *,
    variant: str = "textbook",
    rounding: str = "nearest",
    dtype: torch.dtype = torch.float32,
) -> float:
    """The largest multiple of 1/255, as a fraction of [0, 1], such that changing every value of a
    dithered image by at most that much leaves the result of `linear_quantize` unchanged.

    The claim of AprilPyone, Kinoshita and Kiya (APSIPA 2019, Section V), made exact: an
    attacker who perturbs the *dithered* image within this radius in the l-infinity norm
    changes nothing that a network sees after the filter. The radius does not hold for an attacker
    who perturbs the image before it is dithered.

    Proof by enumeration, in the op's own arithmetic of `dtype`: `linear_quantize`
    never decreases when its input increases. If it returns the same value at both ends of an
    interval, it does so everywhere between them. A dithered image holds at most 2**bits levels,
    so the two ends around each are tried for eps = 1/255, 2/255, ... until one fails. The ends
    are level - eps and level + eps rounded to `dtype`, and the same with eps rounded before the
    addition.

    Args:
        bits: bits per sample, 1 to 8.
        variant: of `floyd_steinberg`, "textbook" or "published".
        rounding: of `linear_quantize`, "nearest" or "floor".
        dtype: of the image: uint8, float16, bfloat16, float32 or float64. The levels of uint8
            and of 16-bit floats are rounded, and some of their radii are smaller.

    Returns:
        eps in [0, 1], a multiple of 1/255. With 2 bits it is 42/255 for "nearest" and
        21/255 for "published" with "floor", as in the paper.

    Raises:
        ValueError: for `bits` outside 1..8 or an unknown `variant` or `rounding`.
        TypeError: for another dtype.
    """
    check_dtype(dtype)
    variant = checked_choice("variant", variant, VARIANTS)
    rounding = checked_choice("rounding", rounding, ROUNDINGS)
    valid_bits = checked_bits(bits)
    for constant_bits in range(1, 9):  # torch.compile may have a symbol for bits
        if constant_bits == valid_bits:
            break
    return _certified_byte_radius(constant_bits, variant, rounding, dtype) / 255


@cache
@without_tracing
def _certified_byte_radius(bits: int, variant: str, rounding: str, dtype: torch.dtype) -> int:
    clean = levels(bits, variant=variant, dtype=dtype)
    code = linear_quantize(clean[None], bits, rounding=rounding)
    radii = torch.arange(256, dtype=torch.float64, device="cpu")[:, None]
    shift = radii / (1 if dtype == torch.uint8 else 255)
    ends = [clean.double() - shift, clean.double() + shift]
    if dtype == torch.uint8:
        ends = [end.clamp(0, 255) for end in ends]
    else:
        ends += [clean - shift.to(dtype), clean + shift.to(dtype)]
    unchanged = torch.ones(256, dtype=torch.bool, device="cpu")
    for end in ends:
        unchanged &= (linear_quantize(end.to(dtype), bits, rounding=rounding) == code).all(dim=1)
    return int(radii[unchanged.cumprod(dim=0).bool()].max())
