"""What was measured: a result is one contender on one case; a run is all results of one command."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch

from benchmarks.cases import Case
from benchmarks.contenders import INTO, OWN, Check, is_path, is_peer
from benchmarks.settings import Config
from benchmarks.timing import Timing


@dataclass(frozen=True)
class Result:
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

    @property
    def spread(self) -> float:
        """Half the interquartile range, relative to the median."""
        timing = self.timing
        return (timing.third_quartile - timing.first_quartile) / 2 / timing.median


@dataclass(frozen=True)
class Run:
    """`config` is resolved; `machine` is what benchmarks.machine.describe returned; `left_out` says
    what was not timed, and why."""

    config: Config
    machine: dict[str, Any]
    results: list[Result]
    left_out: list[str] = field(default_factory=list)


class ResultTable:
    """Results by case, contender and threads."""

    def __init__(self, results: Iterable[Result]) -> None:
        self.by_case: dict[Case, dict[tuple[str, int], Result]] = {}
        for result in results:
            of_case = self.by_case.setdefault(result.case, {})
            of_case[result.contender, result.threads] = result

    def ratio(self, case: Case, ours: tuple[str, int], other: tuple[str, int]) -> float | None:
        """How many times as fast as the other."""
        row = self.by_case[case]
        if ours not in row or other not in row:
            return None
        return row[other].timing.median / row[ours].timing.median

    def fastest_peer(self, case: Case) -> Result | None:
        peers = [result for result in self.by_case[case].values() if is_peer(result.contender)]
        return min(peers, key=lambda result: result.timing.median, default=None)

    def over_fastest_peer(self, case: Case) -> float | None:
        peer = self.fastest_peer(case)
        if peer is None:
            return None
        return self.ratio(case, (OWN, 1), (peer.contender, peer.threads))


@dataclass(frozen=True)
class Loss:
    """`slower` and `faster` did the same work, and their interquartile ranges do not overlap."""

    slower: Result
    faster: Result

    @property
    def speed(self) -> float:
        """Of the slower, relative to the faster."""
        return self.faster.timing.median / self.slower.timing.median


def losses(results: Iterable[Result]) -> list[Loss]:
    """Every case in which a peer was faster than pyquant, each with a new result or each with memory
    that exists, more threads were slower than one, or an
    instruction set was slower than the portable path."""
    found = []
    for row in ResultTable(results).by_case.values():
        for name, threads in row:
            if is_peer(name):
                ours, other = (OWN, 1), (name, threads)
            elif name.endswith(INTO):
                ours, other = (f"{OWN} {INTO}", 1), (name, threads)
            elif name == OWN and threads > 1:
                ours, other = (name, threads), (OWN, 1)
            elif is_path(name):
                ours, other = (name, threads), (f"{OWN} portable", 1)
            else:
                continue
            if ours in row and other in row:
                slower, faster = row[ours].timing, row[other].timing
                if slower.first_quartile > faster.third_quartile:
                    found.append(Loss(row[ours], row[other]))
    return found
