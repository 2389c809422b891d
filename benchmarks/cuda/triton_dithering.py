"""Error diffusion as a user would first write it in Triton: a lane per plane, which walks over the
pixels in raster order. The arithmetic is that of `pyquant.reference`, so the bits are the same."""

import torch
import triton
import triton.language as tl
from torch import Tensor

PLANES_OF_A_PROGRAM = 32  # one warp
OPTIONS = {"num_warps": 1, "enable_fp_fusion": False}  # each operation rounds, as in the reference


def floyd_steinberg(image: Tensor, levels: Tensor) -> Tensor:
    """The result of the textbook variant of `pyquant.floyd_steinberg`, for an image
    (N, C, H, W) or (C, H, W) of uint8 or float32 with any strides. The levels,
    `pyquant.levels`, have its dtype and device."""
    batch = image[(None,) * (4 - image.dim())]
    count, channels, height, width = batch.shape
    result = torch.empty_like(batch)
    planes = count * channels
    programs = triton.cdiv(planes, PLANES_OF_A_PROGRAM)
    # Two rows of errors of each plane, with zeros left and right of them.
    shape = (2, width + 2, programs * PLANES_OF_A_PROGRAM)
    errors = image.new_zeros(shape, dtype=torch.float32)
    _textbook[programs,](
        batch, result, levels, errors,
        planes, channels, height, width, *batch.stride(), *result.stride(),
        steps=len(levels) - 1, lanes=PLANES_OF_A_PROGRAM, is_byte=image.dtype == torch.uint8,
        **OPTIONS,
    )  # fmt: skip
    return result.reshape(image.shape)


@triton.jit
def _textbook(
    image, result, levels, errors, planes, channels, height, width,
    image_n, image_c, image_y, image_x, result_n, result_c, result_y, result_x,
    steps: tl.constexpr, lanes: tl.constexpr, is_byte: tl.constexpr,
):  # fmt: skip
    plane = tl.program_id(0) * lanes + tl.arange(0, lanes)
    exists = plane < planes
    n, c = (plane // channels).to(tl.int64), plane % channels
    source = image + n * image_n + c * image_c
    target = result + n * result_n + c * result_c
    pitch = tl.num_programs(0) * lanes  # floats from a column of errors to the next
    for y in range(height):
        above = errors + ((y + 1) % 2) * (width + 2) * pitch + plane
        here = errors + (y % 2) * (width + 2) * pitch + plane
        left = tl.zeros((lanes,), tl.float32)
        for x in range(width):
            sample = tl.load(source + y * image_y + x * image_x, exists, 0).to(tl.float32)
            if is_byte:
                value = tl.div_rn(sample, 255.0) * steps
            else:
                value = tl.minimum(tl.where(sample > 0.0, sample, 0.0), 1.0) * steps
            up_left = tl.load(above + x * pitch)
            up = tl.load(above + (x + 1) * pitch)
            up_right = tl.load(above + (x + 2) * pitch)
            value += 0.0625 * ((up_left + 5.0 * up) + 3.0 * up_right)
            value += 0.4375 * left
            code = tl.minimum(tl.maximum(tl.floor(value + 0.5), 0.0), steps)
            left = value - code
            tl.store(here + (x + 1) * pitch, left)
            level = tl.load(levels + code.to(tl.int32))
            tl.store(target + y * result_y + x * result_x, level, exists)
