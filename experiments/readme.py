"""Writes the tables of the READMEs from the results: python -m experiments.readme"""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from experiments.evaluation.sweep import RESULTS
from experiments.reporting.generated import write_block
from experiments.reporting.readme_tables import TABLES
from experiments.support.command_line import run_command


@dataclass(frozen=True)
class ReadmeConfig:
    """Which documents, from which results."""

    root: Path = RESULTS.parents[1]
    """Directory of README.md and experiments/README.md."""
    results: Path = RESULTS
    """Directory of the reports of every set of networks."""


def main(config: ReadmeConfig) -> None:
    """Writes every table into its place in the documents; what is written by hand stays."""
    console = Console()
    for name, tables in TABLES.items():
        for block, table in tables.items():
            if write_block(config.root / name, block, table(config.results)):
                console.print(f"{name}: {block} is new")


if __name__ == "__main__":
    run_command(main, ReadmeConfig, __doc__)
