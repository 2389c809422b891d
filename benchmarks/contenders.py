"""What is timed on a case: its name, how it is called, what it must return."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from benchmarks.instruction_sets import forced
from benchmarks.timing import Clock, cpu_clock

# "bits": every bit as in the reference. "levels": the same work by another arithmetic.
# "none": other work, timed for scale, such as the copy.
Check = Literal["bits", "levels", "none"]

OWN = "pyquant"
FROM_PYTHON = "from Python"  # after the name: one call at a time, not inside a CUDA graph
INTO = "out="  # after the name: the result goes into memory that exists
# These bound the speed of an op; they do not compete with it.
ROOFS = ("copy_", "clone", "new memory", "clamp", f"clamp {FROM_PYTHON}")


@dataclass(frozen=True)
class Contender:
    name: str
    call: Callable[[], Any]
    check: Check
    to_tensor: Callable[[Any], Tensor] = lambda result: result
    threads: int = 1
    instruction_set: str | None = None
    recorded: bool = False  # timed inside a CUDA graph

    def result(self) -> Tensor:
        with _torch_threads(self.threads), forced(self.instruction_set):
            return self.to_tensor(self.call())

    def page_faults(self) -> int:
        """How many pages of new memory the system had to clear and map for one call."""
        with _torch_threads(self.threads), forced(self.instruction_set):
            self.call()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            self.call()
            return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    def clock(self) -> Clock:
        """On the CPU."""
        clock = cpu_clock(self.call, self.threads)

        def seconds_per_call(number: int) -> float:
            with forced(self.instruction_set):
                return clock(number)

        return seconds_per_call


def is_peer(name: str) -> bool:
    """Whether it competes with pyquant in making a new result."""
    return not name.startswith(OWN) and name not in ROOFS and not name.endswith(INTO)


def is_path(name: str) -> bool:
    """Whether it is pyquant on one instruction set."""
    return name.startswith(f"{OWN} ") and not name.endswith((INTO, FROM_PYTHON))


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
