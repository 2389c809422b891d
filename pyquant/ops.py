"""The public ops. Types and devices are checked here; the values of the arguments are checked
once for every device in csrc/checks.h, and arrive as ValueError."""

import operator

import torch
from torch import Tensor

from pyquant import gradients
from pyquant.libraries import NO_CUDA_REASON
from pyquant.registration import FLOYD_STEINBERG, LEVELS, LINEAR_QUANTIZE

DTYPES = (torch.uint8, torch.float16, torch.bfloat16, torch.float32, torch.float64)
_DTYPE_NAMES = "uint8, float16, bfloat16, float32 or float64"


def floyd_steinberg(image: Tensor, bits: int, *, variant: str = "textbook") -> Tensor:
    """Dithers every plane of `image` to `bits` bits by Floyd-Steinberg error diffusion.

    Planes are independent (colour channels never mix) and are scanned in raster order:
    rows from top to bottom, columns from left to right.

    Args:
        image: `(..., height, width)`, uint8 with values 0..255, or float16, bfloat16,
            float32 or float64 with values in [0, 1]. Floats are clamped to [0, 1] and NaN
            counts as 0. Any strides; CPU or CUDA.
        bits: bits per sample, 1 to 8. The result has n = 2**bits levels.
        variant: "textbook" is the error diffusion of Floyd and Steinberg (1976) in float32.
            "published" is the saturating 8-bit integer arithmetic of the published code
            of AprilPyone, Kinoshita and Kiya, "Filtering Adversarial Noise with
            Double Quantization" (APSIPA 2019), its quirks included.

    Returns:
        A new tensor with the shape, dtype, device and memory format of `image`, whose
        values are `levels(bits, variant=variant, dtype=image.dtype)`. Its gradient is
        straight-through: the incoming gradient (forwards: the tangent), unchanged.

    Raises:
        ValueError: for `bits` outside 1..8, an unknown `variant`, fewer than two dimensions, or a
            device that is neither a CPU nor CUDA (or CUDA, if the package is built without).
        TypeError: if `image` is not a dense tensor or has another dtype.
    """
    _check_image(image)
    return gradients.call(FLOYD_STEINBERG, image, integer_bits(bits), str(variant))


def linear_quantize(image: Tensor, bits: int, *, rounding: str = "nearest") -> Tensor:
    """Snaps every value of `image` to one of the 2**bits equidistant levels.

    This is the filter of AprilPyone, Kinoshita and Kiya (APSIPA 2019, Section III): applied
    to a perturbed dithered image it restores the level of every value, as long as no value
    was moved by more than `certified_radius`. Applying it twice is applying it once.

    Args:
        image: `(..., height, width)`, uint8 with values 0..255, or float16, bfloat16,
            float32 or float64 with values in [0, 1]. Floats are clamped to [0, 1] and NaN
            counts as 0. Any strides; CPU or CUDA.
        bits: bits per sample, 1 to 8. The result has n = 2**bits levels.
        rounding: "nearest" takes the nearest level, code floor(x(n-1) + 1/2). "floor" keeps
            the leading bits of the 8-bit value, code floor(255x / 2**(8-bits)), as the
            paper's published code does. Floats become code/(n-1); uint8 becomes
            255*code/(n-1), rounded half up for "nearest" and down for "floor".

    Returns:
        A new tensor with the shape, dtype, device and memory format of `image`. Its gradient
        is straight-through: the incoming gradient (forwards: the tangent), unchanged.

    Raises:
        ValueError: for `bits` outside 1..8, an unknown `rounding`, fewer than two dimensions, or a
            device that is neither a CPU nor CUDA (or CUDA, if the package is built without).
        TypeError: if `image` is not a dense tensor or has another dtype.
    """
    _check_image(image)
    return gradients.call(LINEAR_QUANTIZE, image, integer_bits(bits), str(rounding))


def levels(bits: int, *, variant: str = "textbook", dtype: torch.dtype = torch.float32) -> Tensor:
    """The values that a `floyd_steinberg` image of `bits` bits can take.

    Args:
        bits: bits per sample, 1 to 8.
        variant: "textbook": k/(n-1), as uint8 255k/(n-1) rounded half up. "published":
            floor(255k/(n-1)), as floats that integer over 255.
        dtype: uint8, float16, bfloat16, float32 or float64.

    Returns:
        `(2**bits,)` on the CPU, ascending; code k has level `levels(bits)[k]`.

    Raises:
        ValueError: for `bits` outside 1..8 or an unknown `variant`.
        TypeError: for another dtype.
    """
    if dtype not in DTYPES:
        raise TypeError(f"dtype must be {_DTYPE_NAMES}, got {dtype}")
    return LEVELS(integer_bits(bits), variant=str(variant), dtype=dtype)


def integer_bits(bits: object) -> int:
    """`bits` as an int that C++ can hold. Whether it is from 1 to 8 is checked there."""
    if type(bits) is int and abs(bits) < 2**63:
        return bits
    try:
        if not isinstance(bits, (bool, int)):
            return operator.index(bits)  # type: ignore[arg-type]  # or TypeError
    except TypeError:
        pass
    raise ValueError(f"bits must be an integer from 1 to 8, got {bits!r}")


def _check_image(image: object) -> None:
    if not isinstance(image, Tensor):
        raise TypeError(f"image must be a torch.Tensor, got {type(image).__name__}")
    if image.dtype not in DTYPES:
        raise TypeError(f"image must be {_DTYPE_NAMES}, got {image.dtype}")
    if image.layout is not torch.strided or image.is_nested:
        layout = "a nested tensor" if image.is_nested else image.layout
        raise TypeError(f"image must be a dense tensor (torch.strided), got {layout}")
    if not image.is_cpu:
        _check_device(image.device)


def _check_device(device: torch.device) -> None:
    if device.type == "cuda" and NO_CUDA_REASON:
        raise ValueError(
            f"image must be on the CPU, as pyquant has no CUDA kernels here ({NO_CUDA_REASON}), got {device}"
        )
    if device.type not in ("cuda", "meta"):
        raise ValueError(f"image must be on the CPU or a CUDA device, got {device}")
