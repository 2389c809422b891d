"""The CPU paths that a build chooses between, each forced in turn."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch

import pyquant  # noqa: F401  (registers torch.ops.pyquant)
from benchmarks.settings import InstructionSet


@contextmanager
def forced(name: InstructionSet | None) -> Iterator[None]:
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


def split_by_support(
    names: Iterable[InstructionSet],
) -> tuple[list[InstructionSet], dict[InstructionSet, str]]:
    """Those that run here, and why the others do not."""
    supported = []
    reasons = {}
    for name in names:
        try:
            with forced(name):
                supported.append(name)
        except ValueError as error:
            reasons[name] = str(error)
    return supported, reasons
