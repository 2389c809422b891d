"""Everything that is timed on one case on a GPU, ready to be called and checked."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from importlib.util import find_spec

import torch
from torch import Tensor

import pyquant
from benchmarks import torch_peers
from benchmarks.cases import Case
from benchmarks.contenders import FROM_PYTHON, OWN, Contender

COPIED_BYTES = 2**28  # larger images are not sent to the CPU and back, which takes seconds
COMPILED_SIZE = "cifar"
# The Triton kernel visits the pixels of a plane one after the other: more would take seconds.
TRITON_PIXELS = 2**17


def missing_peers() -> list[str]:
    return [] if find_spec("triton") else ["Triton kernel: triton is not installed"]


def contenders(case: Case, image: Tensor, compiled: bool = True) -> list[Contender]:
    """Pyquant and the copy of the same bytes, inside a graph; pyquant and clamp from Python; the
    peers, with or without torch.compile, which takes seconds."""
    call = partial(getattr(pyquant, case.op), image, case.bits, **case.keyword)
    copy = partial(torch.empty_like(image).copy_, image)
    clamp = partial(torch.clamp, image, 0, 1)
    found = [
        Contender(OWN, call, "bits", recorded=True),
        Contender("copy_", copy, "none", recorded=True),
        Contender(f"{OWN} {FROM_PYTHON}", call, "bits"),
        Contender(f"clamp {FROM_PYTHON}", clamp, "none"),
    ]
    if case.op == "linear_quantize":
        peers = torch_peers.torch_peers(case, image)
        if compiled and case.size == COMPILED_SIZE and case.mode == "nearest":
            quantized = partial(_compiled(), image, case.bits, case.mode)
            peers.append(Contender("torch.compile", quantized, "levels"))
        return found + [replace(peer, recorded=True) for peer in peers]
    if image.nbytes <= COPIED_BYTES:
        there_and_back = partial(_on_cpu, case, image)
        threads = torch.get_num_threads()
        found.append(Contender("CPU and back", there_and_back, "bits", threads=threads))
    if _triton_takes(case, image):
        from benchmarks.cuda import triton_dithering

        levels = pyquant.levels(case.bits, dtype=image.dtype, device=image.device)
        dithered = partial(triton_dithering.floyd_steinberg, image, levels)
        found.append(Contender("Triton", dithered, "bits", recorded=True))
    return found


def _on_cpu(case: Case, image: Tensor) -> Tensor:
    dithered = getattr(pyquant, case.op)(image.cpu(), case.bits, **case.keyword)
    return dithered.to(image.device)


def _triton_takes(case: Case, image: Tensor) -> bool:
    return (
        not missing_peers()
        and case.mode == "textbook"
        and case.dtype in ("uint8", "float32")
        and image.shape[-2] * image.shape[-1] <= TRITON_PIXELS
    )


@cache
def _compiled() -> Callable[..., Tensor]:
    return torch.compile(torch_peers.linear_quantize, dynamic=False)
