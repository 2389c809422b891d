"""Cells in their three files: complete or absent, also with several writers and after a crash."""

import hashlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy
import pytest

from experiments.evaluation.cell_store import CellStore
from experiments.evaluation.cells import Cell, Origin, describe
from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.subset import subset
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.method.filters import FILTERS
from experiments.support.errors import LockedElsewhere

FILES = ["cells.jsonl", "predictions.bin", "provenance.json"]
LABELS = numpy.random.RandomState(0).randint(10, size=200).astype(numpy.uint8)
DATA = {
    "source": "noise",
    "images": 200,
    "size": [3, 4, 4],
    "classes": list("abcdefghij"),
    "sha256": hashlib.sha256(b"noise").hexdigest(),
}


def cell_of(model="2d", kind="2d", images=50, epsilon=None, seed=0):
    """A cell with predictions that no network made."""
    attack = None if epsilon is None else ProjectedGradientDescent(epsilon)
    filters = ("none",) if attack is None else FILTERS
    evaluation = Evaluation("tiny", model, kind, images, attack, filters=filters)
    source = numpy.random.RandomState(seed)
    states = ("clean",) if attack is None else ("clean", "attacked")
    predictions = {
        state: {name: source.randint(10, size=images).astype(numpy.uint8) for name in filters}
        for state in states
    }
    return Cell(
        evaluation,
        LABELS[subset(200, images).numpy()],
        predictions,
        dict.fromkeys(states, min(3, images)),
        Origin(hashlib.sha256(model.encode()).hexdigest(), DATA),
        {"commit": "c", "date": "2026-01-02T03:04:05+00:00", "machine": {"threads": 1}},
    )


def assert_same(first, second):
    assert first.evaluation == second.evaluation and first.origin == second.origin
    assert first.provenance == second.provenance and first.off_grid == second.off_grid
    assert first.labels.tolist() == second.labels.tolist()
    assert first.predictions.keys() == second.predictions.keys()
    for state, found in first.predictions.items():
        assert list(found) == list(second.predictions[state])
        for name, classes in found.items():
            assert classes.tolist() == second.predictions[state][name].tolist()


def test_cells_come_back(tmp_path):
    cells = [cell_of(), cell_of(images=200), cell_of("8", "3"), cell_of(epsilon=8.0, seed=1)]
    store = CellStore(tmp_path / "results")
    assert store.cells() == [] and store.origins() == []
    store.add(cells[:2], LABELS)
    store.add(cells[2:], LABELS)
    read = {cell.evaluation: cell for cell in CellStore(tmp_path / "results").cells()}
    assert len(read) == 4
    for cell in cells:
        assert_same(read[cell.evaluation], cell)
        assert cell.evaluation in store
    assert cell_of(epsilon=9.0).evaluation not in store
    (chosen,) = store.cells(lambda evaluation: evaluation.model == "8")
    assert_same(chosen, cells[2])
    assert sorted(os.listdir(store.directory)) == FILES


def test_a_cell_that_exists_stays(tmp_path):
    store = CellStore(tmp_path)
    store.add([cell_of(seed=1)], LABELS)
    before = [(tmp_path / name).read_bytes() for name in FILES]
    store.add([cell_of(seed=2)], LABELS)
    assert [(tmp_path / name).read_bytes() for name in FILES] == before


def test_what_cells_share_is_stored_once_and_lines_are_sorted(tmp_path):
    store = CellStore(tmp_path)
    store.add([cell_of(kind=kind) for kind in ("8", "1", "2d", "7d")], LABELS)
    lines = [json.loads(line) for line in (tmp_path / "cells.jsonl").read_text().splitlines()]
    assert [line["evaluation"]["kind"] for line in lines] == ["1", "2d", "7d", "8"]
    assert len({line["clean"]["none"][1] for line in lines}) == 1
    shared = json.loads((tmp_path / "provenance.json").read_text())
    assert {name: len(value) for name, value in shared.items()} == {
        "model_file": 1,
        "data": 1,
        "made_by": 1,
    }


def edit(path, change):
    """Changes the only line of a store as a person might."""
    line = json.loads(path.read_text())
    change(line)
    path.write_text(json.dumps(line) + "\n")


def test_a_count_that_is_not_that_of_the_predictions_is_refused(tmp_path):
    store, cell = CellStore(tmp_path), cell_of(epsilon=8.0)
    store.add([cell], LABELS)
    right = cell.correct("attacked", "floor")

    def one_more(line):
        line["attacked"]["floor"][0] += 1

    edit(store.lines, one_more)
    message = (
        rf"cells.jsonl, model 2d on 2d, 50 images, .*: {right + 1} correct predictions are noted "
        rf"for attacked images after the filter floor, but {right} are stored"
    )
    with pytest.raises(ValueError, match=message):
        store.cells()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda line: line.pop("off_grid"), "cells.jsonl, model 2d on 2d, 50 images: 'off_grid'"),
        (lambda line: line.pop("evaluation"), "cells.jsonl, line 1, is not a cell: 'evaluation'"),
        (lambda line: line["evaluation"].update(kind="0"), "line 1, is not a cell: kind is '0'"),
        (lambda line: line["evaluation"].update(models=[]), "line 1, is not a cell: unhashable"),
        (lambda line: line["clean"]["none"].__setitem__(1, "0" * 15 + "1"), "holds no predictions"),
        (
            lambda line: line.update(data="1" * 16),
            "cells.jsonl, model 2d on 2d, 50 images: .*1{16}",
        ),
        (lambda line: line.update(model_file="1" * 16), "2d on 2d, 50 images: '1{16}' is missing"),
        (lambda line: line.update(off_grid={"clean": 51}), "off_grid of clean images is 51"),
        (lambda line: line.update(off_grid=3), "cells.jsonl, model 2d on 2d, 50 images: "),
        (lambda line: line["evaluation"].update(images=40), "are of 50 images"),
        (lambda line: line["evaluation"].update(filters=["floor"]), r"after \['none'\], not"),
        (lambda line: line.update(attacked=line["clean"]), "predictions is of the images"),
    ],
)
def test_damaged_lines_are_named(change, message, tmp_path):
    store = CellStore(tmp_path)
    store.add([cell_of()], LABELS)
    edit(store.lines, change)
    with pytest.raises(ValueError, match=message):
        store.cells()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda shared: shared["model_file"].update({"0" * 16: "f" * 64}), "model_file 0{16}"),
        (lambda shared: shared["made_by"].update({"0" * 16: {"commit": "d"}}), "made_by 0{16}"),
        (
            lambda shared: next(iter(shared["made_by"].values())).update(commit="d"),
            "is damaged at made_by",
        ),
        (
            lambda shared: next(iter(shared["data"].values())).update(sha256="e" * 64),
            "is damaged at data",
        ),
        (lambda shared: shared.pop("data"), "is not what cells share: KeyError"),
        (
            lambda shared: next(iter(shared["data"].values())).update(source=3),
            "is not what cells share: .*source is 3",
        ),
        (lambda shared: shared.update(data=[]), "is not what cells share"),
        (
            lambda shared: next(iter(shared["data"].values())).update(images=300),
            "300 test images are written, there are labels of 200",
        ),
        (
            lambda shared: next(iter(shared["data"].values())).update(classes=["a", "b"]),
            "a label is 9, there are 2 classes",
        ),
    ],
)
def test_what_cells_share_is_checked_against_its_keys(change, message, tmp_path):
    store = CellStore(tmp_path)
    store.add([cell_of()], LABELS)
    shared = json.loads(store.shared.read_text())
    change(shared)
    store.shared.write_text(json.dumps(shared))
    with pytest.raises(ValueError, match=message):
        store.cells()


@pytest.mark.parametrize("content", [b"[]", b"\xff\xfe", b"{", b"", b"[" * 100_000])
def test_files_of_other_content_are_named(content, tmp_path):
    store = CellStore(tmp_path)
    store.add([cell_of()], LABELS)
    store.shared.write_bytes(content)
    for read in (store.cells, store.origins):
        with pytest.raises(ValueError, match=r"provenance\.json is not"):
            read()
    if content:
        store.lines.write_bytes(content)
        with pytest.raises(ValueError, match=r"cells\.jsonl, line 1, is not a cell"):
            store.cells()
    store = CellStore(tmp_path / "other")
    store.add([cell_of()], LABELS)
    store.predictions.write_bytes(content)
    with pytest.raises(ValueError, match=r"predictions\.bin is not"):
        store.cells()


def test_one_cell_is_not_counted_twice(tmp_path):
    store = CellStore(tmp_path)
    store.add([cell_of()], LABELS)
    store.lines.write_text(store.lines.read_text() * 2)
    with pytest.raises(ValueError, match="lines 1 and 2 are the same cell: model 2d on 2d"):
        store.cells()


def test_other_labels_of_the_same_images_are_refused(tmp_path):
    store = CellStore(tmp_path)
    store.add([cell_of()], LABELS)
    with pytest.raises(ValueError, match="predictions.bin is damaged at .*the labels are others"):
        store.add([cell_of(kind="8")], LABELS[::-1].copy())


def test_a_cell_says_that_its_model_had_no_record(tmp_path):
    cells = [cell_of(), cell_of("8", "8")]
    unrecorded = replace(cells[1], origin=replace(cells[1].origin, recorded=False))
    store = CellStore(tmp_path)
    store.add([cells[0], unrecorded], LABELS)
    read = store.cells()
    assert [cell.origin.recorded for cell in read] == [True, False]
    assert describe(read).endswith("bfloat16. Without a training record: 8.")
    assert "record" not in describe(read[:1])


def test_half_a_line_is_named(tmp_path):
    store = CellStore(tmp_path)
    store.add([cell_of(), cell_of(kind="8")], LABELS)
    store.lines.write_text(store.lines.read_text()[:-40])
    with pytest.raises(ValueError, match="cells.jsonl, line 2, is not a cell"):
        store.cells()


def test_a_line_that_lacks_a_later_setting_is_read_with_its_default(tmp_path):
    store = CellStore(tmp_path)
    store.add([cell_of(epsilon=8.0)], LABELS)
    # As written by a version before there were filters and precisions to choose.
    edit(store.lines, lambda line: [line["evaluation"].pop(n) for n in ("precision", "filters")])
    (cell,) = store.cells()
    assert cell.evaluation.precision == "bfloat16" and cell.evaluation.filters == FILTERS


def test_a_claimed_cell_is_left_to_its_claimant(tmp_path):
    store = CellStore(tmp_path)
    with store.claim(cell_of().evaluation):
        with pytest.raises(LockedElsewhere), store.claim(cell_of().evaluation):
            pass
        with store.claim(cell_of(kind="8").evaluation):
            pass
    assert os.listdir(tmp_path) == []


def _add_many(directory, model):
    store = CellStore(directory)
    for images in range(1, 16):
        store.add([cell_of(model, images=images, epsilon=8.0, seed=images)], LABELS)


def test_processes_add_at_once_and_lose_nothing(tmp_path):
    context = multiprocessing.get_context("fork")
    models = ("1", "2d", "8")
    workers = [context.Process(target=_add_many, args=(tmp_path, model)) for model in models]
    for worker in workers:
        worker.start()
    read = 0
    while any(worker.is_alive() for worker in workers):
        # Whatever is read meanwhile is complete.
        found = len(CellStore(tmp_path).cells())
        assert found >= read
        read = found
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    found = {cell.evaluation: cell for cell in CellStore(tmp_path).cells()}
    assert len(found) == 45
    for model in models:
        cell = cell_of(model, images=15, epsilon=8.0, seed=15)
        assert_same(found[cell.evaluation], cell)
    assert sorted(os.listdir(tmp_path)) == FILES


DIE = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = [{here!r}]
from test_cell_store import LABELS, cell_of
from experiments.evaluation.cell_store import CellStore
left = int(sys.argv[2])
def replace(part, path, replace=os.replace):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(part, path)
os.replace = replace
CellStore(Path(sys.argv[1])).add([cell_of(kind="8", epsilon=8.0, seed=5)], LABELS)
"""


@pytest.mark.parametrize("replaced", [0, 1, 2, 3])
def test_a_process_that_is_killed_leaves_the_old_cells_or_the_new(replaced, tmp_path):
    store = CellStore(tmp_path)
    store.add([cell_of()], LABELS)
    program = DIE.format(here=os.path.dirname(__file__))
    done = subprocess.run([sys.executable, "-c", program, tmp_path, str(replaced)])
    assert done.returncode == (0 if replaced == 3 else -signal.SIGKILL)
    new = cell_of(kind="8", epsilon=8.0, seed=5)
    assert [cell.kind for cell in store.cells()] == (["2d"] if replaced < 3 else ["2d", "8"])
    # The next process makes the cell again, and nothing of the dead one is in the way.
    store.add([new], LABELS)
    first, second = store.cells()
    assert_same(first, cell_of())
    assert_same(second, new)
    assert sorted(os.listdir(tmp_path)) == FILES


def test_an_unknown_setting_is_not_dropped(tmp_path):
    store = CellStore(tmp_path)
    store.add([cell_of()], LABELS)
    edit(store.lines, lambda line: line["evaluation"].update(temperature=2.0))
    with pytest.raises(ValueError, match="temperature is not a setting"):
        store.add([cell_of(kind="8")], LABELS)
