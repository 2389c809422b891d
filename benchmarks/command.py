"""The command: run, print, write <device>.json, <device>.md and <device>.png."""

import sys
import time

import torch
import tyro

from benchmarks import machine, plot, report
from benchmarks.measure import Result, run
from benchmarks.settings import Config
from benchmarks.targets import targets
from benchmarks.verification import VerificationError


def main() -> None:
    config = tyro.cli(Config, description=Config.__doc__).resolved()
    if config.device == "cuda" and not torch.cuda.is_available():
        sys.exit("--device cuda needs a CUDA device, and torch finds none")
    try:
        run_and_write(config)
    except VerificationError as error:
        sys.exit(f"Verification failed, nothing was written.\n{error}")


def run_and_write(config: Config) -> list[Result]:
    """`config` is resolved. The files are written together, after the last measurement."""
    started = time.monotonic()
    description = machine.describe(config.device)
    results, left_out = run(config)
    if not results:
        raise ValueError("these options leave nothing to time")
    goals = targets(results) if config.device == "cpu" else []
    described = (config, description, left_out, results, goals)
    title = (
        f"pyquant on {description['device']}, {config.bits} bits, one thread unless noted; "
        "* the same work by another arithmetic"
    )
    writers = {
        "json": lambda file: file.write(report.to_json(*described).encode()),
        "md": lambda file: file.write(report.to_markdown(*described).encode()),
        "png": lambda file: plot.draw(results, title, file),
    }
    for suffix, write in writers.items():
        report.write_atomically(config.output / f"{config.device}.{suffix}", write)
    if goals:
        print(report.targets_table(goals))
    seconds = time.monotonic() - started
    print(f"{len(results)} measurements in {seconds:.0f} s, written to {config.output}")
    return results
