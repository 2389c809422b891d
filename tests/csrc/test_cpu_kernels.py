"""Every instruction set that this machine has, bit for bit against the reference: all variants,
dtypes and bit depths, sizes around the edges of lanes, tiles and stripes, strides, threads."""

import os
import subprocess
import sys

import pytest
import torch
from torch import Tensor

import pyquant
from images import (
    BITS,
    ROUNDINGS,
    VARIANTS,
    assert_same_bits,
    by_reference,
    layouts,
    random_image,
)
from pyquant import reference
from pyquant.ops import DTYPES

COUNTS = (1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129)
SHAPES = (  # one row, one column, and every edge in rows as well as in columns
    (1, 1), (1, 129), (129, 1), (2, 3), (3, 2), (15, 17), (16, 16), (17, 15), (31, 33), (33, 31),
    (32, 32), (63, 5), (64, 4), (65, 3), (127, 2), (128, 2), (3, 63), (3, 64), (3, 65), (2, 127),
    (2, 128), (2, 129),
)  # fmt: skip
LARGE_SHAPES = ((130, 129), (40, 333))  # several stripes, steps without an edge


def use(instruction_set: str) -> None:
    torch.ops.pyquant._use_instruction_set(instruction_set)


DEFAULT = torch.ops.pyquant.instruction_set()
SETS = torch.ops.pyquant._supported_instruction_sets().split(",")


@pytest.fixture(params=SETS, autouse=True)
def instruction_set(request):
    use(request.param)
    yield request.param
    use(DEFAULT)


_EXPECTED: dict[object, Tensor] = {}


def expected(function, image: Tensor, bits: int, mode: str, key: object) -> Tensor:
    """Of the reference, computed once for all instruction sets."""
    key = (function, bits, mode, image.dtype, key)
    if key not in _EXPECTED:
        _EXPECTED[key] = by_reference(function, image, bits, mode)
    return _EXPECTED[key]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("bits", BITS)
def test_every_dtype_and_bit_depth(dtype, variant, bits):
    for shape in ((130, 9, 11), (1, 70, 21)):
        image = random_image(shape, dtype)
        result = pyquant.floyd_steinberg(image, bits, variant=variant)
        assert_same_bits(
            result, expected(reference.floyd_steinberg, image, bits, variant, shape), shape
        )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", (torch.uint8, torch.float32), ids=str)
def test_sizes_around_every_edge(shape, variant, dtype):
    """Planes are independent: the first n planes of the reference are right for n planes."""
    image = random_image((max(COUNTS), *shape), dtype)
    wanted = expected(reference.floyd_steinberg, image, 2, variant, shape)
    for count in COUNTS:
        result = pyquant.floyd_steinberg(image[:count], 2, variant=variant)
        assert_same_bits(result, wanted[:count], count)


@pytest.mark.parametrize("shape", LARGE_SHAPES, ids=str)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", (torch.uint8, torch.float32), ids=str)
def test_large_planes(shape, variant, dtype):
    image = random_image((2, *shape), dtype)
    result = pyquant.floyd_steinberg(image, 3, variant=variant)
    assert_same_bits(result, expected(reference.floyd_steinberg, image, 3, variant, shape))


@pytest.mark.parametrize(
    "shape", ((3072, 32, 32), (2100, 31, 33), (3, 1024, 1024), (2, 1100, 1001))
)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("bits", (2, 3))
def test_results_beyond_the_caches(instruction_set, shape, variant, bits):
    """Larger than 2^21 samples; against the portable kernel, since the reference would take long."""
    image = random_image(shape, torch.float32)
    result = pyquant.floyd_steinberg(image, bits, variant=variant)
    use("portable")
    assert_same_bits(result, pyquant.floyd_steinberg(image, bits, variant=variant))


@pytest.mark.parametrize("shape", ((8, 40000), (70, 40000), (17, 3, 40000), (70, 3, 40000)))
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_wide_planes(instruction_set, shape, variant, dtype):
    """Dithered in blocks; against the portable kernel, which has none."""
    image = random_image((*shape[:-1], 2 * shape[-1] + 3), dtype)
    for view in (image[..., : shape[-1]], image[..., ::2]):
        use(instruction_set)
        result = pyquant.floyd_steinberg(view, 3, variant=variant)
        in_place = view.clone()
        pyquant.floyd_steinberg(in_place, 3, variant=variant, out=in_place)
        use("portable")
        wanted = pyquant.floyd_steinberg(view, 3, variant=variant)
        assert_same_bits(result, wanted)
        assert_same_bits(in_place, wanted)


def test_published_tables(instruction_set):
    """Every value in one pixel: the level and all four shares of each of 256 values."""
    values = torch.arange(256, dtype=torch.uint8)
    image = torch.full((256, 2, 4), 128, dtype=torch.uint8)
    image[:, 0, 2] = values
    for bits in BITS:
        result = pyquant.floyd_steinberg(image, bits, variant="published")
        wanted = expected(reference.floyd_steinberg, image, bits, "published", "tables")
        assert_same_bits(result, wanted, bits)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", (torch.uint8, torch.float16, torch.float32), ids=str)
@pytest.mark.parametrize("shape", ((2, 3, 33, 70), (40, 3, 5, 7)), ids=str)
def test_strides(variant, dtype, shape):
    dense = random_image(shape, dtype)
    wanted = expected(reference.floyd_steinberg, dense, 2, variant, shape)
    quantized = expected(reference.linear_quantize, dense, 2, "nearest", shape)
    for name, image in layouts(dense).items():
        assert_same_bits(pyquant.floyd_steinberg(image, 2, variant=variant), wanted, name)
        assert_same_bits(pyquant.linear_quantize(image, 2), quantized, name)
    repeated = dense[:1].expand(shape)
    once = wanted[:1].expand(shape)
    assert_same_bits(pyquant.floyd_steinberg(repeated, 2, variant=variant), once)
    flat = dense[..., :1].expand(shape)
    assert_same_bits(
        pyquant.floyd_steinberg(flat, 2, variant=variant),
        expected(reference.floyd_steinberg, flat.contiguous(), 2, variant, (shape, "flat")),
    )


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("channels", (2, 3, 4, 5))
def test_channels_side_by_side(variant, dtype, channels):
    """Channels a few samples apart; the last row ends with less than a register of them."""
    for size in ((40, channels, 3, 21), (30, channels, 9, 16), (1, channels, 70, 67)):
        dense = random_image(size, dtype)
        image = dense.to(memory_format=torch.channels_last)
        result = pyquant.floyd_steinberg(image, 3, variant=variant)
        assert result.stride() == image.stride()
        assert_same_bits(result, expected(reference.floyd_steinberg, dense, 3, variant, size))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", (torch.uint8, torch.float32), ids=str)
@pytest.mark.parametrize("shape", ((300, 20, 24), (1, 400, 400), (3, 260, 300)), ids=str)
def test_threads_do_not_change_a_bit(variant, dtype, shape):
    image = random_image(shape, dtype)
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(pyquant.floyd_steinberg(image, 2, variant=variant))
    finally:
        torch.set_num_threads(before)
    use("portable")
    wanted = pyquant.floyd_steinberg(image, 2, variant=variant)
    for result in results:
        assert_same_bits(result, wanted)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_linear_quantize_of_every_16_bit_float(dtype, rounding):
    image = torch.arange(2**16).to(torch.int16).view(dtype).view(256, 256)
    for bits in BITS:
        wanted = expected(reference.linear_quantize, image, bits, rounding, "every")
        assert_same_bits(pyquant.linear_quantize(image, bits, rounding=rounding), wanted, bits)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_linear_quantize(dtype, rounding):
    """Every byte; floats on, next to and far from every threshold; every length to 130."""
    if dtype == torch.uint8:
        image = torch.arange(256, dtype=torch.uint8).repeat(2)[None]
    else:
        edges = torch.arange(-8, 519, dtype=torch.float64) / 510
        image = torch.stack([edges, edges * (1 + 2**-23), edges * (1 - 2**-23)]).to(dtype)
        special = torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0, 1e-40, 1e30])
        image[:, :6] = special.to(dtype)
    for bits in BITS:
        wanted = expected(reference.linear_quantize, image, bits, rounding, "edges")
        assert_same_bits(pyquant.linear_quantize(image, bits, rounding=rounding), wanted, bits)
    for length in range(1, 131):
        result = pyquant.linear_quantize(image[:1, :length], 3, rounding=rounding)
        wanted = expected(reference.linear_quantize, image, 3, rounding, "edges")
        assert_same_bits(result, wanted[:1, :length], length)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", (torch.float32, torch.float64), ids=str)
def test_floats_that_are_no_numbers_or_tiny(variant, dtype):
    special = torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0, 1e-40, 3e-39, 1e30])
    image = special.repeat(3, 40, 30)[:, :, :200].contiguous().to(dtype)
    image[:, 1::2] = image[:, ::2].flip(-1)
    result = pyquant.floyd_steinberg(image, 2, variant=variant)
    assert_same_bits(result, expected(reference.floyd_steinberg, image, 2, variant, "special"))


def test_input_offsets_beyond_31_bits():
    """A view whose planes and rows lie gigabytes apart; only what is touched becomes memory."""
    rows = random_image((2, 40, 50))
    plane, row = 2**31 + 5, 2**26 + 3
    spread = torch.empty(plane + 40 * row, dtype=torch.uint8)
    image = spread.as_strided((2, 40, 50), (plane, row, 1))
    image.copy_(rows)
    for variant in VARIANTS:
        result = pyquant.floyd_steinberg(image, 2, variant=variant)
        assert_same_bits(result, pyquant.floyd_steinberg(rows, 2, variant=variant))
    assert_same_bits(pyquant.linear_quantize(image, 2), pyquant.linear_quantize(rows, 2))


@pytest.mark.skipif(
    "PYQUANT_TEST_LARGE" not in os.environ, reason="writes 4.3 GB; set PYQUANT_TEST_LARGE=1"
)
@pytest.mark.parametrize("instruction_set", [DEFAULT], indirect=True)
def test_more_than_2_to_the_31_samples():
    """4.3 GB; the planes at both ends must be the same plane."""
    plane = random_image((128, 1024))
    image = plane.expand(2**31 // plane.numel() + 2, *plane.shape)
    for result in (pyquant.floyd_steinberg(image, 2), pyquant.linear_quantize(image, 2)):
        assert torch.equal(result[0], result[-1])
        assert torch.equal(result[len(image) // 2], result[-1])
        assert result[-1].any()
        del result


@pytest.mark.parametrize("instruction_set", [DEFAULT], indirect=True)
def test_environment_variable():
    def run(value: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-c", "import torch, pyquant; print(pyquant.build_info()['cpu'])"],
            env={**os.environ, "PYQUANT_CPU": value},
            capture_output=True,
            text=True,
        )

    assert run("portable").stdout.strip() == "portable"
    assert run("AVX9").stderr.strip().splitlines()[-1] == (
        f"ValueError: PYQUANT_CPU must be one of the instruction sets of this machine "
        f"({', '.join(SETS)}), got 'AVX9'"
    )


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("variant", VARIANTS)
def test_few_rows_of_great_width(variant, dtype):
    """A few rows take another path than many do; the rows below them do not change the result."""
    image = random_image((9, (1 << 18) + 5), dtype)
    whole = pyquant.floyd_steinberg(image, 2, variant=variant)
    for rows in (1, 4):
        assert_same_bits(pyquant.floyd_steinberg(image[:rows], 2, variant=variant), whole[:rows])
