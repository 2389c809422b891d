"""What was built, for bug reports and benchmarks."""

import torch

from pyquant.libraries import CUDA_ARCHITECTURES, NO_CUDA_REASON
from pyquant.torch_private import without_tracing
from pyquant.version import __version__


def build_info() -> dict[str, str]:
    """Versions, the CPU instruction set in use and the CUDA architectures compiled in."""
    return {
        "pyquant": __version__,
        "torch": torch.__version__,
        "cpu": _instruction_set(),
        "cpu threads": str(torch.get_num_threads()),
        "cuda architectures": CUDA_ARCHITECTURES or f"none ({NO_CUDA_REASON})",
        "cuda device": _cuda_device(),
    }


@without_tracing
def _instruction_set() -> str:
    return torch.ops.pyquant.instruction_set()


def _cuda_device() -> str:
    if not torch.cuda.is_available():
        return "none"
    return torch.cuda.get_device_name()
