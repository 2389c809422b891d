"""Options, and the cases that they lead to."""

import pytest
import torch

from benchmarks.cases import cases
from benchmarks.instruction_sets import supported
from benchmarks.layouts import layout, stored_shape, view
from benchmarks.settings import QUICK_RESULTS, Config
from benchmarks.sizes import CUDA_SIZES, SHAPES


def test_quick_and_cuda_settings():
    quick = Config(quick=True).resolved()
    assert quick.instruction_sets == supported()
    assert quick.sizes == ("image", "batch", "square")
    assert quick.output == QUICK_RESULTS
    cuda = Config(device="cuda").resolved()
    assert (cuda.threads, cuda.instruction_sets) == ((1,), ())
    assert cuda.output is None
    assert (cuda.time_limit, Config().resolved().time_limit) == (160, None)


@pytest.mark.parametrize(
    "options",
    [
        {"bits": 9},
        {"rounds": 0},
        {"seconds": 0},
        {"threads": (2,)},
        {"threads": (0, 1)},
        {"time_limit": 0},
        {"name": "../h100"},
        {"name": ""},
    ],
)
def test_bad_options(options):
    (name,) = options
    with pytest.raises(ValueError, match=name):
        Config(**options)


def test_unsupported_instruction_set():
    with pytest.raises(ValueError, match="instruction_sets must be of .*portable.*, got 'abacus'"):
        Config(instruction_sets=("portable", "abacus")).resolved()


def test_cases_of_cuda():
    found = cases(Config(device="cuda").resolved())
    sizes = {size: [case for case in found if case.size == size] for size in CUDA_SIZES}
    for of_size in sizes.values():
        modes = {(case.mode, case.dtype) for case in of_size}
        assert {("textbook", "uint8"), ("textbook", "float32")} <= modes
    of_cifar = {(case.mode, case.dtype) for case in sizes["cifar"]}
    assert {("published", "uint8"), ("nearest", "bfloat16"), ("floor", "float32")} <= of_cifar
    assert {case.op for case in sizes["crop"]} == {"floyd_steinberg", "linear_quantize"}
    quick = cases(Config(device="cuda", quick=True).resolved())
    assert {case.dtype for case in quick} == {"uint8", "float32"} and set(quick) < set(found)


def test_every_size_has_its_shape_and_layout():
    for size, shape in SHAPES.items():
        stored = torch.empty(stored_shape(size, shape), device="meta")
        image = view(size, stored)
        assert image.shape == shape
        assert image.is_contiguous() == (layout(size) == "")


def test_every_dtype_is_timed_on_a_batch():
    found = cases(Config().resolved())
    batch = {case.dtype for case in found if case.size == "batch"}
    assert batch == set(Config().dtypes)
    assert {case.op for case in found if case.size == "64mb"} == {"linear_quantize"}
    sizes = {case.dtype: case.torch_dtype.itemsize for case in found}
    for case in found:
        if case.size == "64mb":
            assert torch.Size(case.shape).numel() * sizes[case.dtype] == 2**26
