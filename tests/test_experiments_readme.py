"""What README.md of the experiments says: its commands parse, its files exist, its numbers are ours."""

import json
import re
import runpy
from pathlib import Path

import pytest
import tyro

from experiments import command_line
from experiments.cells import unpack
from experiments.sweep import RESULTS

DIRECTORY = RESULTS.parent
README = (DIRECTORY / "README.md").read_text()
COMMANDS = re.findall(r"^python -m (experiments\.\w+)([^#\n]*)", README, re.MULTILINE)


def test_every_module_with_a_command_is_in_the_readme():
    modules = {
        f"experiments.{path.stem}"
        for path in DIRECTORY.glob("*.py")
        if "    run_command(main" in path.read_text()
    }
    assert modules - {"experiments.demo"} == {module for module, _ in COMMANDS}
    assert "make demo" in README


@pytest.mark.filterwarnings("ignore:.*found in sys.modules.*:RuntimeWarning")
@pytest.mark.parametrize(("module", "options"), COMMANDS)
def test_command_parses(module, options, monkeypatch):
    parsed = []
    monkeypatch.setattr(
        command_line,
        "run_command",
        lambda main, config, description: parsed.append(tyro.cli(config, args=options.split())),
    )
    runpy.run_module(module, run_name="__main__")
    assert len(parsed) == 1


def test_every_file_it_links_exists():
    links = re.findall(r"\]\(((?:results|models)[^)]*)\)", README)
    links += [f"results/{name}" for name in re.findall(r"figure\d\.png", README)]
    assert links
    assert [link for link in links if not (DIRECTORY / link).exists()] == []


def stored_cell(attack, model="2d"):
    name = f"{model}_on_{model}_eps8_n2000.json"
    return json.loads((RESULTS / "cells" / "short" / attack / name).read_text())


def percent(attack, state, name, model="2d"):
    cell = stored_cell(attack, model)
    right = unpack(cell[state][name]["predictions"]) == unpack(cell["labels"])
    return f"{100 * right.mean():.2f} %"


def trained_accuracy(model):
    record = json.loads((DIRECTORY / f"models/short/{model}.json").read_text())
    return f"{100 * record['test_accuracy']:.2f} %"


def test_numbers_are_those_of_the_stored_predictions():
    clean = percent("after", "clean", "none")
    unfiltered = percent("after", "attacked", "none")
    assert f"of which it classifies {clean} correctly" in README
    assert f"PGD-20 at 8/255 leaves {unfiltered} without a filter" in README
    for model, name in (("2d", "floor"), ("2d", "nearest"), ("4d", "nearest"), ("1d", "floor")):
        cell = stored_cell("after", model)
        assert cell["attacked"][name]["predictions"] == cell["clean"][name]["predictions"]
    clean = percent("after", "clean", "none", "4d")
    unfiltered, floor = (percent("after", "attacked", name, "4d") for name in ("none", "floor"))
    assert f"of {clean} correct on the 2,000 clean images" in README
    assert f"leaves {unfiltered} without a filter and {floor} behind `floor`" in README
    transfer, adaptive = (percent(f"before_{how}", "attacked", "floor") for how in TRANSFERS)
    assert f"falls to {transfer} when the attack was made against the bare network" in README
    assert f"and to {adaptive} when the attack goes through the dithering" in README
    transfer, adaptive = (percent(f"before_{how}", "attacked", "floor", "1d") for how in TRANSFERS)
    assert f"network 1d is left with {transfer}, and with {adaptive} when" in README
    clean, unfiltered = (percent("after", state, "none", "1d") for state in ("clean", "attacked"))
    assert f"of 2,000 images {clean}" in README and f"it keeps {unfiltered}." in README
    assert f"(1d) reaches {trained_accuracy('1d')}" in README
    assert f"(8) {trained_accuracy('8')}" in README
    assert f"(2d) reaches {trained_accuracy('2d')} on the 10,000 clean" in README
    assert f"(4d) reaches {trained_accuracy('4d')}" in README


TRANSFERS = ("transfer", "adaptive")


def test_results_name_no_place_on_a_disk():
    stored = [*RESULTS.rglob("*.json"), *(DIRECTORY / "models").rglob("*.json")]
    assert stored
    for path in stored:
        assert not re.search(r'"(/|~|[A-Z]:\\)', path.read_text()), path


def test_shipped_models_fit():
    models = [path for path in Path(DIRECTORY / "models").rglob("*.safetensors")]
    assert models and sum(path.stat().st_size for path in models) < 10_000_000
