"""Fig. 4, accuracy against epsilon: python -m experiments.figure4 --data.source cifar10 --results my_results"""

import math
from collections import Counter
from pathlib import Path

from matplotlib import pyplot
from rich.console import Console

from experiments.evaluation.cells import Cell, describe
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.sweep import SweepConfig, run
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.method.filters import FILTERS
from experiments.reporting.figure_files import save_figure
from experiments.reporting.paper_numbers import FIGURE4, SOURCE, read_table
from experiments.reporting.row_report import write_rows
from experiments.support.command_line import run_command

#: The paper's models, and 4d, which rounding to nearest adds to the immune ones at 8/255.
MODELS = ("1", "1d", "2", "2d", "3", "3d", "4d", "8")
#: The paper's to 32, and beyond it until every curve has come down.
EPSILONS = (0.0, 2.0, 4.0, 8.0, 16.0, 24.0, 32.0, 48.0, 64.0, 128.0)

NOTE = (
    "PGD, 20 steps on the bare network, added after quantization. The step is the paper's 2/255 up "
    "to epsilon 32; beyond it is 2.5 epsilon / 20, since 20 steps of 2 do not reach further than 40. "
    "Each model is tested on the kind of images that it was trained on. The last column is the "
    "paper's accuracy, for its filter (floor), as far as its text and its tables give it."
)


def main(config: SweepConfig) -> None:
    """Every model of the figure on its own kind of images at every epsilon."""
    console = Console()
    for kind in config.rows:
        if kind not in MODELS:
            raise ValueError(f"rows is {kind!r}; those of Fig. 4 are {', '.join(MODELS)}")
    if not config.report_only:
        run(
            lambda images: [
                config.evaluation(model, model, images, attack=ProjectedGradientDescent(epsilon))
                for model in config.existing_rows
                if model in MODELS
                for epsilon in EPSILONS
            ],
            config,
            console,
        )
    report(config, console)


def is_of_figure4(evaluation: Evaluation) -> bool:
    """Whether a cell with these settings belongs to the figure."""
    attacks = [ProjectedGradientDescent(epsilon) for epsilon in EPSILONS]
    return (
        evaluation.model == evaluation.kind
        and evaluation.model in MODELS
        and evaluation.attack in attacks
        and (evaluation.attacker, evaluation.gradient) == ("after", "network")
        and evaluation.filters == FILTERS
    )


def report(config: SweepConfig, console: Console) -> None:
    """Writes figure4.csv, .md and .png from the cells that exist."""
    cells = same_images(config.read_cells(is_of_figure4, every_size=True))
    cells.sort(key=lambda cell: (MODELS.index(cell.model), cell.epsilon))
    stem = config.directory / "figure4"
    write_rows(
        stem,
        "Fig. 4: accuracy against epsilon",
        f"Models: {config.set_name}. {describe(cells)} {NOTE} Source: {SOURCE}.",
        ("model", "filter", "epsilon", "accuracy", "images", "paper"),
        [
            (
                cell.model,
                name,
                f"{cell.epsilon:g}",
                cell.accuracy("attacked", name),
                cell.images,
                _paper(cell, name),
            )
            for name in FILTERS
            for cell in cells
        ],
        csv_columns=5,
    )
    draw(stem.with_suffix(".png"), cells, config.set_name)
    console.print(f"{stem}.csv, .md, .png: {len(cells)} of {len(MODELS) * len(EPSILONS)} cells")


def same_images(cells: list[Cell]) -> list[Cell]:
    """Of each model the cells of one number of images, so that a curve is of the same images.

    It is the number of which most epsilons exist, and of several such the largest.
    """
    chosen = []
    for model in {cell.model for cell in cells}:
        sizes = Counter(cell.images for cell in cells if cell.model == model)
        images = max(sizes, key=lambda size: (sizes[size], size))
        chosen += [cell for cell in cells if cell.model == model and cell.images == images]
    return chosen


def _paper(cell: Cell, filter_name: str) -> float | None:
    accuracy, holds_to = FIGURE4.get(cell.model, (0.0, -1))
    if filter_name != "floor":
        return None
    if cell.epsilon <= holds_to:
        return accuracy
    # Two epsilons are also those of its tables.
    table = {0.0: "table1", 8.0: "table2"}.get(cell.epsilon)
    return read_table(table).get((cell.model, cell.model)) if table else None


def draw(path: Path, cells: list[Cell], models: str) -> None:
    """One panel for each filter; the paper's plateaus as dotted lines in that of its filter."""
    figure, axes = pyplot.subplots(1, 3, figsize=(15, 5), sharey=True, layout="constrained")
    for axis, name in zip(axes, FILTERS, strict=True):
        for number, model in enumerate(MODELS):
            measured = {
                cell.epsilon: 100 * cell.accuracy("attacked", name)
                for cell in cells
                if cell.model == model
            }
            if not measured:
                continue
            color = f"C{number}"
            # No line across an epsilon that was not measured.
            values = [measured.get(epsilon, math.nan) for epsilon in EPSILONS]
            axis.plot(range(len(EPSILONS)), values, "o-", color=color, markersize=4, label=model)
            if name == "floor" and model in FIGURE4:
                accuracy, holds_to = FIGURE4[model]
                end = EPSILONS.index(holds_to)
                axis.plot([0, end], [100 * accuracy] * 2, ":", color=color)
        axis.set_xticks(range(len(EPSILONS)), [f"{epsilon:g}" for epsilon in EPSILONS])
        axis.set(title=f"filter: {name}", xlabel="epsilon, in 1/255", ylim=(-2, 102))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("accuracy, percent")
    axes[1].set_title("filter: floor (dotted: the paper)")
    axes[0].legend(title="model", loc="upper right")
    figure.suptitle(f"Accuracy under PGD-20 against epsilon, models: {models}. {describe(cells)}")
    save_figure(path, figure)


if __name__ == "__main__":
    run_command(main, SweepConfig, __doc__)
