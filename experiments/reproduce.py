"""Trains what is missing, and makes every table and figure of the paper:
python -m experiments.reproduce
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from experiments.evaluation.sweep_config import BatchSize, GridConfig, Limit
from experiments.support.command_line import run_command
from experiments.support.places import SHIPPED, set_name
from experiments.train_all import TrainAllConfig


@dataclass(frozen=True)
class ReproduceConfig(TrainAllConfig):
    """Trains, measures and reports; what is done is not done again."""

    models: Annotated[str, arg(help_behavior_hint="(default: OUTPUT/models/PRESET)")] = ""
    """Directory of the networks. Those of shipped:short or shipped:paper are not trained, only tested."""
    output: Path = Path("reproduce")
    """Directory of the networks and of the results."""
    limit: Limit = None
    """Evaluate on this many test images, a fixed random subset."""
    batch_size: BatchSize = None
    """Images that are attacked at once."""

    @property
    def is_shipped(self) -> bool:
        """Whether the networks are those of this package."""
        return self.models.startswith(SHIPPED)

    @property
    def models_or_default(self) -> str:
        """Where the networks are."""
        return self.models or str(self.output / "models" / self.preset)

    def sweep(self) -> GridConfig:
        """The options of the tables. Shipped networks and own ones have results of their own."""
        models = self.models_or_default
        return GridConfig(
            models,
            limit=self.limit,
            batch_size=self.batch_size,
            results=self.output / "results" / f"{'shipped_' * self.is_shipped}{set_name(models)}",
            data=self.data,
            runtime=self.runtime,
            cluster=self.cluster,
        )


def main(config: ReproduceConfig) -> None:
    """Trains the networks that are missing, makes the cells that are missing, and writes reports."""
    from experiments.commands import reproduce

    reproduce.main(config)


if __name__ == "__main__":
    run_command(main, ReproduceConfig, __doc__, resumes=True)
