"""The work that is timed: an op, its mode, a sample type and an image."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from benchmarks import layouts
from benchmarks.settings import Config, Dtype, Op
from benchmarks.sizes import SHAPES, Size

OTHER_DTYPES = ("uint8", "float32")
EVERY_DTYPE_SIZES = {"cpu": ("batch", "64mb"), "cuda": ("batch", "cifar")}
# On CUDA, where a run is short, the second mode of an op and linear_quantize are timed on these,
# and other dtypes in the first mode only.
FIRST_MODES = ("textbook", "nearest")
SECOND_MODE_SIZES = ("image", "batch", "cifar", "square", "4k")
LINEAR_SIZES = (
    "image", "batch", "cifar", "cifar_channels_last", "crop", "every_second_column", "transposed",
    "4k_batch", "64mb",
)  # fmt: skip


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
        layout = layouts.layout(self.size)
        return f" {layout}" if layout else ""

    def __str__(self) -> str:
        shape = "x".join(str(size) for size in self.shape)
        return f"{self.op} {self.mode}, {self.dtype} {shape}{self.layout}, {self.bits} bits"

    def image(self, device: torch.device | str = "cpu") -> Tensor:
        """Smooth shapes with some noise, as photographs have: the speed of Pillow and of any
        loop with branches depends on the content, and pure noise would be unfair to them."""
        generator = torch.Generator(device).manual_seed(self.seed)
        shape = layouts.stored_shape(self.size, self.shape)
        *leading, height, width = shape
        planes = torch.Size(leading).numel()
        coarse = torch.rand(planes, 1, 4, 4, generator=generator, device=device)
        image = interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
        noise = torch.randn(image.shape, generator=generator, device=device)
        image = image.add_(noise, alpha=0.03).clamp_(0, 1).reshape(shape)
        image = image.mul_(255).round_() if self.dtype == "uint8" else image
        return layouts.view(self.size, image.to(self.torch_dtype))


def cases(config: Config) -> list[Case]:
    """Every case of a resolved config, the sizes in their order."""
    assert config.sizes is not None
    every = [
        Case(op, mode, dtype, size, config.bits, config.device, config.seed)
        for size in config.sizes
        for op in config.ops
        for mode in (config.variants if op == "floyd_steinberg" else config.roundings)
        for dtype in config.dtypes
    ]
    return [case for case in every if _is_timed(case)]


def _is_timed(case: Case) -> bool:
    """Only linear_quantize, bound by memory, is timed on 64 MB."""
    if case.dtype not in OTHER_DTYPES and case.size not in EVERY_DTYPE_SIZES[case.device]:
        return False
    if case.op == "floyd_steinberg" and case.size == "64mb":
        return False
    if case.device == "cpu":
        return True
    if case.op == "linear_quantize" and case.size not in LINEAR_SIZES:
        return False
    if case.mode in FIRST_MODES:
        return True
    return case.size in SECOND_MODE_SIZES and case.dtype in OTHER_DTYPES
