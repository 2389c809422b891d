"""Every model in one line, from what is stored."""

from pathlib import Path
from typing import Any

from experiments.commands.table1 import is_of_table1
from experiments.commands.table2 import is_of_table2
from experiments.evaluation.cell_store import CellStore
from experiments.evaluation.cells import Cell, checked, describe, largest
from experiments.method.filters import FILTERS
from experiments.reporting.paper_numbers import CLASSES, SOURCE, read_table
from experiments.reporting.row_report import Value, write_rows
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
#: The columns of the paper, which stand beside results on CIFAR-10 alone.
PAPER = ("paper clean", "paper floor")


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
    rows = [
        _row(kind, file, records[kind], clean.get(kind), attacked.get(kind), data)
        for kind, file in files.items()
    ]
    beside = tuple(data["classes"]) == CLASSES
    header = [column for column in rows[0] if beside or column not in PAPER]
    stem = directory / "summary"
    write_rows(
        stem,
        "Every model at a glance",
        _note(name, records, attacked, beside),
        header,
        [[row[column] for column in header] for row in rows],
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


def _note(
    name: str, records: dict[str, Record | None], attacked: dict[str, Cell], beside: bool
) -> str:
    """What stands above the table; ``beside``: whether the table has the columns of the paper."""
    note = (
        f"Models: {name}, each tested on the kind of images that it was trained on. Accuracy on all "
        "test images first, then on the attacked ones: PGD, 20 steps of 2/255, epsilon 8/255, added "
        "after quantization."
    )
    if beside:
        note += f" The columns of the paper are from {SOURCE}."
    if attacked:
        note += f" Attacked: {describe(list(attacked.values()))}"
    described = {kind for kind, cell in attacked.items() if not cell.origin.recorded}
    unrecorded = [kind for kind in records if records[kind] is None and kind not in described]
    if unrecorded:
        note += f" Without a training record: {', '.join(unrecorded)}."
    return note


def _row(
    kind: str,
    file: Path,
    record: Record | None,
    clean: Cell | None,
    attacked: Cell | None,
    data: dict[str, Any],
) -> dict[str, Value]:
    """The row of a model, by column; None where nothing is known."""
    paper_clean, paper_floor = (read_table(name)[kind, kind] for name in ("table1", "table2"))
    return {
        "model": kind,
        "epochs": model_config(file).get("recipe", {}).get("epochs"),
        "clean": _clean(clean, record, data),
        "paper clean": paper_clean,
        "attacked images": attacked.images if attacked else None,
        "clean on them": attacked.accuracy("clean", "none") if attacked else None,
        **{
            f"filter {name}": attacked.accuracy("attacked", name) if attacked else None
            for name in FILTERS
        },
        "paper floor": paper_floor,
    }


def _clean(cell: Cell | None, record: Record | None, data: dict[str, Any]) -> float | None:
    """The accuracy on all of the test images ``data``; None where only that on others is known."""
    if cell is not None:
        return cell.accuracy("clean", "none")
    if record is not None and record["config"]["test_data"]["sha256"] == data["sha256"]:
        return record["test_accuracy"]
    return None
