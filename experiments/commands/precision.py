"""Does bfloat16 weaken the attack?"""

from collections.abc import Sequence
from typing import get_args

from rich.console import Console

from experiments.evaluation.cell_store import CellStore
from experiments.evaluation.cells import checked, describe
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.selection import evaluation_of
from experiments.evaluation.sweep import run
from experiments.evaluation.sweep_config import SweepConfig
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.method.filters import FILTERS
from experiments.reporting.row_report import write_rows
from experiments.support.runtime import Precision
from experiments.support.terminal import terminal

#: Small ones too: at 8 every attack succeeds, so a difference would not show.
EPSILONS = (1.0, 2.0, 8.0)

NOTE = (
    "The same images attacked and classified by the same network in bfloat16 and in float32: PGD, 20 "
    "steps of 2/255, on the bare network. A weaker attack would leave a higher accuracy."
)


def main(config: SweepConfig) -> None:
    """Attacks every model on its own kind of images, in both precisions."""
    console = terminal()
    if not config.report_only:
        run(evaluations, config, console)
    report(config, console)


def evaluations(config: SweepConfig, models: Sequence[str], images: int) -> list[Evaluation]:
    """The settings of every cell of the report."""
    return [
        evaluation_of(config, model, model, images, attack=attack, precision=precision)
        for model in models
        for attack in map(ProjectedGradientDescent, EPSILONS)
        for precision in get_args(Precision)
    ]


def is_of_precision(evaluation: Evaluation) -> bool:
    """Whether a cell with these settings belongs to the report."""
    return (
        evaluation.model == evaluation.kind
        and evaluation.attack in [ProjectedGradientDescent(epsilon) for epsilon in EPSILONS]
        and (evaluation.attacker, evaluation.gradient) == ("after", "network")
        and evaluation.filters == FILTERS
    )


def report(config: SweepConfig, console: Console) -> None:
    """Writes precision.csv and .md from the cells that exist in both precisions."""
    found = {
        (cell.model, cell.epsilon, cell.images, cell.evaluation.precision): cell
        for cell in CellStore(config.directory).cells(
            lambda evaluation: evaluation.models == config.set_name and is_of_precision(evaluation)
        )
    }
    both = sorted(
        key for key in found if {(*key[:3], p) for p in get_args(Precision)} <= found.keys()
    )
    if not both:
        raise ValueError(
            f"{config.directory} holds no cell in both precisions for the set {config.set_name!r}"
        )
    cells = checked(found[key] for key in both)
    stem = config.directory / "precision"
    write_rows(
        stem,
        "The attack in bfloat16 and in float32",
        f"Models: {config.set_name}. {describe(cells)} {NOTE}",
        ("model", "epsilon", "precision", "images", "clean", *(f"attacked {n}" for n in FILTERS)),
        [
            (
                cell.model,
                f"{cell.epsilon:g}",
                cell.evaluation.precision,
                cell.images,
                cell.accuracy("clean", "none"),
                *(cell.accuracy("attacked", name) for name in FILTERS),
            )
            for cell in cells
        ],
        console,
    )
    console.print(f"{stem}.csv, .md: {len(cells)} cells")
