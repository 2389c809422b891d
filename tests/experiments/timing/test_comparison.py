"""Both ways are called in turn, the first round does not count, and the ratio is a median."""

import pytest
import torch
from rich.console import Console

from experiments.support.progress import progress_bars
from experiments.timing import clock
from experiments.timing.comparison import Contender, compare


def test_ways_are_timed_in_turn(monkeypatch):
    # What the clock shows before and after each call: one slow round, then 1, 2 and 4 seconds
    # for ours, twice, three times and twice that for the other.
    seconds = [100, 100, 1, 2, 2, 6, 4, 8]
    times = iter([time for length in seconds for time in (0, length)])
    monkeypatch.setattr(clock.time, "perf_counter", lambda: next(times))
    calls = []
    ours = Contender("ours", 8, lambda: calls.append("ours"))
    other = Contender("other", 4, lambda: calls.append("other"))
    with progress_bars(Console(quiet=True)) as progress:
        found = compare("speed", 3.0, ours, other, torch.device("cpu"), 3, progress)
    assert calls == ["ours", "other"] * 4
    # Images per second of ours 8, 4, 2; of the other 2, 2/3, 1/2: ratios of 4, 6 and 4.
    assert found.ours_per_second == 4 and found.other_per_second == pytest.approx(2 / 3)
    assert found.ratio == pytest.approx(4) and found.ratio_quartiles == pytest.approx((4, 5))
    assert (found.what, found.ours, found.other, found.target) == ("speed", "ours", "other", 3.0)
