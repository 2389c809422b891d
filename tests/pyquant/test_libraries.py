"""The CUDA kernels are loaded only under a torch that fits them; the CPU works under every torch."""

import subprocess
import sys

import pytest
import torch

from pyquant.libraries import NO_CUDA_REASON

UNDER_ANOTHER_TORCH = """
import torch
torch.version.cuda = {cuda!r}
import pyquant

print(pyquant.build_info()["cuda architectures"])
assert pyquant.floyd_steinberg(torch.tensor([[0.0, 1.0]]), bits=1).tolist() == [[0.0, 1.0]]
"""


@pytest.mark.skipif(NO_CUDA_REASON != "", reason=NO_CUDA_REASON)
@pytest.mark.parametrize(
    ("cuda", "reason"),
    [
        (None, f"torch {torch.__version__} was built without CUDA"),
        ("7.5", f"torch {torch.__version__} with CUDA 7.5"),
    ],
)
def test_another_torch(cuda, reason):
    result = subprocess.run(
        [sys.executable, "-c", UNDER_ANOTHER_TORCH.format(cuda=cuda)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert result.stdout.startswith("none (") and reason in result.stdout


@pytest.mark.skipif(NO_CUDA_REASON != "", reason=NO_CUDA_REASON)
def test_a_cuda_library_that_cannot_be_loaded():
    """It is named, and the CPU kernels work."""
    code = (
        "import sys; sys.modules['pyquant._C_cuda'] = None\n"
        "import pyquant; print(pyquant.build_info()['cuda architectures'])\n"
        "pyquant.levels(2)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith("none (") and "_C_cuda" in result.stdout
