"""The results and networks that are shipped: complete, consistent, of a size to ship."""

import csv
import re
from pathlib import Path

import numpy
import pytest

from experiments.commands.table2 import is_of_table2
from experiments.evaluation.cell_store import CellStore
from experiments.evaluation.selection import read_cells
from experiments.evaluation.sweep_config import SweepConfig
from experiments.method.kinds import KINDS
from experiments.support.places import MODELS, RESULTS
from experiments.support.storage import read_json
from experiments.training.model_files import available, file_digest, model_path
from experiments.training.training_record import read_record

SETS = ("short", "paper")
#: Each directory of results, the set of networks, and how many cells there are at least.
DIRECTORIES = [
    ("short", "short", 657),
    ("paper", "paper", 277),
    ("short_on_intel_xeon", "short", 6),
]


def size(paths):
    return sum(path.stat().st_size for path in paths)


@pytest.mark.parametrize(("name", "models", "count"), DIRECTORIES)
def test_cells_are_of_the_networks_that_are_shipped(name, models, count):
    # Reading counts the correct predictions again, and refuses a difference.
    cells = CellStore(RESULTS / name).cells()
    assert len(cells) >= count
    shipped = f"shipped:{models}"
    digests = {kind: file_digest(model_path(kind, shipped)) for kind in available(shipped)}
    assert {cell.evaluation.models for cell in cells} == {models}
    assert all(cell.origin.model_sha256 == digests[cell.model] for cell in cells)
    assert len({cell.origin.data["sha256"] for cell in cells}) == 1


def test_predictions_inside_the_certificate_are_the_clean_ones():
    inside = 0
    for name, _, _ in DIRECTORIES:
        for cell in CellStore(RESULTS / name).cells(
            lambda evaluation: evaluation.attack is not None
        ):
            for filter_name, claim in cell.certificate.items():
                if claim.inside:
                    inside += 1
                    clean, attacked = (cell.predictions[s][filter_name] for s in cell.predictions)
                    assert numpy.array_equal(clean, attacked), cell.evaluation
    assert inside > 400


def test_another_processor_gives_nearly_the_same():
    first = {cell.evaluation: cell for cell in CellStore(RESULTS / "short").cells()}
    again = CellStore(RESULTS / "short_on_intel_xeon").cells()
    assert again
    for cell in again:
        for state, found in cell.predictions.items():
            for name, classes in found.items():
                differing = classes != first[cell.evaluation].predictions[state][name]
                assert differing.sum() <= 10


@pytest.mark.parametrize("models", SETS)
def test_records_are_of_the_networks_beside_them(models):
    shipped = f"shipped:{models}"
    for kind in available(shipped):
        path = model_path(kind, shipped)
        record = read_record(path.with_suffix(".json"))
        assert record["model_sha256"] == file_digest(path)
        assert record["config"]["kind"] == kind and record["config"]["preset"] == models
        assert len(record["history"]) == record["config"]["recipe"]["epochs"]


def test_results_name_no_place_on_a_disk():
    paths = [*RESULTS.rglob("*.json*"), *MODELS.rglob("*.json")]
    assert len(paths) > 20
    for path in paths:
        assert not re.search(r'"(/|~|[A-Z]:\\)', path.read_text()), path


def test_what_is_shipped_is_small():
    """Thirty networks, and their cells in few files."""
    assert size(MODELS.rglob("*.safetensors")) < 18_000_000
    stores = [path for name, _, _ in DIRECTORIES for path in store_files(RESULTS / name)]
    assert len(stores) == 9
    records = list(MODELS.rglob("*.json"))
    assert len(stores) + len(records) <= 80 and size([*stores, *records]) < 3_000_000
    # Part of the predictions is shared by several cells; on average a cell takes far less.
    for name, _, _ in DIRECTORIES:
        cells = CellStore(RESULTS / name).cells()
        assert size(store_files(RESULTS / name)) < 5_000 * len(cells)


def store_files(directory: Path) -> list[Path]:
    return [directory / name for name in ("cells.jsonl", "predictions.bin", "provenance.json")]


def rows_of(name):
    with (RESULTS / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ["table1", "table2_floor", "table2_nearest", "table2_none"])
def test_tables_are_complete(name):
    rows = rows_of(f"short/{name}.csv")
    assert [row["train"] for row in rows] == list(KINDS)
    assert all(row[kind] for row in rows for kind in KINDS)


@pytest.mark.parametrize("name", ["intel_xeon/speed", "intel_xeon/options", "amd_epyc/speed"])
def test_tables_of_speed_are_those_of_the_measurements(name):
    measured = read_json(RESULTS / f"speed_on_{name}.json")["comparisons"]
    rows = rows_of(f"speed_on_{name}.csv")
    assert len(rows) == len(measured) > 0
    for row, found in zip(rows, measured, strict=True):
        assert row["what"] == found["what"] and row["target"] == f"{found['target']:g}"
        assert row["ratio"] == f"{found['ratio']:.3g}"
        assert row["images/s"] == str(round(found["ours_per_second"]))
        low, high = found["ratio_quartiles"]
        assert row["quartiles"] == f"{low:.3g} to {high:.3g}" and low <= found["ratio"] <= high


def test_summary_has_every_network_and_what_the_certificate_promises():
    rows = rows_of("short/summary.csv")
    assert [row["model"] for row in rows] == list(KINDS)
    for row in rows:
        assert 2 <= float(row["paper clean"]) - float(row["clean"]) <= 5
        if row["model"] in ("1", "1d", "2", "2d"):
            assert row["clean on them"] == row["filter floor"] == row["filter nearest"]


def test_few_clean_predictions_change_by_the_filter():
    changed = {}
    for cell in read_cells(SweepConfig(results=RESULTS / "short"), is_of_table2):
        bare, filtered = (cell.predictions["clean"][name] for name in ("none", "floor"))
        if cell.model == cell.kind:
            changed[cell.model] = (bare != filtered).sum()
    assert changed.keys() == set(KINDS)
    # Only there dithered images have levels that the filter moves.
    assert all(count == 0 or kind in ("3d", "5d", "6d", "7d") for kind, count in changed.items())
    assert 0 < sum(changed.values()) and max(changed.values()) <= 10


def test_detection_sees_each_attack_after_quantization_and_no_clean_image():
    rows = rows_of("short/detection.csv")
    assert {row["model"] for row in rows} == set(KINDS)
    for row in rows:
        if row["attacker"] == "after":
            assert row["off grid arrived"] == row["images"]
        elif row["model"] != "8":
            assert row["off grid arrived"] == "0"
        assert row["off grid sent"] == "0"
