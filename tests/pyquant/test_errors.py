"""Bad arguments: a ValueError or TypeError that names the argument, the value and what is
accepted."""

import re
import subprocess
import sys

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

import pyquant
from pyquant import ops

IMAGE = torch.zeros(3, 4, 4)
CALLS = {
    "floyd_steinberg": lambda bits: pyquant.floyd_steinberg(IMAGE, bits),
    "linear_quantize": lambda bits: pyquant.linear_quantize(IMAGE, bits),
    "levels": pyquant.levels,
    "certified_radius": pyquant.certified_radius,
    "floyd_steinberg op": lambda bits: torch.ops.pyquant.floyd_steinberg(IMAGE, bits),
    "linear_quantize op": lambda bits: torch.ops.pyquant.linear_quantize(IMAGE, bits),
}


@pytest.mark.parametrize("bits", [0, 9, -1, 2**40])
@pytest.mark.parametrize("name", CALLS)
def test_bits_out_of_range(name, bits):
    with pytest.raises(ValueError, match=f"bits must be an integer from 1 to 8, got {bits}"):
        CALLS[name](bits)


@pytest.mark.parametrize("function", [pyquant.floyd_steinberg, pyquant.linear_quantize])
def test_rank(function):
    for image in (torch.zeros(()), torch.zeros(5), torch.zeros(0)):
        message = re.escape(
            f"image must have at least 2 dimensions (..., height, width), got {image.dim()}"
        )
        with pytest.raises(ValueError, match=message):
            function(image, 2)


@pytest.mark.parametrize("function", [pyquant.floyd_steinberg, pyquant.linear_quantize])
def test_image_type(function):
    accepted = "uint8, float16, bfloat16, float32 or float64"
    for dtype in (torch.int32, torch.bool, torch.int8, torch.complex64):
        with pytest.raises(TypeError, match=f"image must be {accepted}, got {dtype}"):
            function(torch.zeros(2, 2, dtype=dtype), 2)


def test_the_ops_themselves_refuse_other_dtypes():
    for op in (torch.ops.pyquant.floyd_steinberg, torch.ops.pyquant.linear_quantize):
        with pytest.raises(ValueError, match="image must be uint8, .* or float64, got Int"):
            op(torch.zeros(2, 2, dtype=torch.int32), 2)


@pytest.mark.parametrize("function", [pyquant.floyd_steinberg, pyquant.linear_quantize])
def test_images_without_memory_are_checked_too(function):
    with pytest.raises(ValueError, match="image must have at least 2 dimensions .*, got 1"):
        function(torch.empty(3, device="meta"), 2)
    image = torch.empty(3, 4, 4, device="meta")
    with pytest.raises(ValueError, match="bits must be an integer from 1 to 8, got 99"):
        function(image, 99)
    keyword = {pyquant.floyd_steinberg: "variant", pyquant.linear_quantize: "rounding"}[function]
    with pytest.raises(ValueError, match=f"{keyword} must be '.*', got 'bogus'"):
        function(image, 2, **{keyword: "bogus"})
    with FakeTensorMode(), pytest.raises(ValueError, match="bits must be an integer .*, got 0"):
        function(torch.empty(3, 4, 4), 0)


def test_registered_ops_check_fake_tensors_too():
    ops = torch.ops.pyquant
    with FakeTensorMode():
        image = torch.empty(3, 4, 4)
        for call in (
            lambda: ops.floyd_steinberg(image, 99),
            lambda: ops.linear_quantize(image, 99),
            lambda: ops.levels(99, variant="textbook", dtype=torch.float32),
        ):
            with pytest.raises(ValueError, match="bits must be an integer from 1 to 8, got 99"):
                call()


@pytest.mark.parametrize("function", [pyquant.floyd_steinberg, pyquant.linear_quantize])
def test_layouts_without_strides(function):
    message = re.escape("image must be a dense tensor (torch.strided), got torch.sparse_")
    for image in (torch.eye(4).to_sparse(), torch.eye(4).to_sparse_csr()):
        with pytest.raises(TypeError, match=message):
            function(image, 2)
    nested = torch.nested.nested_tensor([torch.eye(4), torch.eye(3)])
    with pytest.raises(TypeError, match="image must be a dense tensor .*, got a nested tensor"):
        function(nested, 2)


@pytest.mark.parametrize("function", [pyquant.floyd_steinberg, pyquant.linear_quantize])
def test_cuda_without_kernels(function, monkeypatch):
    with FakeTensorMode():
        image = torch.empty(3, 4, 4, device="cuda")
        monkeypatch.setattr(ops, "NO_CUDA_REASON", "")
        assert function(image, 2).device == image.device
        monkeypatch.setattr(ops, "NO_CUDA_REASON", "torch was built without CUDA")
        message = r"must be on the CPU, as pyquant has no CUDA kernels here \(torch was built.*\), got cuda:0"
        with pytest.raises(ValueError, match=message):
            function(image, 2)


def test_other_devices():
    """In a process of its own: a device that exists in Python alone cannot be removed again."""
    code = """
import torch, torch.utils.backend_registration, pyquant
torch.utils.backend_registration._setup_privateuseone_for_python_backend("abacus")
image = torch._C._acc.create_empty_tensor((3, 4, 4), torch.float32)
for function in (pyquant.floyd_steinberg, pyquant.linear_quantize):
    try:
        function(image, 2)
    except ValueError as error:
        print(error)
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    message = "image must be on the CPU or a CUDA device, got abacus:0\n"
    assert process.stdout == 2 * message, process.stderr
