"""Trains one model:
python -m experiments.train --kind 2d --preset short --data.source cifar10 --models my_models
"""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor
from torch.nn import functional

from experiments.training.augmentation import crop_and_flip
from experiments.support.command_line import run_command
from experiments.support.data_sets import DataConfig, Split, load_split
from experiments.support.cuda_graphs import Replayed
from experiments.method.kinds import check_kind, prepare
from experiments.training.resnet20 import ResNet20, seeded_model
from experiments.support.progress import progress_columns
from experiments.support.provenance import provenance
from experiments.training.recipes import Recipe, learning_rate, recipe
from experiments.support.runtime import Runtime, logits_of
from experiments.training.model_files import (
    file_digest,
    load_model,
    model_path,
    read_record,
    save_model,
    with_kind,
)
from experiments.support.storage import atomic_path, lock, refuse_other, write_json

MONITORED_IMAGES = 1000


@dataclass(frozen=True)
class TrainConfig:
    """Trains one model; started again after an interruption, it goes on from its last epoch."""

    kind: str
    """What the network is trained on: 1 to 8 bits, with d for dithered (1, 1d, ..., 7, 7d, 8)."""
    preset: Literal["paper", "short"] = "paper"
    """paper: 160 epochs, steps. short: one cycle, 24 epochs."""
    epochs: int | None = None
    """Another number of epochs than the preset's."""
    seed: int = 0
    models: str = ""
    """Name of the set in experiments/models, or a directory (default: the name of the preset)."""
    data: DataConfig = field(default_factory=lambda: DataConfig(source="cifar10"))
    runtime: Runtime = field(default_factory=Runtime)


class Trainer:
    """A model in training, and everything that its next step depends on.

    Randomness comes from a generator that is seeded anew for every epoch, from the seed and the
    number of the epoch, and the learning rate is a function of the step. So the state after an
    epoch is the parameters and the momentum, and a run that was interrupted gives the bits of one
    that was not.
    """

    def __init__(
        self, split: Split, kind: str, settings: Recipe, seed: int, precision: str
    ) -> None:
        self.device = split.images.device
        self.split = split
        self.kind = kind
        self.settings = settings
        self.seed = seed
        self.model = seeded_model(seed, len(split.classes)).to(
            self.device, memory_format=torch.channels_last
        )
        # A tensor, so that a recorded step reads the rate of the day.
        self.rate = torch.tensor(0.0, device=self.device)
        self.optimizer = torch.optim.SGD(
            self.model.parameters(),
            lr=self.rate,
            momentum=settings.momentum,
            nesterov=settings.nesterov,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self.logits = logits_of(self.model, precision)
        self.loss_sum = torch.zeros((), device=self.device)
        self.correct = torch.zeros((), device=self.device, dtype=torch.int64)
        self.step = Replayed(self._step, self.device)
        self.epochs_done = 0
        self.history: list[dict] = []

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch; the last may be smaller."""
        return -(-len(self.split.labels) // self.settings.batch_size)

    def _step(self, images: Tensor, labels: Tensor) -> None:
        """Forward, backward and update on one batch: (N, 3, H, W) float32 and (N,) int64."""
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.logits(images)
        loss = functional.cross_entropy(logits, labels)
        loss.backward()
        self.optimizer.step()
        self.loss_sum += loss.detach() * len(labels)
        self.correct += (logits.argmax(1) == labels).sum()

    def batch(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """Images of the split, cropped, flipped and quantized: (N, 3, H, W) float32."""
        images = crop_and_flip(
            self.split.images[index], generator, padding=self.settings.padding, flip=self.split.flip
        )
        return prepare(images, self.kind)

    def epoch(self, on_step=lambda: None) -> None:
        """Trains for one epoch, and waits for the device only at its end.

        Args:
            on_step: called after each step.

        Raises:
            FloatingPointError: the loss is not a number any more.
        """
        generator = torch.Generator(self.device).manual_seed((self.seed << 20) + self.epochs_done)
        self.model.train()
        self.loss_sum.zero_()
        self.correct.zero_()
        count = len(self.split.labels)
        order = torch.randperm(count, generator=generator, device=self.device)
        for number, index in enumerate(order.split(self.settings.batch_size)):
            step = self.epochs_done * self.steps_per_epoch + number
            images = self.batch(index, generator)
            self.rate.fill_(learning_rate(self.settings, step, self.steps_per_epoch))
            self.step(images, self.split.labels[index])
            on_step()
        loss = float(self.loss_sum) / count
        if loss != loss:
            raise FloatingPointError(
                f"training of model {self.kind} diverged in epoch {self.epochs_done + 1}"
            )
        self.epochs_done += 1
        self.history.append(
            {"epoch": self.epochs_done, "loss": loss, "train_accuracy": int(self.correct) / count}
        )

    def state(self) -> dict[str, Any]:
        """What a later process needs to go on."""
        return {
            "epochs_done": self.epochs_done,
            "history": self.history,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict()["state"],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes back to a state that ``state()`` gave."""
        self.epochs_done = state["epochs_done"]
        self.history = state["history"]
        self.model.load_state_dict(state["model"])
        whole = self.optimizer.state_dict()
        whole["state"] = state["optimizer"]
        self.optimizer.load_state_dict(whole)
        # Loading replaced the rate by a copy; the step must read ours.
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate


@torch.no_grad()
def predictions(
    model: ResNet20, images: Tensor, kind: str, precision: str, batch_size: int = 500
) -> Tensor:
    """Classes, (N,) int64, of (N, 3, H, W) uint8 images as ``kind``; model in evaluation mode."""
    logits = logits_of(model, precision)
    return torch.cat(
        [logits(prepare(batch, kind)).argmax(1) for batch in images.split(batch_size)]
    )


def accuracy(model: ResNet20, split: Split, kind: str, precision: str) -> float:
    """Part of the images of ``split``, prepared as ``kind``, that the model gets right."""
    model.eval()
    return float(
        (predictions(model, split.images, kind, precision) == split.labels).double().mean()
    )


def resolved(config: TrainConfig, train: Split, test: Split) -> dict:
    """The configuration with every default filled in: what decides the result, and nothing else."""
    return {
        "kind": check_kind(config.kind),
        "preset": config.preset,
        "recipe": asdict(recipe(config.preset, config.epochs)),
        "seed": config.seed,
        "precision": config.runtime.precision,
        "network": "ResNet20",
        "train_data": train.describe(),
        "test_data": test.describe(),
    }


def train(config: TrainConfig, console: Console) -> Path:
    """Trains the model that ``config`` describes, or finds it done; returns the path of its file.

    Beside KIND.safetensors it writes KIND.json: configuration, history, test accuracy of the
    model as stored, provenance; that of each process that trained a part is in its ``runs``. Until
    then KIND.checkpoint holds the last epoch.

    Raises:
        ValueError: a file of another configuration is in the way, one is damaged, or an option is
            bad.
        LockedElsewhere: another process is training this model.
    """
    path = model_path(config.kind, config.models or config.preset)
    record, checkpoint = path.with_suffix(".json"), path.with_suffix(".checkpoint")
    device = config.runtime.start()
    train_split, test_split = (
        load_split(config.data, name).to(device) for name in ("train", "test")
    )
    settings = resolved(config, train_split, test_split)
    with lock(path):
        if record.exists():
            done = read_record(record)
            refuse_other(settings, done["config"], record)
            if not path.exists() or file_digest(path) != done["model_sha256"]:
                raise ValueError(
                    f"{path} is not the model of {record}; move that away to train again"
                )
            console.print(f"{config.kind}: done before, {path}")
            return path
        trainer = Trainer(
            train_split,
            config.kind,
            recipe(config.preset, config.epochs),
            config.seed,
            config.runtime.precision,
        )
        runs = []
        if checkpoint.exists():
            stored = read_checkpoint(checkpoint, device)
            refuse_other(settings, with_kind(stored["config"]), checkpoint)
            trainer.restore(stored["state"])
            runs = stored.get("runs", [])  # there were none before
            console.print(f"{config.kind}: goes on after epoch {trainer.epochs_done}")
        runs.append({"after_epoch": trainer.epochs_done, **provenance(device)})
        run_epochs(trainer, test_split, {"config": settings, "runs": runs}, checkpoint, console)
        save_model(trainer.model, path, settings)
        stored_accuracy = accuracy(
            load_model(path, device), test_split, config.kind, config.runtime.precision
        )
        result = {
            "config": settings,
            "test_accuracy": stored_accuracy,
            "model_sha256": file_digest(path),
            "history": trainer.history,
            "provenance": provenance(device),
            "runs": runs,
        }
        write_json(record, result)
        checkpoint.unlink(missing_ok=True)
    console.print(f"{config.kind}: test accuracy {stored_accuracy:.4f}, {path}")
    return path


def read_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """What ``run_epochs`` stored, its tensors on ``device``; ValueError if the file is damaged."""
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # a damaged file can raise anything
        raise ValueError(f"{path} cannot be read, move it away to begin anew: {error}") from error


def run_epochs(
    trainer: Trainer, test: Split, about: dict, checkpoint: Path, console: Console
) -> None:
    """Trains the epochs that are left, and stores each as it is done, together with ``about``."""
    total = trainer.settings.epochs
    # About a thousand of the test images, to watch; nothing is chosen by it.
    apart = -(-len(test.labels) // MONITORED_IMAGES)
    watched = replace(test, images=test.images[::apart], labels=test.labels[::apart])
    with Progress(*progress_columns(), console=console) as progress:
        done = trainer.epochs_done * trainer.steps_per_epoch
        bar = progress.add_task(
            f"model {trainer.kind}", total=total * trainer.steps_per_epoch, completed=done
        )
        while trainer.epochs_done < total:
            trainer.epoch(lambda: progress.advance(bar))
            last = trainer.history[-1]
            last["watched_accuracy"] = accuracy(
                trainer.model, watched, trainer.kind, about["config"]["precision"]
            )
            with atomic_path(checkpoint) as part:
                torch.save({**about, "state": trainer.state()}, part)
            progress.console.print(
                f"{trainer.kind}: epoch {last['epoch']}/{total}, loss {last['loss']:.4f}, "
                f"accuracy {last['train_accuracy']:.4f} in training, "
                f"{last['watched_accuracy']:.4f} on {len(watched.labels)} test images",
                soft_wrap=True,
            )


def main(config: TrainConfig) -> None:
    """Trains one model."""
    train(config, Console())


if __name__ == "__main__":
    run_command(main, TrainConfig, __doc__)
