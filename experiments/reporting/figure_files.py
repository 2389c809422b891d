"""Figures written whole or not at all."""

from pathlib import Path

import matplotlib
from matplotlib import pyplot
from matplotlib.figure import Figure

from pyquant.atomic_files import atomic_path

# Nothing here needs a screen.
matplotlib.use("agg")
# Names of sets and classes are shown as they are, dollar signs too.
matplotlib.rcParams["text.parse_math"] = False


def save_figure(path: Path, figure: Figure) -> None:
    """Writes a figure as PNG and closes it."""
    with atomic_path(path) as part:
        figure.savefig(part, format="png", dpi=100)
    pyplot.close(figure)
