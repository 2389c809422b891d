"""A network in training: its steps, its epochs, and the state between two of them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from experiments.method.quantization import prepare
from experiments.support.cuda_graphs import RecordedFunction
from experiments.support.data_sets import Split
from experiments.support.networks import logits_of
from experiments.support.runtime import Precision
from experiments.training.augmentation import crop_and_flip
from experiments.training.recipes import Recipe, learning_rate
from experiments.training.resnet20 import SMALLEST_SIDE, seeded_model

#: An epoch is seeded with 64 bits: those of the seed, and 20 for the number of the epoch.
MAX_SEED = (1 << 44) - 1


def check_seed(seed: int) -> None:
    """Raises ValueError unless an epoch can be seeded from ``seed``."""
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed is {seed!r}; accepted are whole numbers from 0 to {MAX_SEED}")


def steps_per_epoch(split: Split, settings: Recipe) -> int:
    """Batches of an epoch; the last may be smaller."""
    return -(-len(split.labels) // settings.batch_size)


class Trainer:
    """A model in training, and everything that its next step depends on.

    For every epoch the random generator is seeded from the seed and the number of the epoch, and the
    learning rate is a function of the step. So the state after an epoch is the parameters and the
    momentum, and an interrupted run ends with the same bits as one without interruption.

    On CUDA a trainer has a stream of its own, and its whole step (crop, flip, quantize, forward,
    backward, update) is recorded as a graph: no batch is prepared by the host.
    """

    def __init__(
        self, split: Split, kind: str, settings: Recipe, seed: int, precision: Precision
    ) -> None:
        check_seed(seed)
        height, width = split.images.shape[2:]
        if min(height, width) < SMALLEST_SIDE:
            raise ValueError(
                f"images of {split.source} are {width}x{height}; accepted by ResNet20 are sides of "
                f"{SMALLEST_SIDE} pixels or more"
            )
        self.device = split.images.device
        self.split = split
        self.kind = kind
        self.settings = settings
        self.seed = seed
        self.model = seeded_model(seed, len(split.classes)).to(self.device)
        self.model.to(memory_format=torch.channels_last)
        # A tensor, so that a recorded step reads the present rate.
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
        self.generator = torch.Generator(self.device)
        self.recorded_step = RecordedFunction(self._step, self.device, self.generator)
        self.batches: tuple[Tensor, ...] = ()
        self.epochs_done = 0
        self.history: list[dict[str, Any]] = []

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch; the last may be smaller."""
        return steps_per_epoch(self.split, self.settings)

    def batch(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """Images of the split, cropped, flipped and quantized: (N, 3, H, W) float32."""
        images = crop_and_flip(
            self.split.images[index], generator, padding=self.settings.padding, flip=self.split.flip
        )
        return prepare(images, self.kind)

    def update(self, images: Tensor, labels: Tensor) -> None:
        """Forward, backward and update on one batch: (N, 3, H, W) float32 and (N,) int64."""
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.logits(images)
        loss = functional.cross_entropy(logits, labels)
        loss.backward()
        self.optimizer.step()
        self.loss_sum += loss.detach() * len(labels)
        self.correct += (logits.argmax(1) == labels).sum()

    def _step(self, index: Tensor) -> None:
        self.update(self.batch(index, self.generator), self.split.labels[index])

    def _on_stream(self) -> AbstractContextManager[Any]:
        """Within it, the device works on the stream of this trainer."""
        stream = self.recorded_step.stream
        return nullcontext() if stream is None else torch.cuda.stream(stream)

    def begin_epoch(self) -> None:
        """Puts the images into the order of the next epoch."""
        stream = self.recorded_step.stream
        if stream is not None:
            stream.wait_stream(torch.cuda.current_stream(self.device))
        self.model.train()
        with self._on_stream():
            self.generator.manual_seed((self.seed << 20) + self.epochs_done)
            self.loss_sum.zero_()
            self.correct.zero_()
            order = torch.randperm(
                len(self.split.labels), generator=self.generator, device=self.device
            )
            self.batches = order.split(self.settings.batch_size)

    def step(self, number: int) -> None:
        """Takes step ``number`` (from 0) of the epoch; on CUDA it does not wait for the device."""
        step = self.epochs_done * self.steps_per_epoch + number
        with self._on_stream():
            self.rate.fill_(learning_rate(self.settings, step, self.steps_per_epoch))
            self.recorded_step(self.batches[number])

    def end_epoch(self) -> None:
        """Waits for the steps of the epoch, and adds it to the history.

        Raises:
            FloatingPointError: the loss has become NaN.
        """
        count = len(self.split.labels)
        with self._on_stream():
            loss, correct = float(self.loss_sum) / count, int(self.correct)
        if loss != loss:
            raise FloatingPointError(
                f"training of model {self.kind} diverged in epoch {self.epochs_done + 1}"
            )
        self.epochs_done += 1
        self.history.append(
            {"epoch": self.epochs_done, "loss": loss, "train_accuracy": correct / count}
        )

    def epoch(self, on_step: Callable[[], object] = lambda: None) -> None:
        """Trains for one epoch.

        Args:
            on_step: called after each step.

        Raises:
            FloatingPointError: the loss has become NaN.
        """
        take_steps([self], on_step)
        self.end_epoch()

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


def take_steps(trainers: Sequence[Trainer], on_step: Callable[[], object]) -> None:
    """Takes the steps of an epoch of each trainer in turn: on CUDA they run side by side.

    Nothing is shared but the images, so no trainer's bits depend on the others. ``end_epoch`` of each
    has to follow.

    Args:
        trainers: of one data set and one batch size.
        on_step: called after each step of each trainer.
    """
    for trainer in trainers:
        trainer.begin_epoch()
    for number in range(trainers[0].steps_per_epoch):
        for trainer in trainers:
            trainer.step(number)
            on_step()
