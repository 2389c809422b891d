"""What holds for both ops in every mode: the numpy reference, memory formats, odd inputs."""

import pytest
import torch

from images import BITS, FLOAT_DTYPES, assert_same, layouts, random_image
from op_modes import for_every_op_mode
from pyquant.ops import DTYPES

SHAPES = [
    (1, 1),
    (1, 9),
    (1, 127),
    (9, 1),
    (129, 1),
    (2, 2),
    (3, 3),
    (2, 31, 5),
    (3, 32, 32),
    (2, 1, 33, 31),
    (2, 3, 33, 65),
    (1, 129, 6),
]


@for_every_op_mode
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_reference(shape, dtype, op):
    image = random_image(shape, dtype)
    for bits in BITS if dtype in (torch.uint8, torch.float32) else (1, 2, 5):
        assert_same(op(image, bits), op.reference(image, bits))


@for_every_op_mode
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_layouts(dtype, op):
    image = random_image((2, 3, 9, 7), dtype)
    expected = op.reference(image, 3)
    for name, view in layouts(image).items():
        result = op(view, 3)
        assert_same(result, expected)
        assert result.stride() == torch.empty_like(view).stride(), name


@for_every_op_mode
def test_expanded_image(op):
    image = random_image((1, 1, 5, 6))
    assert_same(op(image.expand(4, 3, 5, 6)), op.reference(image).expand(4, 3, 5, 6))


@for_every_op_mode
def test_many_dimensions(op):
    """More leading dimensions than the kernels index, none of which merge."""
    image = random_image((2,) * 12).permute(*range(9, -1, -1), 10, 11)
    assert_same(op(image), op.reference(image))


@for_every_op_mode
@pytest.mark.parametrize(
    "shape", [(0, 4), (4, 0), (0, 3, 5, 5), (2, 0, 5, 5), (2, 3, 5, 0)], ids=str
)
def test_empty(shape, op):
    for dtype in DTYPES:
        image = torch.empty(shape, dtype=dtype)
        assert_same(op(image), image)


@for_every_op_mode
@pytest.mark.parametrize("dtype", FLOAT_DTYPES, ids=str)
def test_out_of_range_and_nan(dtype, op):
    """Values outside [0, 1] count as its ends, and NaN as 0."""
    odd = torch.tensor([[float("nan"), float("inf"), -float("inf"), 7.0, -3.0, -0.0, 0.4]])
    plain = torch.tensor([[0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.4]])
    result = op(odd.to(dtype), 3)
    assert_same(result, op(plain.to(dtype), 3))
    assert not torch.signbit(result).any()


@for_every_op_mode
def test_threads(op):
    """The result does not depend on the number of threads."""
    image = random_image((7, 3, 130, 70))
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 3, 8):
            torch.set_num_threads(threads)
            results.append(op(image))
    finally:
        torch.set_num_threads(before)
    for result in results[1:]:
        assert_same(result, results[0])
