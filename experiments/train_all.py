"""Trains the models of a set one after another:
python -m experiments.train_all --preset short --data.source cifar10 --models my_models
"""

from dataclasses import dataclass, field, fields
from typing import Literal

from rich.console import Console

from experiments.support.command_line import run_command
from experiments.support.data_sets import DataConfig
from experiments.method.kinds import KINDS, check_kind
from experiments.support.runtime import Runtime
from experiments.support.storage import LockedElsewhere
from experiments.train import TrainConfig, train


@dataclass(frozen=True)
class TrainAllConfig:
    """Trains every model that is not done; several processes can share the work."""

    kinds: tuple[str, ...] = KINDS
    """Which models, in this order."""
    preset: Literal["paper", "short"] = "paper"
    """paper: 160 epochs, steps. short: one cycle, 24 epochs."""
    epochs: int | None = None
    """Another number of epochs than the preset's."""
    seed: int = 0
    models: str = ""
    """Name of the set in experiments/models, or a directory (default: the name of the preset)."""
    data: DataConfig = field(default_factory=lambda: DataConfig(source="cifar10"))
    runtime: Runtime = field(default_factory=Runtime)


def main(config: TrainAllConfig) -> None:
    """Trains the models in turn; one that another process is training is left to it."""
    console = Console()
    for kind in config.kinds:
        check_kind(kind, "kinds")
    shared = {f.name: getattr(config, f.name) for f in fields(config) if f.name != "kinds"}
    for kind in config.kinds:
        try:
            train(TrainConfig(kind, **shared), console)
        except LockedElsewhere:
            console.print(f"{kind}: another process is training it")


if __name__ == "__main__":
    run_command(main, TrainAllConfig, __doc__)
