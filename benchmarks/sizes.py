"""The images that are timed: their names and shapes, and which of them on each device."""

from typing import Literal

Size = Literal[
    "image", "batch", "large_batch", "cifar", "28x28", "28x32", "mnist", "31x33", "224x224",
    "227x227", "299x299", "channels_last", "large_channels_last", "cifar_channels_last", "crop",
    "every_second_column", "transposed", "square", "4k", "4k_batch", "64mb",
]  # fmt: skip

SHAPES: dict[Size, tuple[int, ...]] = {
    "image": (3, 32, 32),
    "batch": (128, 3, 32, 32),
    "large_batch": (1024, 3, 32, 32),
    "cifar": (50000, 3, 32, 32),
    "28x28": (1024, 1, 28, 28),
    "28x32": (1024, 1, 28, 32),
    "mnist": (60000, 1, 28, 28),
    "31x33": (4096, 3, 31, 33),
    "224x224": (256, 3, 224, 224),
    "227x227": (256, 3, 227, 227),
    "299x299": (256, 3, 299, 299),
    "channels_last": (128, 3, 32, 32),
    "large_channels_last": (1024, 3, 32, 32),
    "cifar_channels_last": (50000, 3, 32, 32),
    "crop": (256, 3, 224, 224),
    "every_second_column": (256, 3, 224, 224),
    "transposed": (256, 3, 224, 224),
    "square": (3, 1024, 1024),
    "4k": (3, 2160, 3840),
    "4k_batch": (32, 3, 2160, 3840),
    "64mb": (64, 1024, 1024),  # for one-byte samples; fewer planes for wider ones
}

CPU_SIZES: tuple[Size, ...] = (
    "image", "batch", "channels_last", "large_batch", "large_channels_last", "square", "4k", "64mb",
)  # fmt: skip
# The most important ones first: a run stops at its time limit.
CUDA_SIZES: tuple[Size, ...] = (
    "batch", "cifar", "image", "square", "224x224", "4k", "31x33", "channels_last", "crop", "28x28",
    "28x32", "mnist", "cifar_channels_last", "227x227", "299x299", "every_second_column",
    "transposed", "4k_batch",
)  # fmt: skip
SIZES: dict[str, tuple[Size, ...]] = {"cpu": CPU_SIZES, "cuda": CUDA_SIZES}
QUICK_SIZES: dict[str, tuple[Size, ...]] = {
    "cpu": ("image", "batch", "square"),
    "cuda": ("batch", "cifar", "image", "square", "31x33", "channels_last"),
}
