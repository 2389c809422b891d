"""What torch needs to know of the ops beyond their kernels: fake kernels, gradients, vmap rules.

Both ops map planes to planes of the same size, so these are the same for both.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from pyquant import libraries  # noqa: F401  # registers torch.ops.pyquant
from pyquant.arguments import check_autograd, check_out
from pyquant.gradients import Op, OutOp, straight_through, write_below_autograd
from pyquant.torch_private import below_autograd, kernel_call, without_modes

FLOYD_STEINBERG: Op = torch.ops.pyquant.floyd_steinberg.default
LINEAR_QUANTIZE: Op = torch.ops.pyquant.linear_quantize.default
LEVELS: Op = torch.ops.pyquant.levels.default
FLOYD_STEINBERG_KERNEL: Op = kernel_call(FLOYD_STEINBERG)
LINEAR_QUANTIZE_KERNEL: Op = kernel_call(LINEAR_QUANTIZE)
FLOYD_STEINBERG_OUT: OutOp = torch.ops.pyquant.floyd_steinberg.out
LINEAR_QUANTIZE_OUT: OutOp = torch.ops.pyquant.linear_quantize.out
FLOYD_STEINBERG_OUT_KERNEL: OutOp = kernel_call(FLOYD_STEINBERG_OUT)
LINEAR_QUANTIZE_OUT_KERNEL: OutOp = kernel_call(LINEAR_QUANTIZE_OUT)


def _fake_kernel(op: Op) -> Callable[..., Tensor]:
    """torch drops an argument that equals the schema's default, so `mode` may be missing."""

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


def _fake_out_kernel(op: Op) -> Callable[..., None]:
    result_of = _fake_kernel(op)

    def fake(image: Tensor, bits: int, mode: str, out: Tensor) -> None:
        result_of(image, bits, mode)  # checks the other arguments
        check_out(image, out)

    return fake


def _autograd_out_kernel(op: OutOp) -> Callable[..., None]:
    def check_and_write(image: Tensor, bits: int, mode: str, out: Tensor) -> None:
        check_autograd(image, out)
        write_below_autograd(kernel_call(op), image, bits, mode, out)

    return check_and_write


def _negative_out_kernel(op: Op) -> Callable[..., None]:
    """For `image` or `out` whose values torch has yet to negate, such as torch.conj(x).imag. For such
    arguments torch calls an op with copies, and for `out` it needs a result to copy back."""

    def write(image: Tensor, bits: int, mode: str, out: Tensor) -> None:
        check_out(image, out)
        out.copy_(op(image, bits, mode))

    return write


def _fake_levels(bits: int, *, variant: str, dtype: torch.dtype) -> Tensor:
    without_modes(lambda: LEVELS(bits, variant=variant, dtype=dtype))  # checks the arguments
    return torch.empty(2**bits, dtype=dtype, device="cpu")


def _register() -> None:
    for name, op, out_op in (
        ("pyquant::floyd_steinberg", FLOYD_STEINBERG, FLOYD_STEINBERG_OUT),
        ("pyquant::linear_quantize", LINEAR_QUANTIZE, LINEAR_QUANTIZE_OUT),
    ):
        torch.library.register_fake(name, _fake_kernel(op))
        torch.library.register_autograd(name, straight_through)
        torch.library.register_vmap(name, _vmap_rule(op))
        torch.library.register_fake(f"{name}.out", _fake_out_kernel(op))
        _LIBRARY.impl(f"{name}.out", _negative_out_kernel(op), "Negative")
        if below_autograd is not nullcontext:  # or this kernel would call itself
            _LIBRARY.impl(f"{name}.out", _autograd_out_kernel(out_op), "Autograd")
    torch.library.register_fake("pyquant::levels", _fake_levels)


_LIBRARY = torch.library.Library("pyquant", "IMPL")

# The ops belong to the process: a package that is imported again finds them registered.
if not hasattr(LEVELS, "registered_by_pyquant"):
    _register()
    LEVELS.registered_by_pyquant = True  # type: ignore[attr-defined]
