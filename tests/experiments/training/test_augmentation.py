"""Crop and flip of a batch equal a loop over its images, and every outcome is drawn."""

import numpy
import pytest
import torch

from experiments.training.augmentation import crop_and_flip, window
from images import random_image


@pytest.mark.parametrize("flip", [True, False])
def test_windows_equal_a_loop(flip):
    images, padding = random_image((50, 3, 9, 9)), 4
    generator = torch.Generator().manual_seed(5)
    top, left = torch.randint(2 * padding + 1, (2, 50), generator=generator)
    flipped = torch.rand(50, generator=generator) < 0.5 if flip else None
    expected = []
    for number, image in enumerate(images.numpy()):
        padded = numpy.pad(image, ((0, 0), (padding, padding), (padding, padding)))
        y, x = int(top[number]), int(left[number])
        cut = padded[:, y : y + 9, x : x + 9]
        expected.append(cut[:, :, ::-1] if flip and flipped[number] else cut)
    got = window(images, top, left, flipped, padding)
    assert got.dtype == torch.uint8
    assert numpy.array_equal(got.numpy(), numpy.stack(expected))


def test_every_window_and_both_sides_are_drawn():
    marker = torch.zeros(4000, 1, 5, 5, dtype=torch.uint8)
    marker[:, :, 2, 2] = 255
    marker[:, :, 2, 1] = 100
    got = crop_and_flip(marker, torch.Generator().manual_seed(0), padding=1)
    bright = (got == 255).flatten(1).int().argmax(1)
    assert sorted(set(bright.tolist())) == [6, 7, 8, 11, 12, 13, 16, 17, 18]
    dim = (got == 100).flatten(1).int().argmax(1)
    flipped = (dim > bright).float().mean()
    assert 0.45 < flipped < 0.55
    plain = crop_and_flip(marker, torch.Generator().manual_seed(0), padding=1, flip=False)
    assert ((plain == 100).flatten(1).int().argmax(1) < 25).all()
    again = crop_and_flip(marker, torch.Generator().manual_seed(0), padding=1)
    assert torch.equal(got, again)
