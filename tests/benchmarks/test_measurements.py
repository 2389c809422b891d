"""Stored runs: they are read as they were written, and the documents hold their numbers."""

import pytest

from benchmarks import machine, readme, report
from benchmarks.measurements import Run
from benchmarks.run_files import read_run, write_run
from benchmarks.settings import RESULTS
from experiments.reporting.generated import read_block
from tiny_benchmark import IMAGE, TINY, result

FOLDERS = sorted(path.parent for path in RESULTS.glob("*/run.json"))
RUN = Run(TINY, {"device": "abacus"}, [result(IMAGE, "pyquant", 0.1 + 0.2, threads=2)])


def test_a_run_is_read_as_it_was_written(tmp_path):
    write_run(tmp_path, RUN)
    assert read_run(tmp_path) == RUN


def test_a_run_that_lacks_a_setting_has_its_default(tmp_path):
    write_run(tmp_path, RUN)
    path = tmp_path / "run.json"
    path.write_text(path.read_text().replace(' "rounds": 3,\n', ""))
    assert read_run(tmp_path).config.rounds == type(TINY)().rounds


@pytest.mark.parametrize("old, new", [("3x32x32", "3x64x64"), ("contender", "name")])
def test_other_measurements_are_refused(tmp_path, old, new):
    write_run(tmp_path, RUN)
    path = tmp_path / "measurements.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ValueError, match="measurements.csv"):
        read_run(tmp_path)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_reports_are_of_the_stored_measurements(folder):
    run = read_run(folder)
    assert (folder / "report.md").read_text() == report.to_markdown(run)
    assert (run.config.name or machine.folder_name(run.machine["device"])) == folder.name
    assert max(path.stat().st_size for path in folder.iterdir()) < 200_000


def test_readme_has_the_stored_numbers():
    runs = {folder.name: read_run(folder) for folder in FOLDERS}
    of_cpus = {name: run for name, run in runs.items() if run.config.device == "cpu"}
    assert len(of_cpus) >= 2
    assert read_block(readme.README, readme.BLOCK) == readme.content(of_cpus)


@pytest.mark.parametrize(
    "device, folder",
    [
        ("AMD EPYC 9R14 96-Core Processor", "amd_epyc"),
        ("Intel(R) Xeon(R) Platinum 8488C", "intel_xeon"),
        ("NVIDIA H100 80GB HBM3", "h100"),
    ],
)
def test_folder_of_a_machine(device, folder):
    assert machine.folder_name(device) == folder
