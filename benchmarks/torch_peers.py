"""linear_quantize by torch's own ops, on any device."""

from functools import partial

import torch
from torch import Tensor

from benchmarks.cases import Case
from benchmarks.contenders import Contender


def torch_peers(case: Case, image: Tensor) -> list[Contender]:
    if case.op != "linear_quantize":
        return []
    eager = partial(linear_quantize, image, case.bits, case.mode)
    found = [Contender("torch eager", eager, "bits")]
    if case.dtype == "float32" and case.mode == "nearest":
        found.append(Contender("torch fake_quantize", fake_quantize(image, case.bits), "levels"))
    return found


def linear_quantize(image: Tensor, bits: int, rounding: str) -> Tensor:
    """The ops that a torch user would combine."""
    steps = 2**bits - 1
    if image.dtype == torch.uint8:
        value = image.int()
        if rounding == "nearest":
            code = value.mul_(2 * steps).add_(255).floor_divide_(510)
            return code.mul_(2 * 255).add_(steps).floor_divide_(2 * steps).to(torch.uint8)
        code = value.bitwise_right_shift_(8 - bits)
        return code.mul_(255).floor_divide_(steps).to(torch.uint8)
    value = image.float().clamp(0, 1)
    if rounding == "nearest":
        code = value.mul_(steps).add_(0.5).floor_()
    else:
        code = value.mul_(255).div_(2 ** (8 - bits)).floor_()
    return code.div_(steps).to(image.dtype)


def fake_quantize(image: Tensor, bits: int) -> partial[Tensor]:
    """torch's own straight-through quantization; it rounds half to even."""
    steps = 2**bits - 1
    return partial(torch.fake_quantize_per_tensor_affine, image, 1 / steps, 0, 0, steps)
