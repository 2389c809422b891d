"""Images of other libraries are refused with the code that converts them."""

import re

import numpy
import pytest
import torch
from PIL import Image

import pyquant
from images import assert_same
from pyquant import reference


def conversion_in_error(function, image) -> str:
    with pytest.raises(TypeError) as error:
        function(image, 2)
    found = re.fullmatch(
        f"image must be a torch.Tensor, got {type(image).__name__}; convert it with (.*)",
        str(error.value),
    )
    return found.group(1)


def random_bytes(*shape):
    return numpy.random.default_rng(0).integers(0, 256, shape, dtype=numpy.uint8)


def as_float_planes(array):
    return array.transpose(2, 0, 1).astype("float32") / 65535


ARRAYS = {  # with the same image as planes
    "gray": (random_bytes(9, 7), lambda array: array),
    "planes": (random_bytes(3, 9, 7), lambda array: array),
    "narrow planes": (random_bytes(3, 9, 4), lambda array: array),
    "colours last": (random_bytes(9, 7, 3), lambda array: array.transpose(2, 0, 1)),
    "batch, colours last": (random_bytes(2, 9, 7, 4), lambda array: array.transpose(0, 3, 1, 2)),
    "floats": (numpy.random.default_rng(0).random((3, 9, 7)), lambda array: array),
    "floats in foreign byte order": (
        numpy.random.default_rng(0).random((9, 7)).astype(">f4"),
        lambda array: array.astype("float32"),
    ),
    "BGR as RGB": (random_bytes(9, 7, 3)[..., ::-1], lambda array: array.transpose(2, 0, 1)),
    "upside down": (random_bytes(9, 7)[::-1], lambda array: array),
    "16 bits": (random_bytes(9, 7, 3) * numpy.uint16(257), as_float_planes),
    "16 bits in foreign byte order": (random_bytes(9, 7, 1).astype(">u2") * 257, as_float_planes),
    "16 bits, BGR as RGB": (
        (random_bytes(9, 7, 3) * numpy.uint16(257))[..., ::-1],
        as_float_planes,
    ),
    "black and white": (random_bytes(9, 7) > 127, lambda array: array.astype("float32")),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_numpy(name):
    image, planes = ARRAYS[name]
    for op, by_reference in (
        (pyquant.floyd_steinberg, reference.floyd_steinberg),
        (pyquant.linear_quantize, reference.linear_quantize),
    ):
        converted = eval(conversion_in_error(op, image), {"torch": torch, "image": image})
        expected = torch.from_numpy(by_reference(numpy.ascontiguousarray(planes(image)), 2))
        assert_same(op(converted, 2), expected)


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_pil_gray(mode):
    image = Image.fromarray(random_bytes(9, 7)).convert(mode)
    assert_same(converted_pil(image), torch.from_numpy(numpy.array(image.convert("L"))))


@pytest.mark.parametrize(
    "mode", ["RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "CMYK", "YCbCr", "HSV", "LAB"]
)
def test_pil_colours(mode):
    image = Image.new(mode, (7, 9))
    if mode not in ("RGBa", "LAB"):  # to these, PIL does not convert
        image = Image.fromarray(random_bytes(9, 7, 3)).convert(mode)
    expected = torch.from_numpy(numpy.array(image.convert("RGB"))).permute(2, 0, 1)
    assert_same(converted_pil(image), expected)


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I"])
def test_pil_16_bits(mode):
    values = random_bytes(9, 7) * numpy.uint16(257)
    dtype = {"I;16": "<u2", "I;16B": ">u2", "I": "int32"}[mode]
    image = Image.frombytes(mode, (7, 9), values.astype(dtype).tobytes())
    assert_same(converted_pil(image), torch.from_numpy(values.astype("float32") / 65535))


def test_pil_floats():
    values = numpy.random.default_rng(0).random((9, 7), dtype=numpy.float32)
    assert_same(converted_pil(Image.fromarray(values)), torch.from_numpy(values))


def converted_pil(image):
    names = {"torch": torch, "numpy": numpy, "image": image}
    hint = conversion_in_error(pyquant.floyd_steinberg, image)
    converted = eval(hint, names)
    assert pyquant.floyd_steinberg(converted, 2).shape == converted.shape
    assert ("alpha" in hint) == image.has_transparency_data
    return converted


def test_transparent_palette():
    image = Image.fromarray(random_bytes(9, 7)).convert("P")
    image.info["transparency"] = 3
    converted_pil(image)


@pytest.mark.parametrize("image", [[[0.0]], None, 3, "image.png"], ids=repr)
def test_others(image):
    with pytest.raises(TypeError, match=f"must be a torch.Tensor, got {type(image).__name__}$"):
        pyquant.linear_quantize(image, 2)
