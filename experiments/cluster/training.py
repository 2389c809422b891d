"""Training on a cluster: a task trains a few networks side by side, and sends each after every epoch."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any

import ray
import torch
from rich.console import Console

from experiments.cluster.ray_cluster import RayCluster, unpacked
from experiments.support.progress import Meter
from experiments.training.model_files import model_path
from experiments.training.recipes import recipe
from experiments.training.run import (
    Files,
    Images,
    Run,
    last_epoch,
    resolved,
    steps_left,
    write_files,
)
from experiments.training.trainer import steps_per_epoch, take_steps
from experiments.training.training_config import TrainingConfig


@dataclass(frozen=True)
class Sent:
    """What a worker sends of a network after each epoch, and at its end."""

    kind: str
    line: str
    files: Files
    """What the driver is to write; nothing of a network that has diverged."""
    last: bool


def train_on_cluster(
    claims: Iterator[tuple[str, ExitStack]],
    config: TrainingConfig,
    images: Images,
    at_once: int,
    meter: Meter,
    quiet: bool,
    cluster: RayCluster,
) -> list[str]:
    """Trains on the machines of a cluster; returns a message for each network that diverged.

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
        """Lets a worker go on from the last epochs."""
        runtime, stored = self.cluster.runtime, {}
        for kind in self.locks:
            path = model_path(kind, self.config.models)
            settings = resolved(kind, self.config, self.images)
            last = last_epoch(path, settings, torch.device("cpu"))
            if last is not None:
                stored[kind] = last
                self.meter.console.print(f"{kind}: goes on after epoch {last['epochs_done']}")
                if self.config.runtime.threads is None and runtime.device == "cpu":
                    runtime = replace(runtime, threads=last["threads"])
        # Without what the options of a command add: its module is __main__ here, but not there.
        options = {field.name: getattr(self.config, field.name) for field in fields(TrainingConfig)}
        config = TrainingConfig(**{**options, "runtime": runtime})
        return self.cluster.submit(
            train_networks, runtime, list(self.locks), config, stored, **self.cluster.splits
        )

    def receive(self, sent: Sent) -> None:
        """Writes the files of a network."""
        write_files(model_path(sent.kind, self.config.models), sent.files)
        if not sent.last:
            settings = recipe(self.config.preset, self.config.epochs)
            self.meter.advance(steps_per_epoch(self.images.train, settings))
        elif not sent.files:
            self.diverged.append(sent.line)
            self.meter.skip(steps_left(sent.kind, self.config, self.images))
        if sent.files and (sent.last or not self.quiet):
            self.meter.console.print(sent.line)
        if sent.last:
            self.locks.pop(sent.kind).close()


@ray.remote
def train_networks(
    kinds: list[str],
    config: TrainingConfig,
    stored: dict[str, dict[str, Any]],
    train: dict[str, Any],
    test: dict[str, Any],
) -> Iterator[Sent]:
    """The task: trains the networks side by side, and sends what is to be written of each."""
    device = config.runtime.start()
    images = Images(unpacked(train, device), unpacked(test, device))
    console, alone = Console(quiet=True), len(kinds) == 1
    runs = [Run(kind, config, images, stored.get(kind), console, alone=alone) for kind in kinds]
    while runs:
        training = [run for run in runs if run.steps_left]
        if training:
            take_steps([run.trainer for run in training], lambda: None)
        for run in training:
            try:
                yield Sent(run.trainer.kind, *run.end_epoch(), last=False)
            except FloatingPointError as error:
                runs.remove(run)
                yield Sent(run.trainer.kind, str(error), {}, last=True)
        for run in [run for run in runs if not run.steps_left]:
            runs.remove(run)
            yield Sent(run.trainer.kind, *run.finish(), last=True)
