"""Networks in evaluation mode for a while, also those inside the functions that are attacked."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

MOST_PARTS = 1000


@contextmanager
def evaluation_mode(network: Callable[..., Any]) -> Iterator[None]:
    """Every module that ``network`` is, or uses, is in evaluation mode; afterwards as it was.

    A forward pass in training mode would change the running statistics of a batch normalisation,
    and let the images of a batch depend on each other.
    """
    training = [
        part for module in modules_of(network) for part in module.modules() if part.training
    ]
    try:
        for part in training:
            part.training = False
        yield
    finally:
        for part in training:
            part.training = True


def modules_of(function: Any) -> list[nn.Module]:
    """The modules that a callable is, or holds in its closure, globals, attributes or arguments."""
    found: list[nn.Module] = []
    seen: set[int] = set()
    waiting = [function]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, nn.Module):
            found.append(value)
        elif isinstance(value, (list, tuple, dict)):
            if len(value) <= MOST_PARTS:  # beyond it are data
                waiting += value.values() if isinstance(value, dict) else value
        else:
            waiting += _parts(value)
    return found


def _parts(value: Any) -> list[Any]:
    """What a callable may pass its images to."""
    if (getattr(value, "__module__", None) or "").partition(".")[0] == "torch":
        return []
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if inspect.ismethod(value):
        return [value.__self__, value.__func__]
    if inspect.isfunction(value):
        variables = inspect.getclosurevars(value)
        return [*variables.nonlocals.values(), *variables.globals.values()]
    if callable(value) and not inspect.isclass(value) and hasattr(value, "__dict__"):
        return list(vars(value).values())
    return []
