"""Runs the cases: verify, time in interleaved rounds, return results."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from benchmarks.cases import Case, cases
from benchmarks.contenders import Check, contenders, verify
from benchmarks.instruction_sets import split_by_support
from benchmarks.settings import Config, InstructionSet
from benchmarks.timing import Timing, interleaved


@dataclass(frozen=True)
class Result:
    """One contender on one case."""

    case: Case
    contender: str
    threads: int
    check: Check
    timing: Timing
    page_faults: int = 0  # of one call

    @property
    def samples(self) -> int:
        return torch.Size(self.case.shape).numel()

    @property
    def megasamples_per_second(self) -> float:
        return self.samples / self.timing.median / 1e6

    @property
    def gigabytes_per_second(self) -> float:
        """Bytes of the image read plus bytes of the result written."""
        return 2 * self.samples * self.case.torch_dtype.itemsize / self.timing.median / 1e9


def run(config: Config, report: Callable[[str], None] = print) -> tuple[list[Result], dict]:
    """All results, and for each instruction set that was left out the reason.

    Raises:
        VerificationError: if any contender does not do the work it is timed for.
    """
    instruction_sets, left_out = split_by_support(config.instruction_sets)
    for name, reason in left_out.items():
        report(f"instruction set {name} left out: {reason}")
    results = []
    todo = cases(config)
    started = time.monotonic()
    for number, case in enumerate(todo, start=1):
        found = run_case(case, config, instruction_sets)
        results += found
        speed = found[0].megasamples_per_second
        elapsed = time.monotonic() - started
        report(f"{number}/{len(todo)} {elapsed:.0f} s  {case}: {speed:,.0f} M samples/s")
    return results, left_out


def run_case(case: Case, config: Config, instruction_sets: list[InstructionSet]) -> list[Result]:
    image = case.image()
    found = contenders(case, image, config.threads, instruction_sets)
    verify(case, image, found)
    clocks = [contender.clock(case.device) for contender in found]
    timings = interleaved(clocks, config.seconds, config.rounds)
    faults = [contender.page_faults() if case.device == "cpu" else 0 for contender in found]
    return [
        Result(case, contender.name, contender.threads, contender.check, *measured)
        for contender, *measured in zip(found, timings, faults, strict=True)
    ]
