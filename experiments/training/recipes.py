"""How a model is trained: the paper's recipe, and one that is better with few epochs."""

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run besides its images and its seed."""

    schedule: Literal["step", "one_cycle"]
    epochs: int
    learning_rate: float
    """The first (step) or the highest (one_cycle)."""
    nesterov: bool
    weight_decay: float
    momentum: float = 0.9
    batch_size: int = 128
    padding: int = 4
    """The random crop moves by up to this many pixels."""
    decay_epochs: int = 40
    """step: epochs between two decays."""
    decay_factor: float = 0.1
    """step: the factor of one decay."""
    warm_up: float = 0.2
    """one_cycle: the part of the run in which the rate rises from 0."""


RECIPES: dict[str, Recipe] = {
    "paper": Recipe("step", epochs=160, learning_rate=0.1, nesterov=False, weight_decay=1e-4),
    "short": Recipe("one_cycle", epochs=24, learning_rate=0.4, nesterov=True, weight_decay=5e-4),
}


def recipe(preset: str, epochs: int | None = None) -> Recipe:
    """The recipe ``preset``, with another number of epochs if one is given."""
    if preset not in RECIPES:
        raise ValueError(f"preset is {preset!r}; accepted are {', '.join(RECIPES)}")
    if epochs is None:
        return RECIPES[preset]
    if epochs < 1:
        raise ValueError(f"epochs is {epochs!r}; accepted are whole numbers from 1")
    return replace(RECIPES[preset], epochs=epochs)


def learning_rate(settings: Recipe, step: int, steps_per_epoch: int) -> float:
    """The learning rate of training step ``step`` (from 0).

    A function of the step alone: an interrupted run has no schedule to restore.
    """
    if settings.schedule == "step":
        return settings.learning_rate * settings.decay_factor ** (
            step // steps_per_epoch // settings.decay_epochs
        )
    total = settings.epochs * steps_per_epoch
    peak = settings.warm_up * total
    # Straight up, then straight down. The rate is that of the middle of the step, so that it is 0
    # neither in the first nor in the last step.
    now = step + 0.5
    return settings.learning_rate * (now / peak if now < peak else (total - now) / (total - peak))
