"""Options, and the cases that they lead to."""

import pytest
import torch

from benchmarks.cases import cases
from benchmarks.instruction_sets import supported
from benchmarks.settings import QUICK_RESULTS, Config


def test_quick_and_cuda_settings():
    quick = Config(quick=True).resolved()
    assert quick.instruction_sets == supported()
    assert quick.sizes == ("image", "batch", "square")
    assert quick.output == QUICK_RESULTS
    cuda = Config(device="cuda").resolved()
    assert (cuda.threads, cuda.instruction_sets) == ((1,), ())
    assert cuda.output is None


@pytest.mark.parametrize(
    "options", [{"bits": 9}, {"rounds": 0}, {"seconds": 0}, {"threads": (2,)}, {"threads": (0, 1)}]
)
def test_bad_options(options):
    (name,) = options
    with pytest.raises(ValueError, match=name):
        Config(**options)


def test_unsupported_instruction_set():
    with pytest.raises(ValueError, match="instruction_sets must be of .*portable.*, got 'abacus'"):
        Config(instruction_sets=("portable", "abacus")).resolved()


def test_every_dtype_is_timed_on_a_batch():
    found = cases(Config())
    batch = {case.dtype for case in found if case.size == "batch"}
    assert batch == set(Config().dtypes)
    assert {case.op for case in found if case.size == "64mb"} == {"linear_quantize"}
    sizes = {case.dtype: case.torch_dtype.itemsize for case in found}
    for case in found:
        if case.size == "64mb":
            assert torch.Size(case.shape).numel() * sizes[case.dtype] == 2**26
