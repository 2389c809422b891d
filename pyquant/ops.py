"""The public ops. Types and devices are checked here; the values of the arguments are checked
once for every device in csrc/checks.h, and arrive as ValueError."""

import operator

import torch
from torch import Tensor
from torch._C import _AutoDispatchBelowAutograd
from torch._C._functorch import TransformType, peek_interpreter_stack
from torch.autograd import forward_ad
from torch.compiler import is_compiling
from torch.utils._python_dispatch import _disable_current_modes

from pyquant import _C  # noqa: F401  (loading the library registers torch.ops.pyquant)

DTYPES = (torch.uint8, torch.float16, torch.bfloat16, torch.float32, torch.float64)
_FLOYD_STEINBERG = torch.ops.pyquant.floyd_steinberg.default
_LINEAR_QUANTIZE = torch.ops.pyquant.linear_quantize.default
_CUDA_ARCHITECTURES = torch.ops.pyquant.cuda_architectures()
_DTYPE_NAMES = "uint8, float16, bfloat16, float32 or float64"


def floyd_steinberg(image: Tensor, bits: int, *, variant: str = "textbook") -> Tensor:
    """Dithers every plane of `image` to `bits` bits by Floyd-Steinberg error diffusion.

    Planes are independent (colour channels never mix) and are scanned in raster order:
    rows from top to bottom, columns from left to right.

    Args:
        image: `(..., height, width)`, uint8 with values 0..255, or float16, bfloat16,
            float32 or float64 with values in [0, 1]. Floats are clamped to [0, 1] and NaN
            counts as 0. Any strides; CPU or CUDA.
        bits: bits per sample, 1 to 8. The result has n = 2**bits levels.
        variant: "textbook" is the error diffusion of Floyd and Steinberg (1976) in float32.
            "published" is the saturating 8-bit integer arithmetic of the code behind the
            tables of AprilPyone, Kinoshita and Kiya, "Filtering Adversarial Noise with
            Double Quantization" (APSIPA 2019), its quirks included.

    Returns:
        A new tensor with the shape, dtype, device and memory format of `image`, whose
        values are `levels(bits, variant=variant, dtype=image.dtype)`. Its gradient is
        straight-through: the incoming gradient (forwards: the tangent), unchanged.

    Raises:
        ValueError: for `bits` outside 1..8, an unknown `variant`, fewer than two dimensions, or a
            device that is neither a CPU nor CUDA (or CUDA, if the package is built without).
        TypeError: if `image` is not a dense tensor or has another dtype.
    """
    return _apply(_FLOYD_STEINBERG, image, bits, str(variant))


def linear_quantize(image: Tensor, bits: int, *, rounding: str = "nearest") -> Tensor:
    """Snaps every value of `image` to one of the 2**bits equidistant levels.

    This is the filter of AprilPyone, Kinoshita and Kiya (APSIPA 2019, Section III): applied
    to a perturbed dithered image it restores the level of every value, as long as no value
    was moved by more than `certified_radius`. Applying it twice is applying it once.

    Args:
        image: `(..., height, width)`, uint8 with values 0..255, or float16, bfloat16,
            float32 or float64 with values in [0, 1]. Floats are clamped to [0, 1] and NaN
            counts as 0. Any strides; CPU or CUDA.
        bits: bits per sample, 1 to 8. The result has n = 2**bits levels.
        rounding: "nearest" takes the nearest level, code floor(x(n-1) + 1/2). "floor" keeps
            the leading bits of the 8-bit value, code floor(255x / 2**(8-bits)), as the
            paper's published code does. Floats become code/(n-1); uint8 becomes
            255*code/(n-1), rounded half up for "nearest" and down for "floor".

    Returns:
        A new tensor with the shape, dtype, device and memory format of `image`. Its gradient
        is straight-through: the incoming gradient (forwards: the tangent), unchanged.

    Raises:
        ValueError: for `bits` outside 1..8, an unknown `rounding`, fewer than two dimensions, or a
            device that is neither a CPU nor CUDA (or CUDA, if the package is built without).
        TypeError: if `image` is not a dense tensor or has another dtype.
    """
    return _apply(_LINEAR_QUANTIZE, image, bits, str(rounding))


def levels(bits: int, *, variant: str = "textbook", dtype: torch.dtype = torch.float32) -> Tensor:
    """The values that a `floyd_steinberg` image of `bits` bits can take.

    Args:
        bits: bits per sample, 1 to 8.
        variant: "textbook": k/(n-1), as uint8 255k/(n-1) rounded half up. "published":
            floor(255k/(n-1)), as floats that integer over 255.
        dtype: uint8, float16, bfloat16, float32 or float64.

    Returns:
        `(2**bits,)` on the CPU, ascending; code k has level `levels(bits)[k]`.

    Raises:
        ValueError: for `bits` outside 1..8 or an unknown `variant`.
        TypeError: for another dtype.
    """
    if dtype not in DTYPES:
        raise TypeError(f"dtype must be {_DTYPE_NAMES}, got {dtype}")
    return torch.ops.pyquant.levels.default(as_index(bits), variant=str(variant), dtype=dtype)


def as_index(bits: object) -> int:
    """Any integer that C++ can hold; whether it is in range is checked there. (A variant or
    rounding that is no string is passed on by its name, and refused there.)"""
    if type(bits) is int and abs(bits) < 2**63:
        return bits
    try:
        if not isinstance(bits, (bool, int)):
            return operator.index(bits)
    except TypeError:
        pass
    raise ValueError(f"bits must be an integer from 1 to 8, got {bits!r}")


def _check_device(device: torch.device) -> None:
    if device.type == "cuda" and not _CUDA_ARCHITECTURES:
        reason = torch.ops.pyquant.cuda_reason()
        raise ValueError(
            f"image must be on the CPU, as pyquant is built without CUDA ({reason}), got {device}"
        )
    if device.type not in ("cuda", "meta"):
        raise ValueError(f"image must be on the CPU or a CUDA device, got {device}")


def _apply(op: torch._ops.OpOverload, image: Tensor, bits: int, mode: str) -> Tensor:
    if not isinstance(image, Tensor):
        raise TypeError(f"image must be a torch.Tensor, got {type(image).__name__}")
    if image.dtype not in DTYPES:
        raise TypeError(f"image must be {_DTYPE_NAMES}, got {image.dtype}")
    if image.layout is not torch.strided or image.is_nested:
        layout = "a nested tensor" if image.is_nested else image.layout
        raise TypeError(f"image must be a dense tensor (torch.strided), got {layout}")
    if not image.is_cpu:
        _check_device(image.device)
    if type(bits) is not int or not 1 <= bits <= 8:
        bits = as_index(bits)
    if forward_ad._current_level >= 0:  # within torch.func.jvp, jacfwd or dual_level
        return _straight_through_both_ways(image, op, bits, mode)
    if image.requires_grad and torch.is_grad_enabled():
        return _StraightThrough.apply(image, op, bits, mode)
    if is_compiling():
        return op(image, bits, mode)
    if torch._C._are_functorch_transforms_active():
        # Within vmap an image does not tell whether a gradient is wanted; and functionalize
        # has no rule for functions of autograd.
        if peek_interpreter_stack().key() == TransformType.Functionalize:
            return op(image, bits, mode)
        return _StraightThrough.apply(image, op, bits, mode)
    # With nothing to differentiate, the registered gradient is skipped: passing through its
    # Python code would take longer than dithering a small image. And op._op is what op calls.
    with _AutoDispatchBelowAutograd():
        return op._op(image, bits, mode)


# What torch needs to know of the ops beyond their kernels. Each op maps planes to planes
# elementwise in shape, so fake kernel, gradient and vmap rule are the same for both. (A fake
# kernel is called without the mode where that is the default.)


def _fake_of(op: torch._ops.OpOverload):
    def fake(image: Tensor, bits: int, *mode: str, **named_mode: str) -> Tensor:
        # An image without pixels is enough for the kernel to check the arguments.
        with _disable_current_modes():
            empty = torch.empty((0,) * image.dim(), dtype=image.dtype, device="cpu")
            op(empty, bits, *mode, **named_mode)
        return torch.empty_like(image)

    return fake


def _vmap(op, in_dims, image: Tensor, bits: int, mode: str):
    (batch_dim, *_) = in_dims
    if image.dim() == 2:  # one dimension too few without the batch: let the op say so
        return op(image.select(batch_dim, 0), bits, mode), 0
    return op(image.movedim(batch_dim, 0), bits, mode), 0


def _straight_through(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
    """d(quantized)/d(image) is taken to be 1, as for values inside the range in
    torch.fake_quantize_per_tensor_affine."""
    return gradient, None, None


class _StraightThrough(torch.autograd.Function):
    """The public functions go through this rather than through register_autograd, which
    torch.func.grad does not support."""

    generate_vmap_rule = True

    @staticmethod
    def forward(image: Tensor, op: torch._ops.OpOverload, bits: int, mode: str) -> Tensor:
        return op(image, bits, mode)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        return *_straight_through(ctx, gradient), None

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        """Nothing to save."""


class _StraightThroughBothWays(_StraightThrough):
    """With the forward mode. Apart, since torch.compile refuses a function that has it."""

    @staticmethod
    def jvp(ctx, tangent: Tensor, *_: None) -> Tensor:
        """As backwards. (A view, since torch takes the very same tensor for a mistake.)"""
        return tangent.view_as(tangent)


# torch.compile would drop the tangent of an op without a word.
@torch.compiler.disable(reason="the forward mode of pyquant's ops is not compiled")
def _straight_through_both_ways(image: Tensor, op, bits: int, mode: str) -> Tensor:
    return _StraightThroughBothWays.apply(image, op, bits, mode)


for _op in (_FLOYD_STEINBERG, _LINEAR_QUANTIZE):
    torch.library.register_fake(_op.name(), _fake_of(_op))
    torch.library.register_autograd(_op.name(), _straight_through)


@torch.library.register_fake("pyquant::levels")
def _fake_levels(bits: int, *, variant: str, dtype: torch.dtype) -> Tensor:
    return torch.empty(2**bits, dtype=dtype)


@torch.library.register_vmap("pyquant::floyd_steinberg")
def _vmap_floyd_steinberg(info, in_dims, image, bits, variant="textbook"):
    return _vmap(torch.ops.pyquant.floyd_steinberg, in_dims, image, bits, variant)


@torch.library.register_vmap("pyquant::linear_quantize")
def _vmap_linear_quantize(info, in_dims, image, bits, rounding="nearest"):
    return _vmap(torch.ops.pyquant.linear_quantize, in_dims, image, bits, rounding)
