"""What other processes use while something is timed, and what a run says of it."""

import subprocess
import sys
import time
from dataclasses import replace

import pytest

from benchmarks import other_processes, readme
from benchmarks.command import measure_and_write
from benchmarks.other_processes import PROCESSORS, ProcessorTime, share_of_others
from benchmarks.report import to_markdown
from benchmarks.run_files import read_run
from tiny_benchmark import TINY

needs_linux = pytest.mark.skipif(not PROCESSORS.exists(), reason="no /proc/stat")


def test_others_are_all_that_was_busy_but_this_process():
    # user nice system idle iowait irq softirq steal guest guest_nice; guest is a part of user.
    text = "cpu  1000 100 200 5000 300 10 20 70 500 0\ncpu0 0 0 0 0\n"
    assert ProcessorTime.of(text, 100, own=4.0) == ProcessorTime(all=67.0, others=pytest.approx(10))


def test_the_share_is_of_the_time_between(monkeypatch):
    now = ProcessorTime(all=120.0, others=35.0)
    monkeypatch.setattr(ProcessorTime, "now", lambda: now)
    assert share_of_others(ProcessorTime(all=100.0, others=30.0)) == 0.25
    assert share_of_others(ProcessorTime(all=100.0, others=35.1)) == 0  # of two clocks
    assert share_of_others(now) is None and share_of_others(None) is None


@needs_linux
def test_a_busy_process_is_seen():
    busy = "import time\nwhile time.process_time() < 0.5: pass\nprint(flush=True)\ninput()"
    before = ProcessorTime.now()
    with subprocess.Popen(
        [sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        after = ProcessorTime.now()
        process.communicate("\n")
    assert after.others - before.others > 0.4


@needs_linux
def test_own_work_is_not_counted():
    before = ProcessorTime.now()
    own = time.process_time()
    while time.process_time() < own + 0.5:
        pass
    after = ProcessorTime.now()
    # All that is left to others, except for the ticks of the clock.
    assert after.others - before.others < after.all - before.all - 0.4


@pytest.mark.parametrize(("share", "marked"), [(0.48, True), (0.01, False), (None, False)])
def test_a_run_on_a_busy_machine_says_so(share, marked, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(other_processes, "share_in", lambda seconds: share)
    monkeypatch.setattr(other_processes, "share_of_others", lambda since: share)
    run = measure_and_write(replace(TINY, output=tmp_path).resolved())
    assert read_run(tmp_path).machine["share of other processes"] == share
    said, written = capsys.readouterr().out, (tmp_path / "report.md").read_text()
    assert said.startswith("Other processes use 48%") == marked
    assert (
        ("Other processes used 48%" in said) == ("**Other processes used 48%" in written) == marked
    )
    assert ("Other processes used 48%" in readme.content({"machine": run})) == marked
    del run.machine["share of other processes"]  # as in the first runs
    assert "Other processes" not in to_markdown(run)
