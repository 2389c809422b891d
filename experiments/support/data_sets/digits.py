"""The handwritten digits that scikit-learn bundles, enlarged to 32x32."""

import numpy
import torch
from PIL import Image

from experiments.support.data_sets.split import Split

SOURCE = "scikit-learn digits, enlarged to 32x32"


def load_digits(split: str) -> Split:
    """Loads the ``train`` half, 1437 images, or the ``test`` half, 360; they may not be flipped."""
    # Imported here: it would add a second to the start of every command.
    from sklearn import datasets

    bundled = datasets.load_digits()
    # Every fifth image is for testing: a fixed split that keeps the classes balanced and, since
    # writers come in runs, has every writer on both sides. It is a demonstration, not a benchmark.
    is_test = numpy.arange(len(bundled.target)) % 5 == 0
    chosen = is_test if split == "test" else ~is_test
    small = (bundled.images[chosen] * (255 / 16)).round().astype(numpy.uint8)
    enlarged = numpy.stack(
        [
            numpy.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BICUBIC))
            for image in small
        ]
    )
    images = torch.from_numpy(enlarged)[:, None].expand(-1, 3, -1, -1).contiguous()
    labels = torch.from_numpy(bundled.target[chosen]).long()
    classes = tuple(str(name) for name in bundled.target_names)
    return Split(images, labels, classes, SOURCE, flip=False)
