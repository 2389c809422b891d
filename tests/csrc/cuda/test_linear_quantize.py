"""The CUDA kernels of linear_quantize, executed on the CPU, against the numpy reference: equal
bits, whatever the strides of image and result."""

import numpy as np
import pytest
import torch

from cuda_harness import aligned, execute, sparse
from images import BITS, ROUNDINGS, assert_same, by_reference, random_image
from pyquant import reference
from pyquant.ops import DTYPES


def numpy_dtype(dtype):
    """Of the arrays in which the harness holds such samples."""
    return (
        np.dtype(np.int16) if dtype == torch.bfloat16 else random_image((1, 1), dtype).numpy().dtype
    )


def result_like(view, order, offset=0):
    """An array for the result, dense, with its dimensions in that order from the outermost to the
    innermost; it begins so many samples after a multiple of 128 bytes."""
    shape = [view.shape[i] for i in order]
    return aligned(tuple(shape), numpy_dtype(view.dtype), offset).transpose(np.argsort(order))


def assert_quantized(view, result=None, bits=2, rounding="nearest", **options):
    """The counts of the launch."""
    actual, counts = execute("linear_quantize", view, bits, rounding, result=result, **options)
    assert_same(actual, by_reference(reference.linear_quantize, view.contiguous(), bits, rounding))
    return counts


def unit_bytes(counts, dtype):
    return {"pieces": 16, "words": 4, "samples": dtype.itemsize}[counts["transfers"]]


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_depth(rounding, dtype):
    for bits in BITS:
        for shape in ((1, 1), (3, 5, 7), (2, 64, 129)):
            assert_quantized(random_image(shape, dtype), bits=bits, rounding=rounding)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_every_byte(rounding):
    for bits in BITS:
        assert_quantized(
            torch.arange(256, dtype=torch.uint8).reshape(2, 128), bits=bits, rounding=rounding
        )


# Of an image of (3, 4, 40, 96): a view, the order of the result's dimensions, and the bytes that
# a thread stores at a time for samples of 1, 2, 4 and 8 bytes.
VIEWS = {
    "dense": (lambda image: image, (0, 1, 2, 3), (16, 16, 16, 16)),
    "rows of pieces": (lambda image: image[:, :, 3:, 16:64], (0, 1, 2, 3), (16, 16, 16, 16)),
    "rows of words": (lambda image: image[..., 4:56], (0, 1, 2, 3), (4, 4, 16, 16)),
    "rows of words, odd image": (lambda image: image[..., 3:55], (0, 1, 2, 3), (4, 4, 4, 8)),
    "rows of words, odd distances": (
        lambda image: image.reshape(-1)[:45_600].view(3, 4, 40, 95)[..., :64],
        (0, 1, 2, 3),
        (4, 4, 4, 8),
    ),
    "odd rows": (lambda image: image[..., 3:50], (0, 1, 2, 3), (1, 2, 4, 8)),
    "every second column": (lambda image: image[..., ::2], (0, 1, 2, 3), (4, 4, 4, 8)),
    "every second row": (lambda image: image[..., ::2, :], (0, 1, 2, 3), (16, 16, 16, 16)),
    "to channels_last": (lambda image: image[:, :3], (0, 2, 3, 1), (1, 2, 4, 8)),
    "from channels_last": (lambda image: image.permute(0, 3, 1, 2), (0, 1, 2, 3), (4, 4, 4, 8)),
    "transposed": (lambda image: image.mT, (0, 1, 2, 3), (4, 4, 4, 8)),
    "transposed likewise": (lambda image: image.mT, (0, 1, 3, 2), (16, 16, 16, 16)),
    "permuted likewise": (lambda image: image.permute(3, 0, 2, 1), (3, 2, 1, 0), (16, 16, 16, 16)),
    "one row for all": (lambda image: image[:, :, :1].expand(-1, -1, 40, -1), (0, 1, 2, 3), (16, 16, 16, 16)),
    "one sample for all": (lambda image: image[:1, :1, :1, :1].expand(3, 4, 5, 8), (0, 1, 2, 3), (4, 4, 4, 8)),
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", VIEWS)
def test_views(name, dtype):
    view_of, order, stored_at_a_time = VIEWS[name]
    view = view_of(random_image((3, 4, 40, 96), dtype))
    counts = assert_quantized(view, result_like(view, order))
    expected = dict(zip((1, 2, 4, 8), stored_at_a_time, strict=True))[dtype.itemsize]
    assert unit_bytes(counts, dtype) == expected
    assert counts["launches"] == 1


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    ("distance", "stored_at_a_time"),
    [(96, (16, 16, 16, 16)), (84, (4, 4, 16, 16)), (83, (1, 2, 4, 8))],
)
def test_result_with_gaps(distance, stored_at_a_time, dtype):
    """Rows of 80 samples at a greater distance."""
    image = random_image((3, 4, 80), dtype)
    result = aligned((3, 4, distance), numpy_dtype(dtype))[..., :80]
    counts = assert_quantized(image, result)
    expected = dict(zip((1, 2, 4, 8), stored_at_a_time, strict=True))[dtype.itemsize]
    assert unit_bytes(counts, dtype) == expected


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("samples", (1, 3, 15, 16, 17, 33, 2047, 2049, 4097, 8193, 20_000))
def test_samples_that_are_left_over(samples, dtype):
    """Dense memory, where only image and result have to be aligned."""
    image = random_image((1, samples), dtype)
    for image_offset, result_offset in ((0, 0), (4, 0), (1, 0), (0, 4), (0, 1), (1, 1)):
        view = torch.empty(samples + 8, dtype=dtype)[image_offset:][None, :samples].copy_(image)
        assert_quantized(view, result_like(view, (0, 1), result_offset))


@pytest.mark.parametrize("last_shape", [(5,), (16,), (4, 1, 3)], ids=str)
def test_more_dimensions_than_a_launch_has(last_shape):
    """Nine that cannot be merged, or more."""
    shape = (2, 1, 2, 3, 2, 2, 2, 2, *last_shape)
    image = random_image(tuple(2 * size for size in shape))
    view = image[tuple(slice(size) for size in shape)]
    counts = assert_quantized(view, result_like(view, tuple(range(len(shape)))))
    assert counts["launches"] > 1


def test_huge_column_stride_of_one_word():
    """Words are not made of samples that are further apart than a launch reaches."""
    shape, strides = (1, 8), (1, 2**30)
    image = torch.from_numpy(sparse(shape, "uint8", strides)).copy_(random_image(shape))
    counts = assert_quantized(image, aligned(shape, "uint8"))
    assert counts["transfers"] == "samples"


@pytest.mark.parametrize(
    ("shape", "strides", "last", "launches"),
    [
        ((2**21 + 10, 32, 32), (1024, 32, 1), 8, 2),  # dense, 16 bytes at a time
        ((2**31 + 3, 1), (1, 1), 4096, 2),  # and a few left over
        ((2**21 + 10, 32, 33), (33 * 64, 64, 1), 1, 4),  # with gaps
        ((2**32 - 1, 1), (2, 1), 1000, 4),
    ],
    ids=str,
)
def test_more_than_2_to_the_31_samples(shape, strides, last, launches):
    image = torch.from_numpy(sparse(shape, "uint8", strides))
    image[-last:] = random_image((last, *shape[1:]))
    result = sparse(shape, "uint8", strides)
    result, counts = execute("linear_quantize", image, 2, "nearest", result=result, last_blocks=3)
    assert counts["launches"] == launches
    assert counts["samples"] == image.numel()
    assert_same(
        result[-last:], by_reference(reference.linear_quantize, image[-last:], 2, "nearest")
    )


@pytest.mark.parametrize("seed", range(40))
def test_random_views(seed):
    """Slices with steps, dimensions in a random order, dimensions without a stride."""
    random = np.random.default_rng(seed)
    dtype = DTYPES[seed % len(DTYPES)]
    rank = int(random.integers(2, 6))
    sizes = [int(random.choice([1, 2, 3, 4, 8, 12, 16, 20])) for _ in range(rank)]
    view = random_image(tuple(3 * size for size in sizes), dtype)
    steps = [int(step) for step in random.choice([1, 1, 1, 2, 3], rank)]
    begins = [int(begin) for begin in random.choice([0, 0, 1], rank)]
    view = view[
        tuple(
            slice(begin, begin + step * (size - 1) + 1, step)
            for begin, step, size in zip(begins, steps, sizes, strict=True)
        )
    ].permute(*random.permutation(rank).tolist())
    if random.random() < 0.2:
        view = view[..., :1].expand(*view.shape[:-1], 16)
    order = (
        tuple(range(rank)) if random.random() < 0.5 else tuple(random.permutation(rank).tolist())
    )
    assert_quantized(view, result_like(view, order, int(random.choice([0, 0, 1, 4]))), seed=seed)


def test_memory_traffic():
    """Of dense memory: whole sectors, in as few as the bytes fill, 16 bytes for each lane."""
    counts = assert_quantized(random_image((4, 64, 64), torch.float32))
    for direction in ("global_loads", "global_stores"):
        traffic = counts[direction]
        assert traffic["sectors"] == traffic["minimum_sectors"] == 4 * 64 * 64 // 8
        assert traffic["requests"] == 4 * 64 * 64 // 4 // 32


def test_memory_traffic_of_a_crop():
    """Bytes at an odd column: the image is loaded byte by byte, by lanes that are a word apart, the
    result is stored in words."""
    view = random_image((4, 64, 96))[..., 3:67]
    counts = assert_quantized(view, result_like(view, (0, 1, 2)))
    words = 4 * 64 * 64 // 4
    assert counts["global_stores"]["requests"] == words // 32
    assert counts["global_stores"]["sectors"] == words * 4 // 32
    assert counts["global_loads"]["requests"] == words // 32 * 4
    assert counts["global_loads"]["sectors"] <= words // 32 * 4 * 6  # two rows of 64 bytes
