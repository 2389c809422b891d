"""The numpy reference refuses what the ops refuse. (Its results are what the other tests compare
with; its bits, variants and roundings are in test_arguments.py.)"""

import numpy as np
import pytest
import torch

from pyquant import reference


@pytest.mark.parametrize("function", [reference.floyd_steinberg, reference.linear_quantize])
def test_images(function):
    for dtype in (np.int32, np.bool_, np.uint16, np.longdouble, ">f4", object):
        accepted = "uint8, float16, float32 or float64"
        with pytest.raises(TypeError, match=f"image must be {accepted}, got {np.dtype(dtype)}"):
            function(np.zeros((2, 2), dtype), 2)
    for image in (torch.zeros(2, 2), [[0.0]]):
        with pytest.raises(
            TypeError, match=f"image must be a numpy.ndarray, got {type(image).__name__}"
        ):
            function(image, 2)
    for image in (np.zeros(()), np.zeros(5), np.zeros(0)):
        with pytest.raises(ValueError, match=f"at least 2 dimensions .*, got {image.ndim}"):
            function(image, 2)
