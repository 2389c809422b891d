"""Every model in one line, from what is stored: python -m experiments.summary"""

from dataclasses import dataclass
from pathlib import Path

from experiments.evaluation.cell_store import CellStore
from experiments.evaluation.cells import Cell, checked, describe, largest
from experiments.method.filters import FILTERS
from experiments.reporting.paper_numbers import SOURCE, read_table
from experiments.reporting.row_report import write_rows
from experiments.support.command_line import run_command
from experiments.support.places import results_directory, set_name
from experiments.support.storage import read_json
from experiments.support.terminal import terminal
from experiments.table2 import is_of_table2
from experiments.training.model_files import model_path, require_models


@dataclass(frozen=True)
class SummaryConfig:
    """What to sum up."""

    models: str = "shipped:short"
    """The networks: a directory, or shipped:short or shipped:paper."""
    results: Path = Path("results")
    """Directory of the cells and the reports, or shipped:NAME for those of this package."""


def main(config: SummaryConfig) -> None:
    """Writes summary.csv and .md: each model on its own kind of images, clean and attacked."""
    name, directory = set_name(config.models), results_directory(config.results)
    cells = CellStore(directory).cells(
        lambda evaluation: (
            evaluation.models == name
            and evaluation.model == evaluation.kind
            and evaluation.precision == "bfloat16"
            and is_of_table2(evaluation)
        )
    )
    attacked = {cell.model: cell for cell in checked(largest(cells))}
    records = {
        kind: read_json(model_path(kind, config.models).with_suffix(".json"))
        for kind in require_models(config.models)
    }
    for kind, cell in attacked.items():
        if kind in records and cell.origin.model_sha256 != records[kind]["model_sha256"]:
            raise ValueError(
                f"{directory} holds cells of another model {kind} than that of "
                f"{config.models!r}; name another directory with --results"
            )
    clean, filtered = read_table("table1"), read_table("table2")
    note = (
        f"Models: {name}, each tested on the kind of images that it was trained on. Accuracy on all "
        "test images first, then on the attacked ones: PGD, 20 steps of 2/255, epsilon 8/255, added "
        f"after quantization. The columns of the paper are from {SOURCE}."
    )
    if attacked:
        note += f" Attacked: {describe(list(attacked.values()))}"
    stem = directory / "summary"
    write_rows(
        stem,
        "Every model at a glance",
        note,
        (
            "model",
            "epochs",
            "clean",
            "paper clean",
            "attacked images",
            "clean on them",
            *(f"filter {name}" for name in FILTERS),
            "paper floor",
        ),
        [
            (
                kind,
                record["config"]["recipe"]["epochs"],
                record["test_accuracy"],
                clean[kind, kind],
                *_attacked(attacked.get(kind)),
                filtered[kind, kind],
            )
            for kind, record in records.items()
        ],
    )
    terminal().print(f"{stem}.csv, .md: {len(records)} models")


def _attacked(cell: Cell | None) -> tuple[int | float | None, ...]:
    if cell is None:
        return (None,) * (2 + len(FILTERS))
    accuracies = (cell.accuracy("attacked", name) for name in FILTERS)
    return (cell.images, cell.accuracy("clean", "none"), *accuracies)


if __name__ == "__main__":
    run_command(main, SummaryConfig, __doc__)
