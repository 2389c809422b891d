"""The filter in ONNX models: onnxruntime returns the same bits."""

import subprocess
import sys

import pytest
import torch
from torch import nn

import pyquant
from images import BITS, ROUNDINGS, assert_same, floats_near_thresholds, random_image
from pyquant.ops import DTYPES

NO_ONNXSCRIPT = """
import sys
sys.modules["onnxscript"] = None
import pyquant
try:
    pyquant.onnx
except ImportError as error:
    print(error)
"""


def test_without_onnxscript():
    process = subprocess.run(
        [sys.executable, "-c", NO_ONNXSCRIPT], capture_output=True, text=True, check=True
    )
    assert "pyquant.onnx needs onnxscript: pip install onnx onnxscript" in process.stdout


def exported(model, image):
    """A function that runs `model` in onnxruntime, on images of every size that it takes."""
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    program = torch.onnx.export(
        model,
        (image,),
        dynamic_shapes=((torch.export.Dim.AUTO,) * image.dim(),),
        custom_translation_table=pyquant.onnx.translation_table(),
        verbose=False,
    )
    assert {node.domain for node in program.model.graph} == {""}  # standard operators
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    (name,) = [entry.name for entry in session.get_inputs()]
    return lambda image: torch.from_numpy(session.run(None, {name: image.numpy()})[0])


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("bits", BITS)
def test_every_float_near_a_threshold(bits, rounding):
    module = pyquant.nn.LinearQuantize(bits, rounding=rounding).eval()
    in_onnxruntime = exported(module, torch.rand(2, 2))
    inf = float("inf")
    odd = torch.tensor([[float("nan"), inf, -inf, 7.0, -3.0, -0.0, 0.0, 1.0, 1e-45]])
    random = random_image((64, 64), torch.float32)
    for image in (floats_near_thresholds(bits, rounding), pyquant.levels(bits)[None], odd, random):
        assert_same(in_onnxruntime(image), module(image))


class OfDtype(nn.Module):
    """Takes and returns float64, which numpy has."""

    def __init__(self, dtype, module):
        super().__init__()
        self.dtype, self.module = dtype, module

    def forward(self, image):
        return self.module(image.to(self.dtype)).double()


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dtypes(dtype, rounding):
    module = OfDtype(dtype, pyquant.nn.LinearQuantize(3, rounding=rounding)).eval()
    if dtype == torch.uint8:
        image = torch.arange(256, dtype=torch.float64)[None]
    else:
        image = random_image((2, 3, 33, 65), dtype).double()
    assert_same(exported(module, image)(image), module(image))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32], ids=str)
def test_defence(dtype):
    """The same predictions for images that were attacked within the radius."""
    torch.manual_seed(0)
    classifier = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))
    defence = pyquant.nn.DoubleQuantization(classifier, bits=2).eval()
    images = random_image((64, 3, 8, 8), dtype)
    attacked = images
    if dtype == torch.float32:
        prepared = defence.prepare(images)
        attacked = prepared + defence.certified_radius * torch.randn_like(prepared).sign()
    with torch.no_grad():
        expected = defence(attacked)
    logits = exported(defence, attacked)(attacked)
    assert torch.equal(logits.argmax(1), expected.argmax(1))
    assert len(expected.argmax(1).unique()) > 1
    torch.testing.assert_close(logits, expected)
