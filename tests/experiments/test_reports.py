"""Tables, figures and commands, on a tiny trained model."""

import csv
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy
import pytest
from rich.console import Console

from experiments.commands import (
    before_dithering,
    detection,
    figure4,
    precision,
    summary,
    table1,
    table2,
)
from experiments.evaluation.cell_store import CellStore
from experiments.evaluation.cells import CertificateViolated
from experiments.method.filters import FILTERS
from experiments.method.kinds import KINDS
from experiments.reporting import epsilon_curves, grid_report
from experiments.reporting.grid_report import write_grid
from experiments.reporting.paper_numbers import CLASSES, SOURCE
from experiments.support.data_sets import load_split
from experiments.training.model_files import model_path
from experiments.training.training_record import read_record
from tiny_experiment import ENOUGH_EPOCHS, write_images

QUIET = Console(quiet=True)


def change_cells(sweep, change):
    """Replaces the stored cells by what ``change`` makes of each."""
    store = CellStore(sweep.results)
    cells = store.cells()
    for name in ("cells.jsonl", "predictions.bin", "provenance.json"):
        (sweep.results / name).unlink()
    labels = load_split(sweep.data, "test").labels.numpy().astype(numpy.uint8)
    store.add([change(cell) for cell in cells], labels)


def of_other_images(cell):
    return replace(cell, origin=replace(cell.origin, data={**cell.origin.data, "sha256": "1" * 64}))


def of_another_model(cell):
    return replace(cell, origin=replace(cell.origin, model_sha256="0" * 64))


def test_a_broken_certificate_stops_the_report(sweep):
    table2.main(replace(sweep, rows=("2d",), columns=("2d",)))

    def with_one_changed_prediction(cell):
        classes = cell.predictions["attacked"]["floor"].copy()
        classes[3] = (classes[3] + 1) % 3
        changed = {**cell.predictions["attacked"], "floor": classes}
        return replace(cell, predictions={**cell.predictions, "attacked": changed})

    change_cells(sweep, with_one_changed_prediction)
    with pytest.raises(
        CertificateViolated, match="model 2d on 2d at 8/255 after the filter floor$"
    ):
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
    # Of the filter that is none there is no certificate.
    counts = {
        name: "of 2 cells" in (sweep.results / f"table2_{name}.md").read_text() for name in FILTERS
    }
    assert counts == {"none": False, "floor": True, "nearest": True}


def test_the_numbers_of_the_paper_stand_beside_its_classes_only(sweep, monkeypatch):
    """Of three classes here; what stands beside CIFAR-10 is in the reports that are shipped."""
    monkeypatch.setattr(figure4, "EPSILONS", (2.0, 8.0))
    for command in (table1, table2, figure4, before_dithering):
        command.main(replace(sweep, rows=("2d",), **columns_of(command)))
    summary.main(summary.SummaryConfig(sweep.models, sweep.results))
    # 2d: 87.1 in both tables and in Fig. 4.
    for path in sweep.results.glob("*.md"):
        text = path.read_text()
        assert "87.1" not in text and "0.871" not in text, path
        assert "paper |" not in text and SOURCE not in text, path
    for path in sweep.results.glob("*.csv"):
        assert not any("paper" in name for name in read_csv(path)[0]), path
    with (sweep.results / "table1.md").open() as file:
        (row,) = [line for line in file if line.startswith("| **2d**")]
    assert "(" not in row


def columns_of(command):
    return {"columns": ("2d",)} if command in (table1, table2) else {}


def test_curves_of_the_paper_are_drawn_beside_its_classes_only(sweep, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(epsilon_curves, "save_figure", lambda path, figure: drawn.append(figure))
    figure4_sweep = replace(sweep, rows=("2d",))
    monkeypatch.setattr(figure4, "EPSILONS", (0.0, 16.0))
    figure4.main(figure4_sweep)
    cells = CellStore(sweep.results).cells()
    data = {**cells[0].origin.data, "classes": list(CLASSES)}
    of_cifar10 = [replace(cell, origin=replace(cell.origin, data=data)) for cell in cells]
    epsilon_curves.draw_epsilon_curves(tmp_path / "x", of_cifar10, ("2d",), (0.0, 16.0), "tiny")
    styles = [[line.get_linestyle() for line in figure.axes[1].lines] for figure in drawn]
    assert styles == [["-"], ["-", ":"]]
    assert "paper" not in drawn[0].axes[1].get_title() and "paper" in drawn[1].axes[1].get_title()


def test_figure4_has_every_epsilon_and_filter(sweep, monkeypatch):
    monkeypatch.setattr(figure4, "EPSILONS", (0.0, 2.0, 8.0, 16.0, 32.0))
    figure4.main(replace(sweep, rows=("2d",)))
    rows = read_csv(sweep.results / "figure4.csv")
    assert rows[0] == ["model", "filter", "epsilon", "accuracy", "images"]
    assert len(rows) == 1 + 3 * 5
    found = {(r[1], r[2]): float(r[3]) for r in rows[1:]}
    assert found["none", "0"] == found["floor", "16"] == found["nearest", "32"] > 80
    assert found["none", "32"] < 40
    assert {r[4] for r in rows[1:]} == {"12"}


def test_a_curve_of_figure4_is_of_the_same_images(sweep, monkeypatch):
    monkeypatch.setattr(figure4, "EPSILONS", (2.0, 8.0, 16.0))
    figure4.main(replace(sweep, rows=("2d",)))
    table2.main(replace(sweep, rows=("2d", "8"), columns=("2d", "8"), limit=20))
    figure4.report(sweep, QUIET)
    rows = read_csv(sweep.results / "figure4.csv")
    assert {tuple(row[i] for i in (0, 2, 4)) for row in rows[1:]} == {
        ("2d", "2", "12"),
        ("2d", "8", "12"),
        ("2d", "16", "12"),
    }


def test_a_curve_of_figure4_has_two_points_at_least(sweep, monkeypatch):
    monkeypatch.setattr(figure4, "EPSILONS", (2.0, 8.0, 16.0))
    table2.main(replace(sweep, rows=("2d", "8"), columns=("2d", "8")))
    with pytest.raises(ValueError, match="holds no model at two values of epsilon"):
        figure4.report(sweep, QUIET)
    figure4.main(replace(sweep, rows=("2d",)))
    assert {row[0] for row in read_csv(sweep.results / "figure4.csv")[1:]} == {"2d"}


def test_reports_on_attacks_before_dithering(sweep):
    partial = replace(sweep, rows=("2d",))
    before_dithering.main(partial)
    detection.main(partial)
    rows = read_csv(sweep.results / "before_dithering.csv")
    attackers = [("after", "network"), ("before", "network"), ("before", "quantization")]
    assert {tuple(row[:4]) for row in rows[1:]} == {
        ("2d", *attacker, name) for attacker in attackers for name in ("none", "floor", "nearest")
    }
    rows = read_csv(sweep.results / "detection.csv")
    differences = {tuple(row[1:3]): float(row[5]) for row in rows[1:]}
    assert differences["after", "network"] == 0 > differences["before", "quantization"]
    off_grid = {tuple(row[1:3]): row[8] for row in rows[1:]}
    assert off_grid == dict(zip(attackers, ("12", "0", "0"), strict=True))
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


@pytest.mark.parametrize(
    ("change", "what"),
    [(of_another_model, "files of model 2d"), (of_other_images, "test images")],
)
def test_cells_of_other_images_or_models_do_not_get_into_a_table(change, what, sweep):
    message = f"cells from different {what} do not belong together"
    table1.main(replace(sweep, rows=("2d",), columns=("2d", "3d")))
    change_cells(sweep, lambda cell: change(cell) if cell.kind == "3d" else cell)
    with pytest.raises(ValueError, match=message):
        table1.report(sweep, QUIET)
    # Nor is anything made beside it.
    with pytest.raises(ValueError, match=message):
        table1.main(replace(sweep, rows=("2d",), columns=("1d",)))
    assert len(CellStore(sweep.results).cells()) == 2


def test_cells_of_other_images_do_not_get_beside_others(sweep):
    before_dithering.main(replace(sweep, rows=("2d",)))
    change_cells(
        sweep, lambda cell: of_other_images(cell) if cell.evaluation.attacker == "before" else cell
    )
    for module in (before_dithering, detection):
        with pytest.raises(ValueError, match="cells from different test images do not belong"):
            module.report(sweep, QUIET)


def test_summary_refuses_cells_of_another_model(sweep):
    table2.main(replace(sweep, rows=("2d",), columns=("2d",)))
    config = summary.SummaryConfig(sweep.models, sweep.results)
    summary.main(config)
    change_cells(sweep, of_another_model)
    with pytest.raises(ValueError, match="holds cells of another model 2d"):
        summary.main(config)


def summary_of(sweep):
    summary.main(summary.SummaryConfig(sweep.models, sweep.results))
    header, *rows = read_csv(sweep.results / "summary.csv")
    return {row[0]: dict(zip(header, row, strict=True)) for row in rows}


def test_summary_has_numbers_of_one_data_set(sweep, tmp_path):
    # Without cells: what the records say of their test images.
    record = read_record(model_path("8", sweep.models).with_suffix(".json"))
    assert summary_of(sweep)["8"]["clean"] == f"{100 * record['test_accuracy']:.2f}"
    other = write_images(tmp_path / "other", test=15, seed=1)
    elsewhere = replace(sweep, data=other, limit=None, results=tmp_path / "elsewhere")
    table2.main(replace(elsewhere, rows=("2d",), columns=("2d",)))
    table1.main(replace(elsewhere, rows=("2d",), columns=("2d",), limit=5))
    rows = summary_of(elsewhere)
    assert (rows["2d"]["clean"], rows["8"]["clean"]) == ("", "")
    assert rows["2d"]["attacked images"] == "45"
    # On all test images: derived from the predictions.
    table1.main(replace(elsewhere, rows=("2d",), columns=("2d",)))
    rows = summary_of(elsewhere)
    assert rows["2d"]["clean"] == rows["2d"]["clean on them"] and rows["8"]["clean"] == ""


def test_a_model_without_a_record_runs_and_is_marked(sweep, tmp_path):
    models = tmp_path / "models"
    models.mkdir()
    for kind in ("2d", "8"):
        shutil.copy(model_path(kind, sweep.models), models)
    shutil.copy(model_path("8", sweep.models).with_suffix(".json"), models)
    lone = replace(sweep, models=str(models), results=tmp_path / "results", columns=("2d",))
    table1.main(lone)
    assert "Without a training record: 2d." in (lone.results / "table1.md").read_text()
    rows = summary_of(lone)
    assert (rows["2d"]["clean"], rows["2d"]["epochs"]) == ("", str(ENOUGH_EPOCHS))
    assert rows["8"]["clean"]
    assert "Without a training record: 2d." in (lone.results / "summary.md").read_text()


def test_options_without_a_meaning_are_refused(sweep):
    with pytest.raises(ValueError, match="rows is '4'; those of Fig. 4 are 1, 1d"):
        figure4.main(replace(sweep, rows=("4",)))
    with pytest.raises(ValueError, match="columns is '9z'; accepted are 1, 1d"):
        table1.main(replace(sweep, columns=("9z",)))


def test_reports_say_when_there_is_nothing(sweep):
    for module in (table1, table2, figure4, before_dithering, detection, precision):
        with pytest.raises(ValueError, match="holds no"):
            module.report(sweep, QUIET)


def test_rows_that_cannot_be_made_are_named(sweep):
    with pytest.raises(ValueError, match="rows is '2x'; accepted are 1, 1d"):
        table1.main(replace(sweep, rows=("2x",)))
    with pytest.raises(FileNotFoundError, match="3d.safetensors does not exist. make demo"):
        table1.main(replace(sweep, rows=("8", "3d")))
    with pytest.raises(ValueError, match="holds no model"):
        table1.main(replace(sweep, models=str(sweep.results)))


def test_two_commands_share_the_work(sweep):
    command = [sys.executable, "-m", "experiments.table1", "--models", sweep.models]
    options = ["--data.source", "folder", "--data.path", str(sweep.data.path), "--limit", "4"]
    options += ["--results", str(sweep.results), "--columns", "1", "2d", "8"]
    options += ["--runtime.threads", "1"]
    both = [
        subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    outputs = [process.communicate()[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert len(CellStore(sweep.results).cells()) == 6
    assert any("6 of 225 cells" in text for text in outputs)
    assert [name for name in os.listdir(sweep.results) if name.startswith(".")] == []


def test_the_terminal_shows_how_much_there_is_to_do_and_the_numbers(sweep, capsys):
    grid = replace(sweep, rows=("2d",), columns=("2d", "8"))
    table1.main(grid)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    cells = {cell.kind: cell for cell in CellStore(sweep.results).cells()}
    assert lines[0][:6] == "2 of 2 cells to measure,".split()
    assert ["train", "2d", "8"] in lines
    shown = [f"{100 * cells[kind].accuracy('clean', 'none'):.1f}" for kind in ("2d", "8")]
    assert ["2d", *shown] in lines
    # What is done is not measured again, and shown again.
    table1.main(grid)
    again = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert again == lines[1:]


def test_accuracies_are_percent_in_every_file(sweep, monkeypatch):
    monkeypatch.setattr(figure4, "EPSILONS", (2.0, 8.0))
    config = replace(sweep, rows=("2d",))
    for command in (table1, figure4, before_dithering):
        command.main(replace(config, **columns_of(command)))
    (clean,) = {
        f"{100 * cell.accuracy('clean', 'none'):.2f}" for cell in CellStore(sweep.results).cells()
    }
    assert read_csv(sweep.results / "table1.csv")[4][4] == clean
    row = read_csv(sweep.results / "before_dithering.csv")[1]
    assert row[:6] == ["2d", "after", "network", "none", "8", clean]
    text = (sweep.results / "before_dithering.md").read_text()
    assert "in percent" in text and f"| {clean} " in text
    assert {float(row[3]) for row in read_csv(sweep.results / "figure4.csv")[1:]} <= {
        round(100 * count / 12, 2) for count in range(13)
    }


def test_the_picture_of_a_table_has_only_what_was_measured(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(grid_report, "save_figure", lambda path, figure: drawn.append(figure))
    ours = {("2d", "1"): 0.25, ("2d", "8"): 0.5, ("8", "8"): 0.75}
    write_grid(
        tmp_path / "table", "Some", "Of few.", ours, {("2d", "8"): 0.6, ("1", "1"): 0.9}, QUIET
    )
    for axis, shown in zip(drawn[0].axes, (["25", "50", "75"], ["60"]), strict=True):
        assert [label.get_text() for label in axis.get_xticklabels()] == ["1", "8"]
        assert [label.get_text() for label in axis.get_yticklabels()] == ["2d", "8"]
        assert [text.get_text() for text in axis.texts] == shown
    assert drawn[0].get_size_inches()[0] <= 8
