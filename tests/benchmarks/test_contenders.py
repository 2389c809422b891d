"""What is timed does the work that it is timed for, or the run stops."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import pyquant
from benchmarks import numba_loops, plain_loops
from benchmarks.contenders import is_path, is_peer
from benchmarks.instruction_sets import forced, supported
from benchmarks.measure import measure_case_on_cpu
from benchmarks.measurements import losses
from benchmarks.verification import VerificationError, check_levels
from pyquant import reference
from tiny_benchmark import IMAGE, TINY, result


def test_wrong_peer_is_caught(spoil):
    spoil(numba_loops, "floyd_steinberg")
    with pytest.raises(VerificationError, match="numba on floyd_steinberg"):
        measure_case_on_cpu(IMAGE, TINY)


def test_peer_of_other_arithmetic_must_dither_to_the_levels():
    image = IMAGE.image()
    check_levels(IMAGE, pyquant.floyd_steinberg(image, 2), image)
    with pytest.raises(VerificationError, match="away from any level"):
        check_levels(IMAGE, image, image)
    with pytest.raises(VerificationError, match="changed the mean"):
        check_levels(IMAGE, torch.zeros_like(image), image)


def test_levels_are_those_of_the_dtype():
    case = replace(IMAGE, op="linear_quantize", mode="nearest", dtype="bfloat16")
    image = case.image()
    check_levels(case, pyquant.linear_quantize(image, 2), image)
    with pytest.raises(VerificationError, match="away from any level"):
        check_levels(case, pyquant.linear_quantize(image, 3), image)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("bits", [1, 3, 8])
def test_numba_loops_have_the_bits_of_the_reference(dtype, bits):
    random = np.random.default_rng(bits)
    if dtype == np.uint8:
        image = random.integers(0, 256, (2, 3, 5, 7), dtype)
    else:
        image = random.uniform(-0.1, 1.1, (2, 3, 5, 7)).astype(dtype)
        image[0, 0, 0, :3] = np.nan, np.inf, -np.inf
    for variant in ("textbook", "published"):
        expected = reference.floyd_steinberg(image, bits, variant)
        for loops in (numba_loops, plain_loops):
            result = loops.floyd_steinberg(image, bits, variant)
            np.testing.assert_array_equal(result, expected)
    for rounding in ("nearest", "floor"):
        expected = reference.linear_quantize(image, bits, rounding)
        np.testing.assert_array_equal(numba_loops.linear_quantize(image, bits, rounding), expected)
        memory = np.zeros_like(image)
        assert numba_loops.linear_quantize(image, bits, rounding, memory) is memory
        np.testing.assert_array_equal(memory, expected)


def test_instruction_sets_are_forced_verified_and_timed():
    fastest = torch.ops.pyquant.instruction_set()
    assert "portable" in supported() and fastest in supported()
    for name in supported():
        with forced(name):
            assert torch.ops.pyquant.instruction_set() == name
    assert torch.ops.pyquant.instruction_set() == fastest

    case = replace(IMAGE, size="batch", dtype="float32")
    config = replace(TINY, threads=(1, 2), instruction_sets=("portable",))
    timed = {(result.contender, result.threads) for result in measure_case_on_cpu(case, config)}
    assert timed >= {("pyquant", 1), ("pyquant", 2), ("pyquant portable", 1)}
    assert torch.ops.pyquant.instruction_set() == fastest


@pytest.mark.parametrize(
    "op, mode", [("linear_quantize", "floor"), ("floyd_steinberg", "published")]
)
def test_memory_that_exists_is_compared_with_the_same(op, mode):
    case = replace(IMAGE, op=op, mode=mode)
    timed = {result.contender: result for result in measure_case_on_cpu(case, TINY)}
    assert {"pyquant", "pyquant out=", "numba", "numba out="} <= timed.keys()
    assert not is_peer("numba out=") and not is_path("pyquant out=")
    slow = [result(case, "pyquant", 1), result(case, "pyquant out=", 4), result(case, "numba", 2)]
    (loss,) = losses([*slow, result(case, "numba out=", 3)])
    assert (loss.slower.contender, loss.faster.contender) == ("pyquant out=", "numba out=")


def test_unknown_instruction_set():
    with pytest.raises(ValueError, match="portable.*got 'abacus'"):
        with forced("abacus"):
            pass
