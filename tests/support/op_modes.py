"""The ops in each of their modes, for tests that are the same for all."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

import pyquant
from images import ROUNDINGS, VARIANTS, by_reference
from pyquant import reference


@dataclass(frozen=True)
class OpMode:
    name: str
    keyword: str
    mode: str

    def __call__(self, image: Tensor, bits: int = 2, out: Tensor | None = None) -> Tensor:
        """By the public function."""
        return getattr(pyquant, self.name)(image, bits, **{self.keyword: self.mode}, out=out)

    def registered(self, image: Tensor, bits: int = 2) -> Tensor:
        """By the op in torch.ops."""
        return getattr(torch.ops.pyquant, self.name)(image, bits, self.mode)

    def registered_out(self, image: Tensor, out: Tensor, bits: int = 2) -> None:
        getattr(torch.ops.pyquant, self.name).out(image, bits, self.mode, out)

    def reference(self, image: Tensor, bits: int = 2) -> Tensor:
        return by_reference(getattr(reference, self.name), image, bits, self.mode)

    def __str__(self) -> str:
        return f"{self.name}-{self.mode}"


OP_MODES = [OpMode("floyd_steinberg", "variant", variant) for variant in VARIANTS]
OP_MODES += [OpMode("linear_quantize", "rounding", rounding) for rounding in ROUNDINGS]
for_every_op_mode = pytest.mark.parametrize("op", OP_MODES, ids=str)
