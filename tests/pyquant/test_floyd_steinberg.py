"""floyd_steinberg: expected values, large planes, properties."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pyquant
from images import VARIANTS, assert_same, by_reference, random_image
from pyquant import reference
from pyquant.ops import DTYPES

# An image and what the paper's published code makes of it. Column 0 tells the published
# variant from the textbook: it gets no share from its up-right neighbour.
IMAGE = [
    [8, 185, 88, 111, 191, 138, 99, 67],
    [48, 68, 100, 249, 67, 40, 127, 45],
    [33, 51, 206, 229, 217, 85, 53, 204],
    [120, 134, 31, 216, 14, 127, 160, 29],
    [208, 161, 116, 100, 83, 151, 198, 160],
    [173, 193, 54, 126, 126, 57, 118, 170],
    [107, 131, 59, 173, 52, 139, 181, 169],
    [63, 196, 144, 15, 138, 137, 135, 245],
]
PUBLISHED = {
    1: [
        [0, 255, 0, 255, 255, 0, 255, 0],
        [0, 0, 0, 255, 0, 0, 0, 0],
        [0, 0, 255, 255, 255, 0, 255, 255],
        [255, 0, 0, 255, 0, 255, 0, 0],
        [255, 255, 0, 255, 0, 255, 255, 255],
        [255, 255, 0, 0, 255, 0, 0, 255],
        [0, 0, 255, 255, 0, 255, 255, 0],
        [0, 255, 0, 0, 255, 0, 0, 255],
    ],
    2: [
        [0, 170, 85, 85, 255, 85, 85, 85],
        [0, 85, 85, 255, 0, 85, 170, 0],
        [0, 85, 255, 255, 255, 85, 0, 255],
        [170, 85, 0, 255, 0, 85, 170, 0],
        [255, 170, 85, 85, 85, 170, 255, 170],
        [170, 170, 85, 85, 170, 0, 85, 170],
        [85, 170, 0, 255, 0, 170, 255, 170],
        [85, 170, 170, 0, 170, 85, 85, 255],
    ],
    5: [
        [8, 189, 82, 115, 189, 139, 98, 65],
        [49, 65, 98, 255, 65, 41, 123, 49],
        [32, 49, 213, 230, 213, 82, 57, 205],
        [123, 131, 24, 222, 8, 131, 164, 24],
        [205, 164, 115, 98, 82, 156, 197, 164],
        [172, 197, 49, 131, 123, 57, 115, 172],
        [106, 131, 57, 180, 49, 139, 180, 172],
        [65, 197, 148, 8, 139, 139, 131, 246],
    ],
}


@pytest.mark.parametrize("bits", PUBLISHED)
def test_published_code(bits):
    image = torch.tensor(IMAGE, dtype=torch.uint8)
    expected = torch.tensor(PUBLISHED[bits], dtype=torch.uint8)
    assert_same(pyquant.floyd_steinberg(image, bits, variant="published"), expected)
    assert_same(pyquant.floyd_steinberg(image / 255, bits, variant="published"), expected / 255)


def test_textbook_by_hand():
    """One bit on [0.25, 0.5, 1.0]: 0.25 -> 0, error 0.25; 0.5 + 7/16 * 0.25 = 0.609 -> 1,
    error -0.391; 1 - 7/16 * 0.391 = 0.829 -> 1. Below: errors 0.25, -0.391, -0.171 reach
    the second row as 5/16 * 0.25 - 3/16 * 0.391 = 0.0049 under the first pixel, and so on."""
    image = torch.tensor([[0.25, 0.5, 1.0], [0.496, 0.5, 0.5]])
    expected = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    assert_same(pyquant.floyd_steinberg(image, 1), expected)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", [(129, 129), (130, 2, 3), (66, 3, 8, 8)], ids=str)
def test_reference_large(shape, variant):
    for dtype in (torch.uint8, torch.float32):
        image = random_image(shape, dtype)
        expected = by_reference(reference.floyd_steinberg, image, 2, variant)
        assert_same(pyquant.floyd_steinberg(image, 2, variant=variant), expected)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_published_8_bits_is_the_identity(dtype):
    image = torch.arange(256, dtype=torch.uint8).reshape(16, 16)
    image = image if dtype == torch.uint8 else (image / 255).to(dtype)
    if dtype in (torch.float16, torch.bfloat16):  # too coarse for 256 levels: trunc(255x) moves
        expected = by_reference(reference.floyd_steinberg, image, 8, "published")
    else:
        expected = image
    assert_same(pyquant.floyd_steinberg(image, 8, variant="published"), expected)


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    planes=st.integers(1, 5),
    bits=st.integers(1, 8),
    variant=st.sampled_from(VARIANTS),
    dtype=st.sampled_from(DTYPES),
    seed=st.integers(0, 2**31),
)
def test_properties(height, width, planes, bits, variant, dtype, seed):
    image = random_image((planes, height, width), dtype, seed)
    result = pyquant.floyd_steinberg(image, bits, variant=variant)
    # The image is left alone; every value is a level; planes are independent; the top rows
    # do not depend on the rows below.
    assert_same(image, random_image((planes, height, width), dtype, seed))
    levels = pyquant.levels(bits, variant=variant, dtype=dtype)
    assert torch.isin(result, levels).all()
    assert_same(pyquant.floyd_steinberg(image[-1], bits, variant=variant), result[-1])
    top = (height + 1) // 2
    assert_same(pyquant.floyd_steinberg(image[:, :top], bits, variant=variant), result[:, :top])


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_mean_is_preserved(bits):
    """What dithering is for: the average of a flat region survives. Only the error that
    leaves at the borders is lost, at most half a level for each border pixel."""
    for gray in (0.1, 0.37, 0.5, 0.9):
        flat = torch.full((200, 200), gray)
        mean = pyquant.floyd_steinberg(flat, bits).mean()
        assert abs(mean - gray) < 0.5 / (2**bits - 1) * 800 / 200**2
