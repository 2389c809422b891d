"""linear_quantize: expected values, every byte, the floats near a threshold, properties."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pyquant
from images import (
    BITS,
    FLOAT_DTYPES,
    ROUNDINGS,
    assert_same,
    by_reference,
    floats_near_thresholds,
    random_image,
)
from pyquant import reference
from pyquant.ops import DTYPES


def test_by_hand():
    """Two bits: thresholds at 42.5, 127.5 and 212.5 for nearest, at 64, 128, 192 for floor."""
    image = torch.tensor(
        [[0, 42, 43, 63, 64, 127, 128, 191, 192, 212, 213, 255]], dtype=torch.uint8
    )
    nearest = torch.tensor(
        [[0, 0, 85, 85, 85, 85, 170, 170, 170, 170, 255, 255]], dtype=torch.uint8
    )
    floor = torch.tensor([[0, 0, 0, 0, 85, 85, 170, 170, 255, 255, 255, 255]], dtype=torch.uint8)
    assert_same(pyquant.linear_quantize(image, 2), nearest)
    assert_same(pyquant.linear_quantize(image, 2, rounding="floor"), floor)
    thirds = torch.tensor([0.0, 1 / 3, 2 / 3, 1.0])
    assert_same(pyquant.linear_quantize(image / 255, 2), thirds[(nearest // 85).long()])
    assert_same(
        pyquant.linear_quantize(image / 255, 2, rounding="floor"), thirds[(floor // 85).long()]
    )


def test_three_bits_in_bytes():
    """255k/7 is not an integer: nearest stores it rounded half up, floor rounded down."""
    image = torch.arange(256, dtype=torch.uint8)[None]
    nearest = pyquant.linear_quantize(image, 3).unique().tolist()
    floor = pyquant.linear_quantize(image, 3, rounding="floor").unique().tolist()
    assert nearest == [0, 36, 73, 109, 146, 182, 219, 255]
    assert floor == [0, 36, 72, 109, 145, 182, 218, 255]


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("bits", BITS)
def test_every_byte(bits, rounding):
    image = torch.arange(256, dtype=torch.uint8)[None]
    for dtype in DTYPES:
        view = image if dtype == torch.uint8 else (image / 255).to(dtype)
        expected = by_reference(reference.linear_quantize, view, bits, rounding)
        assert_same(pyquant.linear_quantize(view, bits, rounding=rounding), expected)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("bits", BITS)
def test_every_float_near_a_threshold(bits, rounding):
    """Where one wrong rounding would show."""
    image = floats_near_thresholds(bits, rounding)
    expected = by_reference(reference.linear_quantize, image, bits, rounding)
    assert_same(pyquant.linear_quantize(image, bits, rounding=rounding), expected)


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(-0.5, 1.5, width=32), min_size=2, max_size=50),
    bits=st.integers(1, 8),
    rounding=st.sampled_from(ROUNDINGS),
    dtype=st.sampled_from(FLOAT_DTYPES),
)
def test_properties(values, bits, rounding, dtype):
    image = torch.tensor([sorted(values)]).to(dtype)
    result = pyquant.linear_quantize(image, bits, rounding=rounding)
    assert torch.isin(result, pyquant.levels(bits, dtype=dtype)).all()
    assert (result.diff() >= 0).all()  # monotone: the certificate rests on it
    if dtype in (torch.float32, torch.float64):
        assert_same(pyquant.linear_quantize(result, bits, rounding=rounding), result)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("dtype", (torch.uint8, torch.float32, torch.float64), ids=str)
def test_idempotent(dtype, bits, rounding):
    image = random_image((64, 64), dtype)
    once = pyquant.linear_quantize(image, bits, rounding=rounding)
    assert_same(pyquant.linear_quantize(once, bits, rounding=rounding), once)
