"""Every model in one line, from what is stored: python -m experiments.summary"""

from dataclasses import dataclass
from pathlib import Path

from experiments.support.command_line import run_command


@dataclass(frozen=True)
class SummaryConfig:
    """What to sum up."""

    models: str = "shipped:short"
    """The networks: a directory, or shipped:short or shipped:paper."""
    results: Path = Path("results")
    """Directory of the cells and the reports, or shipped:NAME for those of this package."""


def main(config: SummaryConfig) -> None:
    """Writes summary.csv and .md: each model on its own kind of images, clean and attacked."""
    from experiments.commands import summary

    summary.main(config)


if __name__ == "__main__":
    run_command(main, SummaryConfig, __doc__)
