"""Does bfloat16 weaken the attack? python -m experiments.precision --data.source cifar10 --limit 1000"""

from dataclasses import replace
from typing import get_args

from rich.console import Console

from experiments.cell_store import StoredCell, describe, read_cells
from experiments.command_line import run_command
from experiments.filters import FILTERS
from experiments.row_report import write_rows
from experiments.runtime import Precision
from experiments.sweep import SweepConfig, run

#: Small ones too: at 8 every attack succeeds, and a difference would not show.
EPSILONS = (1.0, 2.0, 8.0)

NOTE = (
    "The same images attacked and classified by the same network in bfloat16 and in float32: PGD, 20 "
    "steps of 2/255, on the bare network. A weaker attack would leave a higher accuracy."
)


def main(config: SweepConfig) -> None:
    """Every model on its own kind of images in both precisions."""
    console = Console()
    if not config.report_only:
        run(
            lambda images: [
                replace(config.cell(model, model, images, "after", epsilon), precision=precision)
                for model in config.existing_rows
                for epsilon in EPSILONS
                for precision in get_args(Precision)
            ],
            config,
            console,
        )
    report(config, console)


def cells_of(config: SweepConfig, precision: str, images: int | None) -> list[StoredCell]:
    """The cells of attacks in one precision, with so many ``images``."""
    return read_cells(config.results, config.set_name, "after", precision, images)


def report(config: SweepConfig, console: Console) -> None:
    """Writes precision.csv and .md: of each model and epsilon the cells that exist in both."""
    counts = {cell.images for cell in cells_of(config, "float32", config.limit)}
    found = {
        (cell.model, cell.epsilon, cell.images, precision): cell
        for precision in get_args(Precision)
        for images in counts
        for cell in cells_of(config, precision, images)
        if cell.model == cell.column and cell.epsilon in EPSILONS
    }
    both = [key for key in found if {(*key[:3], p) for p in get_args(Precision)} <= found.keys()]
    if not both:
        raise ValueError(
            f"{config.results} holds no cell in both precisions for this set and limit"
        )
    stem = config.results / "precision"
    write_rows(
        stem,
        "The attack in bfloat16 and in float32",
        f"Models: {config.set_name}. {describe([found[key] for key in both])} {NOTE}",
        ("model", "epsilon", "precision", "images", "clean", *(f"attacked {n}" for n in FILTERS)),
        [
            (
                cell.model,
                f"{cell.epsilon:g}",
                precision,
                cell.images,
                cell.accuracy("clean", "none"),
                *(cell.accuracy("attacked", name) for name in FILTERS),
            )
            for (*_, precision), cell in sorted((key, found[key]) for key in both)
        ],
    )
    console.print(f"{stem}.csv, .md: {len(both)} cells")


if __name__ == "__main__":
    run_command(main, SweepConfig, __doc__)
