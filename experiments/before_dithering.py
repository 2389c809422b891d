"""The attack that the filter does not stop, on the 8-bit image before it is quantized:
python -m experiments.before_dithering --data.source cifar10 --results my_results
"""

from pathlib import Path

from matplotlib import pyplot
from rich.console import Console

from experiments.reporting.bar_chart import draw_bars
from experiments.evaluation.cell_store import StoredCell, describe, read_cells, refuse_mixture
from experiments.evaluation.cells import Attack, Cell
from experiments.support.command_line import run_command
from experiments.reporting.figure_files import save_figure
from experiments.method.filters import FILTERS
from experiments.reporting.paper_numbers import BEFORE_DITHERING, SOURCE
from experiments.reporting.row_report import write_rows
from experiments.evaluation.sweep import SweepConfig, run

EPSILON = 8.0
#: after stands beside the two for comparison.
ATTACKS: tuple[Attack, ...] = ("after", "before_transfer", "before_adaptive")

NOTE = (
    "PGD, 20 steps of 2/255 at epsilon 8/255. after: on the quantized image, which the filter "
    "undoes within its certificate. before_transfer: on the 8-bit image against the bare network, "
    "then quantized (the paper's experiment). before_adaptive: the same, but the attacked network "
    "begins with the quantization, whose gradient is passed straight through. Each model is tested "
    "on the kind of images that it was trained on."
)


def main(config: SweepConfig) -> None:
    """Every model on its own kind of images, attacked before and after they are quantized."""
    console = Console()
    if not config.report_only:
        run(lambda images: own_cells(config, images), config, console)
    report(config, console)


def own_cells(config: SweepConfig, images: int) -> list[Cell]:
    """Every attack at epsilon 8/255 on every model, tested on its own kind of images."""
    return [
        config.cell(model, model, images, attack, EPSILON)
        for model in config.existing_rows
        for attack in ATTACKS
    ]


def read_own_cells(config: SweepConfig) -> list[tuple[Attack, StoredCell]]:
    """The cells of ``own_cells`` that exist, each with its attack, model by model."""
    found = [
        (attack, cell)
        for attack in ATTACKS
        for cell in read_cells(config.results, config.set_name, attack, config.runtime.precision)
        if cell.epsilon == EPSILON and cell.model == cell.column
    ]
    if not found:
        raise ValueError(f"{config.results} holds no such cell for the set {config.set_name!r}")
    refuse_mixture(cell.config for _, cell in found)
    return sorted(found, key=lambda pair: (pair[1].model, ATTACKS.index(pair[0])))


def report(config: SweepConfig, console: Console) -> None:
    """Writes before_dithering.csv, .md and .png from the cells that exist."""
    cells = read_own_cells(config)
    stem = config.results / "before_dithering"
    note = f"Models: {config.set_name}. {describe([cell for _, cell in cells])} {NOTE}"
    write_rows(
        stem,
        "Attack before and after dithering",
        f"{note} The last column is the paper's ({SOURCE}).",
        ("model", "attack", "filter", "epsilon", "clean", "attacked", "images", "paper"),
        [
            (
                cell.model,
                attack,
                name,
                f"{cell.epsilon:g}",
                cell.accuracy("clean", name),
                cell.accuracy("attacked", name),
                cell.images,
                BEFORE_DITHERING if (cell.model, attack, name) == PAPER_ROW else None,
            )
            for attack, cell in cells
            for name in FILTERS
        ],
    )
    draw(stem.with_suffix(".png"), cells, config.set_name)
    console.print(f"{stem}.csv, .md, .png: {len(cells)} cells")


PAPER_ROW = ("1d", "before_transfer", "floor")


def draw(path: Path, cells: list[tuple[Attack, StoredCell]], models: str) -> None:
    """Bars of the accuracy behind the paper's filter, a group for each model; ? is not measured."""
    kinds = list(dict.fromkeys(cell.model for _, cell in cells))
    series = {"clean": {cell.model: 100 * cell.accuracy("clean", "floor") for _, cell in cells}}
    for wanted in ATTACKS:
        series[wanted] = {
            cell.model: 100 * cell.accuracy("attacked", "floor")
            for attack, cell in cells
            if attack == wanted
        }
    figure, axis = pyplot.subplots(figsize=(6 + 0.6 * len(kinds), 4.5), layout="constrained")
    draw_bars(axis, kinds, series)
    axis.set_ylabel("accuracy, percent")
    about = f"PGD at 8/255, filter: floor, models: {models} (?: not measured)."
    axis.set_title(f"{about}\n{describe([cell for _, cell in cells])}", fontsize=10)
    figure.legend(ncols=4, fontsize=8, loc="outside lower center")
    save_figure(path, figure)


if __name__ == "__main__":
    run_command(main, SweepConfig, __doc__)
