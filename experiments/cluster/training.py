"""Training on a cluster: a task trains a few networks side by side, and sends each after every epoch."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from tempfile import TemporaryDirectory
from typing import Any

import ray
import torch
from rich.console import Console

from experiments.cluster.ray_cluster import RayCluster, unpacked
from experiments.support.progress import Meter
from experiments.training.checkpoint import read_checkpoint
from experiments.training.model_files import model_path
from experiments.training.recipes import recipe
from experiments.training.run import Images, Run, steps_left
from experiments.training.trainer import steps_per_epoch, take_steps
from experiments.training.training_config import TrainingConfig
from pyquant.command_line.whole_files import atomic_path, remove_parts


@dataclass(frozen=True)
class Sent:
    """What a worker tells of a network after an epoch, or as the last thing of it."""

    kind: str
    message: str
    files: dict[str, bytes] = field(default_factory=dict)
    """What the driver is to write, by suffix, in this order."""
    last: bool = False
    """The network is trained; if there are no files, it has diverged."""


def train_on_cluster(
    claims: Iterator[tuple[str, ExitStack]],
    config: TrainingConfig,
    images: Images,
    at_once: int,
    meter: Meter,
    quiet: bool,
    cluster: RayCluster,
) -> list[str]:
    """Trains on the machines of a cluster; returns what to say of those that diverged.

    Args:
        claims: kinds with their locks.
        config: options.
        images: as ``load_images`` gives them.
        at_once: how many a task trains.
        meter: counts steps.
        quiet: no line for each epoch.
        cluster: has the images.
    """
    diverged: list[str] = []

    def tasks() -> Iterator[Training]:
        while group := dict(islice(claims, at_once)):
            yield Training(group, config, images, meter, cluster, diverged, quiet)

    meter.begin("training on the cluster")
    cluster.run(tasks())
    return diverged


@dataclass(eq=False)
class Training:
    """Networks that a worker trains side by side, as the driver sees them: it keeps their files."""

    locks: dict[str, ExitStack]
    """Of each network that is not done."""
    config: TrainingConfig
    images: Images
    meter: Meter
    cluster: RayCluster
    diverged: list[str]
    quiet: bool

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"training {', '.join(self.locks)}"

    @property
    def done(self) -> bool:
        """Whether every network is trained or has diverged."""
        return not self.locks

    def start(self) -> Any:
        """Lets a worker go on from the checkpoints."""
        runtime, checkpoints = self.cluster.runtime, {}
        for kind in self.locks:
            path = model_path(kind, self.config.models)
            remove_parts(path.with_suffix(".json"))
            path = path.with_suffix(".checkpoint")
            remove_parts(path)
            if path.exists():
                stored = read_checkpoint(path, torch.device("cpu"))
                self.meter.console.print(f"{kind}: goes on after epoch {stored['epochs_done']}")
                checkpoints[kind] = path.read_bytes()
                if self.config.runtime.threads is None and runtime.device == "cpu":
                    runtime = replace(runtime, threads=stored["threads"] or runtime.threads)
        # Without what the options of a command add: its module is __main__ here, but not there.
        config = TrainingConfig(
            self.config.preset,
            self.config.epochs,
            self.config.seed,
            self.config.models,
            self.config.data,
            runtime,
        )
        return self.cluster.submit(
            train_networks, runtime, list(self.locks), config, checkpoints, **self.cluster.splits
        )

    def receive(self, sent: Sent) -> None:
        """Writes the files of a network, as a process does that trains it itself."""
        path, console = model_path(sent.kind, self.config.models), self.meter.console
        for suffix, content in sent.files.items():
            with atomic_path(path.with_suffix(suffix)) as part:
                part.write_bytes(content)
        if not sent.last:
            settings = recipe(self.config.preset, self.config.epochs)
            self.meter.advance(steps_per_epoch(self.images.train, settings))
            if not self.quiet:
                console.print(sent.message)
            return
        if sent.files:
            path.with_suffix(".checkpoint").unlink(missing_ok=True)
            console.print(f"{sent.message}, {path}")
        else:
            self.diverged.append(sent.message)
            self.meter.skip(steps_left(sent.kind, self.config, self.images))
        self.locks.pop(sent.kind).close()


@ray.remote
def train_networks(
    kinds: list[str],
    config: TrainingConfig,
    checkpoints: dict[str, bytes],
    train: dict[str, Any],
    test: dict[str, Any],
) -> Iterator[Sent]:
    """The task: as ``train_side_by_side``, with files in a directory of its own, which it sends."""
    with TemporaryDirectory() as directory:
        here = replace(config, models=directory)
        device = here.runtime.start()
        images = Images(unpacked(train, device), unpacked(test, device))
        for kind, content in checkpoints.items():
            model_path(kind, directory).with_suffix(".checkpoint").write_bytes(content)
        console = Console(quiet=True)
        try:
            runs = [Run(kind, here, images, console, alone=len(kinds) == 1) for kind in kinds]
        except ValueError as error:
            raise ValueError(str(error).replace(directory, config.models)) from error
        while runs:
            training = [run for run in runs if run.steps_left]
            if training:
                take_steps([run.trainer for run in training], lambda: None)
            for run in training:
                try:
                    yield Sent(run.trainer.kind, run.end_epoch(), _files(run, ".checkpoint"))
                except FloatingPointError as error:
                    runs.remove(run)
                    yield Sent(run.trainer.kind, str(error), last=True)
            for run in [run for run in runs if not run.steps_left]:
                message = f"{run.trainer.kind}: test accuracy {run.store():.4f}"
                # The record is the last: with it, the network is done.
                files = _files(run, ".safetensors", ".json")
                runs.remove(run)
                yield Sent(run.trainer.kind, message, files, last=True)


def _files(run: Run, *suffixes: str) -> dict[str, bytes]:
    return {suffix: run.path.with_suffix(suffix).read_bytes() for suffix in suffixes}
