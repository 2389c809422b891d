"""Device, threads and memory of this process, as the options of a command ask for them."""

import ctypes
import os
from typing import Literal

import joblib
import torch

from experiments.support import networks
from pyquant.libraries import NO_CUDA_REASON

MAX_THREADS = 1024


def start(
    device: Literal["auto", "cpu", "cuda"],
    threads: int | None,
    cudnn: Literal["deterministic", "benchmark"],
    *,
    compile_networks: bool,
) -> torch.device:
    """Applies the options of ``Runtime`` to this process and returns the device."""
    if threads is not None:
        set_threads(threads)
    elif "OMP_NUM_THREADS" not in os.environ:
        # joblib respects affinity and the limits of the control group, torch the affinity alone.
        set_threads(min(joblib.cpu_count(), MAX_THREADS))
    _keep_freed_memory()
    networks.compile_networks(compile_networks)
    # On a GPU, float32 would be rounded to 10 bits, and convolutions could add in any order by default.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = cudnn == "deterministic"
    torch.backends.cudnn.benchmark = cudnn == "benchmark"
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is 'cuda', but torch finds no GPU here; accepted are auto, cpu")
    if device == "cuda" and NO_CUDA_REASON:
        raise ValueError(
            f"device is 'cuda', but pyquant has no CUDA kernels here ({NO_CUDA_REASON}); "
            "accepted are auto, cpu"
        )
    use_cuda = device != "cpu" and not NO_CUDA_REASON and torch.cuda.is_available()
    return torch.device("cuda" if use_cuda else "cpu")


def set_threads(threads: int) -> None:
    """Makes torch, and with it pyquant, use this many CPU threads."""
    if not 1 <= threads <= MAX_THREADS:
        raise ValueError(
            f"threads is {threads!r}; accepted are whole numbers from 1 to {MAX_THREADS}"
        )
    torch.set_num_threads(threads)


def _keep_freed_memory() -> None:
    """Makes glibc keep the memory of freed tensors for the next ones.

    It would return every block of some megabytes to the kernel, and page faults would then take
    about a tenth of a training step. Another C library is left as it is.
    """
    trim_threshold, mmap_threshold = -1, -3  # as in malloc.h
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        # An older glibc accepts at most 2**25. The other threshold alone would do harm: each block
        # from 128 KB on would come from the kernel and go back to it.
        if mallopt(mmap_threshold, 2**30) or mallopt(mmap_threshold, 2**25):
            mallopt(trim_threshold, 2**31 - 1)
