"""Everything that is timed on one case on a CPU, ready to be called and checked."""

import mmap
from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor

import pyquant
from benchmarks import image_peers, numba_loops, plain_loops
from benchmarks.cases import Case
from benchmarks.contenders import INTO, OWN, Contender
from benchmarks.torch_peers import torch_peers
from benchmarks.verification import REFERENCE_PIXELS
from pyquant import reference

REFERENCE_SAMPLES = 2**23  # the reference of linear_quantize takes 8 bytes and more a sample
NUMBA_DTYPES = ("uint8", "float32", "float64")
PATH_SIZES = ("batch", "square")  # where each instruction set is timed
KEPT_BYTES = 2**25  # glibc gives larger blocks back to the system when they are freed


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
    if image.nbytes > KEPT_BYTES:
        found.append(Contender("new memory", partial(_map_memory, image.nbytes), "none"))
    if case.size == "image":
        found.append(Contender("clamp", partial(torch.clamp, image, 0, 1), "none"))
    if case.size in PATH_SIZES:
        for name in instruction_sets:
            found.append(Contender(f"{OWN} {name}", call, "bits", instruction_set=name))
    found += torch_peers(case, image)
    found += _array_peers(case, image)
    if case.op == "linear_quantize" or case.size == "image":
        found += _into_memory_that_exists(case, image)
    if case.op == "floyd_steinberg" and case.dtype == "uint8":
        found += _image_peers(case, image)
    return found


def _into_memory_that_exists(case: Case, image: Tensor) -> list[Contender]:
    """Where making a new result takes a good part of the time."""
    call = partial(getattr(pyquant, case.op), image, case.bits, **case.keyword)
    found = [Contender(f"{OWN} {INTO}", partial(call, out=torch.empty_like(image)), "bits")]
    if case.dtype in NUMBA_DTYPES:
        result = torch.empty_like(image).numpy()
        found.append(_array_contender(f"numba {INTO}", numba_loops, case, image, result=result))
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
    if case.dtype in NUMBA_DTYPES:
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


def _array_contender(
    name: str, module: object, case: Case, image: Tensor, **into: object
) -> Contender:
    call = partial(getattr(module, case.op), image.numpy(), case.bits, case.mode, **into)
    return Contender(name, call, "bits", torch.from_numpy)


def _image_peers(case: Case, image: Tensor) -> list[Contender]:
    images = image_peers.PillowImages(image, case.bits)
    channels = partial(image_peers.pillow_quantize, images.channels, images.grey_palette)
    arrays = partial(image_peers.dithering_images, images.arrays, case.bits)
    joined = partial(image_peers.channels_to_tensor, images.shape)
    stacked = partial(image_peers.arrays_to_tensor, images.shape)
    found = [
        Contender("Pillow channels", channels, "levels", joined),
        Contender("dithering", arrays, "levels", stacked),
    ]
    if 3 * case.bits <= 8:  # a palette holds 256 colours
        joint = partial(image_peers.pillow_quantize, images.joint, images.joint_palette)
        converted = partial(image_peers.joint_to_tensor, images.shape)
        found.append(Contender("Pillow joint", joint, "levels", converted))
    return found
