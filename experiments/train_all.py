"""Trains the models of a set one after another:
python -m experiments.train_all --preset short --data.source cifar10 --models my_models
"""

from dataclasses import dataclass

from experiments.method.kinds import KINDS, check_kind
from experiments.support.command_line import run_command
from experiments.support.storage import LockedElsewhere
from experiments.support.terminal import terminal
from experiments.training.training_config import TrainingConfig


@dataclass(frozen=True)
class TrainAllConfig(TrainingConfig):
    """Trains every model that is not done; several processes can share the work."""

    kinds: tuple[str, ...] = KINDS
    """Which models, in this order."""


def main(config: TrainAllConfig) -> None:
    """Trains the models in turn; one that another process is training is left to it."""
    from experiments.training.run import train

    console = terminal()
    for kind in config.kinds:
        check_kind(kind, "kinds")
    for kind in config.kinds:
        try:
            train(kind, config, console)
        except LockedElsewhere:
            console.print(f"{kind}: another process is training it")


if __name__ == "__main__":
    run_command(main, TrainAllConfig, __doc__, resumes=True)
