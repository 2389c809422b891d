"""Networks that compute in the precision that a command asks for."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from experiments.support.runtime import Precision


def logits_of(model: nn.Module, precision: Precision) -> Callable[[Tensor], Tensor]:
    """The network as a function of images alone, computing in ``precision``; float32 logits."""
    if precision not in ("bfloat16", "float32"):
        raise ValueError(f"precision is {precision!r}; accepted are bfloat16, float32")
    device = next(model.parameters()).device.type

    def call(images: Tensor) -> Tensor:
        context: AbstractContextManager[Any] = nullcontext()
        if precision == "bfloat16":
            # No cache of cast weights: inside a captured graph it would keep the casts of the
            # first replay.
            context = torch.autocast(device, torch.bfloat16, cache_enabled=False)
        with context:
            return model(images).float()

    return call
