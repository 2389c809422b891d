"""A photo dithered at 4, 2 and 1 bits, and the sizes of its files: python -m experiments.photo

The photo is china.jpg, which scikit-learn bundles: by danielbuechele,
https://www.flickr.com/photos/danielbuechele/6061409035, CC BY 2.0.
"""

from dataclasses import dataclass
from pathlib import Path

from experiments.support.command_line import run_command


@dataclass(frozen=True)
class PhotoConfig:
    """Where to draw."""

    output: Path = Path("results")
    """Directory of the picture and the table, or shipped:pictures for those of this package."""


def main(config: PhotoConfig) -> None:
    """Writes photo.png and photo.csv."""
    from experiments.commands import photo

    photo.main(config)


if __name__ == "__main__":
    run_command(main, PhotoConfig, __doc__)
