"""The CPU paths that a build chooses between, each forced in a process of its own.

PYQUANT_CPU is read once per process, so a path is timed by a process that had it set from its
start. These processes live for the whole run and sleep unless they are asked: their rounds
interleave with those of the other contenders.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from multiprocessing import get_context

import torch

import pyquant
from benchmarks.cases import Case
from benchmarks.settings import InstructionSet
from benchmarks.timing import cpu_clock

_VARIABLE = "PYQUANT_CPU"


class UnsupportedPath(Exception):
    """This build or this machine does not have the path."""


class ForcedPath:
    """One instruction set, in one process, as a context manager."""

    def __init__(self, name: InstructionSet) -> None:
        self.name = name
        self._process = ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))
        before = os.environ.get(_VARIABLE)
        os.environ[_VARIABLE] = name
        try:
            used = self._ask(_path_in_use)
        except Exception as error:
            self._process.shutdown()
            raise UnsupportedPath(str(error) or type(error).__name__) from None
        finally:
            os.environ.pop(_VARIABLE)
            if before is not None:
                os.environ[_VARIABLE] = before
        if name not in used.lower().replace("-", "").replace(" ", ""):
            self._process.shutdown()
            raise UnsupportedPath(f"the build uses {used!r} when asked for {name}")

    def __enter__(self) -> "ForcedPath":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.shutdown()

    def result(self, case: Case) -> torch.Tensor:
        """What the path returns, for verification."""
        return torch.from_numpy(self._ask(_result, case)).view(case.torch_dtype).reshape(case.shape)

    def seconds_per_call(self, case: Case, number: int) -> float:
        return self._ask(_seconds_per_call, case, number)

    def _ask(self, function, *arguments):
        return self._process.submit(function, *arguments).result()


# What runs in the process.


def _path_in_use() -> str:
    image = torch.zeros(1, 1, dtype=torch.uint8)
    pyquant.floyd_steinberg(image, 1)  # a path that cannot run says so here at the latest
    return pyquant.build_info()["cpu"]


def _result(case: Case):
    result = _call(case)()
    return result.contiguous().view(torch.uint8).numpy()


def _seconds_per_call(case: Case, number: int) -> float:
    return cpu_clock(_call(case), threads=1)(number)


@lru_cache(maxsize=1)
def _call(case: Case):
    return partial(getattr(pyquant, case.op), case.image(), case.bits, **case.keyword)
