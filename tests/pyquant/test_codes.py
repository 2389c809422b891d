"""to_codes and from_codes: inverse to each other, the nearest level, in every way that torch calls
them."""

import re
import warnings

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode

import pyquant
from images import BITS, FLOAT_DTYPES, VARIANTS, assert_same, layouts, random_image
from pyquant.ops import DTYPES

CODES = torch.randint(4, (2, 3, 5, 7), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("bits", BITS)
def test_inverse(bits, variant, dtype):
    every_code = torch.arange(2**bits, dtype=torch.uint8)
    levels = pyquant.levels(bits, variant=variant, dtype=dtype)
    assert_same(pyquant.to_codes(levels[None], bits, variant=variant), every_code[None])
    assert_same(pyquant.from_codes(every_code, bits, variant=variant, dtype=dtype), levels)

    dithered = pyquant.floyd_steinberg(random_image((2, 3, 19, 23), dtype), bits, variant=variant)
    codes = pyquant.to_codes(dithered, bits, variant=variant)
    assert codes.dtype == torch.uint8
    assert_same(pyquant.from_codes(codes, bits, variant=variant, dtype=dtype), dithered)


def every_value(dtype):
    """All bytes, all 16-bit floats from -1 to 2, or the floats around each middle of two levels."""
    if dtype == torch.uint8:
        return torch.arange(256, dtype=dtype)
    if dtype.itemsize == 2:
        values = torch.arange(-(2**15), 2**15, dtype=torch.int16).view(dtype)
        return values[(values >= -1) & (values <= 2)]
    values = [torch.tensor([-1.0, -0.0, 1.5], dtype=dtype)]
    for bits in BITS:
        for variant in VARIANTS:
            levels = pyquant.levels(bits, variant=variant, dtype=dtype)
            value = (levels[:-1] + levels[1:]) / 2
            for end in (0.0, 1.0):
                near = value
                for _ in range(4):
                    values.append(near)
                    near = torch.nextafter(near, torch.tensor(end, dtype=dtype))
    return torch.cat(values)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("bits", BITS)
def test_textbook_code_is_that_of_linear_quantize(bits, dtype):
    values = every_value(dtype)[None]
    codes = pyquant.to_codes(values, bits)
    assert_same(pyquant.from_codes(codes, bits, dtype=dtype), pyquant.linear_quantize(values, bits))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("bits", BITS)
def test_published_code_is_that_of_the_nearest_level(bits, dtype):
    """Of two that are as near, the upper one."""
    values = every_value(dtype).double()
    levels = pyquant.levels(bits, variant="published", dtype=dtype).double()
    distances = (values[:, None] - levels).abs()
    nearest = 2**bits - 1 - distances.flip(1).argmin(1)  # argmin takes the first
    codes = pyquant.to_codes(values.to(dtype)[None], bits, variant="published")
    assert_same(codes, nearest.to(torch.uint8)[None])


def test_ties_go_up():
    for value, code in ((0.5, 1), (0.4999, 0)):
        assert pyquant.to_codes(torch.tensor([[value]]), 1).item() == code
    # Levels 182 and 218 of 3 bits: 200 is in the middle.
    assert pyquant.to_codes(torch.tensor([[200]], dtype=torch.uint8), 3, variant="published") == 6


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", FLOAT_DTYPES, ids=str)
def test_out_of_range_and_nan(dtype, variant):
    odd = torch.tensor([[float("nan"), float("inf"), -float("inf"), 7.0, -3.0, -0.0]]).to(dtype)
    expected = torch.tensor([[0, 7, 0, 7, 0, 0]], dtype=torch.uint8)
    assert_same(pyquant.to_codes(odd, 3, variant=variant), expected)


@pytest.mark.parametrize("variant", VARIANTS)
def test_layouts(variant):
    """The codes have the memory format of the image, and torch warns of nothing."""
    image = random_image((2, 3, 9, 7), torch.float32)
    expected = pyquant.to_codes(image, 3, variant=variant)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, view in layouts(image).items():
            codes = pyquant.to_codes(view, 3, variant=variant)
            assert_same(codes, expected)
            assert codes.stride() == torch.empty_like(view).stride(), name


@pytest.mark.parametrize("dtype", [torch.int8, torch.int16, torch.int32, torch.int64], ids=str)
def test_codes_of_other_integers(dtype):
    assert_same(pyquant.from_codes(CODES.to(dtype), 2), pyquant.from_codes(CODES, 2))


class LargestTensor(TorchDispatchMode):
    """Of those that torch's ops return, in bytes."""

    def __init__(self):
        super().__init__()
        self.size = 0

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        result = function(*arguments, **(keywords or {}))
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, torch.Tensor):
                self.size = max(self.size, tensor.nbytes)
        return result


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_no_intermediate_is_larger_than_the_image_in_float32(dtype, variant):
    """A float64 image excepted. Textbook codes of bytes need no more than their own memory."""
    image = random_image((3, 64, 64), dtype)
    with LargestTensor() as largest:
        codes = pyquant.to_codes(image, 4, variant=variant)
    in_bytes = dtype == torch.uint8 and variant == "textbook"
    assert largest.size <= (1 if in_bytes else max(4, dtype.itemsize)) * image.numel()
    with LargestTensor() as largest:
        pyquant.from_codes(codes, 4, variant=variant, dtype=dtype)
    assert largest.size <= (1 if dtype == torch.uint8 else max(4, dtype.itemsize)) * image.numel()


def test_empty():
    for shape in ((0, 3, 4, 4), (2, 3, 0, 4)):
        codes = pyquant.to_codes(torch.empty(shape), 2)
        assert_same(codes, torch.empty(shape, dtype=torch.uint8))
        assert_same(pyquant.from_codes(codes, 2), torch.empty(shape))


def test_no_gradient():
    assert not pyquant.to_codes(torch.rand(4, 4, requires_grad=True), 2).requires_grad


def textbook(codes):
    return pyquant.to_codes(pyquant.from_codes(codes, 2), 2)


def published(codes):
    levels = pyquant.from_codes(codes, 2, variant="published", dtype=torch.uint8)
    return pyquant.to_codes(levels, 2, variant="published")


class Model(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, codes):
        return self.function(codes)


def exported(function, strict):
    return torch.export.export(Model(function), (CODES,), strict=strict).module()


TRACERS = {
    "compile": lambda f: torch.compile(f, backend="eager", fullgraph=True),
    "inductor": lambda f: torch.compile(f, fullgraph=True),
    "vmap": torch.vmap,
    "export": lambda f: exported(f, strict=False),
    "strict export": lambda f: exported(f, strict=True),
    "make_fx": lambda f: make_fx(f)(CODES),
    "symbolic make_fx": lambda f: make_fx(f, tracing_mode="symbolic")(CODES),
    "functionalize": torch.func.functionalize,
    "jit.trace": lambda f: torch.jit.trace(f, (CODES,)),
    "symbolic_trace": lambda f: torch.fx.symbolic_trace(Model(f)),
}


@pytest.mark.filterwarnings("ignore:.*torch.jit.* is deprecated", "error::torch.jit.TracerWarning")
@pytest.mark.parametrize("function", [textbook, published])
@pytest.mark.parametrize("tracer", TRACERS.values(), ids=TRACERS)
def test_tracers(tracer, function):
    torch.compiler.reset()
    assert_same(tracer(function)(CODES), CODES)


@pytest.mark.parametrize("code, bits", [(4, 2), (-1, 8), (256, 8), (2**40, 1)])
def test_codes_out_of_range(code, bits):
    codes = torch.tensor([[0, code, 1]])
    message = f"codes must be from 0 to {2**bits - 1} for {bits} bits, got {code}"
    with pytest.raises(ValueError, match=message):
        pyquant.from_codes(codes, bits)


def test_types():
    with pytest.raises(TypeError, match="codes must be a torch.Tensor, got list"):
        pyquant.from_codes([0, 1], 2)
    for dtype in (torch.float32, torch.bool):
        message = f"codes must be uint8, int8, int16, int32 or int64, got {dtype}"
        with pytest.raises(TypeError, match=message):
            pyquant.from_codes(torch.zeros(2, 2, dtype=dtype), 2)
    message = "image must be uint8, float16, bfloat16, float32 or float64, got torch.int32"
    with pytest.raises(TypeError, match=message):
        pyquant.to_codes(torch.zeros(2, 2, dtype=torch.int32), 2)
    with pytest.raises(TypeError, match="dtype must be .*, got torch.int32"):
        pyquant.from_codes(CODES, 2, dtype=torch.int32)


@pytest.mark.parametrize("function", [pyquant.to_codes, pyquant.from_codes])
def test_other_arguments(function):
    argument = torch.zeros(2, 2, dtype=torch.uint8)
    for bits in (0, 9, True):
        message = re.escape(f"bits must be an integer from 1 to 8, got {bits}")
        with pytest.raises(ValueError, match=message):
            function(argument, bits)
    with pytest.raises(ValueError, match="variant must be 'textbook' or 'published', got 'floor'"):
        function(argument, 2, variant="floor")
