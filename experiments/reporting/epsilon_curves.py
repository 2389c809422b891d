"""Curves of accuracy against epsilon, as Fig. 4 of the paper has them."""

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib import pyplot

from experiments.evaluation.cells import Cell, describe
from experiments.method.filters import FILTERS
from experiments.reporting.figure_files import save_figure
from experiments.reporting.paper_numbers import FIGURE4, belong_beside


def draw_epsilon_curves(
    path: Path,
    cells: Sequence[Cell],
    models: Sequence[str],
    epsilons: Sequence[float],
    set_name: str,
) -> None:
    """One panel for each filter; the panel of the paper's filter has its plateaus as dotted lines.

    These lines are drawn beside cells of the paper's classes only.

    Args:
        path: the PNG that is written.
        cells: each model on its own kind of images.
        models, epsilons: in the order in which they are drawn.
        set_name: the set of the models.
    """
    beside = belong_beside(cells)
    figure, axes = pyplot.subplots(1, 3, figsize=(15, 5), sharey=True, layout="constrained")
    for axis, name in zip(axes, FILTERS, strict=True):
        for number, model in enumerate(models):
            measured = {
                cell.epsilon: 100 * cell.accuracy("attacked", name)
                for cell in cells
                if cell.model == model
            }
            if not measured:
                continue
            color = f"C{number}"
            # No line across an epsilon that was not measured.
            values = [measured.get(epsilon, math.nan) for epsilon in epsilons]
            axis.plot(range(len(epsilons)), values, "o-", color=color, markersize=4, label=model)
            if beside and name == "floor" and model in FIGURE4:
                accuracy, holds_to = FIGURE4[model]
                end = epsilons.index(holds_to)
                axis.plot([0, end], [100 * accuracy] * 2, ":", color=color)
        axis.set_xticks(range(len(epsilons)), [f"{epsilon:g}" for epsilon in epsilons])
        axis.set(title=f"filter: {name}", xlabel="epsilon, in 1/255", ylim=(-2, 102))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("accuracy, percent")
    if beside:
        axes[FILTERS.index("floor")].set_title("filter: floor (dotted: the paper)")
    axes[0].legend(title="model", loc="upper right")
    figure.suptitle(
        f"Accuracy under PGD-20 against epsilon, models: {set_name}. {describe(list(cells))}"
    )
    save_figure(path, figure)
