"""Trains one model:
python -m experiments.train --kind 2d --preset short --data.source cifar10 --models my_models
"""

from dataclasses import dataclass, field

from experiments.support.command_line import run_command
from experiments.support.terminal import terminal
from experiments.training.training_config import TrainingConfig


@dataclass(frozen=True)
class TrainConfig(TrainingConfig):
    """Trains one model; started again after an interruption, it goes on from its last epoch."""

    kind: str = field(kw_only=True)
    """What the network is trained on: 1 to 8 bits, with d for dithered (1, 1d, ..., 7, 7d, 8)."""


def main(config: TrainConfig) -> None:
    """Trains the model, or finds it done."""
    from experiments.training.side_by_side import train

    train(config.kind, config, terminal())


if __name__ == "__main__":
    run_command(main, TrainConfig, __doc__, resumes=True)
