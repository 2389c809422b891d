"""What a contender must return before it is timed."""

import numpy as np
import torch
from torch import Tensor

import pyquant
from benchmarks.cases import Case
from benchmarks.contenders import Contender
from pyquant import reference

# The reference walks the pixels of a plane in Python. On planes with more pixels than this, the
# numba loop takes its place, which is compared with the reference on the small images.
REFERENCE_PIXELS = 64 * 64
# On a GPU the expected result is that of the CPU kernels. As many of its planes as hold these samples
# are compared with the reference.
COMPARED_SAMPLES = 2**17
# Error diffusion keeps the mean, except for the errors that leave the image at its borders.
MEAN_TOLERANCE = 0.03


class VerificationError(Exception):
    """A contender returned a wrong result."""


def expected_result(case: Case, image: Tensor) -> Tensor:
    """What pyquant must return, on the CPU, without using pyquant's kernels."""
    image = image.cpu()
    height, width = image.shape[-2:]
    if case.op == "linear_quantize":
        planes = image.reshape(-1, height, width)
        few = max(1, 2**20 // (height * width))  # bounds the memory, 8 bytes a sample and more
        return torch.cat([_reference(case, part) for part in planes.split(few)]).view(image.shape)
    if height * width <= REFERENCE_PIXELS:
        return _reference(case, image)
    from benchmarks import numba_loops  # which is not needed for a GPU

    quantized = numba_loops.floyd_steinberg(_array(image), case.bits, case.mode)
    return torch.from_numpy(quantized).to(case.torch_dtype)


def expected_on_gpu(case: Case, image: Tensor) -> Tensor:
    """What the CUDA kernels must return, on their device: what the CPU kernels return, which the
    reference confirms for the first planes unless they are large."""
    on_cpu = image.cpu()
    expected = getattr(pyquant, case.op)(on_cpu, case.bits, **case.keyword)
    height, width = image.shape[-2:]
    if case.op == "linear_quantize" or height * width <= REFERENCE_PIXELS:
        few = max(1, COMPARED_SAMPLES // (height * width))
        planes, of_cpu = (each.reshape(-1, height, width)[:few] for each in (on_cpu, expected))
        check_bits(of_cpu, _reference(case, planes))
    return expected.to(image.device)


def verify(case: Case, image: Tensor, found: list[Contender]) -> None:
    """Raises VerificationError if a contender does not do the work it is timed for."""
    expected = expected_result(case, image)
    for contender in found:
        check(contender, case, image, contender.result(), expected)


def check(
    contender: Contender, case: Case, image: Tensor, result: Tensor, expected: Tensor
) -> None:
    """Raises VerificationError if the result is not that of the work the contender is timed for."""
    try:
        if contender.check == "bits":
            check_bits(result, expected)
        elif contender.check == "levels":
            check_levels(case, result, image)
    except VerificationError as error:
        raise VerificationError(f"{contender.name} on {case}: {error}") from None


def check_bits(result: Tensor, expected: Tensor) -> None:
    """Every bit as expected, and the same shape and dtype."""
    if result.dtype != expected.dtype or result.shape != expected.shape:
        raise VerificationError(
            f"returned {result.dtype} {tuple(result.shape)}, "
            f"expected {expected.dtype} {tuple(expected.shape)}"
        )
    result = result.to(expected.device)
    if torch.equal(result, expected):
        return
    different = result != expected
    index = tuple(different.nonzero()[0].tolist())
    raise VerificationError(
        f"{int(different.sum())} of {expected.numel()} values differ, the first at {index}: "
        f"{result[index].item()} instead of {expected[index].item()}"
    )


def check_levels(case: Case, result: Tensor, image: Tensor) -> None:
    """The same work by another arithmetic: only the levels occur, and dithering keeps the mean.
    The rounding of levels may differ by one step of uint8, or a millionth."""
    scale, tolerance = (255, 1) if case.dtype == "uint8" else (1, 1e-6)
    levels = torch.arange(2**case.bits) * (scale / (2**case.bits - 1))
    if case.dtype != "uint8":
        levels = levels.to(case.torch_dtype).double()
    found = torch.unique(result).double().cpu()
    distance = (found[:, None] - levels).abs().amin(dim=1).max().item()
    if distance > tolerance:
        raise VerificationError(f"returned values that are {distance} away from any level")
    drift = abs(result.double().mean() - image.double().mean()).item() / scale
    if case.op == "floyd_steinberg" and drift > MEAN_TOLERANCE:
        raise VerificationError(f"changed the mean of the image by {drift:.3f} of its range")


def _reference(case: Case, image: Tensor) -> Tensor:
    function = getattr(reference, case.op)
    return torch.from_numpy(function(_array(image), case.bits, case.mode)).to(case.torch_dtype)


def _array(image: Tensor) -> np.ndarray:
    """Both ops compute 16-bit floats in float32 and cast the result."""
    return (image.float() if image.dtype in (torch.float16, torch.bfloat16) else image).numpy()
