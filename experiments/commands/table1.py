"""Table I, clean accuracy."""

from collections.abc import Sequence

from rich.console import Console

from experiments.evaluation.cells import describe
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.selection import evaluation_of, grid_pairs, read_cells
from experiments.evaluation.sweep import run
from experiments.evaluation.sweep_config import GridConfig
from experiments.reporting.grid_report import write_grid
from experiments.reporting.paper_numbers import belong_beside, read_table
from experiments.support.terminal import terminal


def main(config: GridConfig) -> None:
    """Tests every model on every kind of clean test images, without a filter."""
    console = terminal()
    if not config.report_only:
        run(evaluations, config, console)
    report(config, console)


def evaluations(config: GridConfig, models: Sequence[str], images: int) -> list[Evaluation]:
    """The settings of every cell of the table."""
    return [
        evaluation_of(config, model, kind, images, filters=("none",))
        for model, kind in grid_pairs(config, models)
    ]


def is_of_table1(evaluation: Evaluation) -> bool:
    """Whether a cell with these settings belongs to the table."""
    return evaluation.attack is None and evaluation.filters == ("none",)


def report(config: GridConfig, console: Console) -> None:
    """Writes table1.csv, .md and .png from the cells that exist."""
    cells = read_cells(config, is_of_table1)
    ours = {(cell.model, cell.kind): cell.accuracy("clean", "none") for cell in cells}
    title = "Table I: accuracy on clean test images"
    note = f"Models: {config.set_name}. {describe(cells)}"
    paper = read_table("table1") if belong_beside(cells) else {}
    write_grid(config.directory / "table1", title, note, ours, paper, console)
    console.print(f"{config.directory / 'table1'}.csv, .md, .png: {len(cells)} of 225 cells")
