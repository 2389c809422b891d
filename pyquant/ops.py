"""The public ops, and what they accept as an image."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

from pyquant import gradients
from pyquant.arguments import check_autograd, check_out, checked_bits, checked_choice
from pyquant.conversion import conversion_hint
from pyquant.libraries import NO_CUDA_REASON
from pyquant.modes import ROUNDINGS, VARIANTS
from pyquant.registration import (
    FLOYD_STEINBERG,
    FLOYD_STEINBERG_KERNEL,
    FLOYD_STEINBERG_OUT,
    FLOYD_STEINBERG_OUT_KERNEL,
    LEVELS,
    LINEAR_QUANTIZE,
    LINEAR_QUANTIZE_KERNEL,
    LINEAR_QUANTIZE_OUT,
    LINEAR_QUANTIZE_OUT_KERNEL,
)

DTYPES = (torch.uint8, torch.float16, torch.bfloat16, torch.float32, torch.float64)
_DTYPES = frozenset(DTYPES)  # found sooner than in a tuple
_DTYPE_NAMES = "uint8, float16, bfloat16, float32 or float64"


def floyd_steinberg(
    image: Tensor, bits: int, *, variant: str = "textbook", out: Tensor | None = None
) -> Tensor:
    """Dithers every plane of `image` to `bits` bits by Floyd-Steinberg error diffusion.

    Planes are independent (colour channels never mix) and are scanned in raster order:
    rows from top to bottom, columns from left to right.

    Args:
        image: `(..., height, width)`, uint8 with values 0..255, or float16, bfloat16,
            float32 or float64 with values in [0, 1]. Floats are clamped to [0, 1] and NaN
            counts as 0. Any strides, so `image.movedim(-1, -3)` of an image
            `(..., height, width, channels)` is enough; CPU or CUDA.
        bits: bits per sample, 1 to 8. The result has n = 2**bits levels.
        variant: "textbook" is the error diffusion of Floyd and Steinberg (1976) in float32.
            "published" is the saturating 8-bit integer arithmetic of the published code
            of AprilPyone, Kinoshita and Kiya, "Filtering Adversarial Noise with
            Double Quantization" (APSIPA 2019), its quirks included.
        out: the tensor that receives the result instead of a new one. It must have the shape,
            dtype and device of `image`: unlike torch's own ops, this one neither resizes `out` nor
            casts to its dtype. Any strides; no gradient. It may be `image` itself, and must not
            overlap with it in another way.

    Returns:
        `out`, or a new tensor with the shape, dtype, device and memory format of `image`. The
        values are `levels(bits, variant=variant, dtype=image.dtype)`. The gradient of a new
        tensor is straight-through: the incoming gradient (forwards: the tangent), unchanged.

    Raises:
        ValueError: for `bits` outside 1..8, an unknown `variant`, fewer than two dimensions, or a
            device that is neither a CPU nor CUDA (or CUDA, if the package is built without).
            For `out` with another shape or device, with samples that share memory, that overlaps
            with `image` in part, or that was made in torch.inference_mode, outside of it. If
            `out` is given and it or `image` requires a gradient.
        TypeError: if `image` is not a dense tensor or has another dtype, or `out` has a dtype
            other than that of `image`.
    """
    try:
        result = gradients.try_plain_call(
            FLOYD_STEINBERG_KERNEL, FLOYD_STEINBERG_OUT_KERNEL, image, bits, variant, out
        )
    except Exception as error:
        raise _refusal(image, bits, "variant", variant, VARIANTS, out) or error from None
    if result is not None:
        return result
    if not isinstance(image, Tensor) or not (out is None or isinstance(out, Tensor)):
        return call_torch_function(floyd_steinberg, "image", image, bits, variant=variant, out=out)
    bits, variant = _checked_arguments(image, bits, "variant", variant, VARIANTS, out)
    if out is None:
        return gradients.call(FLOYD_STEINBERG, image, bits, variant)
    return gradients.call_into(out, FLOYD_STEINBERG, FLOYD_STEINBERG_OUT, image, bits, variant)


def linear_quantize(
    image: Tensor, bits: int, *, rounding: str = "nearest", out: Tensor | None = None
) -> Tensor:
    """Snaps every value of `image` to one of the 2**bits equidistant levels.

    This is the filter of AprilPyone, Kinoshita and Kiya (APSIPA 2019, Section III): applied
    to a perturbed dithered image it restores the level of every value, as long as no value
    was moved by more than `certified_radius`. Applying it twice is applying it once.

    Args:
        image: `(..., height, width)`, uint8 with values 0..255, or float16, bfloat16,
            float32 or float64 with values in [0, 1]. Floats are clamped to [0, 1] and NaN
            counts as 0. Any strides, so `image.movedim(-1, -3)` of an image
            `(..., height, width, channels)` is enough; CPU or CUDA.
        bits: bits per sample, 1 to 8. The result has n = 2**bits levels.
        rounding: "nearest" takes the nearest level, code floor(x(n-1) + 1/2). "floor" keeps
            the leading bits of the 8-bit value, code floor(255x / 2**(8-bits)), as the
            paper's published code does. Floats become code/(n-1); uint8 becomes
            255*code/(n-1), rounded half up for "nearest" and down for "floor".
        out: the tensor that receives the result instead of a new one. It must have the shape,
            dtype and device of `image`: unlike torch's own ops, this one neither resizes `out` nor
            casts to its dtype. Any strides; no gradient. It may be `image` itself, and must not
            overlap with it in another way.

    Returns:
        `out`, or a new tensor with the shape, dtype, device and memory format of `image`. The
        gradient of a new tensor is straight-through: the incoming gradient (forwards: the
        tangent), unchanged.

    Raises:
        ValueError: for `bits` outside 1..8, an unknown `rounding`, fewer than two dimensions, or a
            device that is neither a CPU nor CUDA (or CUDA, if the package is built without).
            For `out` with another shape or device, with samples that share memory, that overlaps
            with `image` in part, or that was made in torch.inference_mode, outside of it. If
            `out` is given and it or `image` requires a gradient.
        TypeError: if `image` is not a dense tensor or has another dtype, or `out` has a dtype
            other than that of `image`.
    """
    try:
        result = gradients.try_plain_call(
            LINEAR_QUANTIZE_KERNEL, LINEAR_QUANTIZE_OUT_KERNEL, image, bits, rounding, out
        )
    except Exception as error:
        raise _refusal(image, bits, "rounding", rounding, ROUNDINGS, out) or error from None
    if result is not None:
        return result
    if not isinstance(image, Tensor) or not (out is None or isinstance(out, Tensor)):
        return call_torch_function(
            linear_quantize, "image", image, bits, rounding=rounding, out=out
        )
    bits, rounding = _checked_arguments(image, bits, "rounding", rounding, ROUNDINGS, out)
    if out is None:
        return gradients.call(LINEAR_QUANTIZE, image, bits, rounding)
    return gradients.call_into(out, LINEAR_QUANTIZE, LINEAR_QUANTIZE_OUT, image, bits, rounding)


def levels(
    bits: int,
    *,
    variant: str = "textbook",
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Tensor:
    """The values that a `floyd_steinberg` image of `bits` bits can take.

    Args:
        bits: bits per sample, 1 to 8.
        variant: "textbook": k/(n-1), as uint8 255k/(n-1) rounded half up. "published":
            floor(255k/(n-1)), as floats that integer over 255.
        dtype: uint8, float16, bfloat16, float32 or float64.
        device: any device of torch, to which the levels are copied from the CPU.

    Returns:
        `(2**bits,)` of `dtype` on `device`, ascending; code k has level `levels(bits)[k]`.

    Raises:
        ValueError: for `bits` outside 1..8 or an unknown `variant`.
        TypeError: for another dtype, or if `device` is no device.
        RuntimeError: of torch, for a `device` whose name is unknown or that is not there.
    """
    check_dtype(dtype)
    variant = checked_choice("variant", variant, VARIANTS)
    return LEVELS(checked_bits(bits), variant=variant, dtype=dtype).to(device=device)


def _checked_arguments(
    image: Tensor,
    bits: object,
    argument: str,
    mode: object,
    modes: tuple[str, ...],
    out: Tensor | None,
) -> tuple[int, str]:
    """Bits and mode; `argument` is what the mode is called."""
    check_image(image)
    valid_mode, valid_bits = checked_choice(argument, mode, modes), checked_bits(bits)
    if out is not None:
        check_out(image, out)
        check_autograd(image, out)
    return valid_bits, valid_mode


def _refusal(*arguments: Any) -> Exception | None:
    """Why the checks in Python refuse the arguments of a call that failed. None if they do not: then
    the kernel itself failed. It may have written a part of `out`, so it is not called again."""
    try:
        _checked_arguments(*arguments)
    except (TypeError, ValueError) as refusal:
        return refusal
    return None


def check_dtype(dtype: object) -> None:
    if not isinstance(dtype, torch.dtype) or dtype not in _DTYPES:
        raise TypeError(f"dtype must be {_DTYPE_NAMES}, got {dtype!r}")


def call_torch_function(
    function: Callable[..., Tensor],
    argument: str,
    tensor: object,
    bits: object,
    *,
    out: object = None,
    **options: object,
) -> Tensor:
    """The call of a public function whose `tensor` or `out` is not a torch.Tensor. Objects with
    `__torch_function__`, such as torch.fx proxies, handle the call themselves. Others are refused.

    `argument` is the name of `tensor`, for the error."""
    if has_torch_function((tensor, out)):
        into = {} if out is None else {"out": out}
        return handle_torch_function(function, (tensor, out), tensor, bits, **options, **into)
    if isinstance(tensor, Tensor):
        raise TypeError(f"out must be a torch.Tensor or None, got {type(out).__name__}")
    conversion = conversion_hint(tensor) if argument == "image" else None
    hint = f"; convert it with {conversion}" if conversion else ""
    raise TypeError(f"{argument} must be a torch.Tensor, got {type(tensor).__name__}{hint}")


def check_image(image: Tensor) -> None:
    if image.dtype not in _DTYPES:
        raise TypeError(f"image must be {_DTYPE_NAMES}, got {image.dtype}")
    if image.layout is not torch.strided or image.is_nested:
        layout = "a nested tensor" if image.is_nested else image.layout
        raise TypeError(f"image must be a dense tensor (torch.strided), got {layout}")
    if not image.is_cpu:
        _check_device(image.device)
    if image.dim() < 2:
        raise ValueError(
            f"image must have at least 2 dimensions (..., height, width), got {image.dim()}"
        )


def _check_device(device: torch.device) -> None:
    if device.type == "cuda" and NO_CUDA_REASON:
        raise ValueError(
            f"image must be on the CPU, as pyquant has no CUDA kernels here ({NO_CUDA_REASON}), got {device}"
        )
    if device.type not in ("cuda", "meta"):
        raise ValueError(f"image must be on the CPU or a CUDA device, got {device}")
