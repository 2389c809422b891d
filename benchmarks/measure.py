"""Runs the cases: verify, time in interleaved rounds, return results."""

import time
from collections.abc import Callable

import torch

from benchmarks import machine
from benchmarks.cases import Case, cases
from benchmarks.measurements import Result, Run
from benchmarks.settings import Config
from benchmarks.timing import interleaved
from benchmarks.verification import verify


def run_on_cpu(config: Config) -> Run:
    run = Run(config, machine.describe(), [])
    run.results.extend(measure(config, measure_case_on_cpu, run.left_out.append))
    return run


def measure(
    config: Config,
    measure_case: Callable[[Case, Config], list[Result]],
    leave_out: Callable[[str], None],
    report: Callable[[str], None] = print,
) -> list[Result]:
    """All results of a resolved config. Cases that do not fit into memory or begin after the time
    limit are left out.

    Raises:
        VerificationError: if any contender does not do the work it is timed for.
    """
    results = []
    todo = cases(config)
    started = time.monotonic()
    for number, case in enumerate(todo, start=1):
        elapsed = time.monotonic() - started
        if config.time_limit is not None and elapsed > config.time_limit:
            leave_out(f"{case}: the time limit of {config.time_limit:g} s is reached")
            continue
        try:
            of_case = measure_case(case, config)
        except torch.OutOfMemoryError:
            leave_out(f"{case}: out of memory")
            continue
        results += of_case
        speed = of_case[0].megasamples_per_second
        elapsed = time.monotonic() - started
        report(f"{number}/{len(todo)} {elapsed:.0f} s  {case}: {speed:,.0f} M samples/s")
    return results


def measure_case_on_cpu(case: Case, config: Config) -> list[Result]:
    """The results of one case under a resolved config."""
    from benchmarks.cpu_contenders import contenders  # imports libraries that a GPU does not need

    assert config.instruction_sets is not None and config.seconds is not None
    image = case.image()
    timed = contenders(case, image, config.threads, config.instruction_sets)
    verify(case, image, timed)
    clocks = [contender.clock() for contender in timed]
    timings = interleaved(clocks, config.seconds, config.rounds)
    faults = [contender.page_faults() for contender in timed]
    return [
        Result(case, contender.name, contender.threads, contender.check, timing, page_faults)
        for contender, timing, page_faults in zip(timed, timings, faults, strict=True)
    ]
