"""Clocks and interleaved rounds."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from torch.utils.benchmark import Timer

# number of calls -> seconds per call
Clock = Callable[[int], float]

MINIMUM_ROUNDS = 3


@dataclass(frozen=True)
class Timing:
    median: float  # seconds per call
    first_quartile: float
    third_quartile: float
    rounds: int
    calls_per_round: int

    def of_one(self, count: int) -> "Timing":
        """Of one call, if `count` of them were timed as one."""
        return Timing(
            self.median / count, self.first_quartile / count, self.third_quartile / count,
            self.rounds, self.calls_per_round * count,
        )  # fmt: skip


def cpu_clock(call: Callable[[], object], threads: int) -> Clock:
    timer = Timer("call()", globals={"call": call}, num_threads=threads)
    return lambda number: timer.timeit(number).median


def interleaved(clocks: list[Clock], seconds: float, rounds: int) -> list[Timing]:
    """Times every clock once per round: A B C A B C ..., so that a slow moment of the machine
    falls on all of them. A clock with long calls drops out when it has used twice its time, but not
    before a few rounds."""
    first_rounds = [_first_round(clock, seconds / rounds) for clock in clocks]
    samples = [times for _, times in first_rounds]
    numbers = [number for number, _ in first_rounds]
    for finished in range(rounds):
        for clock, number, times in zip(clocks, numbers, samples, strict=True):
            in_time = len(times) < MINIMUM_ROUNDS or sum(times) * number < 2 * seconds
            if len(times) == finished and in_time:
                times.append(clock(number))
    return [_summary(times, number) for times, number in zip(samples, numbers, strict=True)]


def _first_round(clock: Clock, seconds: float) -> tuple[int, list[float]]:
    """How many calls fill that many seconds, at least 1; and the time of one call, if it is so
    long that the search for the number was already a measurement."""
    number = 1
    while True:
        per_call = clock(number)
        if per_call >= seconds:
            return 1, [per_call] if number == 1 else []
        if per_call * number >= seconds / 4:
            return round(seconds / per_call), []
        number *= 4


def _summary(times: list[float], number: int) -> Timing:
    if len(times) == 1:
        return Timing(times[0], times[0], times[0], 1, number)
    first_quartile, median, third_quartile = statistics.quantiles(times, n=4, method="inclusive")
    return Timing(median, first_quartile, third_quartile, len(times), number)
