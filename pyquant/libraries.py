"""Loads the compiled libraries, which register the ops: _C, with the schemas and the kernels for the
CPU, and _C_cuda, with the kernels for CUDA, where it was built and fits this torch."""

import torch

# Loading the library registers torch.ops.pyquant.
from pyquant import _C  # type: ignore[attr-defined]  # noqa: F401


def _load_cuda_kernels() -> str:
    """Returns why there are no CUDA kernels, or nothing if they are loaded."""
    toolkit = torch.ops.pyquant.cuda_toolkit()
    if not toolkit:
        return torch.ops.pyquant.cuda_reason()
    if torch.version.cuda is None:
        return f"torch {torch.__version__} was built without CUDA"
    if toolkit.split(".")[0] != torch.version.cuda.split(".")[0]:
        return (
            f"the kernels were built with CUDA {toolkit}, "
            f"torch {torch.__version__} with CUDA {torch.version.cuda}"
        )
    try:
        from pyquant import _C_cuda  # type: ignore[attr-defined]  # noqa: F401
    except ImportError as error:
        return str(error)
    return ""


#: Why there are no CUDA kernels; empty if there are.
NO_CUDA_REASON: str = _load_cuda_kernels()
#: What the CUDA kernels were compiled for, such as "8.0;9.0+PTX"; empty if there are none.
CUDA_ARCHITECTURES: str = "" if NO_CUDA_REASON else torch.ops.pyquant.cuda_architectures()
