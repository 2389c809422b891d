"""One training run, from nothing or from its last epoch to the stored network."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from experiments.method.kinds import check_kind
from experiments.support.data_sets import Split, load_split
from experiments.support.device import set_threads
from experiments.support.progress import progress_bars
from experiments.support.provenance import provenance
from experiments.support.runtime import Precision, Runtime
from experiments.support.storage import lock, one_line, refuse_other, write_json
from experiments.training.accuracy import accuracy
from experiments.training.checkpoint import read_checkpoint, write_checkpoint
from experiments.training.model_files import (
    file_digest,
    load_model,
    model_path,
    save_model,
)
from experiments.training.recipes import recipe
from experiments.training.trainer import Trainer, check_seed
from experiments.training.training_config import TrainingConfig
from experiments.training.training_record import read_record

MONITORED_IMAGES = 1000


def train(kind: str, config: TrainingConfig, console: Console) -> Path:
    """Trains the model of ``kind``, or finds it done; returns the path of its file.

    With KIND.safetensors it writes KIND.json: configuration, history, test accuracy of the stored
    model, provenance, and in ``runs`` the provenance of each process that trained a part. Until both
    are written, KIND.checkpoint holds the last epoch.

    Raises:
        ValueError: a file of another configuration is in the way, one is damaged, or an option is
            bad.
        LockedElsewhere: another process is training this model.
    """
    path = model_path(kind, config.models)
    # Before anything is downloaded.
    recipe(config.preset, config.epochs)
    check_seed(config.seed)
    device = config.runtime.start()
    data = {name: load_split(config.data, name).to(device) for name in ("train", "test")}
    settings = resolved(kind, config, data["train"], data["test"])
    with lock(path):
        if is_done(path, settings):
            console.print(f"{kind}: done before, {path}")
            return path
        record = _train_and_store(path, settings, config, data["train"], data["test"], console)
    console.print(f"{kind}: test accuracy {record['test_accuracy']:.4f}, {path}")
    return path


def resolved(kind: str, config: TrainingConfig, train: Split, test: Split) -> dict[str, Any]:
    """The configuration with every default filled in: what decides the result, and nothing else."""
    return {
        "kind": check_kind(kind),
        "preset": config.preset,
        "recipe": asdict(recipe(config.preset, config.epochs)),
        "seed": config.seed,
        "precision": config.runtime.precision,
        "network": "ResNet20",
        "flip": train.flip,
        "train_data": train.describe(),
        "test_data": test.describe(),
    }


def is_done(path: Path, settings: dict[str, Any]) -> bool:
    """Whether the model ``path`` was trained with ``settings``.

    Raises:
        ValueError: it was trained with others, or it is not the model of its record.
    """
    record_path = path.with_suffix(".json")
    if not record_path.exists():
        return False
    record = read_record(record_path)
    refuse_other(settings, record["config"], record_path)
    if not path.exists() or file_digest(path) != record["model_sha256"]:
        raise ValueError(f"{path} is not the model of {record_path}; move that away to train again")
    return True


def _train_and_store(
    path: Path,
    settings: dict[str, Any],
    config: TrainingConfig,
    train: Split,
    test: Split,
    console: Console,
) -> dict[str, Any]:
    """Trains the epochs that are left, stores the model ``path``, and returns the record of it."""
    kind, precision, device = settings["kind"], config.runtime.precision, train.images.device
    checkpoint = path.with_suffix(".checkpoint")
    trainer = Trainer(train, kind, recipe(config.preset, config.epochs), config.seed, precision)
    runs: list[dict[str, Any]] = []
    if checkpoint.exists():
        stored = read_checkpoint(checkpoint, device)
        refuse_other(settings, stored["config"], checkpoint)
        if device.type == "cpu":
            _use_threads_of(checkpoint, stored["threads"], config.runtime, console)
        try:
            trainer.restore(stored["state"])
        except (KeyError, TypeError, AttributeError, IndexError, ValueError, RuntimeError) as error:
            raise ValueError(
                f"{checkpoint} holds no state of this training, move it away to begin anew: "
                f"{one_line(error)}"
            ) from error
        runs = stored["runs"]
        console.print(f"{kind}: goes on after epoch {trainer.epochs_done}")
    runs.append({"after_epoch": trainer.epochs_done, **provenance(device)})
    with progress_bars(console) as progress:
        epochs = trainer.settings.epochs - trainer.epochs_done
        bar = progress.add_task(
            f"model {kind}",
            total=epochs * trainer.steps_per_epoch,
            whole=f"model {kind}, {epochs} epochs",
        )
        watched = _every_few(test, MONITORED_IMAGES)
        while trainer.epochs_done < trainer.settings.epochs:
            trainer.epoch(lambda: progress.advance(bar))
            _watch(trainer, watched, precision, progress.console)
            write_checkpoint(checkpoint, settings, runs, trainer.state())
    save_model(trainer.model, path, settings)
    record = {
        "config": settings,
        "test_accuracy": accuracy(load_model(path, device), test, kind, precision),
        "model_sha256": file_digest(path),
        "history": trainer.history,
        "provenance": provenance(device),
        "runs": runs,
    }
    write_json(path.with_suffix(".json"), record)
    checkpoint.unlink(missing_ok=True)
    return record


def _use_threads_of(
    checkpoint: Path, stored: int | None, runtime: Runtime, console: Console
) -> None:
    """Goes on with the number of threads that a run began with, since its bits depend on it.

    Raises:
        ValueError: the user asks for another number.
    """
    if stored is None or stored == torch.get_num_threads():
        return
    if runtime.threads is not None:
        raise ValueError(
            f"threads is {runtime.threads}, but {checkpoint} was made with {stored}, and another "
            "number gives other bits; accepted is that number, also without the option"
        )
    set_threads(stored)
    console.print(f"{checkpoint} was made with {stored} CPU threads: so are the epochs to come")


def _every_few(split: Split, count: int) -> Split:
    """About ``count`` images of a split, evenly spread."""
    apart = -(-len(split.labels) // count)
    return replace(split, images=split.images[::apart], labels=split.labels[::apart])


def _watch(trainer: Trainer, test: Split, precision: Precision, console: Console) -> None:
    """Measures the last epoch on test images, for the user to watch: no choice depends on it."""
    last = trainer.history[-1]
    last["watched_accuracy"] = accuracy(trainer.model, test, trainer.kind, precision)
    console.print(
        f"{trainer.kind}: epoch {last['epoch']}/{trainer.settings.epochs}, "
        f"loss {last['loss']:.4f}, accuracy {last['train_accuracy']:.4f} in training, "
        f"{last['watched_accuracy']:.4f} on {len(test.labels)} test images"
    )
