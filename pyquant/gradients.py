"""The gradient of both ops, and how a call gets it.

The ops are straight-through: d(result)/d(image) is taken to be 1, as for values inside the range
in torch.fake_quantize_per_tensor_affine.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import increment_version
from torch.compiler import is_compiling

from pyquant.torch_private import (
    call_below_autograd,
    forward_mode_is_active,
    innermost_transform_is_functionalize,
    kernel_call,
    transform_is_active,
)

Op = Callable[..., Tensor]
OutOp = Callable[..., None]  # writes its result into its last argument


def straight_through(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
    """The gradients of image, bits and mode."""
    return gradient, None, None


class StraightThrough(torch.autograd.Function):
    """The public functions go through this rather than through torch.library.register_autograd,
    which torch.func.grad does not support."""

    generate_vmap_rule = True

    @staticmethod
    def forward(image: Tensor, bits: int, mode: str, op: Op) -> Tensor:
        return op(image, bits, mode)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        return *straight_through(ctx, gradient), None

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Nothing to save."""


class StraightThroughBothWays(StraightThrough):
    """The same, with a derivative in forward mode. It is a class of its own, since torch.compile
    refuses functions that have one."""

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: None) -> Tensor:
        """The tangent, as a view: torch rejects the tensor itself as a mistake."""
        return tangent.view_as(tangent)


def try_plain_call(
    kernel: Op, out_kernel: OutOp, image: Tensor, bits: int, mode: str, out: Tensor | None
) -> Tensor | None:
    """The result of the usual call: there is nothing to differentiate, trace or transform. Otherwise
    None. The kernel checks the arguments; checking them in Python before it would take as long as
    quantizing a small image."""
    if (
        is_compiling()
        or type(image) is not Tensor
        or image.requires_grad
        or type(bits) is not int
        or type(mode) is not str
        or forward_mode_is_active()
        or transform_is_active()
    ):
        return None
    if out is None:
        return call_below_autograd(kernel, image, bits, mode)
    if (
        type(out) is not Tensor
        or out.requires_grad
        or (out.is_inference() and not torch.is_inference_mode_enabled())
    ):
        return None
    write_below_autograd(out_kernel, image, bits, mode, out)
    return out


def call(op: Op, image: Tensor, bits: int, mode: str) -> Tensor:
    """op(image, bits, mode) with its gradient, in the way that torch needs here."""
    if forward_mode_is_active():
        return _call_with_forward_mode(op, image, bits, mode)
    # torch.jit.trace cannot record an autograd function. In each of the ways below it records the
    # op, which has its registered gradient.
    if image.requires_grad and torch.is_grad_enabled() and not _is_recorded_by_jit():
        return StraightThrough.apply(image, bits, mode, op)
    if is_compiling():
        return op(image, bits, mode)
    if transform_is_active():
        return _call_within_transform(op, image, bits, mode)
    # With nothing to differentiate, the registered gradient is skipped: passing through its
    # Python code would take longer than dithering a small image.
    return call_below_autograd(kernel_call(op), image, bits, mode)


def call_into(out: Tensor, op: Op, out_op: OutOp, image: Tensor, bits: int, mode: str) -> Tensor:
    """out, after out_op(image, bits, mode, out). No gradient is wanted."""
    if forward_mode_is_active() or (not is_compiling() and transform_is_active()):
        # The forward mode and every transform can handle copy_.
        return out.copy_(call(op, image, bits, mode))
    if is_compiling() or _is_recorded_by_jit():
        out_op(image, bits, mode, out)
    else:
        write_below_autograd(kernel_call(out_op), image, bits, mode, out)
    return out


def write_below_autograd(kernel: OutOp, image: Tensor, bits: int, mode: str, out: Tensor) -> None:
    """The version tells autograd that `out` has changed, if it had saved it for a gradient. As with
    torch's ops, a call that fails does not count: nearly all are refused before they write."""
    call_below_autograd(kernel, image, bits, mode, out)
    increment_version(out)


def _is_recorded_by_jit() -> bool:
    return not is_compiling() and torch.jit.is_tracing()  # type: ignore[attr-defined]


def _call_with_forward_mode(op: Op, image: Tensor, bits: int, mode: str) -> Tensor:
    function = StraightThroughBothWays.apply
    if is_compiling():
        # The compiler would silently drop the tangent of an op. As a decorator, disable would load
        # the compiler when pyquant is imported, which takes longer than loading torch.
        function = torch.compiler.disable(
            function, reason="the forward mode of pyquant's ops is not compiled"
        )
    return function(image, bits, mode, op)


def _call_within_transform(op: Op, image: Tensor, bits: int, mode: str) -> Tensor:
    """Within vmap the image does not say whether a gradient is wanted, so the autograd function is
    always called. functionalize and torch.jit.trace know no such functions: there, the op is
    called."""
    if innermost_transform_is_functionalize() or _is_recorded_by_jit():
        return op(image, bits, mode)
    try:
        return StraightThrough.apply(image, bits, mode, op)
    except RuntimeError as error:
        if "Functionalize" not in str(error):
            raise
        return op(image, bits, mode)
