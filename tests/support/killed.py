"""Work in a process of its own, killed at random moments until it is done."""

import multiprocessing
import random
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

from rich.console import Console

from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.sweep import run
from experiments.evaluation.sweep_config import SweepConfig
from experiments.training.side_by_side import train
from experiments.training.training_config import TrainingConfig

# Its processes start with torch imported, so that the moments are moments of the work.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["killed"])


def train_quietly(kind: str, config: TrainingConfig) -> None:
    """What a process does that trains."""
    train(kind, config, Console(quiet=True))


def sweep_quietly(evaluations: list[Evaluation], config: SweepConfig) -> None:
    """What a process does that measures."""
    run(lambda *_: evaluations, config, Console(quiet=True))


def seconds_of(work: Callable[..., None], *arguments: Any) -> float:
    """Lets a process do the work; returns how long it took."""
    _finish(PROCESSES.Process())  # the first one waits until torch is imported
    begin = time.monotonic()
    _finish(PROCESSES.Process(target=work, args=arguments))
    return time.monotonic() - begin


def _finish(process: BaseProcess) -> None:
    process.start()
    process.join()
    assert process.exitcode == 0


def kill_until_done(longest: float, work: Callable[..., None], *arguments: Any) -> int:
    """Starts the work, kills it after at most ``longest`` seconds, starts it again, until it is done.

    Returns:
        How often it was killed.
    """
    kills = 0
    while True:
        process = PROCESSES.Process(target=work, args=arguments)
        process.start()
        process.join(random.uniform(0, longest))
        process.kill()
        process.join()
        if process.exitcode == 0:
            return kills
        assert process.exitcode == -signal.SIGKILL
        kills += 1
