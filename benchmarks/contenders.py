"""Everything that is timed on one case, ready to be called and checked."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

import pyquant
from benchmarks import numba_loops, peers
from benchmarks.cases import Case
from benchmarks.verification import (
    REFERENCE_PIXELS,
    VerificationError,
    check_bits,
    check_levels,
    expected_result,
)
from pyquant import reference

# "bits": every bit as the reference. "levels": the same work by another arithmetic.
# "none": other work, timed for scale, such as the copy.
Check = Literal["bits", "levels", "none"]

REFERENCE_SAMPLES = 2**23  # the reference of linear_quantize takes 8 bytes and more a sample


@dataclass(frozen=True)
class Contender:
    name: str
    call: Callable[[], object]
    check: Check
    to_tensor: Callable[[object], Tensor] = lambda result: result
    threads: int = 1


def contenders(case: Case, image: Tensor, threads: tuple[int, ...]) -> list[Contender]:
    """Pyquant, the copies of the same bytes and, on one CPU thread, the peers."""
    target = torch.empty_like(image)
    op = getattr(pyquant, case.op)
    found = []
    for count in threads:
        call = partial(op, image, case.bits, **case.keyword)
        found.append(Contender("pyquant", call, "bits", threads=count))
        found.append(Contender("copy_", partial(target.copy_, image), "none", threads=count))
    found.append(Contender("clone", image.clone, "none"))
    if case.size == "image":
        found.append(Contender("clamp", partial(torch.clamp, image, 0, 1), "none"))
    if case.op == "linear_quantize":
        found += _torch_peers(case, image)
    if case.device == "cpu":
        found += _array_peers(case, image)
        if case.op == "floyd_steinberg" and case.dtype == "uint8":
            found += _image_peers(case, image)
    return found


def verify(case: Case, image: Tensor, found: list[Contender]) -> None:
    """Raises VerificationError if a contender does not do the work it is timed for."""
    expected = expected_result(case, image)
    for contender in found:
        try:
            if contender.check == "bits":
                with _torch_threads(contender.threads):
                    check_bits(contender.to_tensor(contender.call()), expected)
            elif contender.check == "levels":
                check_levels(case, contender.to_tensor(contender.call()), image)
        except VerificationError as error:
            raise VerificationError(f"{contender.name} on {case}: {error}") from None


def _torch_peers(case: Case, image: Tensor) -> list[Contender]:
    if not image.is_floating_point():
        return []
    eager = partial(peers.torch_linear_quantize, image, case.bits, case.mode)
    found = [Contender("torch eager", eager, "bits")]
    if case.dtype == "float32" and case.mode == "nearest":
        found.append(Contender("torch fake_quantize", peers.fake_quantize(case, image), "levels"))
    return found


def _array_peers(case: Case, image: Tensor) -> list[Contender]:
    """numpy has no bfloat16, and numba computes with no 16-bit float on a CPU."""
    found = []
    small = (
        image.numel() <= REFERENCE_SAMPLES
        if case.op == "linear_quantize"
        else image.shape[-2] * image.shape[-1] <= REFERENCE_PIXELS
    )
    if small and case.dtype != "bfloat16":
        found.append(_array_contender("numpy", reference, case, image))
    if case.dtype in ("uint8", "float32", "float64"):
        found.append(_array_contender("numba", numba_loops, case, image))
    return found


def _array_contender(name: str, module: object, case: Case, image: Tensor) -> Contender:
    call = partial(getattr(module, case.op), image.numpy(), case.bits, case.mode)
    return Contender(name, call, "bits", torch.from_numpy)


def _image_peers(case: Case, image: Tensor) -> list[Contender]:
    images = peers.PillowImages(image, case.bits)
    channels = partial(peers.pillow_quantize, images.channels, images.grey_palette)
    arrays = partial(peers.dithering_images, images.arrays, case.bits)
    found = [
        Contender("Pillow channels", channels, "levels",
                  partial(peers.channels_to_tensor, images.shape)),
        Contender("dithering", arrays, "levels", partial(peers.arrays_to_tensor, images.shape)),
    ]  # fmt: skip
    if 3 * case.bits <= 8:  # a palette holds 256 colours
        joint = partial(peers.pillow_quantize, images.joint, images.joint_palette)
        found.append(
            Contender("Pillow joint", joint, "levels", partial(peers.joint_to_tensor, images.shape))
        )
    return found


class _torch_threads:
    """`with _torch_threads(count):` sets the number of torch threads for a block."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __enter__(self) -> None:
        self.previous = torch.get_num_threads()
        torch.set_num_threads(self.count)

    def __exit__(self, *_: object) -> None:
        torch.set_num_threads(self.previous)
