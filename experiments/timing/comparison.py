"""Two ways to do one thing, timed in turn."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

import torch
from rich.progress import Progress

from experiments.timing.clock import seconds


@dataclass(frozen=True)
class Contender:
    """One of the two ways."""

    name: str
    images: int
    """How many images one call takes."""
    call: Callable[[], object]


@dataclass(frozen=True)
class Comparison:
    """Images per second of two ways to do one thing; the ratio is the median over the rounds."""

    what: str
    ours: str
    other: str
    ours_per_second: float
    other_per_second: float
    ratio: float
    ratio_quartiles: tuple[float, float]
    target: float


def compare(
    what: str,
    target: float,
    ours: Contender,
    other: Contender,
    device: torch.device,
    rounds: int,
    progress: Progress,
) -> Comparison:
    """Times two ways in turn, round by round, so that a slow moment of the machine falls on both.

    Args:
        what: what the comparison is called.
        target: the ratio of ``ours`` to ``other`` to reach.
        ours, other: the two ways.
        device: where both work.
        rounds: how many rounds count, at least 2; one more comes before them.
        progress: gets a bar.
    """
    bar = progress.add_task(what, total=2 * (rounds + 1))
    rates: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 1):
        for found, contender in zip(rates, (ours, other), strict=True):
            found.append(contender.images / seconds(contender.call, device))
            progress.advance(bar)
    ours_rates, other_rates = (found[1:] for found in rates)
    ratios = [mine / theirs for mine, theirs in zip(ours_rates, other_rates, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Comparison(
        what,
        ours.name,
        other.name,
        statistics.median(ours_rates),
        statistics.median(other_rates),
        middle,
        (low, high),
        target,
    )
