"""How a command ends: after an error, after an interruption."""

import importlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_type_hints

import pytest
import tyro

import experiments
from experiments import demo, pictures, speed, table1
from experiments.__main__ import commands
from experiments.evaluation.sweep_config import GridConfig
from experiments.support.command_line import OPTIONS, run_command
from experiments.support.runtime import Runtime


def test_command_says_in_one_line_what_is_wrong(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["table1", "--data.source", "folder"])
    with pytest.raises(SystemExit) as stopped:
        run_command(table1.main, GridConfig, "")
    assert stopped.value.code == 1
    assert capsys.readouterr().err == (
        "error: data.path is missing; --data.source folder needs the directory "
        "that holds train/ and test/\n"
    )


@pytest.mark.parametrize("resumes", [True, False])
def test_interrupted_command_exits_as_one(resumes, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["table1"])

    def terminated(config):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)

    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as stopped:
            run_command(terminated, GridConfig, "", resumes=resumes)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stopped.value.code == 130
    said = capsys.readouterr().err
    assert said.startswith("interrupted") and ("goes on from it" in said) == resumes


def test_commands_that_keep_nothing_promise_nothing():
    promising = {
        path.stem
        for path in Path(experiments.__file__).parent.glob("*.py")
        if "resumes=True)" in path.read_text()
    }
    keep_nothing = {"demo", "photo", "pictures", "readme", "speed", "summary"}
    assert promising == set(commands()) - keep_nothing


def configurations():
    """Of every command: its name, and the dataclass of its options."""
    for name in commands():
        module = importlib.import_module(f"experiments.{name}")
        yield name, get_type_hints(module.main)["config"]


@pytest.mark.filterwarnings("ignore:get_parser:DeprecationWarning")
@pytest.mark.parametrize(("name", "config"), list(configurations()))
def test_every_option_has_a_text_and_one_default(name, config):
    parser = tyro.extras.get_parser(config, config=OPTIONS)
    for action in parser._actions:
        text, *defaults = re.split(r"\((?:default|required)", action.help or "")
        assert text.strip(), action.option_strings
        assert len(defaults) <= 1 and "None" not in (action.help or ""), action.help


def test_usage_can_be_typed(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/some/where/table1.py", "--help"])
    with pytest.raises(SystemExit) as stopped:
        run_command(table1.main, GridConfig, "")
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("usage: python -m experiments.table1 ")


def test_the_package_lists_its_commands():
    done = subprocess.run(
        [sys.executable, "-m", "experiments"], capture_output=True, text=True, check=True
    )
    listed = dict(re.findall(r"^python -m experiments\.(\w+) +(\S.*)$", done.stdout, re.MULTILINE))
    assert listed == commands() and {"demo", "table1", "train"} < listed.keys()


@pytest.mark.parametrize(
    ("module", "option"), [(demo, "output"), (speed, "results"), (pictures, "output")]
)
def test_what_cannot_be_written_is_said_before_the_work(module, option, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(Runtime, "start", lambda self: pytest.fail("it has begun"))
    config = get_type_hints(module.main)["config"]
    with pytest.raises(OSError, match="file"):
        module.main(config(**{option: tmp_path / "file"}))


@pytest.mark.parametrize("flip", [True, False, None])
def test_what_is_neither_true_nor_false_by_default_can_be_set_to_both(flip):
    options = [] if flip is None else ["--data.flip", str(flip)]
    assert tyro.cli(GridConfig, args=options, config=OPTIONS).data.flip is flip
