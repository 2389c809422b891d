"""Trains the models of a set, several at once on a GPU:
python -m experiments.train_all --preset short --data.source cifar10 --models my_models
"""

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import arg

from experiments.method.kinds import KINDS, check_kind
from experiments.support.command_line import run_command
from experiments.support.terminal import terminal
from experiments.training.training_config import TrainingConfig


@dataclass(frozen=True)
class TrainAllConfig(TrainingConfig):
    """Trains every model that is not done; several processes can share the work."""

    kinds: tuple[str, ...] = KINDS
    """Which models, in this order."""
    at_once: Annotated[int | None, arg(help_behavior_hint="(default: 1 on a CPU, 8 on a GPU)")] = (
        None
    )
    """How many models train at the same time; no bit of one depends on the others."""


def main(config: TrainAllConfig) -> None:
    """Trains the models; one that another process is training is left to it."""
    from experiments.training.side_by_side import train_all

    for kind in config.kinds:
        check_kind(kind, "kinds")
    train_all(config.kinds, config, terminal(), config.at_once)


if __name__ == "__main__":
    run_command(main, TrainAllConfig, __doc__, resumes=True)
