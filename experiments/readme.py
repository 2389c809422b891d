"""Writes the tables of the READMEs from the results: python -m experiments.readme"""

from dataclasses import dataclass
from pathlib import Path

from experiments.support.command_line import run_command
from experiments.support.terminal import terminal


@dataclass(frozen=True)
class ReadmeConfig:
    """The clone whose documents are written, from its results."""

    root: Path = Path()
    """Root of a clone, which holds README.md, experiments/README.md and experiments/results."""


def main(config: ReadmeConfig) -> None:
    """Writes every table into its place in the documents; what is written by hand stays."""
    from experiments.reporting.generated import write_block
    from experiments.reporting.readme_tables import TABLES

    console = terminal()
    for name, tables in TABLES.items():
        for block, table in tables.items():
            if write_block(
                config.root / name, block, table(config.root / "experiments" / "results")
            ):
                console.print(f"{name}: {block} is new")


if __name__ == "__main__":
    run_command(main, ReadmeConfig, __doc__)
