"""Shapes of images for which a GPU takes every kernel of floyd_steinberg."""

SHAPES = [
    (1, 1), (384, 32, 32), (30000, 32, 32), (1000, 28, 28), (7, 31, 33), (3, 224, 224), (5, 129, 65),
    (5, 129, 68), (3, 2160, 3840),
]  # fmt: skip

SIZES_OF_MANY = [(40, 144), (40, 132), (70, 133)]


def many_planes(height: int, width: int, multiprocessors: int) -> tuple[int, int, int]:
    """A plane for each warp that runs at a time, which then walks along all of its stripes."""
    return (16 * multiprocessors, height, width)


def many_images(multiprocessors: int) -> tuple[int, int, int, int]:
    """So many that the interleaved planes of an image in channels_last share a warp."""
    return (64 * multiprocessors, 3, 32, 32)
