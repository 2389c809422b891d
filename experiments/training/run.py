"""The training of one network: its settings, what is left to do, and the files that it gives."""

import hashlib
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from experiments.method.kinds import check_kind
from experiments.support.data_sets import Split, load_split
from experiments.support.device import set_threads
from experiments.support.provenance import provenance
from experiments.support.runtime import Runtime
from experiments.support.storage import json_text, one_line, refuse_other
from experiments.training.accuracy import accuracy
from experiments.training.checkpoint import checkpoint_content, read_checkpoint
from experiments.training.model_files import (
    file_digest,
    model_content,
    model_of,
    model_path,
)
from experiments.training.recipes import recipe
from experiments.training.trainer import Trainer, check_seed, steps_per_epoch
from experiments.training.training_config import TrainingConfig
from experiments.training.training_record import read_record
from pyquant.atomic_files import atomic_path

MONITORED_IMAGES = 1000


@dataclass(frozen=True)
class Images:
    """What networks are trained on and tested on, on the device of the training."""

    train: Split
    test: Split

    @cached_property
    def descriptions(self) -> dict[str, dict[str, Any]]:
        """What a result says of the images."""
        return {"train_data": self.train.describe(), "test_data": self.test.describe()}

    @cached_property
    def watched(self) -> Split:
        """About MONITORED_IMAGES test images, evenly spread."""
        apart = -(-len(self.test.labels) // MONITORED_IMAGES)
        return replace(
            self.test, images=self.test.images[::apart], labels=self.test.labels[::apart]
        )


def load_images(config: TrainingConfig) -> Images:
    """The images, on the device of this process.

    Raises:
        ValueError: an option is bad, also one that has nothing to do with the images: nothing is
            downloaded then.
    """
    recipe(config.preset, config.epochs)
    check_seed(config.seed)
    device = config.runtime.start(config.cluster)
    return Images(*(load_split(config.data, name).to(device) for name in ("train", "test")))


def resolved(kind: str, config: TrainingConfig, images: Images) -> dict[str, Any]:
    """The configuration with every default filled in: what decides the result, and nothing else."""
    return {
        "kind": check_kind(kind),
        "preset": config.preset,
        "recipe": asdict(recipe(config.preset, config.epochs)),
        "seed": config.seed,
        "precision": config.runtime.precision,
        "network": "ResNet20",
        "flip": images.train.flip,
        **images.descriptions,
    }


def steps_left(kind: str, config: TrainingConfig, images: Images) -> int:
    """How many steps are left until the model of ``kind`` is trained.

    Raises:
        ValueError: a file of another configuration is in the way, or one is damaged.
    """
    path, settings = model_path(kind, config.models), resolved(kind, config, images)
    wanted = recipe(config.preset, config.epochs)
    if is_done(path, settings):
        return 0
    stored = last_epoch(path, settings, torch.device("cpu"))
    done = stored["epochs_done"] if stored else 0
    return (wanted.epochs - done) * steps_per_epoch(images.train, wanted)


def last_epoch(path: Path, settings: dict[str, Any], device: torch.device) -> dict[str, Any] | None:
    """The checkpoint of the model ``path``, as ``read_checkpoint`` gives it; None if there is none.

    Raises:
        ValueError: it is damaged, or of a training with other settings.
    """
    checkpoint = path.with_suffix(".checkpoint")
    try:
        stored = read_checkpoint(checkpoint, device)
    except FileNotFoundError:
        return None  # not begun, or another process has just removed it, as the last thing it does
    refuse_other(settings, stored["config"], checkpoint)
    return stored


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


#: The contents of the files of a network, by suffix; they are written in this order.
Files = dict[str, bytes]


def write_files(path: Path, files: Files) -> None:
    """Writes what ``Run`` gives of the model ``path``: each file whole or not at all.

    With KIND.safetensors there is KIND.json: configuration, history, test accuracy of the stored
    model, provenance, and in ``runs`` the provenance of each process that trained a part. Until both
    are written, KIND.checkpoint holds the last epoch.
    """
    for suffix, content in files.items():
        with atomic_path(path.with_suffix(suffix)) as part:
            part.write_bytes(content)
    if ".json" in files:
        path.with_suffix(".checkpoint").unlink(missing_ok=True)


class Run:
    """The training of a network, from its beginning or from its last epoch.

    It writes no file: ``write_files`` does, in the process that holds the lock of ``path``.
    """

    def __init__(
        self,
        kind: str,
        config: TrainingConfig,
        images: Images,
        stored: dict[str, Any] | None,
        console: Console,
        *,
        alone: bool,
    ) -> None:
        """Begins a training, or goes on with it.

        Args:
            kind: of the network.
            config: options.
            images: as ``load_images`` gives them.
            stored: what ``last_epoch`` gives.
            console: is told what happens.
            alone: whether nothing else trains at the same time.

        Raises:
            ValueError: the checkpoint holds no state of a training, or was made with other threads.
        """
        self.path = model_path(kind, config.models)
        self.checkpoint = self.path.with_suffix(".checkpoint")
        self.settings = resolved(kind, config, images)
        self.images = images
        self.precision = config.runtime.precision
        self.device = images.train.images.device
        self.trainer = Trainer(
            images.train, kind, recipe(config.preset, config.epochs), config.seed, self.precision
        )
        self.runs: list[dict[str, Any]] = []
        if stored is not None:
            if self.device.type == "cpu":
                _use_threads_of(self.checkpoint, stored["threads"], config.runtime, console, alone)
            self._restore(stored)
            console.print(f"{kind}: goes on after epoch {self.trainer.epochs_done}")
        self.runs.append({"after_epoch": self.trainer.epochs_done, **provenance(self.device)})

    def _restore(self, stored: dict[str, Any]) -> None:
        try:
            self.trainer.restore(stored["state"])
        except (KeyError, TypeError, AttributeError, IndexError, ValueError, RuntimeError) as error:
            raise ValueError(
                f"{self.checkpoint} holds no state of this training, move it away to begin anew: "
                f"{one_line(error)}"
            ) from error
        self.runs = stored["runs"]

    @property
    def steps_left(self) -> int:
        """How many steps are left."""
        epochs = self.trainer.settings.epochs - self.trainer.epochs_done
        return epochs * self.trainer.steps_per_epoch

    def end_epoch(self) -> tuple[str, Files]:
        """Measures the epoch whose steps were taken; returns a line about it, and the checkpoint.

        Raises:
            FloatingPointError: the loss has become NaN.
        """
        trainer, watched = self.trainer, self.images.watched
        trainer.end_epoch()
        last = trainer.history[-1]
        # For the user to watch: no choice depends on it.
        last["watched_accuracy"] = accuracy(trainer.model, watched, trainer.kind, self.precision)
        line = (
            f"{trainer.kind}: epoch {last['epoch']}/{trainer.settings.epochs}, "
            f"loss {last['loss']:.4f}, accuracy {last['train_accuracy']:.4f} in training, "
            f"{last['watched_accuracy']:.4f} on {len(watched.labels)} test images"
        )
        return line, {".checkpoint": checkpoint_content(self.settings, self.runs, trainer.state())}

    def finish(self) -> tuple[str, Files]:
        """Tests the trained model as it will be stored; returns a line about it, model and record."""
        content = model_content(self.trainer.model, self.settings)
        model = model_of(content, self.path, self.device)
        test_accuracy = accuracy(model, self.images.test, self.trainer.kind, self.precision)
        record = {
            "config": self.settings,
            "test_accuracy": test_accuracy,
            "model_sha256": hashlib.sha256(content).hexdigest(),
            "history": self.trainer.history,
            "provenance": provenance(self.device),
            "runs": self.runs,
        }
        line = f"{self.trainer.kind}: test accuracy {test_accuracy:.4f}, {self.path}"
        return line, {".safetensors": content, ".json": json_text(record).encode()}


def _use_threads_of(
    checkpoint: Path, stored: int, runtime: Runtime, console: Console, alone: bool
) -> None:
    """Goes on with the number of threads that a run began with, since its bits depend on it.

    Raises:
        ValueError: the user asks for another number, or others train at the same time.
    """
    if stored == torch.get_num_threads():
        return
    if runtime.threads is not None:
        raise ValueError(
            f"threads is {runtime.threads}, but {checkpoint} was made with {stored}, and another "
            "number gives other bits; accepted is that number, also without the option"
        )
    if not alone:
        raise ValueError(
            f"{checkpoint} was made with {stored} CPU threads, and another number gives other bits; "
            f"accepted are --runtime.threads {stored} and --at-once 1"
        )
    set_threads(stored)
    console.print(f"{checkpoint} was made with {stored} CPU threads: so are the epochs to come")
