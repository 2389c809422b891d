"""The baseline in Python dithers as the op does."""

import pyquant
from experiments.timing.per_pixel_baseline import dither_plane
from images import random_image


def test_per_pixel_dithering_is_the_published_one():
    image = random_image((3, 16, 16))
    for bits in (1, 2, 5):
        expected = pyquant.floyd_steinberg(image, bits, variant="published")
        ours = [dither_plane(plane, bits) for plane in image.numpy()]
        assert expected.tolist() == ours
