"""What torch needs to know of the ops beyond their kernels: fake kernels, gradients, vmap rules.

Both ops map planes to planes of the same size, so these are the same for both.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pyquant import libraries  # noqa: F401  # registers torch.ops.pyquant
from pyquant.gradients import Op, straight_through
from pyquant.torch_private import without_modes

FLOYD_STEINBERG: Op = torch.ops.pyquant.floyd_steinberg.default
LINEAR_QUANTIZE: Op = torch.ops.pyquant.linear_quantize.default
LEVELS: Op = torch.ops.pyquant.levels.default


def _fake_kernel(op: Op) -> Callable[..., Tensor]:
    """torch leaves the mode out if it is the default."""

    def fake(image: Tensor, bits: int, *mode: str, **named_mode: str) -> Tensor:
        def check_arguments() -> None:
            """The kernel checks them; for this an image without pixels is enough."""
            empty = torch.empty((0,) * image.dim(), dtype=image.dtype, device="cpu")
            op(empty, bits, *mode, **named_mode)

        without_modes(check_arguments)
        return torch.empty_like(image)

    return fake


def _vmap_rule(op: Op) -> Callable[..., tuple[Tensor, int]]:
    def vmap(
        info: Any, in_dims: tuple[int, ...], image: Tensor, bits: int, *mode: str
    ) -> tuple[Tensor, int]:
        batch_dim = in_dims[0]
        if image.dim() == 2:  # one dimension too few without the batch: let the op say so
            return op(image.select(batch_dim, 0), bits, *mode), 0
        return op(image.movedim(batch_dim, 0), bits, *mode), 0

    return vmap


def _fake_levels(bits: int, *, variant: str, dtype: torch.dtype) -> Tensor:
    without_modes(lambda: LEVELS(bits, variant=variant, dtype=dtype))  # checks the arguments
    return torch.empty(2**bits, dtype=dtype)


def _register() -> None:
    for name, op in (
        ("pyquant::floyd_steinberg", FLOYD_STEINBERG),
        ("pyquant::linear_quantize", LINEAR_QUANTIZE),
    ):
        torch.library.register_fake(name, _fake_kernel(op))
        torch.library.register_autograd(name, straight_through)
        torch.library.register_vmap(name, _vmap_rule(op))
    torch.library.register_fake("pyquant::levels", _fake_levels)


# The ops belong to the process: a package that is imported again finds them registered.
if not hasattr(LEVELS, "registered_by_pyquant"):
    _register()
    LEVELS.registered_by_pyquant = True  # type: ignore[attr-defined]
