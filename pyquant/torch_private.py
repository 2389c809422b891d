"""Every private name of torch that the package uses, each with a slower public replacement.

A later torch may rename any of them. Then `import pyquant` still works and every result stays the
same; only calls become slower. No other module of the package uses a private name of torch.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from operator import attrgetter
from typing import Any, ParamSpec, TypeVar

import torch
from torch.autograd import forward_ad

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

if hasattr(forward_ad, "_current_level"):

    def forward_mode_is_active() -> bool:
        """Whether the call is within torch.func.jvp, torch.func.jacfwd or forward_ad.dual_level."""
        return forward_ad._current_level >= 0

else:
    _PROBE = torch.empty(0, device="cpu")

    def forward_mode_is_active() -> bool:
        """unpack_dual returns its argument itself outside of every level, and a view within one."""
        return forward_ad.unpack_dual(_PROBE).primal is not _PROBE


if hasattr(torch._C, "_are_functorch_transforms_active"):
    #: Whether the call is within a transform of torch.func: vmap, grad, functionalize, ...
    transform_is_active: Callable[[], bool] = torch._C._are_functorch_transforms_active
else:

    def transform_is_active() -> bool:
        """Always true: the slower way for transforms is also correct outside of them."""
        return True


try:
    from torch._C._functorch import TransformType, peek_interpreter_stack
except ImportError:

    def innermost_transform_is_functionalize() -> bool | None:
        return None

else:

    def innermost_transform_is_functionalize() -> bool | None:
        """Whether torch.func.functionalize is the transform that sees the call first; None if
        unknown."""
        innermost = peek_interpreter_stack()
        return innermost is not None and innermost.key() == TransformType.Functionalize


#: Within this context ops skip their gradient.
below_autograd: Callable[[], AbstractContextManager[object]] = getattr(
    torch._C, "_AutoDispatchBelowAutograd", nullcontext
)


if hasattr(torch._C, "_dispatch_tls_set_dispatch_key_excluded") and hasattr(
    torch._C, "_dispatch_tls_is_dispatch_key_excluded"
):
    _AUTOGRAD_CPU = torch._C.DispatchKey.AutogradCPU
    _is_excluded = torch._C._dispatch_tls_is_dispatch_key_excluded
    _set_excluded = torch._C._dispatch_tls_set_dispatch_key_excluded

    def call_below_autograd(kernel: Callable[..., Result], *args: Any) -> Result:
        """kernel(*args) within below_autograd; the first argument is the image. On a CPU this takes
        a fraction of the time of the context."""
        if not args[0].is_cpu:
            with below_autograd():
                return kernel(*args)
        if _is_excluded(_AUTOGRAD_CPU):  # as in torch.inference_mode
            return kernel(*args)
        _set_excluded(_AUTOGRAD_CPU, True)
        try:
            return kernel(*args)
        finally:
            _set_excluded(_AUTOGRAD_CPU, False)

else:

    def call_below_autograd(kernel: Callable[..., Result], *args: Any) -> Result:
        with below_autograd():
            return kernel(*args)


if hasattr(torch.ops.aten.add.Tensor, "_op"):
    #: The function that an op calls; calling it directly saves a call.
    kernel_call: Callable[[Callable[..., Result]], Callable[..., Result]] = attrgetter("_op")
else:

    def kernel_call(op: Callable[..., Result]) -> Callable[..., Result]:
        return op


try:
    from torch.utils._python_dispatch import _disable_current_modes
except ImportError:

    def without_modes(function: Callable[[], Result]) -> Result:
        """The result of `function`, called in a thread of its own: modes belong to a thread."""
        with ThreadPoolExecutor(max_workers=1) as executor:
            return executor.submit(function).result()

else:

    def without_modes(function: Callable[[], Result]) -> Result:
        """The result of `function`, called without the active modes, such as FakeTensorMode."""
        with _disable_current_modes():
            return function()


def without_tracing(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """A decorator for functions of no tensor. `function` is called in a thread of its own, and so
    outside of vmap, make_fx and torch.jit.trace, which belong to the thread of the caller.
    torch.compile takes the result for a constant."""

    @wraps(function)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with ThreadPoolExecutor(max_workers=1) as executor:
            return executor.submit(function, *args, **kwargs).result()

    # As torch.compiler.assume_constant_result does, which would load the compiler. Without it,
    # torch.compile breaks the graph here.
    call._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return call
