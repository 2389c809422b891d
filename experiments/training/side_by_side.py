"""Trains networks: one after another, or several at once in one process, with the same bits."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from rich.console import Console

from experiments.support.errors import LockedElsewhere
from experiments.support.progress import Meter, progress_bars
from experiments.support.storage import lock
from experiments.training.model_files import model_path
from experiments.training.run import Images, Run, is_done, load_images, resolved, steps_left
from experiments.training.trainer import take_steps
from experiments.training.training_config import TrainingConfig

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
        ValueError: as of ``train``.
        FloatingPointError: the loss of one has become NaN; the others are trained.
    """
    at_once = networks_at_once(at_once, config.runtime.start())
    images = load_images(config)
    left = {kind: steps_left(kind, config, images) for kind in kinds}
    with progress_bars(console) as progress:
        whole = f"{sum(map(bool, left.values()))} of {len(left)} models to train"
        bar = progress.add_task("training", total=sum(left.values()), whole=whole)
        return train_side_by_side(left, config, images, at_once, Meter(progress, bar))


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
    at_once: int,
    meter: Meter,
    *,
    quiet: bool = False,
) -> list[str]:
    """As ``train_all``, with what that prepares.

    Args:
        left: the kinds, and the steps that each of them counts in the bar.
        config: options.
        images: as ``load_images`` gives them.
        at_once: how many to train at once.
        meter: counts steps.
        quiet: no line for each epoch.
    """
    console, waiting, elsewhere, diverged = meter.console, list(left), [], []
    with ExitStack() as every_lock:
        active: dict[Run, ExitStack] = {}
        while waiting or active:
            while waiting and len(active) < at_once:
                kind = waiting.pop(0)
                held = every_lock.enter_context(ExitStack())
                try:
                    run = held.enter_context(_opened(kind, config, images, console, at_once))
                except LockedElsewhere:
                    console.print(f"{kind}: another process is training it")
                    elsewhere.append(kind)
                    meter.skip(left[kind])
                    continue
                meter.skip(left[kind] - (run.steps_left if run else 0))
                if run:
                    active[run] = held
            training = [run for run in active if run.steps_left]
            if training:
                meter.begin(f"training {', '.join(run.trainer.kind for run in training)}")
                take_steps([run.trainer for run in training], meter.advance)
            for run in training:
                try:
                    line = run.end_epoch()
                except FloatingPointError as error:
                    diverged.append(str(error))
                    meter.skip(run.steps_left - run.trainer.steps_per_epoch)
                    active.pop(run).close()
                    continue
                if not quiet:
                    console.print(line)
            for run in [run for run in active if not run.steps_left]:
                console.print(f"{run.trainer.kind}: test accuracy {run.store():.4f}, {run.path}")
                active.pop(run).close()
    if diverged:
        raise FloatingPointError("; ".join(diverged))
    return elsewhere


@contextmanager
def _opened(
    kind: str, config: TrainingConfig, images: Images, console: Console, at_once: int
) -> Iterator[Run | None]:
    """The training of a model under its lock, or None if it is done."""
    # The threads of this process again, where an earlier checkpoint had others.
    config.runtime.start()
    path = model_path(kind, config.models)
    with lock(path):
        if is_done(path, resolved(kind, config, images)):
            console.print(f"{kind}: done before, {path}")
            yield None
        else:
            yield Run(kind, config, images, console, alone=at_once == 1)
