"""Models with the ops in them, compiled ahead of time. (ONNX: test_onnx.py.)"""

import pytest
import torch
from torch import nn

import pyquant
from images import random_image

CLASSIFIER = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))
MODELS = {  # with the tolerance: convolutions may add in another order
    "filter": (pyquant.nn.LinearQuantize(3, rounding="floor"), 0),
    "defence": (pyquant.nn.DoubleQuantization(CLASSIFIER, 2, rounding="floor"), 1e-5),
}


@pytest.mark.parametrize("model, tolerance", MODELS.values(), ids=MODELS)
def test_aot_inductor(tmp_path, model, tolerance):
    """For batches of every size; the file is all that is left of the model."""
    images = random_image((4, 3, 8, 8), torch.float32)
    with torch.no_grad():
        program = torch.export.export(
            model.eval(), (images[:2],), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)
        )
        path = torch._inductor.aoti_compile_and_package(
            program, package_path=str(tmp_path / "model.pt2")
        )
        result, expected = torch._inductor.aoti_load_package(path)(images), model(images)
    torch.testing.assert_close(result, expected, rtol=0, atol=tolerance)
