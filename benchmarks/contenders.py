"""Everything that is timed on one case, ready to be called and checked."""

import mmap
import resource
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

import pyquant
from benchmarks import numba_loops, peers, plain_loops
from benchmarks.cases import Case
from benchmarks.instruction_sets import forced
from benchmarks.timing import Clock, cpu_clock, cuda_clock
from benchmarks.verification import (
    REFERENCE_PIXELS,
    VerificationError,
    check_bits,
    check_levels,
    expected_result,
)
from pyquant import reference

# "bits": every bit as in the reference. "levels": the same work by another arithmetic.
# "none": other work, timed for scale, such as the copy.
Check = Literal["bits", "levels", "none"]

OWN = "pyquant"
# What bounds the speed of an op, rather than competes with it.
ROOFS = ("copy_", "clone", "new memory", "clamp")

REFERENCE_SAMPLES = 2**23  # the reference of linear_quantize takes 8 bytes and more a sample
PATH_SIZES = ("batch", "square")  # where each instruction set is timed
KEPT_BYTES = 2**25  # glibc gives larger blocks back to the system when they are freed


@dataclass(frozen=True)
class Contender:
    name: str
    call: Callable[[], object]
    check: Check
    to_tensor: Callable[[object], Tensor] = lambda result: result
    threads: int = 1
    instruction_set: str | None = None

    def result(self) -> Tensor:
        with _torch_threads(self.threads), forced(self.instruction_set):
            return self.to_tensor(self.call())

    def page_faults(self) -> int:
        """How many pages of new memory the system had to clear and map for one call."""
        with _torch_threads(self.threads), forced(self.instruction_set):
            self.call()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            self.call()
            return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    def clock(self, device: str) -> Clock:
        if device == "cuda":
            return cuda_clock(self.call)
        clock = cpu_clock(self.call, self.threads)

        def seconds_per_call(number: int) -> float:
            with forced(self.instruction_set):
                return clock(number)

        return seconds_per_call


def is_peer(name: str) -> bool:
    return not name.startswith(OWN) and name not in ROOFS


def contenders(
    case: Case, image: Tensor, threads: Iterable[int], instruction_sets: Iterable[str]
) -> list[Contender]:
    """Pyquant, the copies of the same bytes and, on one CPU thread, the peers."""
    call = partial(getattr(pyquant, case.op), image, case.bits, **case.keyword)
    copy = partial(torch.empty_like(image).copy_, image)
    found = []
    for count in threads:
        found.append(Contender(OWN, call, "bits", threads=count))
        found.append(Contender("copy_", copy, "none", threads=count))
    found.append(Contender("clone", image.clone, "none"))
    if case.device == "cpu" and image.nbytes > KEPT_BYTES:
        found.append(Contender("new memory", partial(_map_memory, image.nbytes), "none"))
    if case.size == "image":
        found.append(Contender("clamp", partial(torch.clamp, image, 0, 1), "none"))
    if case.size in PATH_SIZES:
        for name in instruction_sets:
            found.append(Contender(f"{OWN} {name}", call, "bits", instruction_set=name))
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
                check_bits(contender.result(), expected)
            elif contender.check == "levels":
                check_levels(case, contender.result(), image)
        except VerificationError as error:
            raise VerificationError(f"{contender.name} on {case}: {error}") from None


def _torch_peers(case: Case, image: Tensor) -> list[Contender]:
    if not image.is_floating_point():
        return []
    eager = partial(peers.torch_linear_quantize, image, case.bits, case.mode)
    found = [Contender("torch eager", eager, "bits")]
    if case.dtype == "float32" and case.mode == "nearest":
        fake_quantize = peers.fake_quantize(image, case.bits)
        found.append(Contender("torch fake_quantize", fake_quantize, "levels"))
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
        if case.op == "floyd_steinberg":
            found.append(_array_contender("numba plain", plain_loops, case, image))
    return found


def _map_memory(size: int) -> None:
    """What the system does for a result in new memory: one byte in every 4 KB is written. Pages have
    2 MB where the system grants them."""
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        if hasattr(mmap, "MADV_HUGEPAGE"):
            memory.madvise(mmap.MADV_HUGEPAGE)
        memory[::4096] = bytes(len(range(0, size, 4096)))


def _array_contender(name: str, module: object, case: Case, image: Tensor) -> Contender:
    call = partial(getattr(module, case.op), image.numpy(), case.bits, case.mode)
    return Contender(name, call, "bits", torch.from_numpy)


def _image_peers(case: Case, image: Tensor) -> list[Contender]:
    images = peers.PillowImages(image, case.bits)
    channels = partial(peers.pillow_quantize, images.channels, images.grey_palette)
    arrays = partial(peers.dithering_images, images.arrays, case.bits)
    joined = partial(peers.channels_to_tensor, images.shape)
    stacked = partial(peers.arrays_to_tensor, images.shape)
    found = [
        Contender("Pillow channels", channels, "levels", joined),
        Contender("dithering", arrays, "levels", stacked),
    ]
    if 3 * case.bits <= 8:  # a palette holds 256 colours
        joint = partial(peers.pillow_quantize, images.joint, images.joint_palette)
        converted = partial(peers.joint_to_tensor, images.shape)
        found.append(Contender("Pillow joint", joint, "levels", converted))
    return found


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
