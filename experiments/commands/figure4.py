"""Fig. 4, accuracy against epsilon."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console

from experiments.evaluation.cells import Cell, describe
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.selection import evaluation_of, read_cells
from experiments.evaluation.sweep import run
from experiments.evaluation.sweep_config import SweepConfig
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.method.filters import FILTERS
from experiments.reporting.epsilon_curves import draw_epsilon_curves
from experiments.reporting.paper_numbers import FIGURE4, SOURCE, belong_beside, read_table
from experiments.reporting.row_report import write_rows
from experiments.support.terminal import terminal

#: The paper's models, and 4d, which rounding to nearest makes immune at 8/255.
MODELS = ("1", "1d", "2", "2d", "3", "3d", "4d", "8")
#: The paper's, which end at 32, and more, until every curve has come down.
EPSILONS = (0.0, 2.0, 4.0, 8.0, 16.0, 24.0, 32.0, 48.0, 64.0, 128.0)

NOTE = (
    "PGD, 20 steps on the bare network, added after quantization. The step is the paper's 2/255 up "
    "to epsilon 32. Beyond 32 the step is 2.5 epsilon / 20, since 20 steps of 2 reach only 40. "
    "Each model is tested on the kind of images that it was trained on."
)
PAPER_NOTE = (
    "The last column is the paper's accuracy, for its filter (floor), as far as its text and its "
    f"tables give it. Source: {SOURCE}."
)


def main(config: SweepConfig) -> None:
    """Attacks every model of the figure on its own kind of images, at every epsilon."""
    console = terminal()
    for kind in config.rows:
        if kind not in MODELS:
            raise ValueError(f"rows is {kind!r}; those of Fig. 4 are {', '.join(MODELS)}")
    if not config.report_only:
        run(evaluations, config, console)
    report(config, console)


def evaluations(config: SweepConfig, models: Sequence[str], images: int) -> list[Evaluation]:
    """The settings of every point of the figure."""
    return [
        evaluation_of(config, model, model, images, attack=ProjectedGradientDescent(epsilon))
        for model in models
        if model in MODELS
        for epsilon in EPSILONS
    ]


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
    cells = curves(read_cells(config, is_of_figure4, every_size=True))
    if not cells:
        raise ValueError(
            f"{config.directory} holds no model at two values of epsilon; a curve needs two"
        )
    cells.sort(key=lambda cell: (MODELS.index(cell.model), cell.epsilon))
    stem = config.directory / "figure4"
    beside = belong_beside(cells)
    write_rows(
        stem,
        "Fig. 4: accuracy against epsilon",
        f"Models: {config.set_name}. {describe(cells)} {NOTE}{f' {PAPER_NOTE}' if beside else ''}",
        ("model", "filter", "epsilon", "accuracy", "images", *(["paper"] if beside else [])),
        [
            (
                cell.model,
                name,
                f"{cell.epsilon:g}",
                cell.accuracy("attacked", name),
                cell.images,
                *([_paper(cell, name)] if beside else []),
            )
            for name in FILTERS
            for cell in cells
        ],
        console,
        csv_columns=5,
    )
    draw_epsilon_curves(stem.with_suffix(".png"), cells, MODELS, EPSILONS, config.set_name)
    console.print(f"{stem}.csv, .md, .png: {len(cells)} of {len(MODELS) * len(EPSILONS)} cells")


def curves(cells: list[Cell]) -> list[Cell]:
    """The cells that are drawn: for each model those with one number of test images.

    That number is the one with the most epsilons; among equals, the largest. A model with a
    single epsilon has no curve and is left out.
    """
    chosen = []
    for model in {cell.model for cell in cells}:
        sizes = Counter(cell.images for cell in cells if cell.model == model)
        images = max(sizes, key=lambda size: (sizes[size], size))
        if sizes[images] > 1:
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
