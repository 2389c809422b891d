"""Names that a user chooses are shown as they are."""

import shutil
from dataclasses import replace

import pytest

from experiments import table1
from experiments.reporting import figure_files
from experiments.support.terminal import terminal

NAMES = ("run[v2]", "out[/b]x", "a:smile:b", "[red]", "back\\\\slash[x]", "name " * 40)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("errors", [False, True])
def test_names_are_shown_as_they_are(name, errors, capsys):
    terminal(errors=errors).print(f"{name}: done")
    assert capsys.readouterr()[errors] == f"{name}: done\n"


def test_a_command_shows_its_directories_and_sets_as_they_are(sweep, capsys):
    models, results = sweep.results / "run[v2]", sweep.results / "out[b]x[/b]"
    shutil.copytree(sweep.models, models)
    named = replace(sweep, models=str(models), results=results, rows=("8",), columns=("8",))
    table1.main(named)
    assert f"{results}/table1.csv" in capsys.readouterr().out
    assert r"run\[v2\]" in (results / "table1.md").read_text()


def test_figures_show_dollar_signs():
    figure = figure_files.pyplot.figure()
    assert not figure.suptitle("set $a$ and $b$").get_parse_math()
    figure_files.pyplot.close(figure)
