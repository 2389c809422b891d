"""Every private name of torch that the package uses, each with a slower public replacement.

A later torch may rename any of them. Then `import pyquant` still works and every result stays the
same; only calls become slower. No other module of the package uses a private name of torch.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import torch
from torch import Tensor
from torch.autograd import forward_ad

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
        """Always true: what a call does within a transform gives the same result without one."""
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


def kernel_call(op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function that `op` calls; calling it directly saves a call."""
    return getattr(op, "_op", op)


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
