"""Trains networks: one after another, or several at once in one process, with the same bits."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from rich.console import Console

from experiments.cluster.connection import at_once_on, connected
from experiments.support.errors import LockedElsewhere
from experiments.support.progress import Meter, progress_bars
from experiments.support.storage import lock
from experiments.training.model_files import model_path
from experiments.training.run import (
    Images,
    Run,
    is_done,
    last_epoch,
    load_images,
    resolved,
    steps_left,
    write_files,
)
from experiments.training.trainer import take_steps
from experiments.training.training_config import TrainingConfig
from pyquant.atomic_files import remove_parts

if TYPE_CHECKING:
    from experiments.cluster.ray_cluster import RayCluster

#: On one H100, 8 networks at once reached 99 % of the images per second of 15.
MOST_AT_ONCE = 8


def train(kind: str, config: TrainingConfig, console: Console) -> Path:
    """Trains the model of ``kind``, or finds it done; returns the path of its file.

    Raises:
        ValueError: a file of another configuration is in the way, one is damaged, or an option is
            bad.
        LockedElsewhere: another process is training this model.
    """
    if train_all((kind,), config, console):
        raise LockedElsewhere(f"another process is training model {kind}")
    return model_path(kind, config.models)


def train_all(
    kinds: Sequence[str], config: TrainingConfig, console: Console, at_once: int | None = None
) -> list[str]:
    """Trains the models of these kinds that are not done, in this order.

    Returns:
        Those that another process is training.

    Raises:
        ValueError: as in ``train``.
        FloatingPointError: the loss of one has become NaN; the others are trained.
    """
    networks_at_once(at_once, config.runtime.start(config.cluster))  # refuses before any download
    images = load_images(config)
    left = {kind: steps_left(kind, config, images) for kind in kinds}
    needed = config.cluster if any(left.values()) else None
    splits = {"train": images.train, "test": images.test}
    with connected(needed, config.runtime, console, **splits) as cluster:
        with progress_bars(console) as progress:
            to_train = sum(map(bool, left.values()))
            whole = f"{to_train} of {len(left)} models to train"
            if cluster:
                console.print(f"{whole}, on {cluster}")
            bar = progress.add_task(
                "training",
                total=sum(left.values()),
                whole=whole,
                at_once=at_once_on(cluster, to_train),
            )
            meter = Meter(progress, bar)
            return train_side_by_side(left, config, images, at_once, meter, cluster=cluster)


def networks_at_once(asked: int | None, device: torch.device) -> int:
    """How many networks to train at once; by default one on a CPU, which it keeps busy.

    Raises:
        ValueError: the number asked for is not positive.
    """
    if asked is not None and asked < 1:
        raise ValueError(f"at_once is {asked!r}; accepted are whole numbers from 1")
    return asked or (MOST_AT_ONCE if device.type == "cuda" else 1)


def train_side_by_side(
    left: Mapping[str, int],
    config: TrainingConfig,
    images: Images,
    at_once: int | None,
    meter: Meter,
    *,
    quiet: bool = False,
    cluster: "RayCluster | None" = None,
) -> list[str]:
    """Trains the networks that are not done, here or on a cluster, and writes their files.

    Args:
        left: the kinds, and for each the number of steps that the bar has for it.
        config: options.
        images: as ``load_images`` gives them.
        at_once: how many to train at once, in one task if there is a cluster; None for what suits
            the device.
        meter: counts steps.
        quiet: no line for each epoch.
        cluster: where to train, if not in this process.

    Returns:
        The kinds that another process is training.

    Raises:
        ValueError: as in ``train``.
        FloatingPointError: the loss of one has become NaN; the others are trained.
    """
    elsewhere: list[str] = []
    with ExitStack() as locks:
        claims = claimed(left, config, images, meter, locks, elsewhere)
        if cluster is None:
            at_once = networks_at_once(at_once, images.train.images.device)
            diverged = _train_here(claims, config, images, at_once, meter, quiet)
        else:
            from experiments.cluster.training import train_on_cluster

            at_once = networks_at_once(at_once, torch.device(cluster.runtime.device))
            to_train = sum(map(bool, left.values()))
            at_once = max(1, min(at_once, -(-to_train // cluster.tasks_at_once)))
            diverged = train_on_cluster(claims, config, images, at_once, meter, quiet, cluster)
    if diverged:
        raise FloatingPointError("; ".join(diverged))
    return elsewhere


def claimed(
    left: Mapping[str, int],
    config: TrainingConfig,
    images: Images,
    meter: Meter,
    locks: ExitStack,
    elsewhere: list[str],
) -> Iterator[tuple[str, ExitStack]]:
    """Yields each kind that is not done, with its lock, which is taken when the kind is asked for.

    Kinds that another process is training are added to ``elsewhere``.
    """
    for kind, steps in left.items():
        path, held = model_path(kind, config.models), locks.enter_context(ExitStack())
        try:
            held.enter_context(lock(path))
        except LockedElsewhere:
            meter.console.print(f"{kind}: another process is training it")
            elsewhere.append(kind)
            meter.skip(steps)
            continue
        for suffix in (".checkpoint", ".json"):
            remove_parts(path.with_suffix(suffix))
        meter.skip(steps - steps_left(kind, config, images))
        if is_done(path, resolved(kind, config, images)):
            meter.console.print(f"{kind}: done before, {path}")
            held.close()
        else:
            yield kind, held


def _train_here(
    claims: Iterator[tuple[str, ExitStack]],
    config: TrainingConfig,
    images: Images,
    at_once: int,
    meter: Meter,
    quiet: bool,
) -> list[str]:
    """Trains in this process; returns a message for each network that diverged."""
    console = meter.console
    diverged: list[str] = []
    active: dict[Run, ExitStack] = {}
    while True:
        while len(active) < at_once and (claim := next(claims, None)):
            # The threads of this process again, where the checkpoint of another network had others.
            device = config.runtime.start(config.cluster)
            kind, held = claim
            settings = resolved(kind, config, images)
            stored = last_epoch(model_path(kind, config.models), settings, device)
            active[Run(kind, config, images, stored, console, alone=at_once == 1)] = held
        if not active:
            return diverged
        training = [run for run in active if run.steps_left]
        if training:
            meter.begin(f"training {', '.join(run.trainer.kind for run in training)}")
            take_steps([run.trainer for run in training], meter.advance)
        for run in training:
            try:
                line, files = run.end_epoch()
            except FloatingPointError as error:
                diverged.append(str(error))
                meter.skip(run.steps_left - run.trainer.steps_per_epoch)
                active.pop(run).close()
                continue
            write_files(run.path, files)
            if not quiet:
                console.print(line)
        for run in [run for run in active if not run.steps_left]:
            line, files = run.finish()
            write_files(run.path, files)
            console.print(line)
            active.pop(run).close()
