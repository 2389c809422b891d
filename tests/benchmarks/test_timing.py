"""Clocks and rounds. No speed is asserted anywhere."""

import mmap
from functools import partial

from benchmarks import timing
from benchmarks.contenders import Contender
from benchmarks.timing import Timing, interleaved


def test_rounds_interleave():
    order = []

    def clock(name):
        def seconds_per_call(number):
            order.append(name)
            return 0.25 / number

        return seconds_per_call

    timings = interleaved([clock("a"), clock("b"), clock("c")], seconds=1.0, rounds=4)
    assert order == list("abc") * 4
    assert [timing.rounds for timing in timings] == [4, 4, 4]


def test_slow_contender_drops_out_after_a_few_rounds():
    clocks = [lambda number: 0.01, lambda number: 10.0]  # seconds per call
    quick, slow = interleaved(clocks, seconds=1.0, rounds=20)
    assert (quick.rounds, slow.rounds) == (20, timing.MINIMUM_ROUNDS)
    assert (quick.calls_per_round, slow.calls_per_round) == (5, 1)


def test_timing_is_median_and_quartiles():
    times = iter([1.0, 4.0, 2.0])
    (found,) = interleaved([lambda n: next(times)], seconds=1.0, rounds=3)
    assert found == Timing(2.0, 1.5, 3.0, 3, 1)


def test_page_faults_of_new_memory():
    def map_pages(bytes_to_write):
        with mmap.mmap(-1, 2**16) as pages:
            pages[:bytes_to_write] = bytes(bytes_to_write)

    faults = [
        Contender("map", partial(map_pages, size), "none").page_faults() for size in (0, 2**16)
    ]
    assert faults[0] < faults[1]


def test_timing_of_one_of_several_calls():
    assert Timing(8.0, 4.0, 12.0, rounds=3, calls_per_round=5).of_one(4) == Timing(2, 1, 3, 3, 20)
