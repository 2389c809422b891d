"""Makes an evaluation: attacks the images, filters them, and classifies them."""

from collections.abc import Callable
from functools import lru_cache

import numpy
import torch
from torch import Tensor

from experiments.evaluation.cells import Outcome
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.subset import subset
from experiments.method.attacks import Attack, Network
from experiments.method.filters import apply_filter
from experiments.method.kinds import bits_of
from experiments.method.quantization import off_grid, prepare, quantize
from experiments.support.cuda_graphs import RecordedFunction
from experiments.support.data_sets import Split
from experiments.support.networks import logits_of
from experiments.support.runtime import Precision
from experiments.training.resnet20 import ResNet20

#: By type of device. A GPU is busy with many images only; on a CPU more gain nothing.
BATCH_SIZES = {"cpu": 250, "cuda": 1000}


def attacked_network(logits: Network, kind: str, quantized: bool, filter_name: str) -> Network:
    """What an attack sees: the quantization and a filter, or neither, and then the network."""

    def network(images: Tensor) -> Tensor:
        if quantized:
            images = quantize(images, kind)
        return logits(apply_filter(filter_name, images, bits_of(kind)))

    return network


# Only the last recording is kept: each one holds the memory of all its steps.
@lru_cache(maxsize=1)
def recorded_attack(
    model: ResNet20,
    precision: Precision,
    attack: Attack,
    passes: tuple[str, bool, str] | None,
) -> Callable[[Tensor, Tensor], Tensor]:
    """An attack on a model, recorded on CUDA; evaluations in a row with the same settings share it.

    Args:
        model, precision: the network that is attacked.
        attack: the method with its settings.
        passes: what comes before the network, as ``attacked_network`` takes it; None for the bare
            network.
    """
    network = logits_of(model, precision)
    if passes is not None:
        network = attacked_network(network, *passes)

    def call(images: Tensor, labels: Tensor) -> Tensor:
        return attack(network, images, labels)

    return RecordedFunction(call, next(model.parameters()).device) if attack.capturable else call


class Evaluator:
    """A model, ready to be attacked and to classify."""

    def __init__(self, model: ResNet20, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self.logits = logits_of(model, evaluation.precision)
        passes = None
        if evaluation.gradient != "network":
            filtered = evaluation.gradient == "filter"
            passes = (
                evaluation.kind,
                evaluation.attacker == "before",
                evaluation.filters[0] if filtered else "none",
            )
        self.attack: Callable[[Tensor, Tensor], Tensor] | None = None
        if evaluation.attack is not None:
            self.attack = recorded_attack(model, evaluation.precision, evaluation.attack, passes)

    def images(self, originals: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Clean and attacked images, (N, C, H, W) float32, as they arrive at the filter.

        Args:
            originals: (N, C, H, W) uint8.
            labels: (N,) int64.
        """
        kind = self.evaluation.kind
        clean = prepare(originals, kind)
        if self.attack is None or self.evaluation.epsilon == 0:
            return clean, clean
        if self.evaluation.attacker == "after":
            return clean, self.attack(clean, labels)
        return clean, quantize(self.attack(prepare(originals, "8"), labels), kind)

    @torch.no_grad()
    def classify(self, images: Tensor, filter_name: str) -> Tensor:
        """Classes, (N,) int64, of the filtered images."""
        return self.logits(apply_filter(filter_name, images, bits_of(self.evaluation.kind))).argmax(
            1
        )


def passes_per_image(evaluation: Evaluation) -> int:
    """About how much work an evaluation is, in forward passes; a gradient counts as three."""
    filters = len(evaluation.filters)
    if evaluation.attack is None:
        return filters
    gradients = evaluation.attack.gradients if evaluation.epsilon else 0
    return 2 * filters + 3 * gradients


def default_batch_size(device: torch.device) -> int:
    """How many images are attacked and classified at once."""
    return BATCH_SIZES[device.type]


def measure(
    evaluation: Evaluation,
    model: ResNet20,
    split: Split,
    on_batch: Callable[[int], object] = lambda count: None,
    batch_size: int | None = None,
) -> Outcome:
    """Makes an evaluation. Its outcome is a function of the settings, the model and the images.

    With another batch size the network may add in another order, as on another device.

    Args:
        evaluation: what to measure.
        model: the network, frozen and in evaluation mode.
        split: the test images, on the device of the model.
        on_batch: called with the number of images after each batch.
        batch_size: images at once; None for what suits the device.

    Raises:
        ValueError: there are fewer test images than the evaluation wants, or more than 256 classes.
    """
    if len(split.classes) > 256:
        raise ValueError(
            f"the test images have {len(split.classes)} classes; at most 256 are accepted"
        )
    if evaluation.images > len(split.labels):
        raise ValueError(
            f"images is {evaluation.images}; accepted are whole numbers from 1 to "
            f"{len(split.labels)}, the number of test images"
        )
    evaluator = Evaluator(model, evaluation)
    chosen = subset(len(split.labels), evaluation.images).to(split.labels.device)
    states = ("clean",) if evaluation.attack is None else ("clean", "attacked")
    batches: dict[tuple[str, str], list[Tensor]] = {
        (state, name): [] for state in states for name in evaluation.filters
    }
    left_grid: dict[str, int | Tensor] = dict.fromkeys(states, 0)
    for index in chosen.split(batch_size or default_batch_size(chosen.device)):
        arrived = evaluator.images(split.images[index], split.labels[index])
        for state, images in zip(states, arrived, strict=False):
            for name in evaluation.filters:
                batches[state, name].append(evaluator.classify(images, name))
            left_grid[state] += off_grid(images, evaluation.kind).sum()
        on_batch(len(index))
    return Outcome(
        evaluation,
        _bytes(split.labels[chosen]),
        {
            state: {name: _bytes(torch.cat(batches[state, name])) for name in evaluation.filters}
            for state in states
        },
        {state: int(count) for state, count in left_grid.items()},
    )


def _bytes(classes: Tensor) -> numpy.ndarray:
    return classes.cpu().to(torch.uint8).numpy()
