"""One cell of a table: one model on one kind of test images, clean or attacked.

A cell is a function of its configuration, of the model's file and of the test images, and nothing
else; its result is one small JSON file with the prediction for every image.
"""

import base64
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import numpy
import torch
from torch import Tensor

from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.support.data_sets import Split
from experiments.method.filters import FILTERS, apply_filter, certified_epsilon
from experiments.support.cuda_graphs import RecordedFunction
from experiments.method.kinds import bits_of, off_grid, prepare, quantize
from experiments.training.resnet20 import ResNet20
from experiments.support.runtime import Precision, logits_of

Attack = Literal["none", "after", "before_transfer", "before_adaptive"]

BATCH_SIZE = 250
SUBSET_SEED = 2019


@dataclass(frozen=True)
class Cell:
    """What one cell measures."""

    models: str
    """Name of the set of models."""
    model: str
    """What the network was trained on: a kind of image."""
    column: str
    """What it is tested on: a kind of image."""
    images: int
    """How many test images; those of a smaller cell are among those of a larger one."""
    attack: Attack = "none"
    """after: PGD on the bare network adds to the quantized image (the paper's threat model).
    before_transfer: PGD on the bare network adds to the 8-bit image, which is quantized afterwards
    (the paper's last experiment). before_adaptive: the same with the quantization inside the
    network that is attacked, its gradient passed straight through (BPDA, Athalye et al. 2018)."""
    epsilon: float = 0.0
    """Largest change of a value, in 1/255."""
    steps: int = 20
    precision: Precision = "bfloat16"

    def __post_init__(self) -> None:
        bits_of(self.model)
        bits_of(self.column)
        if self.attack not in get_args(Attack):
            accepted = ", ".join(get_args(Attack))
            raise ValueError(f"attack is {self.attack!r}; accepted are {accepted}")
        if self.images < 1:
            raise ValueError(f"images is {self.images!r}; accepted are whole numbers from 1")

    @property
    def step(self) -> float:
        """The step of PGD in 1/255: the paper's 2 up to epsilon 32, which 20 steps of 2 can reach.

        Beyond, 2.5 epsilon / steps, the rule of Madry et al., so that every point of the ball
        stays within reach.
        """
        return 2.0 if self.epsilon <= 32 else 2.5 * self.epsilon / self.steps

    def path(self, results: Path) -> Path:
        """Where the result of this cell is kept under the directory ``results``."""
        parts = [self.model, "on", self.column]
        if self.attack != "none":
            parts.append(f"eps{self.epsilon:g}")
        parts.append(f"n{self.images}")
        if self.precision != "bfloat16":
            parts.append(self.precision)
        return results / "cells" / self.models / self.attack / f"{'_'.join(parts)}.json"


def subset(total: int, images: int) -> Tensor:
    """Indices, (min(images, total),) int64, of a random subset, the same on every machine."""
    shuffled = numpy.random.RandomState(SUBSET_SEED).permutation(total)
    return torch.from_numpy(shuffled[:images]).long()


# Of the last settings only: a recording keeps the memory of all its steps.
@lru_cache(maxsize=1)
def recorded_attack(
    model: ResNet20,
    precision: Precision,
    epsilon: float,
    step: float,
    steps: int,
    quantized_as: str | None,
) -> RecordedFunction:
    """PGD on a model, recorded on CUDA; cells that follow each other with the same settings share it.

    Args:
        model, precision: the network that is attacked.
        epsilon, step, steps: settings of the attack.
        quantized_as: a kind of image, if the attacked network begins with that quantization.
    """
    logits = logits_of(model, precision)
    network = logits if quantized_as is None else lambda x: logits(quantize(x, quantized_as))
    attack = ProjectedGradientDescent(epsilon, steps, step)
    return RecordedFunction(
        lambda images, labels: attack(network, images, labels), next(model.parameters()).device
    )


class Evaluator:
    """A model ready to be attacked and asked."""

    def __init__(self, model: ResNet20, cell: Cell) -> None:
        self.cell = cell
        self.logits = logits_of(model, cell.precision)
        self.attack = recorded_attack(
            model,
            cell.precision,
            cell.epsilon,
            cell.step,
            cell.steps,
            cell.column if cell.attack == "before_adaptive" else None,
        )

    def images(self, originals: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Clean and attacked images, (N, C, H, W) float32, as they arrive at the filter.

        Args:
            originals: (N, C, H, W) uint8.
            labels: (N,) int64.
        """
        clean = prepare(originals, self.cell.column)
        if self.cell.attack == "none" or self.cell.epsilon == 0:
            return clean, clean
        if self.cell.attack == "after":
            return clean, self.attack(clean, labels)
        return clean, quantize(self.attack(prepare(originals, "8"), labels), self.cell.column)

    @torch.no_grad()
    def classify(self, images: Tensor, filter_name: str) -> Tensor:
        """Classes, (N,) int64, of the filtered images."""
        return self.logits(apply_filter(filter_name, images, bits_of(self.cell.column))).argmax(1)


def measure(
    cell: Cell, model: ResNet20, split: Split, on_batch: Callable[[int], None] = lambda count: None
) -> dict:
    """Makes one cell.

    Args:
        cell: what to measure.
        model: the network, frozen and in evaluation mode.
        split: the test images, on the device of the model.
        on_batch: called with the number of images after each batch.

    Returns:
        What the JSON file holds besides provenance: per filter the clean and the attacked accuracy
        with the prediction for every image, the certificate, and how many images left the grid of
        levels.
    """
    evaluator = Evaluator(model, cell)
    chosen = subset(len(split.labels), cell.images).to(split.labels.device)
    # Table I has neither an attack nor a filter.
    states = ("clean",) if cell.attack == "none" else ("clean", "attacked")
    filters = FILTERS[:1] if cell.attack == "none" else FILTERS
    batches = {(state, name): [] for state in states for name in filters}
    left_grid = dict.fromkeys(states, 0)
    for index in chosen.split(BATCH_SIZE):
        arrived = evaluator.images(split.images[index], split.labels[index])
        for state, images in zip(states, arrived, strict=False):
            for name in filters:
                batches[state, name].append(evaluator.classify(images, name))
            left_grid[state] += off_grid(images, cell.column).sum()
        on_batch(len(index))
    labels = split.labels[chosen].cpu()
    found = {key: torch.cat(classes).cpu() for key, classes in batches.items()}
    result = {"images": len(chosen), "images_of": len(split.labels), "labels": pack(labels)}
    for state in states:
        result[state] = {name: _summary(found[state, name], labels) for name in filters}
    result["off_grid"] = {state: int(count) for state, count in left_grid.items()}
    if cell.attack == "after":
        result["certificate"] = {
            name: {
                "epsilon": round(certified_epsilon(name, cell.column) * 255),
                "inside": cell.epsilon / 255 <= certified_epsilon(name, cell.column),
                "identical": torch.equal(found["clean", name], found["attacked", name]),
            }
            for name in filters
        }
    return result


def _summary(classes: Tensor, labels: Tensor) -> dict:
    correct = classes == labels
    return {
        "accuracy": float(correct.double().mean()),
        "correct": base64.b64encode(numpy.packbits(correct.numpy())).decode(),
        "predictions": pack(classes),
    }


def pack(classes: Tensor) -> str:
    """Packs (N,) class numbers below 256 into base64 of zlib of one byte each."""
    return base64.b64encode(zlib.compress(classes.to(torch.uint8).numpy().tobytes(), 9)).decode()


def unpack(text: str) -> numpy.ndarray:
    """The (N,) uint8 class numbers that ``pack`` packed."""
    return numpy.frombuffer(zlib.decompress(base64.b64decode(text)), numpy.uint8)


def cell_config(cell: Cell, model_digest: str, test_data: dict) -> dict:
    """What decides the result of a cell: stored with it, compared before it counts as done."""
    return {
        **asdict(cell),
        "step": cell.step,
        "model_sha256": model_digest,
        "test_data": test_data,
    }
