"""Figs. 1, 5, 6 and 7 as pictures: python -m experiments.pictures

Figs. 5 and 6 show a photograph that scikit-learn bundles. Figs. 1 and 7 need two networks: by
default those that ``python -m experiments.demo`` leaves, with its digits.
"""

from dataclasses import dataclass, field
from pathlib import Path

from experiments.support.command_line import run_command
from experiments.support.data_sets import DataConfig
from experiments.support.runtime import Runtime


@dataclass(frozen=True)
class PicturesConfig:
    """What to draw, and where."""

    models: str = "build/demo"
    """A directory with the networks 8 and 2d, or shipped:short or shipped:paper."""
    epsilon: float = 21.0
    """Largest change of a value in Figs. 1 and 7, in 1/255; the floor filter undoes 21 at 2 bits."""
    output: Path = Path("results")
    """Directory of the pictures, or shipped:pictures for those of this package."""
    data: DataConfig = field(default_factory=DataConfig)
    """Images for Figs. 1 and 7."""
    runtime: Runtime = field(default_factory=lambda: Runtime(threads=1))


def main(config: PicturesConfig) -> None:
    """Writes figure1.png, figure5.png, figure6.png and figure7.png."""
    from experiments.commands import pictures

    pictures.main(config)


if __name__ == "__main__":
    run_command(main, PicturesConfig, __doc__)
