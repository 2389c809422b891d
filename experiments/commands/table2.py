"""Table II, accuracy under PGD-20 at 8/255."""

from collections.abc import Sequence

from rich.console import Console

from experiments.evaluation.cells import Cell, certified_count, describe
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.selection import evaluation_of, grid_pairs, read_cells
from experiments.evaluation.sweep import run
from experiments.evaluation.sweep_config import GridConfig
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.method.filters import FILTERS
from experiments.reporting.grid_report import write_grid
from experiments.reporting.paper_numbers import belong_beside, read_table
from experiments.support.terminal import terminal

ATTACK = ProjectedGradientDescent(epsilon=8.0)

CERTIFIED = (
    "Inside the certificate of this filter: {} of {} cells; in each of them every prediction equals "
    "the clean one."
)


def main(config: GridConfig) -> None:
    """Tests every model on every kind of attacked test images, the same ones for each filter."""
    console = terminal()
    if not config.report_only:
        run(evaluations, config, console)
    report(config, console)


def evaluations(config: GridConfig, models: Sequence[str], images: int) -> list[Evaluation]:
    """The settings of every cell of the table, those of the diagonal first: the paper is about them."""
    pairs = sorted(grid_pairs(config, models), key=lambda pair: pair[0] != pair[1])
    return [evaluation_of(config, model, kind, images, attack=ATTACK) for model, kind in pairs]


def is_of_table2(evaluation: Evaluation) -> bool:
    """Whether a cell with these settings belongs to the table."""
    same = (evaluation.attack, evaluation.attacker, evaluation.gradient, evaluation.filters)
    return same == (ATTACK, "after", "network", FILTERS)


def describe_by_place(cells: list[Cell]) -> str:
    """``describe``, separately for the diagonal and the rest if their numbers of images differ."""
    diagonal = [cell for cell in cells if cell.model == cell.kind]
    rest = [cell for cell in cells if cell.model != cell.kind]
    if not diagonal or not rest or {c.images for c in diagonal} == {c.images for c in rest}:
        return describe(cells)
    return f"On the diagonal, {describe(diagonal)} Elsewhere, {describe(rest)}"


def report(config: GridConfig, console: Console) -> None:
    """Writes table2_FILTER.csv, .md and .png for every filter from the cells that exist."""
    cells = read_cells(config, is_of_table2)
    note = (
        f"Models: {config.set_name}. {describe_by_place(cells)} PGD, 20 steps of 2/255, on the bare "
        "network, added after quantization."
    )
    paper = read_table("table2") if belong_beside(cells) else {}
    for name in FILTERS:
        ours = {(cell.model, cell.kind): cell.accuracy("attacked", name) for cell in cells}
        inside = certified_count(cells, name)
        about = f" {CERTIFIED.format(inside, len(cells))}" if inside else ""
        title = f"Table II: accuracy under PGD at 8/255, filter: {name}"
        # The paper's table is of its own filter; it gives none for the others.
        beside = paper if name == "floor" else {}
        write_grid(config.directory / f"table2_{name}", title, note + about, ours, beside, console)
    console.print(f"{config.directory}/table2_*.csv, .md, .png: {len(cells)} of 225 cells")
