"""Table II, accuracy under PGD-20 at 8/255:
python -m experiments.table2 --data.source cifar10 --results my_results
"""

from rich.console import Console

from experiments.evaluation.cell_store import StoredCell, certified_count, describe, read_cells
from experiments.support.command_line import run_command
from experiments.method.filters import FILTERS
from experiments.reporting.grid_report import write_grid
from experiments.reporting.paper_numbers import read_table
from experiments.evaluation.sweep import GridConfig, run

EPSILON = 8.0


def main(config: GridConfig) -> None:
    """Every model on every kind of attacked test images, the same ones for each filter."""
    console = Console()
    if not config.report_only:
        # The diagonal first: it is what the paper is about.
        pairs = sorted(config.pairs, key=lambda pair: pair[0] != pair[1])
        run(
            lambda images: [
                config.cell(model, column, images, "after", EPSILON) for model, column in pairs
            ],
            config,
            console,
        )
    report(config, console)


def describe_by_place(cells: list[StoredCell]) -> str:
    """As ``describe``, of the diagonal and of the rest."""
    diagonal = [cell for cell in cells if cell.model == cell.column]
    rest = [cell for cell in cells if cell.model != cell.column]
    if not diagonal or not rest or {c.images for c in diagonal} == {c.images for c in rest}:
        return describe(cells)
    return f"On the diagonal, {describe(diagonal)} Elsewhere, {describe(rest)}"


def report(config: GridConfig, console: Console) -> None:
    """Writes table2_FILTER.csv, .md and .png for every filter from the cells that exist."""
    cells = [
        cell
        for cell in read_cells(config.results, config.set_name, "after", config.runtime.precision)
        if cell.epsilon == EPSILON
    ]
    if not cells:
        raise ValueError(
            f"{config.results} holds no cell of Table II for the set {config.set_name!r}"
        )
    note = (
        f"Models: {config.set_name}. {describe_by_place(cells)} PGD, 20 steps of 2/255, on the bare "
        f"network, added after quantization. {certified_count(cells)} pairs of cell and filter are "
        "inside the certificate; in each, every prediction equals the clean one."
    )
    paper = read_table("table2")
    for name in FILTERS:
        ours = {(cell.model, cell.column): cell.accuracy("attacked", name) for cell in cells}
        title = f"Table II: accuracy under PGD at 8/255, filter: {name}"
        # The paper's table is of its own filter; it gives none for the others.
        beside = paper if name == "floor" else {}
        write_grid(config.results / f"table2_{name}", title, note, ours, beside)
    console.print(f"{config.results}/table2_*.csv, .md, .png: {len(cells)} of 225 cells")


if __name__ == "__main__":
    run_command(main, GridConfig, __doc__)
