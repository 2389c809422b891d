"""Runs the cases: verify, time in interleaved rounds, return results."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import torch

from benchmarks.cases import Case, cases
from benchmarks.contenders import Check, contenders, verify
from benchmarks.instruction_sets import ForcedPath, UnsupportedPath
from benchmarks.settings import Config
from benchmarks.timing import Timing, cpu_clock, cuda_clock, interleaved
from benchmarks.verification import VerificationError, check_bits

PATH_SIZES = ("batch", "square")


@dataclass(frozen=True)
class Result:
    """One contender on one case."""

    case: Case
    contender: str
    threads: int
    check: Check
    timing: Timing

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
    results = []
    skipped = {}
    with ExitStack() as processes:
        paths = []
        for name in config.instruction_sets:
            try:
                paths.append(processes.enter_context(ForcedPath(name)))
            except UnsupportedPath as reason:
                skipped[name] = str(reason)
                report(f"path {name} skipped: {reason}")
        todo = cases(config)
        for number, case in enumerate(todo, start=1):
            found = run_case(case, config, paths if case.size in PATH_SIZES else [])
            results += found
            speed = found[0].megasamples_per_second
            report(f"{number}/{len(todo)} {case}: {speed:,.0f} M samples/s")
    return results, skipped


def run_case(case: Case, config: Config, paths: list[ForcedPath]) -> list[Result]:
    image = case.image()
    found = contenders(case, image, config.threads)
    verify(case, image, found)
    clocks = [
        cuda_clock(contender.call)
        if case.device == "cuda"
        else cpu_clock(contender.call, contender.threads)
        for contender in found
    ]
    labels = [(contender.name, contender.threads, contender.check) for contender in found]
    for path in paths:
        _verify_path(case, path, found[0].call())
        clocks.append(lambda number, path=path: path.seconds_per_call(case, number))
        labels.append((f"pyquant {path.name}", 1, "bits"))
    timings = interleaved(clocks, config.seconds, config.rounds)
    return [Result(case, *label, timing) for label, timing in zip(labels, timings, strict=True)]


def _verify_path(case: Case, path: ForcedPath, verified: torch.Tensor) -> None:
    try:
        check_bits(path.result(case), verified)
    except VerificationError as error:
        raise VerificationError(f"pyquant {path.name} on {case}: {error}") from None
