"""The ops on a GPU against the CPU: equal bits. `make test-gpu` runs these."""

import pytest
import torch

import pyquant
from gpu_shapes import SHAPES, SIZES_OF_MANY, many_images, many_planes
from images import BITS, ROUNDINGS, VARIANTS, assert_same, layouts, random_image
from pyquant.libraries import NO_CUDA_REASON
from pyquant.ops import DTYPES

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
    pytest.mark.skipif(NO_CUDA_REASON != "", reason=NO_CUDA_REASON),
]


def assert_same_on_both(op, image, bits, **mode):
    result = op(image.cuda(), bits, **mode)
    assert result.is_cuda
    assert_same(result.cpu(), op(image, bits, **mode))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_floyd_steinberg(shape, dtype, variant):
    assert_same_on_both(pyquant.floyd_steinberg, random_image(shape, dtype), 2, variant=variant)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", SIZES_OF_MANY, ids=str)
def test_floyd_steinberg_of_many_planes(size, dtype, variant):
    multiprocessors = torch.cuda.get_device_properties(0).multi_processor_count
    image = random_image(many_planes(*size, multiprocessors), dtype)
    assert_same_on_both(pyquant.floyd_steinberg, image, 2, variant=variant)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_floyd_steinberg_of_many_images_in_channels_last(dtype, variant):
    multiprocessors = torch.cuda.get_device_properties(0).multi_processor_count
    image = random_image(many_images(multiprocessors), dtype)
    expected = pyquant.floyd_steinberg(image, 2, variant=variant)
    on_device = image.cuda().contiguous(memory_format=torch.channels_last)
    assert_same(pyquant.floyd_steinberg(on_device, 2, variant=variant).cpu(), expected)


@pytest.mark.parametrize("variant", VARIANTS)
def test_more_blocks_than_run_at_a_time(variant):
    """1025 blocks, of which each waits for the one before."""
    assert_same_on_both(pyquant.floyd_steinberg, random_image((2**17 + 1, 33)), 2, variant=variant)


def test_many_streams_at_a_time():
    """Blocks of several launches share the device, and none has all of its blocks there."""
    images = [random_image((2**15, 40), seed=seed) for seed in range(8)]
    on_device = [image.cuda() for image in images]
    streams = [torch.cuda.Stream() for _ in images]
    torch.cuda.synchronize()
    results = []
    for _ in range(3):
        for image, stream in zip(on_device, streams, strict=True):
            with torch.cuda.stream(stream):
                results.append(pyquant.floyd_steinberg(image, 2))
    torch.cuda.synchronize()
    expected = [pyquant.floyd_steinberg(image, 2) for image in images]
    for result, same in zip(results, 3 * expected, strict=True):
        assert_same(result.cpu(), same)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5, 7), (128, 3, 32, 32), (3, 2160, 3840)], ids=str)
def test_linear_quantize(shape, dtype, rounding):
    assert_same_on_both(pyquant.linear_quantize, random_image(shape, dtype), 2, rounding=rounding)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_depth(dtype, bits):
    image = random_image((4, 3, 40, 48), dtype)
    for variant in VARIANTS:
        assert_same_on_both(pyquant.floyd_steinberg, image, bits, variant=variant)
    for rounding in ROUNDINGS:
        assert_same_on_both(pyquant.linear_quantize, image, bits, rounding=rounding)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_codes(dtype, variant):
    image = random_image((4, 3, 40, 48), dtype)
    for bits in BITS:
        assert_same_on_both(pyquant.to_codes, image, bits, variant=variant)
        codes = pyquant.to_codes(image, bits, variant=variant)
        assert_same_on_both(pyquant.from_codes, codes, bits, variant=variant, dtype=dtype)


@pytest.mark.parametrize("layout", layouts(torch.zeros(1, 1, 1, 1)))
def test_every_layout(layout):
    """Slices are taken on the device, so that the kernels see the strides."""
    image = random_image((4, 3, 40, 48))
    expected = pyquant.floyd_steinberg(image, 2)
    on_device = layouts(image.cuda())[layout]
    result = pyquant.floyd_steinberg(on_device, 2)
    assert_same(result.cpu(), expected)
    assert result.stride() == torch.empty_like(on_device).stride()
    assert_same(pyquant.linear_quantize(on_device, 2).cpu(), pyquant.linear_quantize(image, 2))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", layouts(torch.zeros(1, 1, 1, 1)))
def test_linear_quantize_from_and_into_every_layout(layout, dtype):
    image = random_image((4, 3, 40, 48), dtype)
    expected = pyquant.linear_quantize(image, 2)
    on_device = layouts(image.cuda())[layout]
    for out in layouts(torch.zeros_like(image).cuda()).values():
        assert_same(pyquant.linear_quantize(on_device, 2, out=out).cpu(), expected)


@pytest.mark.parametrize("dtype", DTYPES[1:], ids=str)
def test_special_values(dtype):
    special = [float("nan"), float("inf"), -float("inf"), -0.0, 1e-45, 6e-8, 0.5, 1.0, 2.0, -1.0]
    image = torch.tensor(special * 16).to(dtype).reshape(4, 40)
    for variant in VARIANTS:
        assert_same_on_both(pyquant.floyd_steinberg, image, 2, variant=variant)
    for rounding in ROUNDINGS:
        assert_same_on_both(pyquant.linear_quantize, image, 2, rounding=rounding)


@pytest.mark.parametrize("layout", layouts(torch.zeros(1, 1, 1, 1)))
@pytest.mark.parametrize("shape", [(4, 3, 40, 48), (2, 1, 300, 40)], ids=str)
def test_in_place(shape, layout):
    for op in (pyquant.floyd_steinberg, pyquant.linear_quantize):
        image = random_image(shape)
        replaced = layouts(image.cuda())[layout]
        op(replaced, 2, out=replaced)
        assert_same(replaced.cpu(), op(image, 2))


def test_empty():
    assert pyquant.floyd_steinberg(torch.zeros(0, 3, 8, 8).cuda(), 2).shape == (0, 3, 8, 8)


@pytest.mark.parametrize("shape", [(128, 3, 32, 32), (3, 300, 64)], ids=str)
def test_cuda_graph(shape):
    """The second image has several blocks, which wait for each other anew in every replay."""
    image = random_image(shape).cuda()
    for _ in range(2):
        pyquant.floyd_steinberg(image, 2)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = pyquant.linear_quantize(pyquant.floyd_steinberg(image, 2), 2)
    for seed in (1, 2, 3):
        image.copy_(random_image(shape, seed=seed))
        graph.replay()
        expected = pyquant.linear_quantize(pyquant.floyd_steinberg(image.cpu(), 2), 2)
        assert_same(result.cpu(), expected)


def test_current_stream():
    """On the stream of the caller: the copy before and the sum after are in order."""
    stream = torch.cuda.Stream()
    image = random_image((512, 3, 32, 32))
    with torch.cuda.stream(stream):
        total = pyquant.floyd_steinberg(image.cuda(), 2).sum(dtype=torch.int64)
    stream.synchronize()
    assert total.item() == pyquant.floyd_steinberg(image, 2).sum(dtype=torch.int64).item()


def test_more_than_2_to_the_31_samples():
    if torch.cuda.get_device_properties(0).total_memory < 8 * 2**30:
        pytest.skip("needs 8 GiB of device memory")
    planes = 2**31 // (32 * 32) + 5
    image = torch.zeros(planes, 32, 32, dtype=torch.uint8, device="cuda")
    image[-1] = random_image((32, 32)).cuda()
    result = pyquant.floyd_steinberg(image, 2)
    assert_same(result[-1].cpu(), pyquant.floyd_steinberg(image[-1].cpu(), 2))
    assert not result[:-1].any()


def test_double_quantization_of_bytes():
    """They become floats by a division, which torch rounds in another way on CUDA."""
    every_byte = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert_same(pyquant.from_codes(every_byte.cuda(), 8).cpu(), every_byte / 255)
    for bits in BITS:
        defence = pyquant.nn.DoubleQuantization(torch.nn.Identity(), bits)
        for step in (defence.prepare, defence):
            assert_same(step(every_byte.cuda()).cpu(), step(every_byte))


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_another_device():
    image = random_image((128, 3, 32, 32))
    result = pyquant.floyd_steinberg(image.to("cuda:1"), 2)
    assert result.device.index == 1
    assert_same(result.cpu(), pyquant.floyd_steinberg(image, 2))
