"""The reports that are shipped are those that the commands make from the cells that are shipped."""

import shutil

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
from experiments.evaluation.sweep_config import GridConfig
from experiments.reporting import figure_files
from experiments.support.places import RESULTS

COMMANDS = (table1, table2, figure4, before_dithering, detection, precision)
CELLS = ("cells.jsonl", "predictions.bin", "provenance.json")


@pytest.mark.parametrize(
    ("models", "commands"), [("short", COMMANDS), ("paper", (table1, table2, figure4))]
)
def test_reports_are_those_of_the_cells(models, commands, tmp_path, monkeypatch):
    # The pictures show the same numbers, and take long to draw.
    monkeypatch.setattr(figure_files.Figure, "savefig", lambda self, path, **how: path.touch())
    for name in CELLS:
        shutil.copy(RESULTS / models / name, tmp_path)
    for command in commands:
        command.report(GridConfig(f"shipped:{models}", results=tmp_path), Console(quiet=True))
    summary.main(summary.SummaryConfig(f"shipped:{models}", tmp_path))
    made = {path.name: path for path in tmp_path.iterdir() if path.suffix in (".csv", ".md")}
    shipped = [path.name for path in (RESULTS / models).iterdir() if path.suffix in (".csv", ".md")]
    assert sorted(made) == sorted(shipped)
    for name, path in made.items():
        assert path.read_text() == (RESULTS / models / name).read_text(), name
