"""The attack that the filter does not stop, on the 8-bit image before it is quantized."""

from pathlib import Path

from matplotlib import pyplot
from rich.console import Console

from experiments.evaluation.attackers import ATTACKERS, attacker_of, own_cells, read_own_cells
from experiments.evaluation.cells import Cell, describe
from experiments.evaluation.sweep import run
from experiments.evaluation.sweep_config import SweepConfig
from experiments.method.filters import FILTERS
from experiments.reporting.bar_chart import draw_bars
from experiments.reporting.figure_files import save_figure
from experiments.reporting.paper_numbers import BEFORE_DITHERING, SOURCE, belong_beside
from experiments.reporting.row_report import write_rows
from experiments.support.terminal import terminal

#: The one attack before quantization whose accuracy the paper gives: model 1d, after its filter.
PAPER_ROW = ("1d", "before", "network", "floor")

NOTE = (
    "PGD, 20 steps of 2/255 at epsilon 8/255. Each model is tested on the kind of images that it was "
    "trained on.\n\n"
    "- Attacker after: the quantized image is changed, which the filter undoes within its "
    "certificate.\n"
    "- Attacker before: the 8-bit image is changed, and then quantized.\n"
    "- Gradient network: the attack is made against the bare network (the paper's experiment).\n"
    "- Gradient quantization: the attacked network begins with the quantization, which passes the "
    "gradient straight through."
)


def main(config: SweepConfig) -> None:
    """Attacks every model on its own kind of images, before and after they are quantized."""
    console = terminal()
    if not config.report_only:
        run(own_cells, config, console)
    report(config, console)


def report(config: SweepConfig, console: Console) -> None:
    """Writes before_dithering.csv, .md and .png from the cells that exist."""
    cells = read_own_cells(config)
    stem = config.directory / "before_dithering"
    beside = belong_beside(cells)
    note = f"Models: {config.set_name}. {describe(cells)} {NOTE}"
    write_rows(
        stem,
        "Attack before and after dithering",
        f"{note}\n\nThe last column is the paper's ({SOURCE})." if beside else note,
        (
            "model",
            "attacker",
            "gradient",
            "filter",
            "epsilon",
            "clean",
            "attacked",
            "images",
            *(["paper"] if beside else []),
        ),
        [
            (
                cell.model,
                cell.evaluation.attacker,
                cell.evaluation.gradient,
                name,
                f"{cell.epsilon:g}",
                cell.accuracy("clean", name),
                cell.accuracy("attacked", name),
                cell.images,
                *([_paper(cell, name)] if beside else []),
            )
            for cell in cells
            for name in FILTERS
        ],
        console,
    )
    draw(stem.with_suffix(".png"), cells, config.set_name)
    console.print(f"{stem}.csv, .md, .png: {len(cells)} cells")


def _paper(cell: Cell, filter_name: str) -> float | None:
    place = cell.model, cell.evaluation.attacker, cell.evaluation.gradient, filter_name
    return BEFORE_DITHERING if place == PAPER_ROW else None


def draw(path: Path, cells: list[Cell], models: str) -> None:
    """Bars of the accuracy after the paper's filter, a group for each model."""
    kinds = list(dict.fromkeys(cell.model for cell in cells))
    series = {"clean": {cell.model: 100 * cell.accuracy("clean", "floor") for cell in cells}}
    for wanted in ATTACKERS:
        series[wanted] = {
            cell.model: 100 * cell.accuracy("attacked", "floor")
            for cell in cells
            if attacker_of(cell) == wanted
        }
    figure, axis = pyplot.subplots(figsize=(6 + 0.6 * len(kinds), 4.5), layout="constrained")
    draw_bars(axis, kinds, series)
    axis.set_ylabel("accuracy, percent")
    about = f"PGD at 8/255, filter: floor, models: {models}."
    axis.set_title(f"{about}\n{describe(cells)}", fontsize=10)
    figure.legend(ncols=4, fontsize=8, loc="outside lower center")
    save_figure(path, figure)
