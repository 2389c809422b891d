"""The options of the commands that fill a table."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from experiments.support.data_sets import DataConfig
from experiments.support.places import results_directory, set_name
from experiments.support.runtime import NO_CLUSTER, Cluster, Runtime

Limit = Annotated[int | None, arg(help_behavior_hint="(default: all)")]
BatchSize = Annotated[int | None, arg(help_behavior_hint="(default: 250 on a CPU, 1000 on a GPU)")]


@dataclass(frozen=True)
class SweepConfig:
    """What every command that fills a table takes."""

    models: str = "shipped:short"
    """The networks: a directory, or shipped:short or shipped:paper."""
    rows: Annotated[tuple[str, ...], arg(help_behavior_hint="(default: all that exist)")] = ()
    """Models, by what they were trained on."""
    limit: Limit = None
    """Evaluate on this many test images, a fixed random subset."""
    batch_size: BatchSize = None
    """Images that are attacked at once."""
    report_only: bool = False
    """Make no cell, only the report of the cells that exist. Of cells that differ only in the number
    of images, it takes the one with the most."""
    results: Path = Path("results")
    """Directory of the cells and the reports, or shipped:NAME for those of this package."""
    data: DataConfig = field(default_factory=lambda: DataConfig(source="cifar10"))
    runtime: Runtime = field(default_factory=Runtime)
    cluster: Annotated[Cluster | None, arg(help_behavior_hint=NO_CLUSTER)] = None
    """ray: measure on the machines of a Ray cluster, or on one that is started here."""

    @property
    def set_name(self) -> str:
        """What cells and reports call the set of networks."""
        return set_name(self.models)

    @property
    def directory(self) -> Path:
        """Where the cells and the reports are."""
        return results_directory(self.results)


@dataclass(frozen=True)
class GridConfig(SweepConfig):
    """What the commands for Tables I and II take."""

    columns: Annotated[
        tuple[str, ...], arg(help_behavior_hint="(default: those of the paper's table)")
    ] = ()
    """Kinds of test images."""
