"""Every model in one line, from what is stored: python -m experiments.summary"""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from experiments.evaluation.cell_store import StoredCell, describe, read_cells
from experiments.support.command_line import run_command
from experiments.method.filters import FILTERS
from experiments.reporting.paper_numbers import SOURCE, read_table
from experiments.reporting.row_report import write_rows
from experiments.training.model_files import available, model_path
from experiments.support.storage import read_json
from experiments.evaluation.sweep import RESULTS
from experiments.table2 import EPSILON


@dataclass(frozen=True)
class SummaryConfig:
    """What to sum up."""

    models: str = "short"
    """Name of a set in experiments/models, or a directory."""
    results: Path = RESULTS
    """Directory of the cells and the reports."""


def main(config: SummaryConfig) -> None:
    """Writes summary.csv and .md: each model on its own kind of images, clean and attacked."""
    name = Path(config.models).name
    attacked = {
        cell.model: cell
        for cell in read_cells(config.results, name, "after")
        if cell.model == cell.column and cell.epsilon == EPSILON
    }
    records = {
        kind: read_json(model_path(kind, config.models).with_suffix(".json"))
        for kind in available(config.models)
    }
    if not records:
        raise ValueError(f"models is {config.models!r}; no model is there")
    for kind, cell in attacked.items():
        if kind in records and cell.config["model_sha256"] != records[kind]["model_sha256"]:
            raise ValueError(
                f"{config.results} holds cells of another model {kind} than that of "
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
    stem = config.results / "summary"
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
    Console().print(f"{stem}.csv, .md: {len(records)} models")


def _attacked(cell: StoredCell | None) -> tuple[int | float | None, ...]:
    if cell is None:
        return (None,) * (2 + len(FILTERS))
    accuracies = (cell.accuracy("attacked", name) for name in FILTERS)
    return (cell.images, cell.accuracy("clean", "none"), *accuracies)


if __name__ == "__main__":
    run_command(main, SummaryConfig, __doc__)
