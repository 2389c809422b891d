"""What the built module contains. No GPU is needed."""

import importlib.util
import subprocess
from pathlib import Path

import pytest
import torch

from pyquant import _C

ROOT = Path(__file__).parents[3]


def resources():
    path = ROOT / "benchmarks" / "cuda_resources" / "__main__.py"
    specification = importlib.util.spec_from_file_location("resources", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def listed(option: str) -> str:
    return subprocess.run(
        [resources().cuobjdump(), option, _C.__file__], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.skipif(
    not torch.ops.pyquant.cuda_architectures(), reason="built without the CUDA kernels"
)
@pytest.mark.skipif(resources().cuobjdump() is None, reason="no cuobjdump")
def test_architectures():
    """Machine code for each architecture, and PTX for those to come."""
    architectures = torch.ops.pyquant.cuda_architectures().replace(" ", ";").split(";")
    machine_code, ptx = listed("--list-elf"), listed("--list-ptx")
    for architecture in architectures:
        name = "sm_" + architecture.removesuffix("+PTX").replace(".", "")
        assert name in machine_code
        assert not architecture.endswith("+PTX") or name in ptx


def test_the_resource_report_is_of_these_kernels():
    """Every kernel of the documented names is in benchmarks/CUDA_RESOURCES.md, without spills."""
    report = (ROOT / "benchmarks" / "CUDA_RESOURCES.md").read_text()
    assert "all kernels and architectures together: 0 bytes" in report
    for dtype in ("uint8", "float16", "bfloat16", "float32", "float64"):
        for mode in ("textbook", "published"):
            for height in ("short", "tall"):
                assert f"`floyd_steinberg_{mode}_{dtype}_{height}`" in report
        for mode in ("nearest", "floor"):
            for path in ("dense", "strided"):
                assert f"`linear_quantize_{mode}_{dtype}_{path}`" in report
    assert all(f"| {architecture} " in report for architecture in resources().ARCHITECTURES)
