"""Images to test with, and the numpy reference as an oracle for every dtype."""

import torch
from torch import Tensor

from pyquant.ops import DTYPES

FLOAT_DTYPES = tuple(dtype for dtype in DTYPES if dtype.is_floating_point)
VARIANTS = ("textbook", "published")
ROUNDINGS = ("nearest", "floor")
BITS = range(1, 9)


def random_image(shape: tuple[int, ...], dtype: torch.dtype = torch.uint8, seed: int = 0) -> Tensor:
    """Noise over a gradient, so that flat, steep, dark and bright regions all occur. Floats
    reach a little beyond [0, 1], where they are clamped."""
    generator = torch.Generator().manual_seed(seed)
    ramp = torch.linspace(-0.2, 1.2, shape[-1]) * torch.linspace(0.3, 1.0, shape[-2])[:, None]
    value = ramp + 0.3 * (torch.rand(shape, generator=generator) - 0.5)
    if dtype == torch.uint8:
        return (value * 255).clamp(0, 255).to(torch.uint8)
    return value.to(dtype)


def floats_near_thresholds(bits: int, rounding: str) -> Tensor:
    """The 64 float32 values around each threshold of linear_quantize, a row for each threshold."""
    steps = 2**bits - 1
    thresholds = (
        (torch.arange(steps) + 0.5) / steps
        if rounding == "nearest"
        else torch.arange(1, steps + 1) * 2 ** (8 - bits) / 255
    )
    neighbours = thresholds.view(torch.int32)[:, None] + torch.arange(-32, 32, dtype=torch.int32)
    return neighbours.view(torch.float32)


def layouts(image: Tensor) -> dict[str, Tensor]:
    """The same values in different memory formats; `image` is contiguous and has 4 dimensions."""
    padded = image.new_zeros([size + 3 for size in image.shape])
    inside = padded[1:-2, 2:-1, 1:-2, 2:-1]
    inside.copy_(image)
    wide = image.new_zeros(*image.shape[:-1], 2 * image.shape[-1])
    every_second = wide[..., ::2]
    every_second.copy_(image)
    return {
        "contiguous": image,
        "channels_last": image.contiguous(memory_format=torch.channels_last),
        "transposed": image.transpose(-1, -2).contiguous().transpose(-1, -2),
        "batch_last": image.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2),
        "slice": inside,
        "every_second_column": every_second,
    }


def by_reference(function, image: Tensor, bits: int, mode: str) -> Tensor:
    """The result of a function of pyquant.reference. numpy has no bfloat16; the contract
    (computed in float32, only the result is cast) gives its result from the float32 one."""
    if image.dtype == torch.bfloat16:
        return torch.from_numpy(function(image.float().numpy(), bits, mode)).bfloat16()
    return torch.from_numpy(function(image.numpy(), bits, mode))


def assert_same(actual: Tensor, expected: Tensor) -> None:
    """Same shape, dtype and bits."""
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    assert torch.equal(actual, expected)


def assert_same_bits(actual: Tensor, expected: Tensor, context: object = None) -> None:
    """Distinguishes -0.0 from 0.0, unlike torch.equal."""
    assert actual.dtype == expected.dtype
    assert torch.equal(_bytes(actual), _bytes(expected)), context


def _bytes(tensor: Tensor) -> Tensor:
    # A tensor of one sample counts as contiguous whatever its strides, but its bytes have no view.
    return tensor.clone(memory_format=torch.contiguous_format).view(-1).view(torch.uint8)
