"""What README.md of the experiments says: its commands parse, its files exist, its numbers are ours."""

import csv
import re
import runpy

import pytest
import tyro

from experiments.evaluation.sweep import RESULTS, SweepConfig
from experiments.method.filters import FILTERS
from experiments.method.kinds import KINDS
from experiments.reporting.paper_numbers import read_table
from experiments.support import command_line
from experiments.table2 import is_of_table2

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
    assert links
    assert [link for link in links if not (DIRECTORY / link).exists()] == []


def test_every_command_and_every_package_is_in_its_table():
    table = README[README.index("## Files") : README.index("## Reading the results")]
    named = set(re.findall(r"`(\w+(?:\.py|/))`", table))
    commands = {path.name for path in DIRECTORY.glob("*.py")} - {"__init__.py"}
    packages = {f"{path.parent.name}/" for path in DIRECTORY.glob("*/__init__.py")}
    assert named == commands | packages


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def accuracies(name):
    """A table by (trained on, tested on)."""
    return {
        (row["train"], column): float(row[column])
        for row in rows_of(RESULTS / f"{name}.csv")
        for column in row
        if column != "train" and row[column]
    }


@pytest.mark.parametrize("name", ["table1", "table2_floor", "table2_nearest", "table2_none"])
def test_tables_are_complete(name):
    assert list(accuracies(f"short/{name}")) == [
        (model, images) for model in KINDS for images in KINDS
    ]


def test_summary_is_that_of_the_results():
    rows = rows_of(RESULTS / "short" / "summary.csv")
    assert [row["model"] for row in rows] == list(KINDS)
    kept = ("filter floor", "paper floor", "filter nearest")
    for row in rows:
        shown = [row["model"]]
        for name in ("clean", "paper clean", "clean on them", "filter none", *kept):
            shown.append(f"{100 * float(row[name]):.{1 if 'paper' in name else 2}f}")
        assert f"\n| {' | '.join(shown)} |\n" in README
        assert int(row["attacked images"]) == 2000
        if row["model"] in ("1", "1d", "2", "2d"):
            assert row["clean on them"] == row["filter floor"] == row["filter nearest"]
    below = [100 * (float(row["paper clean"]) - float(row["clean"])) for row in rows]
    assert min(below) >= 2 and max(below) <= 5 and "lie 2 to 5 points below" in README


def test_numbers_are_those_of_the_tables():
    clean, ours, paper = (
        accuracies("short/table1"),
        accuracies("short/table2_floor"),
        read_table("table1"),
    )
    for model, column in (("8", "3d"), ("1", "8")):
        both = f"{100 * clean[model, column]:.1f} against {100 * paper[model, column]:.1f} %"
        assert both in README
    assert f"network 1 on 1d keeps {100 * ours['1', '1d']:.1f} %" in README
    most = max(ours["8", column] for column in ("4d", "5d", "6d", "7d"))
    assert f"network 8 keeps at most {100 * most:.1f} %" in README
    assert f"network 3d keeps {100 * ours['3d', '3d']:.2f} %" in README


def test_numbers_are_those_of_the_long_training():
    short, long = accuracies("short/table1"), accuracies("paper/table1")
    both = f"has {100 * long['8', '8']:.2f} % where 24 epochs give {100 * short['8', '8']:.2f}"
    assert both in README
    assert f"after 160, network 8 has {100 * long['8', '3d']:.1f} % on 3d" in README


def test_numbers_are_those_of_the_attacks_before_dithering():
    left = {
        (
            row["model"],
            f"{row['attacker']} {row['gradient']}",
        ): f"{100 * float(row['attacked']):.2f} %"
        for row in rows_of(RESULTS / "short" / "before_dithering.csv")
        if row["filter"] == "floor"
    }
    transfer, adaptive = "before network", "before quantization"
    assert f"2d falls to {left['2d', transfer]} when the attack was made against" in README
    assert f"and to {left['2d', adaptive]} when the attack goes through the dithering" in README
    assert f"4d falls to {left['4d', transfer]} both ways" in README
    assert left["4d", transfer] == left["4d", adaptive]
    assert f"1d is left with {left['1d', transfer]}, and with {left['1d', adaptive]} when" in README
    assert f"keeps {left['1', transfer]} and {left['1', adaptive]}" in README


def test_precisions_differ_by_as_many_images_as_said():
    columns = ("clean", "attacked none", "attacked floor", "attacked nearest")
    right = {
        (row["model"], row["epsilon"], row["precision"], column): float(row[column]) * 1000
        for row in rows_of(RESULTS / "short" / "precision.csv")
        for column in columns
        if row["images"] == "1000"
    }
    most = max(
        abs(right[model, epsilon, "float32", column] - right[model, epsilon, "bfloat16", column])
        for model, epsilon, precision, column in right
        if precision == "float32"
    )
    assert {model for model, *_ in right} == set(KINDS)
    assert f"the two differ by at most {most:.0f} images, for each of the fifteen" in README


def test_clean_images_that_the_filter_changes_for_the_network():
    changed = {}
    for cell in SweepConfig().read_cells(is_of_table2):
        bare, filtered = (cell.predictions["clean"][name] for name in FILTERS[:2])
        if cell.model == cell.kind and (count := int((bare != filtered).sum())):
            changed[cell.model] = count
    assert changed == {"3d": 5, "5d": 5, "6d": 4, "7d": 4}
    assert "5 of the 2,000 images for 3d and 5d, for 4 for 6d and 7d" in README


def test_the_main_readme_says_the_same():
    """Its table of the reproduced paper: network 2d, and 1d where it says 1 bit."""
    main = (DIRECTORY.parent / "README.md").read_text()
    of = {row["model"]: row for row in rows_of(RESULTS / "short" / "summary.csv")}
    clean, bare, filtered = (
        f"{100 * float(of['2d'][name]):.1f} %"
        for name in ("clean on them", "filter none", "filter floor")
    )
    everywhere = f"{100 * float(of['2d']['clean']):.1f} %"
    before = {
        (
            row["model"],
            f"{row['attacker']} {row['gradient']}",
        ): f"{100 * float(row['attacked']):.1f} %"
        for row in rows_of(RESULTS / "short" / "before_dithering.csv")
        if row["filter"] == "floor"
    }
    transfer, adaptive = "before network", "before quantization"
    for line in (
        f"| clean | 87.1 % | {clean} ({everywhere} on all 10,000) |",
        f"| attacked, no filter | | {bare} |",
        f"| attacked, filtered (`floor`, as in the paper) | 87.1 % | {filtered}, every",
        f"| 4.7 % (1 bit) | {before['2d', transfer]} (1 bit: {before['1d', transfer]}); "
        f"{before['2d', adaptive]} ({before['1d', adaptive]}) if the attack knows",
    ):
        assert line in main, line


def test_speed_is_that_of_the_results():
    ratio, without_amx = (
        {row["what"]: float(row["ratio"]) for row in rows_of(RESULTS / name)}
        for name in ("speed.csv", "speed_without_amx.csv")
    )
    preparing = ratio["preparing a batch against the bare step"]
    training = ratio["training against the bare step"]
    attack = ratio["attack against forward and backward"]
    python = "training against Python, float32"
    assert f"preparing a batch takes {100 / preparing:.1f} % of the time of a step" in README
    assert f"training runs at {training:.2f} of the bare step, PGD-20 at {attack:.2f}" in README
    assert f"training is {ratio[python]:.1f} times as fast" in README
    assert f"it is {without_amx[python]:.1f} times" in README
