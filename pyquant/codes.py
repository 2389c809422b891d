"""From images to the codes of their levels, and back."""

from contextlib import suppress

import torch
from torch import Tensor
from torch.compiler import is_compiling

from pyquant.arguments import checked_bits, checked_choice
from pyquant.modes import VARIANTS
from pyquant.ops import call_torch_function, check_dtype, check_image, levels, linear_quantize

_CODE_DTYPES = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def to_codes(image: Tensor, bits: int, *, variant: str = "textbook") -> Tensor:
    """The code of every value of `image`: the k of its nearest level, `levels(bits, variant=variant)[k]`.

    Of a dithered image this is the number of every level, and `from_codes` returns the image. Use
    these numbers to pack, entropy-code or store dithered images, or as classes to learn.

    Args:
        image: `(..., height, width)`, uint8 with values 0..255, or float16, bfloat16,
            float32 or float64 with values in [0, 1]. Smaller values count as 0, larger ones as 1,
            NaN as 0. Any strides; CPU or CUDA.
        bits: bits per sample, 1 to 8, as in the call of `floyd_steinberg`.
        variant: of `floyd_steinberg`, "textbook" or "published". It chooses the levels.

    Returns:
        uint8 from 0 to 2**bits - 1, with the shape, device and memory format of `image`, and
        without a gradient. For "textbook" the nearest level is the one that `linear_quantize`
        chooses. A value in the middle of two levels counts as the upper one.

    Raises:
        ValueError: for `bits` outside 1..8, an unknown `variant`, fewer than two dimensions, or a
            device that is neither a CPU nor CUDA (or CUDA, if the package is built without).
        TypeError: if `image` is not a dense tensor or has another dtype.

    >>> import torch, pyquant
    >>> dithered = pyquant.floyd_steinberg(torch.full((2, 4), 0.4), bits=2)
    >>> dithered
    tensor([[0.3333, 0.3333, 0.3333, 0.3333],
            [0.3333, 0.6667, 0.3333, 0.3333]])
    >>> pyquant.to_codes(dithered, bits=2)
    tensor([[1, 1, 1, 1],
            [1, 2, 1, 1]], dtype=torch.uint8)
    """
    if not isinstance(image, Tensor):
        return call_torch_function(to_codes, "image", image, bits, variant=variant)
    check_image(image)
    bits, variant = checked_bits(bits), checked_choice("variant", variant, VARIANTS)
    image = image.detach()
    if variant == "published":
        return _nearest_published(image, bits)
    quantized = linear_quantize(image, bits)
    if image.dtype == torch.uint8:
        return quantized.bitwise_right_shift_(8 - bits)  # the leading bits of a level are its code
    return quantized.float().mul_(2**bits - 1).round_().to(torch.uint8)


def _nearest_published(image: Tensor, bits: int) -> Tensor:
    """The code of the nearest published level, which linear_quantize does not know."""
    table = levels(bits, variant="published", dtype=image.dtype, device=image.device).double()
    middles = (table[:-1] + table[1:]) / 2  # exact
    if image.dtype == torch.uint8:
        every_byte = torch.arange(256, device=image.device)
        code_of_byte = torch.bucketize(every_byte, middles, right=True).to(torch.uint8)
        return torch.empty_like(image).copy_(_look_up(code_of_byte, image))

    # The levels are at most 1/255 below k/(n-1), so this code is the right one or one too small.
    code = image.float().nan_to_num(0.0).clamp_(0.0, 1.0).mul_(2**bits - 1).to(torch.int32)
    values = image.float() if image.dtype.itemsize == 2 else image  # nextafter has no 16-bit floats
    # The least value of the next code; above the last code there is none.
    next_code = middles.to(values.dtype)
    next_code = next_code.where(
        next_code >= middles, next_code.nextafter(torch.ones_like(next_code))
    )
    next_code = torch.nn.functional.pad(next_code, (0, 1), value=float("nan"))
    return code.to(torch.uint8).add_(values >= _look_up(next_code, code))


def _look_up(table: Tensor, indices: Tensor) -> Tensor:
    """`table[indices]`, for which torch takes several times as long."""
    return table.index_select(0, indices.reshape(-1).int()).view(indices.shape)


def from_codes(
    codes: Tensor,
    bits: int,
    *,
    variant: str = "textbook",
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """The level of every code: `levels(bits, variant=variant, dtype=dtype)[codes]`.

    Args:
        codes: of any shape, uint8 (as `to_codes` returns them), int8, int16, int32 or int64, with
            values from 0 to 2**bits - 1; CPU or CUDA.
        bits: bits per sample, 1 to 8.
        variant: of `floyd_steinberg`, "textbook" or "published". It chooses the levels.
        dtype: of the result: uint8, float16, bfloat16, float32 or float64.

    Returns:
        A new tensor of `dtype` with the shape and device of `codes`.

    Raises:
        ValueError: for a code outside 0..2**bits - 1, `bits` outside 1..8 or an unknown `variant`.
            Under torch.compile, torch.vmap and torch.export the values cannot be checked; what a
            code out of range becomes is then undefined. On CUDA the check waits for the device.
        TypeError: if `codes` is not a tensor of integers, or for another `dtype`.

    >>> import torch, pyquant
    >>> codes = torch.tensor([[0, 3], [2, 1]], dtype=torch.uint8)
    >>> pyquant.from_codes(codes, bits=2, dtype=torch.uint8)
    tensor([[  0, 255],
            [170,  85]], dtype=torch.uint8)
    """
    if not isinstance(codes, Tensor):
        return call_torch_function(from_codes, "codes", codes, bits, variant=variant, dtype=dtype)
    if codes.dtype not in _CODE_DTYPES:
        raise TypeError(f"codes must be uint8, int8, int16, int32 or int64, got {codes.dtype}")
    check_dtype(dtype)
    bits, variant = checked_bits(bits), checked_choice("variant", variant, VARIANTS)
    _check_range(codes, bits)
    rows = torch.atleast_2d(codes)
    if variant == "published" or dtype == torch.uint8:
        # "floor" makes the published level of the leading bits. Of the textbook levels, that of the
        # same code is the nearest one.
        rows = linear_quantize(rows.to(torch.uint8) << (8 - bits), bits, rounding="floor")
        if dtype == torch.uint8:
            rows = rows if variant == "published" else linear_quantize(rows, bits)
            return rows.view(codes.shape)
        bits = 8  # published levels are bytes, divided by 255
    # Divided by a Python number, torch would multiply by its rounded reciprocal on CUDA.
    steps = torch.full((), 2.0**bits - 1, device=rows.device)
    result = rows.to(torch.float32).div_(steps)
    # Compiled code for CUDA rounds divisions in its own way. The filter undoes that.
    if is_compiling():
        result = linear_quantize(result, bits)
    return result.to(dtype).view(codes.shape)


def _check_range(codes: Tensor, bits: int) -> None:
    if is_compiling() or torch.jit.is_tracing() or codes.numel() == 0:  # type: ignore[attr-defined]
        return
    if bits == 8 and codes.dtype == torch.uint8:
        return
    with suppress(RuntimeError):  # the values are not known, as in vmap
        low, high = (int(code) for code in codes.aminmax())
        for code in (low, high):
            if not 0 <= code < 2**bits:
                raise ValueError(
                    f"codes must be from 0 to {2**bits - 1} for {bits} bits, got {code}"
                )
