"""The filters undo what they are certified to undo, on images of every kind, and nothing else."""

import pytest
import torch

from experiments.method.filters import FILTERS, apply_filter, certified_epsilon
from experiments.method.kinds import KINDS, bits_of
from experiments.method.quantization import prepare
from images import random_image


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILTERS)
def test_every_change_within_the_certificate_is_undone(name, kind):
    images = prepare(random_image((2, 3, 16, 16)), kind)
    radius, bits = certified_epsilon(name, kind) / 255, bits_of(kind)
    noise = torch.rand(images.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for change in (radius * noise, radius * noise.sign()):
        changed = (images + change).clamp(0, 1)
        assert torch.equal(apply_filter(name, changed, bits), apply_filter(name, images, bits))


@pytest.mark.parametrize(("name", "kind"), [("floor", "2d"), ("nearest", "2d"), ("floor", "4")])
def test_a_change_beyond_the_certificate_is_not(name, kind):
    images = prepare(random_image((2, 3, 16, 16)), kind)
    further, bits = (certified_epsilon(name, kind) + 1) / 255, bits_of(kind)
    clean = apply_filter(name, images, bits)
    changed = [apply_filter(name, (images + sign * further).clamp(0, 1), bits) for sign in (-1, 1)]
    assert not all(torch.equal(image, clean) for image in changed)


def test_without_a_filter_images_stay_as_they_are():
    images = torch.rand(2, 3, 4, 4)
    assert apply_filter("none", images, 2) is images
    assert certified_epsilon("none", "2d") == 0


def test_unknown_filters_are_refused():
    with pytest.raises(ValueError, match="filter is 'median'; accepted are none, floor, nearest"):
        apply_filter("median", torch.rand(1, 3, 4, 4), 2)
