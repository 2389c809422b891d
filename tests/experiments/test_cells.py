"""Cells, the certificate, sweeps and reports, on a tiny trained model."""

import base64
import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise

import numpy
import pytest
import torch
from matplotlib import pyplot
from rich.console import Console
from tiny_experiment import ENOUGH_EPOCHS, ONE_THREAD, training_config, write_images

from experiments import before_dithering, detection, figure4, precision, summary, table1, table2
from experiments.reporting.bar_chart import draw_bars
from experiments.evaluation.cell_store import CertificateViolated, read_cells
from experiments.evaluation.cells import Cell, Evaluator, measure, pack, subset, unpack
from experiments.support.command_line import run_command
from experiments.support.data_sets import load_split
from experiments.reporting.example_images import draw, fooled, restored
from experiments.method.kinds import KINDS
from experiments.reporting.paper_numbers import FIGURE4, read_table
from experiments.training.model_files import available, load_model, model_path
from experiments.support.storage import lock
from experiments.evaluation.sweep import GridConfig, run
from experiments.training.run import train

QUIET = Console(quiet=True)
CPU = torch.device("cpu")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Options of a sweep over two tiny models, trained on 2-bit dithered and on 8-bit images."""
    directory = tmp_path_factory.mktemp("tiny")
    data = write_images(directory / "images", train=150)
    for kind in ("2d", "8"):
        train(kind, training_config(data, directory / "models", ENOUGH_EPOCHS), QUIET)
    return GridConfig(str(directory / "models"), data=data, runtime=ONE_THREAD)


@pytest.fixture
def sweep(trained, tmp_path):
    """The same, with a directory of results of its own."""
    return replace(trained, results=tmp_path, limit=12)


def cell_of(sweep, model="2d", column="2d", **options):
    options = {"images": 60, "attack": "after", "epsilon": 16.0, "steps": 10, **options}
    cell = Cell(sweep.set_name, model, column, **options)
    return measure(
        cell, load_model(model_path(model, sweep.models), CPU), load_split(sweep.data, "test")
    )


def test_attack_works_and_the_filter_undoes_it(sweep):
    result = cell_of(sweep)
    clean, attacked = result["clean"], result["attacked"]
    assert clean["none"]["accuracy"] > 0.8
    assert attacked["none"]["accuracy"] < 0.4
    for name in ("floor", "nearest"):
        assert attacked[name]["predictions"] == clean[name]["predictions"]
        assert result["certificate"][name]["identical"] and result["certificate"][name]["inside"]
    assert result["off_grid"] == {"clean": 0, "attacked": 60}


def test_outside_the_certificate_the_filter_fails(sweep):
    result = cell_of(sweep, epsilon=24.0)
    certificate = result["certificate"]
    assert not certificate["floor"]["inside"] and certificate["floor"]["epsilon"] == 21
    assert certificate["nearest"]["inside"] and certificate["nearest"]["identical"]
    certificate = cell_of(sweep, epsilon=64.0, steps=20)["certificate"]
    for name in ("floor", "nearest"):
        assert not certificate[name]["inside"] and not certificate[name]["identical"]


@pytest.mark.parametrize("attack", ["before_transfer", "before_adaptive"])
def test_attack_before_dithering_is_not_undone(attack, sweep):
    result = cell_of(sweep, attack=attack)
    assert result["attacked"]["floor"]["accuracy"] < result["clean"]["floor"]["accuracy"]
    # What arrives is a dithered image like any other.
    assert result["off_grid"] == {"clean": 0, "attacked": 0}


def test_stored_predictions_are_those_of_the_accuracy(sweep):
    result = cell_of(sweep, images=25)
    labels = unpack(result["labels"])
    split = load_split(sweep.data, "test")
    assert labels.tolist() == split.labels[subset(60, 25)].tolist()
    for state in ("clean", "attacked"):
        for found in result[state].values():
            correct = unpack(found["predictions"]) == labels
            assert found["accuracy"] == correct.mean()
            packed = numpy.frombuffer(base64.b64decode(found["correct"]), numpy.uint8)
            assert numpy.unpackbits(packed, count=25).astype(bool).tolist() == correct.tolist()


def test_packing_is_undone():
    classes = torch.arange(256).repeat(3)
    assert unpack(pack(classes)).tolist() == classes.tolist()


def test_a_smaller_subset_is_part_of_a_larger_one():
    small, large = subset(10_000, 500), subset(10_000, 2000)
    assert torch.equal(small, large[:500])
    assert len(set(large.tolist())) == 2000
    # The same for ever: committed results rely on it.
    assert small[:4].tolist() == FIRST_OF_THE_SUBSET


#: Computed once, when the first results were made.
FIRST_OF_THE_SUBSET = [8213, 6061, 176, 1923]


def test_sweep_skips_what_is_done_and_what_another_process_makes(sweep, monkeypatch):
    cells = [Cell(sweep.set_name, "2d", column, 12) for column in ("1", "2d", "8")]
    with lock(cells[0].path(sweep.results)):
        # The kernel's lock is one of the open file: a second one in this process counts as well.
        run(lambda images: cells, sweep, QUIET)
    assert [cell.path(sweep.results).exists() for cell in cells] == [False, True, True]
    before = cells[1].path(sweep.results).read_bytes()
    made = []
    monkeypatch.setattr(
        "experiments.evaluation.sweep.measure", lambda cell, *rest: made.append(cell) or measure(cell, *rest)
    )
    run(lambda images: cells, sweep, QUIET)
    assert made == cells[:1]
    assert cells[1].path(sweep.results).read_bytes() == before


def test_a_cell_is_a_function_of_its_configuration(sweep):
    first, second = cell_of(sweep, images=20), cell_of(sweep, images=20)
    assert first == second


def test_sweep_refuses_cells_of_another_configuration(sweep):
    cell = Cell(sweep.set_name, "2d", "2d", 12)
    run(lambda images: [cell], sweep, QUIET)
    path = cell.path(sweep.results)
    content = json.loads(path.read_text())
    content["config"]["steps"] = 40
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="2d_on_2d_n12.json was made with steps 40, not 20"):
        run(lambda images: [cell], sweep, QUIET)


def test_sweep_refuses_images_of_other_classes(sweep):
    digits = replace(sweep, data=replace(sweep.data, source="digits"))
    with pytest.raises(
        ValueError, match=r"2d was trained on coloured noise .* choose other --data"
    ):
        run(lambda images: [Cell(sweep.set_name, "2d", "2d", 12)], digits, QUIET)
    with pytest.raises(ValueError, match="limit is 0; accepted are whole numbers from 1"):
        run(lambda images: [], replace(sweep, limit=0), QUIET)


def test_a_broken_certificate_stops_the_report(sweep):
    table2.main(replace(sweep, rows=("2d",), columns=("2d",)))
    (path,) = (sweep.results / "cells" / sweep.set_name / "after").iterdir()
    content = json.loads(path.read_text())
    content["certificate"]["floor"]["identical"] = False
    path.write_text(json.dumps(content))
    with pytest.raises(CertificateViolated, match="model 2d on 2d at 8/255 behind floor"):
        table2.report(sweep, QUIET)


def read_csv(path):
    with open(path, newline="") as handle:
        return list(csv.reader(handle))


def test_tables_have_the_rows_and_columns_of_the_paper(sweep):
    partial = replace(sweep, columns=("2d", "8"))
    table1.main(partial)
    table2.main(replace(partial, rows=("2d",)))
    for name in ("table1", "table2_floor", "table2_nearest", "table2_none"):
        rows = read_csv(sweep.results / f"{name}.csv")
        assert rows[0] == ["train", *KINDS]
        assert [row[0] for row in rows[1:]] == list(KINDS)
        filled = {(row[0], KINDS[i]) for row in rows[1:] for i, v in enumerate(row[1:]) if v}
        models = ("2d", "8") if name == "table1" else ("2d",)
        assert filled == {(model, column) for model in models for column in ("2d", "8")}
        text = (sweep.results / f"{name}.md").read_text()
        assert "a fixed random subset of 12 of 60 test images" in text
        assert "coloured noise" in text and "Not trained or not evaluated yet: 1, 1d, 2" in text
        assert (sweep.results / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    # Both beside each other: our cell first, the paper's 87.1 in brackets.
    ours = float(read_csv(sweep.results / "table1.csv")[4][4])
    assert f"{100 * ours:.1f} (87.1)" in (sweep.results / "table1.md").read_text()


def test_reports_use_the_largest_cell(sweep):
    small = Cell(sweep.set_name, "2d", "2d", 12)
    run(lambda images: [small, replace(small, images=30)], sweep, QUIET)
    (cell,) = read_cells(sweep.results, sweep.set_name, "none")
    assert cell.images == 30


def test_figure4_has_every_epsilon_and_filter(sweep, monkeypatch):
    monkeypatch.setattr(figure4, "EPSILONS", (0.0, 2.0, 8.0, 16.0, 32.0))
    figure4.main(replace(sweep, rows=("2d",)))
    rows = read_csv(sweep.results / "figure4.csv")
    assert rows[0] == ["model", "filter", "epsilon", "accuracy", "images"]
    assert len(rows) == 1 + 3 * 5
    found = {(r[1], r[2]): float(r[3]) for r in rows[1:]}
    assert found["none", "0"] == found["floor", "16"] == found["nearest", "32"] > 0.8
    assert found["none", "32"] < 0.4
    assert {r[4] for r in rows[1:]} == {"12"}
    assert str(FIGURE4["2d"][0]) in (sweep.results / "figure4.md").read_text()


def test_steps_reach_the_border_of_the_ball():
    cells = [Cell("s", "1", "1", 1, "after", e) for e in (2.0, 32.0, 48.0, 128.0)]
    assert [cell.step for cell in cells] == [2.0, 2.0, 6.0, 16.0]
    assert all(cell.step * cell.steps >= cell.epsilon for cell in cells)


def test_cells_are_refused_by_name():
    with pytest.raises(ValueError, match="attack is 'fgsm'; accepted are none, after"):
        Cell("short", "2d", "2d", 5, attack="fgsm")
    with pytest.raises(ValueError, match="kind is '0'; accepted are"):
        Cell("short", "2d", "0", 5)
    with pytest.raises(ValueError, match="images is 0; accepted are whole numbers from 1"):
        Cell("short", "2d", "2d", 0)


def test_reports_on_attacks_before_dithering(sweep):
    partial = replace(sweep, rows=("2d",))
    before_dithering.main(partial)
    detection.main(partial)
    rows = read_csv(sweep.results / "before_dithering.csv")
    assert {tuple(row[:3]) for row in rows[1:]} == {
        ("2d", attack, name)
        for attack in ("after", "before_transfer", "before_adaptive")
        for name in ("none", "floor", "nearest")
    }
    rows = read_csv(sweep.results / "detection.csv")
    differences = {row[1]: float(row[4]) for row in rows[1:]}
    assert differences["after"] == 0 > differences["before_adaptive"]
    assert {row[1]: row[7] for row in rows[1:]} == {
        "after": "12",
        "before_transfer": "0",
        "before_adaptive": "0",
    }
    assert (sweep.results / "before_dithering.png").exists()
    assert (sweep.results / "detection.png").exists()


def test_precisions_are_compared_on_the_same_images(sweep, monkeypatch):
    monkeypatch.setattr(precision, "EPSILONS", (8.0,))
    precision.main(replace(sweep, rows=("2d",)))
    # More images in one precision alone do not hide those that exist in both.
    table2.main(replace(sweep, rows=("2d",), columns=("2d",), limit=20))
    precision.main(replace(sweep, limit=None, report_only=True))
    rows = read_csv(sweep.results / "precision.csv")
    assert [row[:4] for row in rows[1:]] == [
        ["2d", "8", "bfloat16", "12"],
        ["2d", "8", "float32", "12"],
    ]


def test_cells_of_other_images_or_models_do_not_get_into_a_table(sweep, tmp_path):
    table1.main(replace(sweep, rows=("2d",), columns=("2d",)))
    path = next(sweep.results.glob("cells/**/*.json"))
    cell = json.loads(path.read_text())
    for key, value, what in (
        ("model_sha256", "0" * 64, "files of model 2d"),
        ("test_data", {**cell["config"]["test_data"], "sha256": "0" * 64}, "test images"),
    ):
        other = {**cell, "config": {**cell["config"], "column": "3d", key: value}}
        (path.parent / "other.json").write_text(json.dumps(other))
        with pytest.raises(ValueError, match=f"cells from different {what} do not belong together"):
            table1.report(sweep, QUIET)
        # Nor is anything made beside it.
        with pytest.raises(ValueError, match=f"cells from different {what} do not belong together"):
            table1.main(replace(sweep, rows=("2d",), columns=("1d",)))
        assert len(list(path.parent.iterdir())) == 2


def test_cells_of_other_images_do_not_get_beside_others(sweep):
    before_dithering.main(replace(sweep, rows=("2d",)))
    (path,) = sweep.results.glob("cells/*/before_transfer/*.json")
    cell = json.loads(path.read_text())
    cell["config"]["test_data"]["sha256"] = "0" * 64
    path.write_text(json.dumps(cell))
    for module in (before_dithering, detection):
        with pytest.raises(ValueError, match="cells from different test images do not belong"):
            module.report(sweep, QUIET)


def test_summary_refuses_cells_of_another_model(sweep):
    table2.main(replace(sweep, rows=("2d",), columns=("2d",)))
    config = summary.SummaryConfig(sweep.models, sweep.results)
    summary.main(config)
    (path,) = sweep.results.glob("cells/*/after/*.json")
    cell = json.loads(path.read_text())
    cell["config"]["model_sha256"] = "0" * 64
    path.write_text(json.dumps(cell))
    with pytest.raises(ValueError, match="holds cells of another model 2d"):
        summary.main(config)


def test_options_without_a_meaning_are_refused(sweep):
    with pytest.raises(ValueError, match="rows is '4'; those of Fig. 4 are 1, 1d"):
        figure4.main(replace(sweep, rows=("4",)))
    with pytest.raises(ValueError, match="columns is '9z'; accepted are 1, 1d"):
        table1.main(replace(sweep, columns=("9z",)))


def test_one_recording_serves_cells_with_the_same_settings(sweep):
    model = load_model(model_path("2d", sweep.models), CPU)
    cell = Cell("tiny", "2d", "2d", 4, "after", 8.0)
    attack = Evaluator(model, cell).attack
    assert Evaluator(model, replace(cell, column="3", images=9)).attack is attack
    assert Evaluator(model, replace(cell, epsilon=4.0)).attack is not attack


def test_reports_say_when_there_is_nothing(sweep):
    for module in (table1, table2, figure4, before_dithering, detection, precision):
        with pytest.raises(ValueError, match="holds no"):
            module.report(sweep, QUIET)


def test_bars_stand_side_by_side_and_say_what_is_not_measured():
    figure, axis = pyplot.subplots()
    draw_bars(axis, ["1", "2d"], {"clean": {"1": 72.4, "2d": 84.0}, "attacked": {"2d": 0.6}})
    assert [text.get_text() for text in axis.texts] == ["72", "84", "?", "1"]
    ends = sorted((bar.get_x(), bar.get_x() + bar.get_width()) for bar in axis.patches)
    assert all(end <= begin + 1e-9 for (_, end), (begin, _) in pairwise(ends))
    pyplot.close(figure)


def test_examples_show_what_they_say(sweep):
    split = load_split(sweep.data, "test")
    model = load_model(model_path("2d", sweep.models), CPU)
    cell = Cell(sweep.set_name, "2d", "2d", 60, attack="after", epsilon=16.0)
    before, change, after = fooled(model, cell, split)
    assert verdict(before) != verdict(after)
    assert torch.allclose(
        before.image + (change.image - 0.5) * 2 * 16 / 255, after.image, atol=1e-6
    )
    original, dithered, perturbed, filtered = restored(model, cell, split, "floor")
    assert original.verdict == verdict(dithered) == verdict(filtered) != verdict(perturbed)
    assert filtered.title == "filtered: identical"
    assert torch.equal(filtered.image, dithered.image)
    assert not torch.equal(perturbed.image, dithered.image)
    figure, axes = pyplot.subplots(1, 4)
    draw(axes, [original, dithered, perturbed, filtered])
    drawn = axes[3].images[0].get_array()
    assert numpy.array_equal(drawn, dithered.image.permute(1, 2, 0).numpy())
    pyplot.close(figure)
    with pytest.raises(ValueError, match="epsilon 0.001/255 fools model 2d on none of 60 images"):
        fooled(model, replace(cell, epsilon=0.001), split)


def verdict(shown):
    """The class that the network names below an image."""
    return re.fullmatch(r"network: (\w+) \(\d+ %\)", shown.verdict)[1]


def test_rows_that_cannot_be_made_are_named(sweep):
    assert sweep.existing_rows == ["2d", "8"]
    assert replace(sweep, rows=("8",)).existing_rows == ["8"]
    with pytest.raises(ValueError, match="rows is '2x'; accepted are 1, 1d"):
        table1.main(replace(sweep, rows=("2x",)))
    with pytest.raises(FileNotFoundError, match="3d.safetensors does not exist. make demo"):
        table1.main(replace(sweep, rows=("8", "3d")))
    with pytest.raises(ValueError, match="no model is there"):
        table1.main(replace(sweep, models=str(sweep.results)))


def test_models_are_found_by_name(sweep):
    assert available(sweep.models) == ["2d", "8"]
    assert model_path("2d", "short").parts[-3:] == ("models", "short", "2d.safetensors")


def test_numbers_of_the_paper():
    first, second = read_table("table1"), read_table("table2")
    assert len(first) == 225 and first["2d", "2d"] == 0.871
    assert second["2d", "2d"] == 0.871 and ("2", "7") not in second
    assert {model for model, _ in first} == set(KINDS)


def test_command_runs_by_itself(sweep):
    command = [sys.executable, "-m", "experiments.table1", "--models", sweep.models]
    options = ["--data.source", "folder", "--data.path", str(sweep.data.path), "--limit", "4"]
    options += ["--results", str(sweep.results), "--columns", "2d", "--runtime.threads", "1"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    assert "2 of 225 cells" in done.stdout
    assert (sweep.results / "table1.csv").exists()


def test_command_says_in_one_line_what_is_wrong(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["table1", "--data.source", "folder"])
    with pytest.raises(SystemExit) as stopped:
        run_command(table1.main, GridConfig, "")
    assert stopped.value.code == 1
    assert capsys.readouterr().err == (
        "error: data.path is missing; --data.source folder needs the directory "
        "that holds train/ and test/\n"
    )


def test_interrupted_command_exits_as_one(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["table1"])

    def terminated(config):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)

    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as stopped:
            run_command(terminated, GridConfig, "")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stopped.value.code == 130
    assert capsys.readouterr().err.startswith("interrupted; what is finished is kept")
