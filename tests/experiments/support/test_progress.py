"""Estimates, and progress where there is no terminal."""

import io

import pytest
from rich.console import Console

from experiments.support.progress import LoggedProgress, Meter, duration


class Work:
    """Progress without a terminal, under a clock of its own."""

    def __init__(self, total, terminal=False, **fields):
        self.now = 0.0
        self.output = io.StringIO()
        console = Console(file=self.output, force_terminal=terminal, width=200)
        self.progress = LoggedProgress(console, lambda: self.now)
        self.task = self.progress.add_task("2d on 8", total=total, **fields)

    def step(self, seconds, amount=1):
        self.now += seconds
        self.progress.advance(self.task, amount)

    @property
    def lines(self):
        return self.output.getvalue().splitlines()


def test_estimate_is_made_on_the_first_step_where_that_takes_long():
    work = Work(1000, whole="10 cells")
    work.step(18.0, 1)
    assert work.lines == ["10 cells: about 5.0 h"]
    work.step(18.0, 1)
    assert len(work.lines) == 1


def test_estimate_leaves_out_a_slow_first_step():
    work = Work(1001)
    work.step(5.0)
    for _ in range(30):
        work.step(0.1)
    # A tenth of a second a step, whatever the first one took.
    assert work.lines == ["2d on 8: about 2 min"]


def test_estimate_waits_for_what_is_done_at_once():
    work = Work(100, whole="100 cells", at_once=4)
    work.step(20.0)  # long; but three others are nearly done
    assert work.lines == []
    for _ in range(3):
        work.step(0.1)
    assert work.lines == ["100 cells: about 8 min"]


def test_quick_work_has_no_estimate():
    work = Work(3)
    for _ in range(3):
        work.step(0.5)
    assert work.lines == []


def test_a_line_a_minute_without_a_terminal():
    work = Work(100)
    for _ in range(50):
        work.step(6.0)
    assert work.lines == [
        "2d on 8: about 10 min",
        "2d on 8: 10 % after 60 s, about 9 min left",
        "2d on 8: 20 % after 2 min, about 8 min left",
        "2d on 8: 30 % after 3 min, about 7 min left",
        "2d on 8: 40 % after 4 min, about 6 min left",
        "2d on 8: 50 % after 5 min, about 5 min left",
    ]


def test_no_such_lines_on_a_terminal():
    work = Work(100, terminal=True)
    for _ in range(50):
        work.step(6.0)
    assert sum("about" in line for line in work.lines) == 1


def test_what_others_have_done_is_no_work():
    work = Work(100)
    work.progress.skip(work.task, 90)
    work.step(18.0)
    assert work.lines == ["2d on 8: about 3 min"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (28800, "8.0 h")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_meters_of_two_kinds_of_work_share_a_bar():
    work = Work(100)
    fast, slow = (Meter(work.progress, work.task, unit) for unit in (0.5, 8.0))
    fast.begin("fast work")
    for _ in range(4):
        fast.advance()
    assert (work.progress.tasks[0].completed, work.progress.tasks[0].total) == (2.0, 100)
    slow.times(3).advance(2)
    slow.skip(4)
    assert (work.progress.tasks[0].completed, work.progress.tasks[0].total) == (50.0, 68.0)
    assert work.progress.tasks[0].description == "fast work"
