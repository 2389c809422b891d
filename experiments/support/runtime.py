"""What a command runs on: device, threads, precision."""

import ctypes
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import joblib
import torch
from torch import Tensor, nn
from tyro.conf import arg

from pyquant.libraries import NO_CUDA_REASON

Precision = Literal["bfloat16", "float32"]
MAX_THREADS = 1024


@dataclass(frozen=True)
class Runtime:
    """What to run on."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: CUDA if there is a GPU and pyquant is built for it, else the CPU."""
    threads: Annotated[
        int | None,
        arg(
            help_behavior_hint="(default: OMP_NUM_THREADS, else one for each CPU that this process may use)"
        ),
    ] = None
    """CPU threads. Bits repeat for the same number of threads."""
    precision: Precision = "bfloat16"
    """Arithmetic of the network; parameters, loss and images stay float32."""

    def start(self) -> torch.device:
        """Applies the settings to this process and returns the device."""
        if self.threads is not None:
            set_threads(self.threads)
        elif "OMP_NUM_THREADS" not in os.environ:
            # By affinity and the limits of the control group; torch looks at the affinity alone.
            set_threads(min(joblib.cpu_count(), MAX_THREADS))
        _keep_freed_memory()
        # On a GPU, float32 would be rounded to 10 bits, and convolutions could add in any order.
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.deterministic = True
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ValueError(
                "device is 'cuda', but torch finds no GPU here; accepted are auto, cpu"
            )
        if self.device == "cuda" and NO_CUDA_REASON:
            raise ValueError(
                f"device is 'cuda', but pyquant has no CUDA kernels here ({NO_CUDA_REASON}); "
                "accepted are auto, cpu"
            )
        use_cuda = self.device != "cpu" and not NO_CUDA_REASON and torch.cuda.is_available()
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
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(mmap_threshold, 2**30)


def logits_of(model: nn.Module, precision: Precision) -> Callable[[Tensor], Tensor]:
    """The network as a function of images alone, computing in ``precision``; float32 logits."""
    if precision not in ("bfloat16", "float32"):
        raise ValueError(f"precision is {precision!r}; accepted are bfloat16, float32")
    device = next(model.parameters()).device.type

    def call(images: Tensor) -> Tensor:
        context: AbstractContextManager[Any] = nullcontext()
        if precision == "bfloat16":
            # No cache of cast weights: inside a captured graph it would keep the casts of the
            # first replay.
            context = torch.autocast(device, torch.bfloat16, cache_enabled=False)
        with context:
            return model(images).float()

    return call
