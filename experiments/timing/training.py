"""Training on dithered images, compared with the bare step and with Python pixel by pixel."""

import random
from collections.abc import Callable

import torch
from rich.progress import Progress

from experiments.method.kinds import bits_of
from experiments.support.cuda_graphs import RecordedFunction
from experiments.support.runtime import Precision
from experiments.timing.comparison import Comparison, Contender, compare
from experiments.timing.noise import noise
from experiments.timing.per_pixel_baseline import prepare_batch
from experiments.training.recipes import recipe
from experiments.training.trainer import Trainer

RECIPE = recipe("paper")
BATCHES = 4
#: Pixel by pixel, a whole batch would take long: this part of it is prepared, and the step is on this
#: part.
BASELINE_IMAGES = 64


def compare_training(
    kind: str, precision: Precision, device: torch.device, rounds: int, progress: Progress
) -> list[Comparison]:
    """Three comparisons of training on images of ``kind``; ``rounds`` as in ``compare``."""
    split = noise(BATCHES * RECIPE.batch_size, device)
    trainer = Trainer(split, kind, RECIPE, 0, precision)
    count = len(split.labels)
    whole = Contender("training, as it is", count, trainer.epoch)
    prepare = Contender("crop, flip, dither, convert", count, _prepare_epoch(trainer))
    step = Contender("the step on one prepared batch", count, _bare_epoch(trainer))
    baseline = Contender(
        "pixel by pixel, then a float32 step", BASELINE_IMAGES, _baseline_step(kind, device)
    )
    pairs = [
        # At most 2 % of the time of a step.
        ("preparing a batch against the bare step", 50.0, prepare, step),
        ("training against the bare step", 0.95, whole, step),
        ("training against Python, float32", 8.0, whole, baseline),
    ]
    return [compare(*pair, device, rounds, progress) for pair in pairs]


def _generator(device: torch.device) -> torch.Generator:
    return torch.Generator(device).manual_seed(0)


def _prepare_epoch(trainer: Trainer) -> Callable[[], None]:
    """Prepares the batches of an epoch, without a step."""
    order = torch.arange(len(trainer.split.labels), device=trainer.device)

    def call() -> None:
        generator = _generator(trainer.device)
        for index in order.split(RECIPE.batch_size):
            trainer.batch(index, generator)

    return call


def _bare_epoch(trainer: Trainer) -> Callable[[], None]:
    """Takes the steps of an epoch, all on one batch that is prepared beforehand."""
    index = torch.arange(RECIPE.batch_size, device=trainer.device)
    images, labels = trainer.batch(index, _generator(trainer.device)), trainer.split.labels[index]
    step = RecordedFunction(trainer.update, trainer.device)

    def call() -> None:
        trainer.model.train()
        for _ in range(BATCHES):
            step(images, labels)

    return call


def _baseline_step(kind: str, device: torch.device) -> Callable[[], None]:
    """Prepares images pixel by pixel and takes a step with them."""
    split = noise(BASELINE_IMAGES, device)
    # Its network runs in float32 and in the default memory format, as published.
    trainer = Trainer(split, kind, RECIPE, 0, "float32")
    trainer.model.to(memory_format=torch.contiguous_format)
    step = RecordedFunction(trainer.update, device)
    source = random.Random(0)

    def call() -> None:
        trainer.model.train()
        images = prepare_batch(split.images.cpu(), bits_of(kind), RECIPE.padding, source)
        step(images.to(device), split.labels)

    return call
