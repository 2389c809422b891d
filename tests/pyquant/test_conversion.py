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


ARRAYS = {  # with the same image as planes
    "gray": (random_bytes(9, 7), lambda array: array),
    "planes": (random_bytes(3, 9, 7), lambda array: array),
    "narrow planes": (random_bytes(3, 9, 4), lambda array: array),
    "colours last": (random_bytes(9, 7, 3), lambda array: array.transpose(2, 0, 1)),
    "batch, colours last": (random_bytes(2, 9, 7, 4), lambda array: array.transpose(0, 3, 1, 2)),
    "floats": (numpy.random.default_rng(0).random((3, 9, 7)), lambda array: array),
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


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "LA", "CMYK"])
def test_pil(mode):
    image = Image.fromarray(random_bytes(9, 7, 3)).convert(mode)
    names = {"torch": torch, "numpy": numpy, "image": image}
    converted = eval(conversion_in_error(pyquant.floyd_steinberg, image), names)
    if mode == "L":
        expected = torch.from_numpy(numpy.array(image))
    else:
        expected = torch.from_numpy(numpy.array(image.convert("RGB"))).permute(2, 0, 1)
    assert_same(converted, expected)


@pytest.mark.parametrize("image", [[[0.0]], None, 3, "image.png"], ids=repr)
def test_others(image):
    with pytest.raises(TypeError, match=f"must be a torch.Tensor, got {type(image).__name__}$"):
        pyquant.linear_quantize(image, 2)
