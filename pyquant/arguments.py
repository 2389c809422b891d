"""The checks of arguments that are not images, in Python: so an error has the same type in plain
calls, under torch.compile and in vmap. csrc/checks.h repeats them for callers of torch.ops."""

import operator

import numpy
import torch
from torch import Tensor


def checked_bits(bits: object) -> int:
    """`bits` as an int from 1 to 8. It may be of any type that stands for an integer."""
    if type(bits) is int and 1 <= bits <= 8:
        return bits
    value = _integer(bits)
    if value is None or not 1 <= value <= 8:
        raise ValueError(f"bits must be an integer from 1 to 8, got {bits!r}")
    return value


def _integer(value: object) -> int | None:
    """None if `value` is none. A truth value counts as none."""
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
