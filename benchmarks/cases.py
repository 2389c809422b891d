"""The work that is timed: an op, its mode, a sample type and an image."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from benchmarks.settings import Config, Dtype, Op, Size

SHAPES: dict[Size, tuple[int, ...]] = {
    "image": (3, 32, 32),
    "batch": (128, 3, 32, 32),
    "channels_last": (128, 3, 32, 32),
    "large_batch": (1024, 3, 32, 32),
    "large_channels_last": (1024, 3, 32, 32),
    "square": (3, 1024, 1024),
    "4k": (3, 2160, 3840),
    "64mb": (64, 1024, 1024),  # for one-byte samples; fewer planes for wider ones
}
EVERY_DTYPE_SIZES = ("batch", "64mb")
OTHER_DTYPES = ("uint8", "float32")


@dataclass(frozen=True)
class Case:
    op: Op
    mode: str  # the variant of floyd_steinberg, the rounding of linear_quantize
    dtype: Dtype
    size: Size
    bits: int
    device: Literal["cpu", "cuda"] = "cpu"
    seed: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        shape = SHAPES[self.size]
        if self.size == "64mb":
            return (shape[0] // self.torch_dtype.itemsize, *shape[1:])
        return shape

    @property
    def torch_dtype(self) -> torch.dtype:
        return getattr(torch, self.dtype)

    @property
    def keyword(self) -> dict[str, str]:
        """The mode as the op takes it."""
        name = "variant" if self.op == "floyd_steinberg" else "rounding"
        return {name: self.mode}

    @property
    def layout(self) -> str:
        """What is written after the numbers of the shape; nothing if it is contiguous."""
        return " channels_last" if self.size.endswith("channels_last") else ""

    def __str__(self) -> str:
        shape = "x".join(str(size) for size in self.shape)
        return f"{self.op} {self.mode}, {self.dtype} {shape}{self.layout}, {self.bits} bits"

    def image(self) -> Tensor:
        """Smooth shapes with some noise, as photographs have: the speed of Pillow and of any
        loop with branches depends on the content, and pure noise would be unfair to them."""
        generator = torch.Generator().manual_seed(self.seed)
        *leading, height, width = self.shape
        planes = torch.Size(leading).numel()
        coarse = torch.rand(planes, 1, 4, 4, generator=generator)
        image = interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
        image = image.add_(torch.randn(image.shape, generator=generator), alpha=0.03).clamp_(0, 1)
        image = image.reshape(self.shape)
        image = image.mul_(255).round_() if self.dtype == "uint8" else image
        image = image.to(self.device, self.torch_dtype)
        if self.layout:
            return image.contiguous(memory_format=torch.channels_last)
        return image


def cases(config: Config) -> list[Case]:
    """Every case of a run. Only linear_quantize, bound by memory, is timed on 64 MB."""
    found = []
    for op in config.ops:
        for size in config.sizes:
            if op == "floyd_steinberg" and size == "64mb":
                continue
            for mode in config.variants if op == "floyd_steinberg" else config.roundings:
                for dtype in config.dtypes:
                    if size in EVERY_DTYPE_SIZES or dtype in OTHER_DTYPES:
                        case = Case(op, mode, dtype, size, config.bits, config.device, config.seed)
                        found.append(case)
    return found
