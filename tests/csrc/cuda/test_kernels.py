"""The CUDA kernels, executed on the CPU, against the numpy reference: equal bits."""

from functools import cache

import numpy as np
import pytest
import torch

from cuda_harness import execute, fibres, sparse
from gpu_shapes import SHAPES, SIZES_OF_MANY, many_images, many_planes
from images import BITS, ROUNDINGS, VARIANTS, assert_same, by_reference, layouts, random_image
from pyquant import reference
from pyquant.ops import DTYPES

EDGES = (1, 2, 31, 32, 33, 63, 64, 65)


@cache
def image_and_expected(shape, dtype, bits, variant):
    image = random_image(shape, dtype)
    return image, by_reference(reference.floyd_steinberg, image, bits, variant)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("bits", BITS)
def test_every_dtype_and_depth(variant, bits):
    for dtype in DTYPES:
        image, expected = image_and_expected((3, 34, 16), dtype, bits, variant)
        result, _ = execute("floyd_steinberg", image, bits, variant, seed=bits)
        assert_same(result, expected)


@pytest.mark.parametrize("height", EDGES)
@pytest.mark.parametrize("width", EDGES)
def test_every_edge(height, width):
    """Sizes around the stripes of 32 rows and the chunks and rounds of columns; dtypes,
    depths and variants take turns."""
    turn = EDGES.index(height) * len(EDGES) + EDGES.index(width)
    dtype = DTYPES[turn % len(DTYPES)]
    variant = VARIANTS[turn // len(DTYPES) % 2]
    image, expected = image_and_expected((2, height, width), dtype, 1 + turn % 3, variant)
    result, _ = execute(
        "floyd_steinberg", image, 1 + turn % 3, variant, seed=turn, multiprocessors=1 + turn % 2
    )
    assert_same(result, expected)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_more_rows_than_a_block_holds(variant, dtype):
    """Three bands and a single row. With any number of resident blocks the last bands wait for
    the first ones, and each block goes on from plane to plane."""
    image, expected = image_and_expected((3, 3 * 128 + 1, 9), dtype, 2, variant)
    for resident_blocks, multiprocessors in ((1, 1), (2, 1), (3, 4), (100, 8)):
        result, counts = execute(
            "floyd_steinberg", image, 2, variant, seed=resident_blocks,
            resident_blocks=resident_blocks, multiprocessors=multiprocessors,
        )  # fmt: skip
        assert_same(result, expected)
        assert counts["blocks"] == (4 if multiprocessors == 1 else 12)


@pytest.mark.parametrize("seed", range(20))
def test_every_schedule(seed):
    image, expected = image_and_expected((2, 131, 40), torch.uint8, 2, "textbook")
    result, _ = execute(
        "floyd_steinberg", image, 2, "textbook", seed=seed, resident_blocks=1 + seed % 5,
        multiprocessors=1,
    )  # fmt: skip
    assert_same(result, expected)


@pytest.mark.parametrize("walk", [(3, 32, 1), (2, 70, 20), (5, 70, 128)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("bytes_of_rows", (8, 20, 36, 48))
def test_rows_of_pieces_and_of_words(bytes_of_rows, dtype, walk):
    """Rows of a few words or pieces, and some more columns than the narrowest of a walk."""
    count, height, width = walk
    width += -width % 16 + max(1, bytes_of_rows // dtype.itemsize)
    image, expected = image_and_expected((count, height, width), dtype, 2, "textbook")
    result, _ = execute("floyd_steinberg", image, 2, "textbook", multiprocessors=1)
    assert_same(result, expected)


@pytest.mark.parametrize("variant", VARIANTS)
def test_thousands_of_planes(variant):
    image, expected = image_and_expected((2000, 4, 6), torch.uint8, 2, variant)
    result, counts = execute("floyd_steinberg", image, 2, variant, multiprocessors=2)
    assert_same(result, expected)
    assert counts["blocks"] == 8  # 32 streams of 63 planes, the last one shorter


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", layouts(torch.zeros(1, 1, 1, 1)))
def test_every_layout(layout, dtype):
    image, expected = image_and_expected((2, 3, 34, 48), dtype, 2, "textbook")
    image = layouts(image)[layout]
    result, _ = execute("floyd_steinberg", image, 2, "textbook")
    assert_same(result, expected)
    result, _ = execute("linear_quantize", image, 2, "nearest")
    assert_same(result, by_reference(reference.linear_quantize, image, 2, "nearest"))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", layouts(torch.zeros(1, 1, 1, 1)))
def test_in_place(layout, dtype):
    """No sample is read after its result was written. (The harness checks that.)"""
    for op, mode, by in (
        ("floyd_steinberg", "textbook", reference.floyd_steinberg),
        ("linear_quantize", "nearest", reference.linear_quantize),
    ):
        for shape in ((2, 3, 34, 48), (5, 1, 7, 130)):
            image = random_image(shape, dtype)
            expected = by_reference(by, image, 2, mode)
            replaced = layouts(image)[layout]
            result, _ = execute(op, replaced, 2, mode, in_place=True, multiprocessors=1)
            assert_same(result, expected)
            assert_same(replaced, expected)


def test_special_values():
    """Not a number, infinities, zeros of both signs, subnormals and values on the thresholds."""
    special = [float("nan"), float("inf"), -float("inf"), -0.0, 1e-45, 6e-8, 0.5, 1.0, 2.0, -1.0]
    for dtype in DTYPES[1:]:
        image = torch.tensor(special * 4).to(dtype).reshape(4, 10)
        for variant in VARIANTS:
            result, _ = execute("floyd_steinberg", image, 2, variant)
            assert_same(result, by_reference(reference.floyd_steinberg, image, 2, variant))
        for rounding in ROUNDINGS:
            result, _ = execute("linear_quantize", image, 2, rounding)
            assert_same(result, by_reference(reference.linear_quantize, image, 2, rounding))


def test_bytes_are_divided_by_255():
    assert fibres().units() == (torch.arange(256, dtype=torch.float32) / 255).tolist()


def test_every_byte_and_level():
    """A plane of one pixel keeps nothing from others: all 256 bytes, all depths."""
    image = torch.arange(256, dtype=torch.uint8).reshape(256, 1, 1)
    for bits in BITS:
        for variant in VARIANTS:
            result, _ = execute("floyd_steinberg", image, bits, variant)
            assert_same(result, by_reference(reference.floyd_steinberg, image, bits, variant))


# Strides of three planes of 34 rows and 48 columns; one stride is huge. With the first ones rows
# are moved in pieces of 16 bytes, with the others they are not.
HUGE_STRIDES = {
    "plane": (2**31 + 48, 48, 1),
    "unaligned_plane": (2**31 + 47, 48, 1),
    "row": (48, 2**27 + 1, 1),
    "column": (102, 3, 2**26 + 3),
}


@pytest.mark.parametrize("dtype", (torch.uint8, torch.float32), ids=str)
@pytest.mark.parametrize("layout", HUGE_STRIDES)
def test_strides_beyond_2_to_the_31_samples(layout, dtype):
    shape, strides = (3, 34, 48), HUGE_STRIDES[layout]
    numpy_dtype = random_image((1, 1), dtype).numpy().dtype
    dense = random_image(shape, dtype)
    image = torch.from_numpy(sparse(shape, numpy_dtype, strides)).copy_(dense)
    for op, mode in (("floyd_steinberg", "textbook"), ("linear_quantize", "floor")):
        result = sparse(shape, numpy_dtype, strides)
        result, _ = execute(op, image, 2, mode, result=result, multiprocessors=1)
        assert torch.equal(result, by_reference(getattr(reference, op), dense, 2, mode))


def test_parts_of_an_offset_that_exceed_31_bits():
    """Rows of the planes lie between each other: from stripe to stripe the offset grows, and from
    plane to plane it falls, by more than the image is long."""
    shape, strides = (48, 70, 128), (128, 2**28, 1)
    dense = random_image(shape)
    image = torch.from_numpy(sparse(shape, "uint8", strides)).copy_(dense)
    result = sparse(shape, "uint8", strides)
    result, counts = execute(
        "floyd_steinberg", image, 2, "textbook", result=result, multiprocessors=1
    )
    assert torch.equal(result, by_reference(reference.floyd_steinberg, dense, 2, "textbook"))
    assert counts["transfers"] == "pieces"


def test_pieces_that_are_counted_in_31_bits():
    """With the eight passes before a stream there would be more than 2^31."""
    shape, strides = (2, 3, 16), (2**33 + 16, 16, 1)
    dense = random_image(shape)
    image = torch.from_numpy(sparse(shape, "uint8", strides)).copy_(dense)
    result = sparse(shape, "uint8", strides)
    result, _ = execute("floyd_steinberg", image, 2, "textbook", result=result, multiprocessors=1)
    assert torch.equal(result, by_reference(reference.floyd_steinberg, dense, 2, "textbook"))


@pytest.mark.parametrize(
    ("variant", "shape", "last"),
    [("published", (2**21 + 10, 32, 32), 6), ("textbook", (2**20 + 3, 64, 33), 2)],
    ids=str,
)
def test_more_than_2_to_the_31_samples(variant, shape, last):
    """The last two blocks, which take the last planes; each block of the launch takes few."""
    planes, height, width = shape
    assert planes * height * width > 2**31
    strides = (height * width, width, 1)
    image = torch.from_numpy(sparse(shape, "uint8", strides))
    image[-last:] = random_image((last, height, width))
    result, _ = execute(
        "floyd_steinberg", image, 2, variant, result=sparse(shape, "uint8", strides),
        multiprocessors=2**21, last_blocks=2,
    )  # fmt: skip
    assert_same(result[-last:], by_reference(reference.floyd_steinberg, image[-last:], 2, variant))


@pytest.mark.parametrize("multiprocessors", (1, 132))
@pytest.mark.parametrize("size", (1, 8))
@pytest.mark.parametrize(
    ("count", "height", "width"),
    [
        (1, 1, 1),
        (150_000, 32, 32),
        (2**22, 32, 32),  # 2^32 samples
        (2**31 - 64, 1, 1),  # as many rows as there may be
        (2**26 - 2, 32, 2**10),
        (3, 32, 2**30 - 256),  # as many columns
        (2**15 - 1, 65535, 2**10),
        (1, 2**31 - 64, 2**20),
        (768, 224, 224),
        (3, 2160, 3840),
    ],
)
def test_work_division(count, height, width, size, multiprocessors):
    """Every plane has its stream and every row its stripe, and what kernels and launches count
    in 31 bits fits."""
    plan = fibres().plan(count, height, width, size, multiprocessors)
    assert (plan["streams"] - 1) * plan["planes_per_stream"] < count
    assert plan["streams"] * plan["planes_per_stream"] >= count
    assert plan["stripes"] == -(-height // 32)
    assert 1 <= plan["blocks"] < 2**31
    passes = plan["planes_per_stream"] * (plan["stripes"] if plan["walk"] == "stripes" else 1)
    columns = plan["rounds"] * plan["steps"]
    assert columns >= passes * width + 3 * (min(height, 32) - 1)
    assert max(128, width) + columns < 2**31
    assert plan["shared_bytes"] <= 48 * 1024
    if height <= 32:
        assert plan["walk"] == "planes"
    if plan["walk"] == "bands":
        assert plan["bands"] * plan["warps"] >= plan["stripes"]
        assert plan["blocks"] == plan["streams"] * plan["bands"]
        handed_over = (plan["bands"] - 1) * plan["streams"] * columns
        assert plan["scratch_words"] == (1 + handed_over if plan["bands"] > 1 else 0)
    else:
        assert plan["blocks"] * plan["warps"] >= plan["streams"]
        assert plan["scratch_words"] == 0


def test_who_walks_along_the_stripes():
    """On 132 multiprocessors: one warp where there are planes enough, a warp per stripe where a
    plane would take one warp too long, or where rows are too short or too long for one."""
    walks = {
        (768, 224, 224): "stripes",
        (3, 224, 224): "bands",
        (3, 1024, 1024): "bands",
        (60_000, 64, 64): "bands",
        (10_000, 33, 2**20): "bands",
    }
    for (count, height, width), walk in walks.items():
        assert fibres().plan(count, height, width, 1, 132)["walk"] == walk


@pytest.mark.parametrize("multiprocessors", (14, 40, 84, 132, 170))
def test_the_tests_on_a_gpu_run_every_kernel(multiprocessors):
    many = [many_planes(*size, multiprocessors) for size in SIZES_OF_MANY]
    run = set()
    for shape in SHAPES + many:
        for size in (1, 2, 4, 8):
            plan = fibres().plan(*((1,) + shape)[-3:], size, multiprocessors)
            run.add((size, plan["walk"], plan["transfers"]))
    images, planes, height, width = many_images(multiprocessors)
    for size in (1, 2, 4, 8):
        plan = fibres().plan(images * planes, height, width, size, multiprocessors, planes)
        run.add((size, plan["walk"], plan["transfers"]))
    assert run == {(size, "interleaved", "pieces") for size in (1, 2, 4, 8)} | {
        (size, walk, transfers)
        for size in (1, 2, 4, 8)
        for walk in ("planes", "stripes", "bands")
        for transfers in ("pieces", "words", "samples")
        if transfers != "words" or size < 4
    }


def test_who_walks_along_interleaved_planes():
    """On 132 multiprocessors: three colours of many images, with rows of whole pieces."""
    walks = {
        (150_000, 32, 32, 3): "interleaved",
        (384, 32, 32, 3): "planes",  # a warp for each plane is quicker
        (150_000, 32, 33, 3): "planes",
        (200_000, 32, 32, 4): "planes",
        (768, 224, 224, 3): "stripes",
    }
    for (count, height, width, interleaved), walk in walks.items():
        plan = fibres().plan(count, height, width, 1, 132, interleaved)
        assert plan["walk"] == walk
        if walk == "interleaved":
            assert plan["streams"] * plan["planes_per_stream"] >= count // interleaved
            columns = plan["planes_per_stream"] * interleaved * width
            assert plan["rounds"] * plan["steps"] >= columns + 3 * interleaved * (height - 1)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", [(27, 31, 16), (13, 7, 48), (13, 32, 112), (13, 1, 32)], ids=str)
def test_interleaved_planes(size, dtype, variant):
    """Several images of a stream; the fewest columns, and rounds inside a plane; also in place."""
    count, height, width = size
    image, expected = image_and_expected((count, 3, height, width), dtype, 2, variant)
    replaced = image.contiguous(memory_format=torch.channels_last)
    result, counts = execute("floyd_steinberg", replaced, 2, variant, multiprocessors=1)
    assert (counts["walk"], counts["transfers"]) == ("interleaved", "pieces")
    assert_same(result, expected)
    result, _ = execute("floyd_steinberg", replaced, 2, variant, multiprocessors=1, in_place=True)
    assert_same(result, expected)


def test_interleaved_planes_of_two_stripes():
    image, expected = image_and_expected((27, 3, 33, 16), torch.uint8, 2, "textbook")
    image = image.contiguous(memory_format=torch.channels_last)
    result, counts = execute("floyd_steinberg", image, 2, "textbook", multiprocessors=1)
    assert counts["walk"] == "bands"
    assert_same(result, expected)


def test_interleaved_planes_to_planes():
    image, expected = image_and_expected((40, 3, 32, 32), torch.uint8, 2, "textbook")
    image = image.contiguous(memory_format=torch.channels_last)
    result = np.empty(image.shape, np.uint8)
    result, counts = execute(
        "floyd_steinberg", image, 2, "textbook", multiprocessors=1, result=result
    )
    assert counts["walk"] == "planes"
    assert_same(result, expected)


def test_a_part_of_interleaved_planes():
    """Rows with gaps between them, and two of three planes; from and into such memory."""
    image, expected = image_and_expected((40, 3, 32, 32), torch.uint8, 2, "textbook")
    for part, walk in ((np.s_[:, :, :, 16:48], "interleaved"), (np.s_[:, :2, :, 16:48], "planes")):
        source, target = (
            torch.zeros(40, 3, 32, 64, dtype=torch.uint8).contiguous(
                memory_format=torch.channels_last
            )
            for _ in range(2)
        )
        source[:, :, :, 16:48] = image
        result, counts = execute(
            "floyd_steinberg", source[part], 2, "textbook", multiprocessors=1,
            result=target.numpy()[part],
        )  # fmt: skip
        assert counts["walk"] == walk
        assert_same(result, expected[:, : result.shape[1]])
        target[part] = 0
        assert not target.any()


def test_memory_traffic_of_interleaved_planes():
    """Global memory in as few sectors as the bytes fill, and no bank conflict."""
    image = random_image((40, 3, 32, 32)).contiguous(memory_format=torch.channels_last)
    _, counts = execute("floyd_steinberg", image, 2, "textbook", multiprocessors=1)
    assert counts["walk"] == "interleaved"
    for direction in ("global_loads", "global_stores"):
        assert counts[direction]["sectors"] == image.numel() // 32
    assert counts["shared_loads"]["conflicts"] == counts["shared_stores"]["conflicts"] == 0


def test_division_by_multiplication():
    numbers = [0, 1, 2, 3, 5, 7, 31, 32, 33, 299, 1000, 2**16 - 1, 2**30 - 1, 2**30, 2**31 - 1]
    for divisor in numbers[1:]:
        multiples = [n * divisor for n in numbers if n * divisor < 2**31]
        for number in {*numbers, *multiples, *(n - 1 for n in multiples if n)}:
            assert fibres().quotient(number, divisor) == number // divisor


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("width", (128, 131, 132, 144))
def test_a_warp_that_walks_along_all_stripes(width, dtype, variant):
    """Widths at the least one, with rows of pieces, of words and of single samples; the last stripe
    is not full."""
    image, expected = image_and_expected((1, 5, 70, width), dtype, 2, variant)
    assert fibres().plan(5, 70, width, image.element_size(), 1)["walk"] == "stripes"
    for layout in (image, layouts(image)["channels_last"]):
        result, counts = execute("floyd_steinberg", layout, 2, variant, multiprocessors=1)
        assert_same(result, expected)
        assert counts["block_barriers"] == 0


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_memory_traffic_of_small_planes(dtype):
    """32x32 planes: global memory in whole sectors, in as few as the bytes fill, and shared
    memory without a bank conflict; a shuffle per step."""
    planes = 40
    image = random_image((planes, 32, 32), dtype)
    _, counts = execute("floyd_steinberg", image, 2, "textbook", multiprocessors=1)
    sectors = image.numel() * image.element_size() // 32
    for direction in ("global_loads", "global_stores"):
        assert counts[direction]["sectors"] == counts[direction]["minimum_sectors"] == sectors
    assert counts["shared_loads"]["conflicts"] == counts["shared_stores"]["conflicts"] == 0
    streams, planes_per_stream = 14, 3
    assert counts["shuffles"] == streams * (32 * planes_per_stream + 96)


@pytest.mark.parametrize(("width", "times"), [(31, 2.65), (33, 2.88)])
def test_memory_traffic_of_unaligned_rows(width, times):
    """What benchmarks/CUDA.md says of rows that are not made of 16-byte pieces."""
    image = random_image((40, 32, width))
    _, counts = execute("floyd_steinberg", image, 2, "textbook", multiprocessors=1)
    for direction in ("global_loads", "global_stores"):
        assert round(counts[direction]["sectors"] / (image.numel() / 32), 2) == times
