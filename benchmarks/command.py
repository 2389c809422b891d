"""The command: measure, print, write the files of the run; or only write reports again."""

import sys
import time
from importlib.util import find_spec
from pathlib import Path

import torch

from benchmarks import machine, other_processes, readme, report
from benchmarks.cases import cases
from benchmarks.cuda.device import CudaDevice
from benchmarks.cuda.run import run_on_gpu
from benchmarks.measure import run_on_cpu
from benchmarks.measurements import Run
from benchmarks.run_files import read_run, write_run
from benchmarks.settings import RESULTS, Config
from benchmarks.tables import target_table
from benchmarks.targets import outcomes
from benchmarks.verification import VerificationError
from experiments.support.storage import require_writable, write_text
from pyquant.atomic_files import atomic_path
from pyquant.libraries import NO_CUDA_REASON


def run_command(config: Config) -> None:
    """Exits with a message where the options ask for what cannot be done."""
    try:
        config = config.resolved()
        if config.report_only:
            report_again(config.output)
            return
        if not cases(config):
            raise ValueError("there is nothing to time with these options")
        require_writable(config.output or RESULTS)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    if config.device == "cuda" and not torch.cuda.is_available():
        sys.exit("--device cuda needs a CUDA device, and torch finds none")
    if config.device == "cuda" and NO_CUDA_REASON:
        sys.exit(f"--device cuda needs pyquant's CUDA kernels: {NO_CUDA_REASON}")
    try:
        measure_and_write(config, CudaDevice() if config.device == "cuda" else None)
    except VerificationError as error:
        sys.exit(f"Verification failed, nothing was written.\n{error}")
    except OSError as error:
        sys.exit(str(error))


def measure_and_write(config: Config, gpu: CudaDevice | None = None) -> Run:
    """Takes a resolved config. The files are written together, after the last measurement."""
    started = time.monotonic()
    share = other_processes.share_in(seconds=1)
    if other_processes.disturbs(share):
        print(f"Other processes use {share:.0%} of this machine: what is timed now may be noise.")
    before = other_processes.ProcessorTime.now()
    run = run_on_gpu(config, gpu) if gpu else run_on_cpu(config)
    run.machine["share of other processes"] = other_processes.share_of_others(before)
    if not run.results:
        raise ValueError("nothing was timed: every case was left out")
    folder = config.output or RESULTS / (config.name or machine.folder_name(run.machine["device"]))
    write_run(folder, run)
    write_report(folder, run)
    if config.device == "cpu":
        print(target_table(outcomes(run.results)))
    seconds = time.monotonic() - started
    print(f"{len(run.results)} measurements in {seconds:.0f} s, written to {folder}")
    if note := report.disturbance(run):
        print(note)
    return run


def write_report(folder: Path, run: Run) -> None:
    write_text(folder / "report.md", report.to_markdown(run))
    if find_spec("matplotlib") is None:
        print("plot.png is not written: matplotlib is not installed")
        return
    from benchmarks import plot

    with atomic_path(folder / "plot.png") as part:
        plot.draw(run.results, report.plot_title(run), part)


def report_again(folder: Path | None) -> None:
    """Writes the report in `folder` again, or all of benchmarks/results and the README with them;
    prints which sources each report is older than."""
    folders = [folder] if folder else sorted(path.parent for path in RESULTS.glob("*/run.json"))
    runs = {path.name: read_run(path) for path in folders}
    for path, run in zip(folders, runs.values(), strict=True):
        write_report(path, run)
        print(f"{path}: {len(run.results)} measurements. {age(run)}")
    if folder is None:
        readme.write({name: run for name, run in runs.items() if run.config.device == "cpu"})
        print(f"{readme.README}: the tables of these results")


def age(run: Run) -> str:
    """Which files of csrc changed since the commit that was measured."""
    commit = run.machine["commit"]["id"]
    changed = machine.changed_sources(commit)
    if changed is None:
        return f"Whether csrc changed since is unknown: git or commit {commit[:12]} is missing."
    if not changed:
        return f"csrc is as it was at commit {commit[:12]}."
    listed = "".join(f"\n  {name}" for name in changed)
    return f"{len(changed)} files of csrc changed since commit {commit[:12]}:{listed}"
