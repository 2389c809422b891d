"""The checks of the arguments other than the image. They are in Python, so that an error has the
same type in plain calls, under torch.compile and in vmap. csrc/checks.h repeats them for callers of
torch.ops."""

import operator

import numpy
import torch
from torch import Tensor
from torch.compiler import is_compiling


def checked_bits(bits: object) -> int:
    """`bits` as an int from 1 to 8. It may be of any type that stands for an integer."""
    if type(bits) is int and 1 <= bits <= 8:
        return bits
    value = _integer(bits)
    if value is None or not 1 <= value <= 8:
        raise ValueError(f"bits must be an integer from 1 to 8, got {bits!r}")
    return value


def _integer(value: object) -> int | None:
    """The value as an int, or None if it is not an integer. A bool is not one."""
    if isinstance(value, (bool, numpy.bool_)):
        return None
    if isinstance(value, Tensor) and value.dtype == torch.bool:
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]  # or TypeError
    except (TypeError, RuntimeError):  # RuntimeError: a tensor whose value is not known
        return None


def checked_choice(argument: str, value: object, accepted: tuple[str, ...]) -> str:
    """`value`, one of the accepted strings, as a plain str; it may be of a class derived from it,
    such as an Enum."""
    if type(value) is str and value in accepted:
        return value
    if isinstance(value, str):
        for name in accepted:
            if value == name:
                return name
    names = " or ".join(repr(name) for name in accepted)
    raise ValueError(f"{argument} must be {names}, got {value!r}")


def check_out(image: Tensor, out: Tensor) -> None:
    """Checks what is known of `out` without its memory. The kernels check that it does not overlap
    with the image in part."""
    if out.dtype != image.dtype:
        raise TypeError(f"out must have the dtype of image, {image.dtype}, got {out.dtype}")
    if out.layout is not torch.strided or out.is_nested:
        layout = "a nested tensor" if out.is_nested else out.layout
        raise TypeError(f"out must be a dense tensor (torch.strided), got {layout}")
    if out.device != image.device:
        raise ValueError(f"out must be on the device of image, {image.device}, got {out.device}")
    if out.shape != image.shape:
        raise ValueError(
            f"out must have the shape of image, {list(image.shape)}, got {list(out.shape)}"
        )


def check_autograd(image: Tensor, out: Tensor) -> None:
    """What autograd demands of a call that writes into `out`. torch's own ops demand the same."""
    # torch.compile cannot trace is_inference.
    if not is_compiling() and out.is_inference() and not torch.is_inference_mode_enabled():
        raise ValueError(
            "out must not be an inference tensor outside of torch.inference_mode, got one; "
            "out.clone() is an ordinary tensor"
        )
    if not torch.is_grad_enabled():
        return
    for name, tensor in (("image", image), ("out", out)):
        if tensor.requires_grad:
            raise ValueError(
                f"{name} must not require a gradient if out is given, as the result in out has none; "
                "got requires_grad=True (torch.no_grad allows it)"
            )
