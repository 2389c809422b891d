"""Table I, clean accuracy: python -m experiments.table1 --data.source cifar10 --results my_results"""

from rich.console import Console

from experiments.evaluation.cell_store import describe, read_cells
from experiments.support.command_line import run_command
from experiments.reporting.grid_report import write_grid
from experiments.reporting.paper_numbers import read_table
from experiments.evaluation.sweep import GridConfig, run


def main(config: GridConfig) -> None:
    """Every model on every kind of clean test images, without a filter."""
    console = Console()
    if not config.report_only:
        run(
            lambda images: [config.cell(model, column, images) for model, column in config.pairs],
            config,
            console,
        )
    report(config, console)


def report(config: GridConfig, console: Console) -> None:
    """Writes table1.csv, .md and .png from the cells that exist."""
    cells = read_cells(config.results, config.set_name, "none", config.runtime.precision)
    if not cells:
        raise ValueError(
            f"{config.results} holds no cell of Table I for the set {config.set_name!r}"
        )
    ours = {(cell.model, cell.column): cell.accuracy("clean", "none") for cell in cells}
    title = "Table I: accuracy on clean test images"
    note = f"Models: {config.set_name}. {describe(cells)}"
    write_grid(config.results / "table1", title, note, ours, read_table("table1"))
    console.print(f"{config.results / 'table1'}.csv, .md, .png: {len(cells)} of 225 cells")


if __name__ == "__main__":
    run_command(main, GridConfig, __doc__)
