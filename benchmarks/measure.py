"""Runs the cases: verify, time in interleaved rounds, return results."""

import time
from collections.abc import Callable

from benchmarks.cases import Case, cases
from benchmarks.contenders import contenders, verify
from benchmarks.measurements import Result
from benchmarks.settings import Config
from benchmarks.timing import interleaved


def measure(config: Config, report: Callable[[str], None] = print) -> list[Result]:
    """All results of a resolved config.

    Raises:
        VerificationError: if any contender does not do the work it is timed for.
    """
    results = []
    todo = cases(config)
    started = time.monotonic()
    for number, case in enumerate(todo, start=1):
        of_case = measure_case(case, config)
        results += of_case
        speed = of_case[0].megasamples_per_second
        elapsed = time.monotonic() - started
        report(f"{number}/{len(todo)} {elapsed:.0f} s  {case}: {speed:,.0f} M samples/s")
    return results


def measure_case(case: Case, config: Config) -> list[Result]:
    image = case.image()
    timed = contenders(case, image, config.threads, config.instruction_sets)
    verify(case, image, timed)
    clocks = [contender.clock(case.device) for contender in timed]
    timings = interleaved(clocks, config.seconds, config.rounds)
    faults = [contender.page_faults() if case.device == "cpu" else 0 for contender in timed]
    return [
        Result(case, contender.name, contender.threads, contender.check, *measured)
        for contender, *measured in zip(timed, timings, faults, strict=True)
    ]
