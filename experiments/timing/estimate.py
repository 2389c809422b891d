"""Estimates how long training and measuring will take here, from a short measurement of each."""

import statistics
from collections.abc import Callable, Sequence

import torch

from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.measure import default_batch_size, measure
from experiments.evaluation.sweep import passes
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.support.cuda_graphs import WARM_UP_CALLS
from experiments.support.data_sets import Split
from experiments.support.runtime import Precision
from experiments.timing.clock import seconds
from experiments.training.recipes import Recipe
from experiments.training.resnet20 import for_evaluation, seeded_model
from experiments.training.trainer import Trainer


def seconds_per_step(
    split: Split, kinds: Sequence[str], settings: Recipe, precision: Precision
) -> float:
    """The time of a training step of one network, while those of ``kinds`` train side by side."""
    trainers = [Trainer(split, kind, settings, 0, precision) for kind in kinds]
    for trainer in trainers:
        trainer.begin_epoch()

    def step_of_each() -> None:
        for trainer in trainers:
            trainer.step(0)

    return _median(step_of_each, 7, split.labels.device) / len(trainers)


def seconds_per_pass(split: Split, precision: Precision, batch_size: int | None) -> float:
    """The time of a forward pass of one image, in the mixture that attacks and filters make."""
    device = split.labels.device
    model = for_evaluation(seeded_model(0, len(split.classes)).to(device))
    images = min(batch_size or default_batch_size(device), len(split.labels))
    attack = ProjectedGradientDescent(epsilon=8.0, steps=2)
    evaluation = Evaluation("estimate", "2d", "2d", images, attack, precision=precision)
    whole = _median(lambda: measure(evaluation, model, split, batch_size=batch_size), 3, device)
    return whole / passes(evaluation)


def _median(call: Callable[[], object], repetitions: int, device: torch.device) -> float:
    """The median time of some calls, after those that are slower because they fill or record something."""
    for _ in range(WARM_UP_CALLS + 2 if device.type == "cuda" else 1):
        call()
    return statistics.median(seconds(call, device) for _ in range(repetitions))
