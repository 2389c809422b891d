"""How a command ends: after an error, after an interruption."""

import os
import signal
import sys
import time

import pytest

from experiments import table1
from experiments.evaluation.sweep import GridConfig
from experiments.support.command_line import run_command


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
