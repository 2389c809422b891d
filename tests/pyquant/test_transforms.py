"""The transforms: every kind of image comes back as what it was, and everything else untouched; in
data loaders; the random ones draw what they should."""

import copy
import pickle
import re
import subprocess
import sys

import numpy
import pytest
import torch

import pyquant
from images import ROUNDINGS, VARIANTS, assert_same, random_image
from pyquant.ops import DTYPES

pytest.importorskip("torchvision")

import PIL.Image
from torchvision import datasets, tv_tensors
from torchvision.transforms import v2

from pyquant import transforms

IMAGE = random_image((3, 9, 7))
TRANSFORMS = [transforms.FloydSteinberg(2, variant=variant) for variant in VARIANTS]
TRANSFORMS += [transforms.LinearQuantize(2, rounding=rounding) for rounding in ROUNDINGS]
RANDOM = [transforms.RandomFloydSteinberg, transforms.RandomLinearQuantize]
for_every_transform = pytest.mark.parametrize("transform", TRANSFORMS, ids=repr)


def expected(transform, image):
    if isinstance(transform, transforms.FloydSteinberg):
        return pyquant.floyd_steinberg(image, transform.bits, variant=transform.variant)
    return pyquant.linear_quantize(image, transform.bits, rounding=transform.rounding)


@for_every_transform
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tensors(dtype, transform):
    image = random_image((2, 3, 9, 7), dtype)
    result = transform(image)
    assert type(result) is torch.Tensor
    assert_same(result, expected(transform, image))


@for_every_transform
@pytest.mark.parametrize("kind", [tv_tensors.Image, tv_tensors.Video])
def test_tv_tensors(kind, transform):
    image = kind(random_image((5, 3, 9, 7)))
    result = transform(image)
    assert type(result) is kind
    assert_same(result.as_subclass(torch.Tensor), expected(transform, image.data))


@for_every_transform
@pytest.mark.parametrize("mode", ["L", "RGB", "LA", "RGBA"])
def test_pil_images(mode, transform):
    """Transparency is kept."""
    image = v2.functional.to_pil_image(IMAGE).convert(mode)
    if "A" in mode:
        image.putalpha(v2.functional.to_pil_image(255 - IMAGE[:1]))
    image.info["icc_profile"] = b"profile"
    before = image.copy()
    result = transform(image)
    assert isinstance(result, PIL.Image.Image)
    assert (result.mode, result.size, result.info) == (image.mode, image.size, image.info)
    for name in image.getbands():
        channel, changed = (
            v2.functional.pil_to_tensor(each.getchannel(name)) for each in (image, result)
        )
        assert_same(changed, channel if name == "A" else expected(transform, channel))
    assert image == before


@pytest.mark.parametrize(
    "mode, converted",
    [("1", "L"), ("P", "RGB"), ("CMYK", "RGB"), ("PA", "RGBA"), ("transparent P", "RGBA")],
)
def test_pil_images_of_other_modes(mode, converted):
    image = v2.functional.to_pil_image(IMAGE).convert(mode.removeprefix("transparent "))
    if mode == "transparent P":
        image.info["transparency"] = 3
    result = eval(conversion_in_error(image), {"image": image})
    assert result.mode == converted
    assert result == image.convert(converted)
    assert TRANSFORMS[0](result).mode == converted


@pytest.mark.parametrize("mode, white", [("I;16", 65535), ("I", 65535), ("F", 1.0)])
def test_pil_images_of_more_than_8_bits(mode, white):
    names = {"torch": torch, "numpy": numpy, "image": PIL.Image.new(mode, (4, 4), white)}
    assert_same(eval(conversion_in_error(names["image"]), names), torch.ones(4, 4))


def conversion_in_error(image):
    with pytest.raises(ValueError) as error:
        TRANSFORMS[0](image)
    message = (
        f"image must have mode L, LA, RGB, RGBA, got {re.escape(image.mode)}; convert it with "
    )
    return re.fullmatch(message + "(.*)", str(error.value)).group(1)


@for_every_transform
def test_samples(transform):
    """In Compose, with the annotations of detection and segmentation."""
    boxes = tv_tensors.BoundingBoxes([[1, 1, 4, 4]], format="XYXY", canvas_size=(9, 7))
    sample = {
        "image": tv_tensors.Image(IMAGE),
        "mask": tv_tensors.Mask(torch.randint(5, (9, 7))),
        "boxes": boxes,
        "depth": torch.rand(9, 7),
        "label": 3,
    }
    result = v2.Compose([transform, v2.ToDtype(torch.float32, scale=True)])(sample)
    assert_same(result["image"].data, expected(transform, IMAGE) / 255)
    for name in ("mask", "boxes", "depth", "label"):
        assert result[name] is sample[name]


def test_other_tensors_are_refused():
    with pytest.raises(TypeError, match="image must be uint8, .* got torch.int64"):
        TRANSFORMS[0](torch.zeros(3, 4, 4, dtype=torch.int64))


@pytest.mark.parametrize(
    "label, refusal",
    [(torch.zeros(3, dtype=torch.int64), TypeError), (torch.zeros(3), ValueError)],
    ids=["integers", "floats"],
)
def test_the_first_plain_tensor_is_the_image(label, refusal):
    with pytest.raises(refusal, match="image must .* wrap that in tv_tensors.Image"):
        TRANSFORMS[0]({"label": label, "image": IMAGE})
    result = TRANSFORMS[0]({"label": label, "image": tv_tensors.Image(IMAGE)})
    assert result["label"] is label
    assert_same(result["image"].data, expected(TRANSFORMS[0], IMAGE))


@pytest.mark.parametrize("transform", [*TRANSFORMS, *(make(p=0.0) for make in RANDOM)])
def test_samples_without_an_image_are_refused(transform):
    """Arrays of a loader, for example: they would stay undithered, unnoticed."""
    pixels = IMAGE.movedim(0, -1).numpy()
    advice = re.escape("got ndarray, int; use torch.from_numpy(image).movedim(-1, -3)")
    with pytest.raises(TypeError, match=rf"the sample must have an image \(.*\), {advice}"):
        transform(pixels, 3)
    with pytest.raises(TypeError, match=r"the sample must have an image \(.*\), got str$"):
        transform({"path": "photo.png"})
    mask = tv_tensors.Mask(torch.zeros(9, 7, dtype=torch.uint8))
    boxes = tv_tensors.BoundingBoxes([[1, 1, 4, 4]], format="XYXY", canvas_size=(9, 7))
    for annotation in (mask, boxes):
        with pytest.raises(TypeError, match="got ndarray, "):
            transform({"image": pixels, "annotation": annotation})
        with pytest.raises(TypeError, match=f"got {type(annotation).__name__}$"):
            transform(annotation)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_copies(copied):
    for transform in (*TRANSFORMS, *(make() for make in RANDOM)):
        assert repr(copied(transform)) == repr(transform)


def test_repr():
    assert repr(TRANSFORMS[1]) == "FloydSteinberg(bits=2, variant=published)"
    assert "bits=(1, 4), p=0.5" in repr(transforms.RandomFloydSteinberg())


@pytest.mark.parametrize("make", RANDOM)
def test_random_bits(make):
    """Each number of bits as often, within five standard deviations."""
    ramp = torch.arange(256, dtype=torch.uint8).repeat(16, 1)
    transform = make(bits=(2, 4), p=0.25)
    torch.manual_seed(0)
    counts = [len(transform(ramp).unique()) for _ in range(1000)]
    assert set(counts) == {4, 8, 16, 256}
    for count, probability in ((256, 3 / 4), (4, 1 / 12), (8, 1 / 12), (16, 1 / 12)):
        deviation = (1000 * probability * (1 - probability)) ** 0.5
        assert abs(counts.count(count) - 1000 * probability) < 5 * deviation


@pytest.mark.parametrize("make", RANDOM)
def test_random_extremes(make):
    assert make(bits=2, p=0)(IMAGE) is IMAGE
    certain = TRANSFORMS[0] if make is transforms.RandomFloydSteinberg else TRANSFORMS[2]
    for bits in (2, (2, 2), [2, 2]):
        assert_same(make(bits, p=1)(IMAGE), certain(IMAGE))
    image, video = make(bits=(1, 8), p=0.5)(tv_tensors.Image(IMAGE), tv_tensors.Video(IMAGE[None]))
    assert_same(image.data, video.data[0])  # drawn once for a sample


def test_arguments_are_checked_when_a_transform_is_made():
    for make in (transforms.FloydSteinberg, transforms.LinearQuantize, *RANDOM):
        with pytest.raises(ValueError, match="bits must be an integer from 1 to 8, got 9"):
            make(9)
    for make in (transforms.FloydSteinberg, transforms.RandomFloydSteinberg):
        with pytest.raises(ValueError, match="variant must be .*, got 'floor'"):
            make(2, variant="floor")
    for make in (transforms.LinearQuantize, transforms.RandomLinearQuantize):
        with pytest.raises(ValueError, match="rounding must be .*, got 'up'"):
            make(2, rounding="up")
    for make in RANDOM:
        for bits in ((0, 4), (1, 9), (1, 2.5)):
            with pytest.raises(ValueError, match="bits must be an integer from 1 to 8, got "):
                make(bits)
        for bits in ((4, 1), (1,), (1, 2, 3), ()):
            message = re.escape(
                f"bits must be an integer or two, the smaller one first, got {bits}"
            )
            with pytest.raises(ValueError, match=message):
                make(bits)
        for p in (-0.1, 1.1, float("nan"), "half"):
            with pytest.raises(ValueError, match=f"p must be a number from 0 to 1, got {p!r}"):
                make(p=p)


def loaded(start):
    """Batches from workers that are started in this way."""
    transform = v2.Compose([transforms.RandomFloydSteinberg((1, 8)), v2.PILToTensor()])
    loader = torch.utils.data.DataLoader(
        datasets.FakeData(size=12, image_size=(3, 16, 16), num_classes=5, transform=transform),
        batch_size=3,
        num_workers=2,
        multiprocessing_context=start,
        generator=torch.Generator().manual_seed(0),
    )
    return torch.cat([images for images, _ in loader])


def test_data_loader_workers():
    pyquant.floyd_steinberg(random_image((64, 3, 64, 64)), 2)  # threads, which a fork loses
    forked = loaded("fork")
    assert len({len(image.unique()) for image in forked}) > 3  # bits
    assert_same(loaded("spawn"), forked)


NO_TORCHVISION = """
import sys
import pyquant
print("pyquant.transforms" in sys.modules)
sys.modules["torchvision"] = None
try:
    pyquant.transforms
except ImportError as error:
    print(error)
"""


def test_without_torchvision():
    process = subprocess.run(
        [sys.executable, "-c", NO_TORCHVISION], capture_output=True, text=True, check=True
    )
    loaded, error = process.stdout.splitlines()
    assert loaded == "False"
    assert "pyquant.transforms needs torchvision: pip install torchvision" in error
