"""Every model in one line, from what is stored."""

from pathlib import Path
from typing import Any

from experiments.commands.table1 import is_of_table1
from experiments.commands.table2 import is_of_table2
from experiments.evaluation.cell_store import CellStore
from experiments.evaluation.cells import Cell, checked, describe, largest
from experiments.method.filters import FILTERS
from experiments.reporting.paper_numbers import CLASSES, SOURCE, read_table
from experiments.reporting.row_report import write_rows
from experiments.summary import SummaryConfig
from experiments.support.places import results_directory, set_name
from experiments.support.terminal import terminal
from experiments.training.model_files import (
    checked_record,
    file_digest,
    model_config,
    model_path,
    require_models,
)

Record = dict[str, Any]


def main(config: SummaryConfig) -> None:
    """Writes summary.csv and .md: each model on its own kind of images, clean and attacked."""
    console = terminal()
    name, directory = set_name(config.models), results_directory(config.results)
    files = {kind: model_path(kind, config.models) for kind in require_models(config.models)}
    cells = _own_cells(name, directory)
    for cell in cells:
        if cell.model in files and cell.origin.model_sha256 != file_digest(files[cell.model]):
            raise ValueError(
                f"{directory} holds cells of another model {cell.model} than that of "
                f"{config.models!r}; name another directory with --results"
            )
    records = {kind: checked_record(file) for kind, file in files.items()}
    data = _data(cells, records)
    clean = {
        c.model: c for c in cells if c.evaluation.attack is None and c.images == data["images"]
    }
    attacked = {cell.model: cell for cell in cells if cell.evaluation.attack is not None}
    beside = tuple(data["classes"]) == CLASSES
    paper_clean, paper_floor = read_table("table1"), read_table("table2")
    note = (
        f"Models: {name}, each tested on the kind of images that it was trained on. Accuracy on all "
        "test images first, then on the attacked ones: PGD, 20 steps of 2/255, epsilon 8/255, added "
        "after quantization."
    )
    if beside:
        note += f" The columns of the paper are from {SOURCE}."
    if attacked:
        note += f" Attacked: {describe(list(attacked.values()))}"
    unrecorded = [kind for kind, record in records.items() if record is None]
    unrecorded = [k for k in unrecorded if k not in attacked or attacked[k].origin.recorded]
    if unrecorded:
        note += f" Without a training record: {', '.join(unrecorded)}."
    stem = directory / "summary"
    write_rows(
        stem,
        "Every model at a glance",
        note,
        (
            "model",
            "epochs",
            "clean",
            *(["paper clean"] if beside else []),
            "attacked images",
            "clean on them",
            *(f"filter {name}" for name in FILTERS),
            *(["paper floor"] if beside else []),
        ),
        [
            (
                kind,
                _epochs(file),
                _clean(clean.get(kind), records[kind], data),
                *([paper_clean[kind, kind]] if beside else []),
                *_attacked(attacked.get(kind)),
                *([paper_floor[kind, kind]] if beside else []),
            )
            for kind, file in files.items()
        ],
        console,
    )
    console.print(f"{stem}.csv, .md: {len(files)} models")


def _own_cells(name: str, directory: Path) -> list[Cell]:
    """The cells of Tables I and II of the set ``name``, each model on its own kind of images."""
    cells = CellStore(directory).cells(
        lambda evaluation: (
            evaluation.models == name
            and evaluation.model == evaluation.kind
            and evaluation.precision == "bfloat16"
            and (is_of_table1(evaluation) or is_of_table2(evaluation))
        )
    )
    return checked(largest(cells))


def _data(cells: list[Cell], records: dict[str, Record | None]) -> dict[str, Any]:
    """The test images that all numbers are of: those of the cells, or of the first record."""
    for cell in cells:
        return cell.origin.data
    for record in records.values():
        if record is not None:
            return record["config"]["test_data"]
    raise ValueError(
        "no accuracy of these models is known: there is neither a training record nor a cell of "
        "Table I or II"
    )


def _epochs(file: Path) -> int | None:
    recipe = model_config(file).get("recipe", {})
    return recipe.get("epochs")


def _clean(cell: Cell | None, record: Record | None, data: dict[str, Any]) -> float | None:
    """The accuracy on all of the test images ``data``; None where only that on others is known."""
    if cell is not None:
        return cell.accuracy("clean", "none")
    if record is not None and record["config"]["test_data"]["sha256"] == data["sha256"]:
        return record["test_accuracy"]
    return None


def _attacked(cell: Cell | None) -> tuple[int | float | None, ...]:
    if cell is None:
        return (None,) * (2 + len(FILTERS))
    accuracies = (cell.accuracy("attacked", name) for name in FILTERS)
    return (cell.images, cell.accuracy("clean", "none"), *accuracies)
