"""The options of the commands that train."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from tyro.conf import arg

from experiments.support.data_sets import DataConfig
from experiments.support.runtime import NO_CLUSTER, Cluster, Runtime


@dataclass(frozen=True)
class TrainingConfig:
    """What every command that trains takes."""

    preset: Literal["paper", "short"] = "paper"
    """paper: 160 epochs, steps. short: one cycle, 24 epochs."""
    epochs: Annotated[int | None, arg(help_behavior_hint="(default: that of the preset)")] = None
    """Number of epochs."""
    seed: int = 0
    """Decides the first weights, the order of the images, crops and flips."""
    models: str = "models"
    """Directory of the networks, or shipped:NAME for those of this package."""
    data: DataConfig = field(default_factory=lambda: DataConfig(source="cifar10"))
    runtime: Runtime = field(default_factory=Runtime)
    cluster: Annotated[Cluster | None, arg(help_behavior_hint=NO_CLUSTER)] = None
    """ray: train on the machines of a Ray cluster, or on one that is started here."""
