"""Images of each kind hold the levels of that kind and no others."""

import pytest
import torch

from experiments.method.kinds import KINDS
from experiments.method.quantization import off_grid, prepare, quantize
from images import random_image


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_a_kind_hold_its_levels(kind):
    images = random_image((4, 3, 9, 9))
    prepared = prepare(images, kind)
    assert prepared.dtype == torch.float32
    assert prepared.is_contiguous(memory_format=torch.channels_last)
    levels = 2 ** int(kind[0])
    assert len(prepared.unique()) <= levels
    # The same from floats, as an attack on the 8-bit image leaves them.
    assert torch.equal(quantize(images.float() / 255, kind), prepared)
    assert not off_grid(prepared, kind).any()
    prepared[2, 1, 3, 3] = prepared[2, 1, 3, 3] * 0.5 + 0.2501
    assert off_grid(prepared, kind).tolist() == [False, False, True, False]


def test_kinds_are_refused_by_name():
    with pytest.raises(ValueError, match="kind is '8d'; accepted are 1, 1d, 2"):
        prepare(random_image((1, 3, 9, 9)), "8d")
    with pytest.raises(TypeError, match="images has dtype torch.float32; accepted is torch.uint8"):
        prepare(torch.rand(1, 3, 4, 4), "2d")
