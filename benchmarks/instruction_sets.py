"""The CPU paths that pyquant chooses between, each forced in turn."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

import pyquant  # noqa: F401  (registers torch.ops.pyquant)


def supported() -> tuple[str, ...]:
    """The instruction sets that the build has and the machine supports, the slowest first."""
    return tuple(torch.ops.pyquant._supported_instruction_sets().split(","))


@contextmanager
def forced(name: str | None) -> Iterator[None]:
    """Within the block the ops use this path; None leaves the choice to pyquant.

    Raises:
        ValueError: if the machine or the build does not have it.
    """
    if name is None:
        yield
        return
    before = torch.ops.pyquant.instruction_set()
    torch.ops.pyquant._use_instruction_set(name)
    try:
        yield
    finally:
        torch.ops.pyquant._use_instruction_set(before)
