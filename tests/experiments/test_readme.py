"""README.md of the experiments: its commands parse, its files exist, its tables are of the results."""

import re
import runpy

import pytest
import tyro

from experiments.reporting.generated import read_block
from experiments.reporting.readme_tables import TABLES
from experiments.support import command_line
from experiments.support.command_line import OPTIONS
from experiments.support.places import RESULTS

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
        lambda main, config, *about, **more: parsed.append(
            tyro.cli(config, args=options.split(), config=OPTIONS)
        ),
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
    commands = {path.name for path in DIRECTORY.glob("*.py")} - {"__init__.py", "__main__.py"}
    packages = {f"{path.parent.name}/" for path in DIRECTORY.glob("*/__init__.py")}
    assert named == commands | packages


@pytest.mark.parametrize(
    ("document", "block"), [(document, block) for document in TABLES for block in TABLES[document]]
)
def test_tables_are_those_of_the_results(document, block):
    written = read_block(DIRECTORY.parent / document, block)
    assert written == TABLES[document][block](RESULTS), "python -m experiments.readme writes it"
