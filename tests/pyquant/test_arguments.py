"""Bits, variant and rounding: which types are accepted, and that a bad value gives the same error in
every way that torch calls the functions."""

import enum
import re
from functools import partial

import numpy as np
import pytest
import torch

import pyquant
from images import assert_same
from pyquant import reference

IMAGE = torch.rand(3, 5, 7)


class Bits(enum.IntEnum):
    TWO = 2
    NINE = 9


class Integer(int):
    pass


class Variant(str, enum.Enum):
    PUBLISHED = "published"
    UNKNOWN = "unknown"


@pytest.mark.parametrize(
    "bits", [Bits.TWO, Integer(2), np.int64(2), np.uint8(2), np.array(2), torch.tensor(2)], ids=repr
)
def test_every_integer_type_is_accepted(bits):
    assert_same(pyquant.levels(bits), pyquant.levels(2))
    assert_same(pyquant.floyd_steinberg(IMAGE, bits), pyquant.floyd_steinberg(IMAGE, 2))
    assert_same(pyquant.linear_quantize(IMAGE, bits), pyquant.linear_quantize(IMAGE, 2))
    assert pyquant.certified_radius(bits) == pyquant.certified_radius(2)


OTHER_BITS = [
    2.0, "2", None, True, np.True_, torch.tensor(True), torch.tensor(2.0), torch.tensor([2, 3]),
    torch.tensor(2, device="meta"), np.array([2]), 2**70, np.uint64(2**63), Bits.NINE, Integer(0),
]  # fmt: skip


@pytest.mark.parametrize("bits", OTHER_BITS, ids=repr)
def test_other_bits(bits):
    message = re.escape(f"bits must be an integer from 1 to 8, got {bits!r}")
    for function in (pyquant.levels, pyquant.certified_radius):
        with pytest.raises(ValueError, match=message):
            function(bits)
    for function in (pyquant.floyd_steinberg, pyquant.linear_quantize):
        with pytest.raises(ValueError, match=message):
            function(IMAGE, bits)
    for function in (reference.floyd_steinberg, reference.linear_quantize):
        with pytest.raises(ValueError, match=message):
            function(IMAGE.numpy(), bits)


@pytest.mark.parametrize("variant", [Variant.PUBLISHED, np.str_("published")], ids=repr)
def test_every_string_type_is_accepted(variant):
    expected = pyquant.floyd_steinberg(IMAGE, 3, variant="published")
    assert_same(pyquant.floyd_steinberg(IMAGE, 3, variant=variant), expected)
    assert_same(pyquant.levels(3, variant=variant), pyquant.levels(3, variant="published"))


OTHER_STRINGS = [
    "Textbook", "", None, 3, b"textbook", ["textbook"], np.array(["textbook"]), Variant.UNKNOWN,
    "\udc80",
]  # fmt: skip


@pytest.mark.parametrize("name", OTHER_STRINGS, ids=ascii)
def test_other_variants_and_roundings(name):
    message = re.escape(f"variant must be 'textbook' or 'published', got {name!r}")
    for call in (
        lambda: pyquant.floyd_steinberg(IMAGE, 2, variant=name),
        lambda: pyquant.levels(2, variant=name),
        lambda: pyquant.certified_radius(2, variant=name),
        lambda: reference.floyd_steinberg(IMAGE.numpy(), 2, name),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    message = re.escape(f"rounding must be 'nearest' or 'floor', got {name!r}")
    for call in (
        lambda: pyquant.linear_quantize(IMAGE, 2, rounding=name),
        lambda: pyquant.certified_radius(2, rounding=name),
        lambda: reference.linear_quantize(IMAGE.numpy(), 2, name),
    ):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize(
    "dtype", [torch.int64, "float32", None, float, np.dtype("float32"), []], ids=str
)
def test_other_dtypes(dtype):
    message = re.escape(
        f"dtype must be uint8, float16, bfloat16, float32 or float64, got {dtype!r}"
    )
    for function in (pyquant.levels, pyquant.certified_radius):
        with pytest.raises(TypeError, match=message):
            function(2, dtype=dtype)


BAD_CALLS = {
    "bits of floyd_steinberg": lambda image: pyquant.floyd_steinberg(image, 9),
    "bits of linear_quantize": lambda image: pyquant.linear_quantize(image, 0),
    "variant": lambda image: pyquant.floyd_steinberg(image, 2, variant="unknown"),
    "rounding": lambda image: pyquant.linear_quantize(image, 2, rounding="unknown"),
    "dimensions": lambda image: pyquant.floyd_steinberg(image[0, 0], 2),
    "bits of levels": lambda image: pyquant.levels(9),
    "variant of levels": lambda image: pyquant.levels(2, variant="unknown"),
    "bits of certified_radius": lambda image: pyquant.certified_radius(9),
    "rounding of certified_radius": lambda image: pyquant.certified_radius(2, rounding="unknown"),
}
for_every_bad_call = pytest.mark.parametrize("call", BAD_CALLS.values(), ids=BAD_CALLS)


def message_of(call) -> str:
    with pytest.raises(ValueError) as error:
        call()
    return str(error.value)


@for_every_bad_call
def test_the_error_is_the_same_wherever_torch_calls(call):
    class Model(torch.nn.Module):
        def forward(self, image):
            call(image)
            return image + 1

    message = message_of(lambda: call(IMAGE))
    torch.compiler.reset()
    assert message_of(lambda: torch.compile(call, backend="eager")(IMAGE)) == message
    assert message_of(lambda: torch.vmap(call)(IMAGE[None])) == message
    assert message_of(lambda: torch.export.export(Model(), (IMAGE,), strict=False)) == message


@for_every_bad_call
def test_compiled_code_can_catch_it(call):
    def caught(image):
        try:
            return call(image), ""
        except ValueError as error:
            return image + 1, str(error)

    torch.compiler.reset()
    result, message = torch.compile(caught, backend="eager", fullgraph=True)(IMAGE)
    assert_same(result, IMAGE + 1)
    assert message == message_of(lambda: call(IMAGE))


OPS = torch.ops.pyquant
PAIRS = []  # of the public function and the registered op
for _bits in (-1, 0, 9, 2**40):
    PAIRS += [
        (
            partial(pyquant.floyd_steinberg, IMAGE, _bits),
            partial(OPS.floyd_steinberg, IMAGE, _bits),
        ),
        (
            partial(pyquant.linear_quantize, IMAGE, _bits),
            partial(OPS.linear_quantize, IMAGE, _bits),
        ),
        (
            partial(pyquant.levels, _bits),
            partial(OPS.levels, _bits, variant="textbook", dtype=torch.float32),
        ),
    ]
for _name in ("", "Published", "näher"):
    PAIRS += [
        (
            partial(pyquant.floyd_steinberg, IMAGE, 2, variant=_name),
            partial(OPS.floyd_steinberg, IMAGE, 2, _name),
        ),
        (
            partial(pyquant.linear_quantize, IMAGE, 2, rounding=_name),
            partial(OPS.linear_quantize, IMAGE, 2, _name),
        ),
        (
            partial(pyquant.levels, 2, variant=_name),
            partial(OPS.levels, 2, variant=_name, dtype=torch.float32),
        ),
    ]
for _image in (torch.rand(()), torch.rand(5)):
    PAIRS += [
        (partial(pyquant.floyd_steinberg, _image, 2), partial(OPS.floyd_steinberg, _image, 2)),
        (partial(pyquant.linear_quantize, _image, 2), partial(OPS.linear_quantize, _image, 2)),
    ]


@pytest.mark.parametrize("public, registered", PAIRS)
def test_registered_ops_have_the_same_message(public, registered):
    assert message_of(registered) == message_of(public)


def test_bits_may_be_a_symbol():
    """torch.compile makes one of an int that changes."""
    for function in (
        lambda image, bits: pyquant.floyd_steinberg(image, bits),
        lambda image, bits: pyquant.linear_quantize(image, bits),
        lambda image, bits: image * pyquant.certified_radius(bits),
    ):
        compiled = torch.compile(function, backend="eager", dynamic=True, fullgraph=True)
        for bits in (2, 3):
            assert_same(compiled(IMAGE, bits), function(IMAGE, bits))
