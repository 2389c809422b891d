"""What the built module contains. No GPU is needed."""

import re
import subprocess
from pathlib import Path

import pytest

from benchmarks.cuda_resources.kernels import ARCHITECTURES, SIZES, Kernel, kernel_of
from benchmarks.cuda_resources.machine_code import cuobjdump
from images import ROUNDINGS, VARIANTS
from pyquant.libraries import CUDA_ARCHITECTURES, NO_CUDA_REASON

ROOT = Path(__file__).parents[3]


def needs_libraries(test):
    built = pytest.mark.skipif(NO_CUDA_REASON != "", reason=NO_CUDA_REASON)
    return built(pytest.mark.skipif(cuobjdump() is None, reason="no cuobjdump")(test))


def listed(option: str) -> str:
    from pyquant import _C_cuda

    return subprocess.run(
        [cuobjdump(), option, _C_cuda.__file__], capture_output=True, text=True, check=True
    ).stdout


@needs_libraries
def test_architectures():
    """Machine code for each architecture, and PTX for those to come."""
    architectures = CUDA_ARCHITECTURES.replace(" ", ";").split(";")
    machine_code, ptx = listed("--list-elf"), listed("--list-ptx")
    for architecture in architectures:
        name = "sm_" + architecture.removesuffix("+PTX").replace(".", "")
        assert name in machine_code
        assert not architecture.endswith("+PTX") or name in ptx


@needs_libraries
def test_ptx():
    """Float operations say how they round: the driver may fuse those that do not. And no load takes
    the memory to be read-only, since the result may replace the image."""
    ptx = listed("--dump-ptx")
    assert set(re.findall(r"\b(?:add|sub|mul|fma|div|rcp)\.\S*f32", ptx)) == {
        "add.rn.f32", "add.rm.f32", "sub.rn.f32", "mul.rn.f32", "fma.rn.f32", "fma.rm.f32",
        "div.rn.f32", "rcp.rn.f32",
    }  # fmt: skip
    assert "ld.global" in ptx and "ld.global.nc" not in ptx


@needs_libraries
def test_pieces_are_accessed_by_one_instruction():
    """16 bytes each, on every architecture for which there is PTX."""
    kernels = re.findall(r"\.entry (\w+)\((.+?)^}", listed("--dump-ptx"), re.DOTALL | re.MULTILINE)
    of_pieces = [code for symbol, code in kernels if kernel_of(symbol).path.endswith("pieces")]
    assert of_pieces
    for access in ("ld", "st"):
        assert all(re.search(rf"{access}\.global\.v[24]\.[bfu]", code) for code in of_pieces)


def test_the_resource_report_is_of_these_kernels():
    """Every kernel is in benchmarks/CUDA_RESOURCES.md, without spills."""
    report = (ROOT / "benchmarks" / "CUDA_RESOURCES.md").read_text()
    assert "all kernels and architectures together: 0 bytes" in report
    for dtype, size in SIZES.items():
        for transfers in ("pieces", "words", "samples") if size < 4 else ("pieces", "samples"):
            walks = ("planes", "stripes", "bands") + ("interleaved",) * (transfers == "pieces")
            for variant in VARIANTS:
                for walk in walks:
                    kernel = Kernel("floyd_steinberg", variant, dtype, f"{walk}, {transfers}")
                    assert f"`{kernel.name}`" in report
            for rounding in ROUNDINGS:
                kernel = Kernel("linear_quantize", rounding, dtype, transfers)
                assert f"`{kernel.name}`" in report
    assert all(f"| {architecture} " in report for architecture in ARCHITECTURES)
