"""Networks as functions: in which precision they compute, and whether they are compiled."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.compiler.config
from torch import Tensor, nn

from experiments.support.runtime import Precision

_compiled = False


def compile_networks(wanted: bool) -> None:
    """Sets whether ``logits_of`` compiles networks from now on, in this process."""
    global _compiled
    _compiled = wanted
    if wanted:
        # A graph for each size of a batch, in training, in tests and in attacks. The default is 8.
        torch.compiler.config.recompile_limit = 64


def networks_are_compiled() -> bool:
    """Whether ``logits_of`` compiles networks in this process."""
    return _compiled


def logits_of(model: nn.Module, precision: Precision) -> Callable[[Tensor], Tensor]:
    """The network as a function of images alone, computing in ``precision``; float32 logits."""
    if precision not in ("bfloat16", "float32"):
        raise ValueError(f"precision is {precision!r}; accepted are bfloat16, float32")
    device = next(model.parameters()).device.type
    # For each size of a batch anew: code for any size would be slower than none. The whole graph or
    # an error: torch would run the rest, and everything beyond its limit, without compiling it.
    network = torch.compile(model, dynamic=False, fullgraph=True) if _compiled else model

    def call(images: Tensor) -> Tensor:
        context: AbstractContextManager[Any] = nullcontext()
        if precision == "bfloat16":
            # No cache of cast weights: inside a captured graph it would keep the casts of the
            # first replay.
            context = torch.autocast(device, torch.bfloat16, cache_enabled=False)
        with context:
            return network(images).float()

    return call
