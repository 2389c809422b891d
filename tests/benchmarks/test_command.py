"""The command on tiny sizes: that it verifies first, and what it writes."""

import time
from dataclasses import replace

import pytest

import pyquant
from benchmarks import machine
from benchmarks.command import age, measure_and_write, report_again, run_command
from benchmarks.measurements import Run
from benchmarks.run_files import read_run
from benchmarks.settings import ROOT
from benchmarks.verification import VerificationError
from tiny_benchmark import TINY

FILES = ["measurements.csv", "plot.png", "report.md", "run.json"]


def test_what_is_written(tmp_path):
    run = measure_and_write(replace(TINY, output=tmp_path).resolved())
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES

    assert {result.case.op for result in run.results} == set(TINY.ops)
    assert {"numba", "Pillow joint", "copy_"} <= {result.contender for result in run.results}
    assert all(result.timing.median > 0 for result in run.results)
    assert run.machine["build"]["pyquant"] == pyquant.__version__
    assert run.machine["commit"].keys() == {"id", "dirty"}
    stored = read_run(tmp_path)
    assert stored == replace(run, config=replace(run.config, output=None))

    text = "".join((tmp_path / name).read_text() for name in FILES if name != "plot.png")
    assert str(ROOT) not in text
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_report_only_writes_the_same_report(tmp_path, capsys):
    measure_and_write(replace(TINY, output=tmp_path).resolved())
    report = (tmp_path / "report.md").read_text()
    (tmp_path / "report.md").write_text("old")
    report_again(tmp_path)
    assert (tmp_path / "report.md").read_text() == report
    assert "csrc" in capsys.readouterr().out


@pytest.mark.parametrize("op", ["floyd_steinberg", "linear_quantize"])
def test_wrong_kernel_is_caught_and_nothing_is_written(op, spoil, tmp_path):
    spoil(pyquant, op)
    with pytest.raises(VerificationError, match=f"pyquant on {op}.* 1 of 3072 values differ"):
        measure_and_write(replace(TINY, output=tmp_path, ops=(op,)).resolved())
    assert not list(tmp_path.iterdir())


def test_sources_that_changed_since_a_report():
    """The files of csrc that git knows to be others; without the commit the command says so."""
    empty_tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    changed = machine.changed_sources(empty_tree)
    if changed is None:
        pytest.skip("not a git checkout")
    assert "csrc/library.cpp" in changed and "README.md" not in changed
    unknown = Run(TINY, {"commit": {"id": "0" * 40, "dirty": False}}, [])
    assert machine.changed_sources("0" * 40) is None
    assert "unknown" in age(unknown)


def test_nothing_to_time():
    with pytest.raises(SystemExit, match="nothing to time"):
        run_command(replace(TINY, sizes=("64mb",), ops=("floyd_steinberg",)))


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_timed(tmp_path):
    (tmp_path / "file").write_text("")
    started = time.monotonic()
    with pytest.raises(SystemExit, match=r"Not a directory: .*file/results"):
        run_command(replace(TINY, output=tmp_path / "file" / "results", seconds=60.0))
    assert time.monotonic() - started < 10
