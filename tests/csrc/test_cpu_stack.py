"""How much stack the CPU kernels take."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import pyquant  # noqa: F401

ROOT = Path(__file__).parents[2]
SETS = torch.ops.pyquant._supported_instruction_sets().split(",")

ON_A_SMALL_STACK = """
import threading
import torch
import pyquant
from pyquant.ops import DTYPES

torch.set_num_threads({threads})
calls = 0

def work():
    global calls
    for dtype in DTYPES:
        for shape in ((128, 3, 32, 32), (1, 70, 70), (3, 300, 300), (1, 2, 100000)):
            image = (torch.rand(shape) * (255 if dtype == torch.uint8 else 1)).to(dtype)
            for view in (image, image[..., ::2]):
                for bits in (1, 2, 3, 8):
                    for variant in ("textbook", "published"):
                        pyquant.floyd_steinberg(view, bits, variant=variant)
                    for rounding in ("nearest", "floor"):
                        pyquant.linear_quantize(view, bits, rounding=rounding)
                    calls += 1

threading.stack_size(65536)
thread = threading.Thread(target=work)
thread.start()
thread.join()
print(calls)
"""


@pytest.mark.parametrize("threads", (1, 2))
@pytest.mark.parametrize("instruction_set", SETS)
def test_small_stacks(instruction_set, threads):
    """Of the calling thread, and of the threads that torch starts."""
    child = subprocess.run(
        [sys.executable, "-c", ON_A_SMALL_STACK.format(threads=threads)],
        env=os.environ | {"PYQUANT_CPU": instruction_set, "OMP_STACKSIZE": "64k"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr
    assert int(child.stdout) == 5 * 4 * 2 * 4
