"""The memory that the CPU kernels take besides image and result."""

import os
import subprocess
import sys
from glob import glob
from pathlib import Path

import pytest
import torch

import pyquant  # noqa: F401

ROOT = Path(__file__).parents[2]
SETS = torch.ops.pyquant._supported_instruction_sets().split(",")

PEAK = """
import resource
import torch
import pyquant

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

torch.set_num_threads({threads})
image = torch.zeros(3, 300, 300, dtype=torch.uint8)
for variant in ("textbook", "published"):
    pyquant.floyd_steinberg(image, 2, variant=variant)  # starts the threads
image = torch.ones(8, 1 << 20, dtype=torch.uint8)
before = peak()
for variant in ("textbook", "published"):
    pyquant.floyd_steinberg(image, 2, variant=variant)
print(peak() - before)
"""


@pytest.mark.parametrize("threads", (1, 4, 16))
@pytest.mark.parametrize("instruction_set", SETS)
def test_peak_of_a_wide_low_image(instruction_set, threads):
    """One stripe is work for one thread."""
    child = subprocess.run(
        [sys.executable, "-c", PEAK.format(threads=threads)],
        env=os.environ | {"PYQUANT_CPU": instruction_set},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    image_bytes = 8 << 20
    assert int(child.stdout) <= image_bytes + 4 * image_bytes + (2 << 20)  # result and scratch


def test_scratch_memory_is_what_the_formula_says(tmp_path):
    """Counted where it is allocated, with every instruction set of this machine."""
    sources = [
        source
        for source in glob(str(ROOT / "csrc/cpu/**/*.cpp"), recursive=True)
        if Path(source).name != "op.cpp" and "linear_quantize" not in source
    ]
    program = tmp_path / "measure_scratch"
    subprocess.run(
        ["g++", "-std=c++20", "-O1", "-ffp-contract=off", "-pthread", "-o", program, *sources]
        + [ROOT / "tests/csrc/measure_scratch.cpp"],
        check=True,
    )
    measured = subprocess.run([program], capture_output=True, text=True)
    assert measured.returncode == 0, measured.stdout
