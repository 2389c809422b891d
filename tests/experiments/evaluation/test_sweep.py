"""Many cells: none is made twice, and none is mixed with those of other models or images."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from experiments.evaluation.cell_store import CellStore
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.measure import measure
from experiments.evaluation.selection import existing_rows, read_cells
from experiments.evaluation.sweep import run
from experiments.evaluation.sweep_config import SweepConfig
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.support.places import RESULTS

QUIET = Console(quiet=True)


def clean(sweep, kind="2d", images=12):
    return Evaluation(sweep.set_name, "2d", kind, images, filters=("none",))


def test_sweep_skips_what_is_done_and_what_another_process_makes(sweep, monkeypatch):
    wanted = [clean(sweep, kind) for kind in ("1", "2d", "8")]
    store = CellStore(sweep.results)
    with store.claim(wanted[0]):
        run(lambda *_: wanted, sweep, QUIET)
    assert [evaluation in store for evaluation in wanted] == [False, True, True]
    made = []

    def watched(evaluation, *rest):
        made.append(evaluation)
        return measure(evaluation, *rest)

    monkeypatch.setattr("experiments.evaluation.sweep.measure", watched)
    run(lambda *_: wanted, sweep, QUIET)
    assert made == wanted[:1]
    assert len(store.cells()) == 3


def test_other_settings_are_another_cell(sweep):
    wanted = [
        replace(clean(sweep), attack=ProjectedGradientDescent(8.0, steps)) for steps in (2, 3)
    ]
    run(lambda *_: wanted, sweep, QUIET)
    assert [cell.evaluation for cell in CellStore(sweep.results).cells()] != []
    assert all(evaluation in CellStore(sweep.results) for evaluation in wanted)


def test_sweep_refuses_images_of_other_classes(sweep):
    digits = replace(sweep, data=replace(sweep.data, source="digits"))
    with pytest.raises(
        ValueError,
        match=r"2d was trained on the classes blue, green, red \(coloured noise\); .* "
        "without blue, green, red, with 0, 1, 2, 3, 4, 5, 6, 7, 8, 9. Choose other --data",
    ):
        run(lambda *_: [clean(sweep)], digits, QUIET)
    with pytest.raises(ValueError, match="limit is 0; accepted are whole numbers from 1"):
        run(lambda *_: [], replace(sweep, limit=0), QUIET)


def test_images_are_measured_in_batches_as_large_as_asked_for(sweep, monkeypatch):
    counts = []

    def watched(evaluation, model, split, on_batch, batch_size):
        return measure(evaluation, model, split, counts.append, batch_size)

    monkeypatch.setattr("experiments.evaluation.sweep.measure", watched)
    run(lambda *_: [clean(sweep)], replace(sweep, batch_size=5), QUIET)
    run(lambda *_: [clean(sweep, "8")], sweep, QUIET)
    assert counts == [5, 5, 2, 12]
    cells = {cell.kind: cell.provenance["batch_size"] for cell in CellStore(sweep.results).cells()}
    assert cells == {"2d": 5, "8": 250}
    with pytest.raises(ValueError, match="batch_size is 0; accepted are whole numbers from 1"):
        run(lambda *_: [], replace(sweep, batch_size=0), QUIET)


def test_reports_use_the_largest_cell(sweep):
    run(lambda *_: [clean(sweep), clean(sweep, images=30)], sweep, QUIET)
    (cell,) = read_cells(sweep, lambda evaluation: evaluation.attack is None)
    assert cell.images == 30
    both = read_cells(sweep, lambda evaluation: evaluation.attack is None, every_size=True)
    assert {cell.images for cell in both} == {12, 30}


def test_results_are_where_the_user_stands_unless_shipped_ones_are_named():
    assert SweepConfig().directory == SweepConfig("shipped:paper").directory == Path("results")
    assert SweepConfig("mine", results=Path("some/where")).directory == Path("some/where")
    assert SweepConfig(results=Path("shipped:paper")).directory == RESULTS / "paper"


def test_rows_that_cannot_be_made_are_named(sweep):
    assert existing_rows(sweep) == ["2d", "8"]
    assert existing_rows(replace(sweep, rows=("8",))) == ["8"]
