"""A data set and a model small enough to train within a test."""

from pathlib import Path

import numpy
from PIL import Image

from experiments.support.data_sets import DataConfig
from experiments.support.runtime import Runtime
from experiments.training.training_config import TrainingConfig

SIZE = 12
#: With 150 images of each class, epochs enough to learn them whatever the seed and the processor.
ENOUGH_EPOCHS = 30
ONE_THREAD = Runtime(device="cpu", threads=1)


def write_images(directory: Path, train: int = 40, test: int = 20, seed: int = 0) -> DataConfig:
    """Three classes of noise, each with more of one colour; written as PNG files.

    The difference is small, so that an attack of 8/255 can hide it.
    """
    source = numpy.random.RandomState(seed)
    for split, count in (("train", train), ("test", test)):
        for channel, name in enumerate(("red", "green", "blue")):
            target = directory / split / name
            target.mkdir(parents=True)
            for number in range(count):
                pixels = source.randint(60, 170, (SIZE, SIZE, 3))
                pixels[..., channel] += 14
                Image.fromarray(pixels.astype(numpy.uint8)).save(target / f"{number}.png")
    return DataConfig("folder", directory, name="coloured noise")


def training_config(data: DataConfig, models: Path, epochs: int = 3) -> TrainingConfig:
    """A short training run on these images."""
    return TrainingConfig("short", epochs=epochs, models=str(models), data=data, runtime=ONE_THREAD)
