"""One command trains, measures and reports, and goes on where it was interrupted."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.commands import reproduce as command
from experiments.commands import table1
from experiments.evaluation import sweep
from experiments.evaluation.cell_store import CellStore
from experiments.reproduce import ReproduceConfig
from experiments.support import places
from experiments.training.trainer import Trainer
from tiny_experiment import ENOUGH_EPOCHS, ONE_THREAD


def counted(owner, name, monkeypatch, stop_at):
    """Counts the calls of a function, and interrupts the one that is to be stopped."""
    calls, function = [], getattr(owner, name)

    def watched(*arguments):
        if len(calls) == stop_at:
            raise KeyboardInterrupt
        calls.append(arguments[0])
        return function(*arguments)

    monkeypatch.setattr(owner, name, watched)
    return calls


def test_whatever_is_interrupted_is_gone_on_with(trained, tmp_path, few_cells, monkeypatch, capsys):
    config = ReproduceConfig(
        "short", ENOUGH_EPOCHS, data=trained.data, runtime=ONE_THREAD, kinds=("2d", "8"),
        output=tmp_path / "out", limit=12,
    )  # fmt: skip
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        epochs = counted(Trainer, "end_epoch", patch, stop_at=ENOUGH_EPOCHS + 2)
        command.main(config)
    assert re.search(
        r"^2 of 2 networks to train, (\d+) of \1 cells to measure, on cpu with 1 CPU threads\n"
        r"estimated from a short measurement: training \d+ \w+, measuring \d+ \w+, together \d+ \w+$",
        capsys.readouterr().out,
        re.MULTILINE,
    )
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        more = counted(Trainer, "end_epoch", patch, stop_at=None)
        cells = counted(sweep, "measure", patch, stop_at=5)
        command.main(config)
    assert len(epochs) + len(more) == 2 * ENOUGH_EPOCHS
    results = tmp_path / "out" / "results" / "short"
    assert len(CellStore(results).cells()) == len(cells) == 5
    assert not (results / "table1.md").exists()
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", lambda *_: pytest.fail("trained twice"))
        others = counted(sweep, "measure", patch, stop_at=None)
        command.main(config)
        assert not set(cells) & set(others)
        assert len(CellStore(results).cells()) == len(cells) + len(others)
        capsys.readouterr()
        command.main(config)
        assert len(CellStore(results).cells()) == len(cells) + len(others)
    text = capsys.readouterr().out
    assert "0 of 2 networks to train, 0 of" in text and "estimated" not in text
    for name in ("summary", "table1", "table2_floor", "table2_nearest", "table2_none", "figure4",
                 "before_dithering", "detection", "precision"):  # fmt: skip
        assert (results / f"{name}.csv").exists() and (results / f"{name}.md").exists()
    for number in (1, 5, 6, 7):
        assert (results / f"figure{number}.png").exists()
    # The same as by the single commands.
    for kind in ("2d", "8"):
        made = tmp_path / "out" / "models" / "short" / f"{kind}.safetensors"
        assert made.read_bytes() == (Path(trained.models) / made.name).read_bytes()
    table1.main(replace(trained, results=tmp_path / "table1", limit=12))
    made = tmp_path / "table1" / "table1.csv"
    assert made.read_bytes() == (results / made.name).read_bytes()


def test_shipped_networks_are_only_tested(trained, tmp_path, few_cells, monkeypatch, capsys):
    models = Path(trained.models)
    monkeypatch.setattr(places, "MODELS", models.parent)
    monkeypatch.setattr(Trainer, "begin_epoch", lambda *_: pytest.fail("it trains"))
    # The images for training need not exist.
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "test").symlink_to(trained.data.path / "test")
    data = type(trained.data)("folder", tmp_path / "images", name="coloured noise")
    command.main(
        ReproduceConfig(
            models=f"shipped:{models.name}",
            output=tmp_path / "out",
            limit=12,
            data=data,
            runtime=ONE_THREAD,
        )  # fmt: skip
    )
    assert os.listdir(tmp_path / "out") == ["results"]
    results = tmp_path / "out" / "results" / f"shipped_{models.name}"
    assert {cell.model for cell in CellStore(results).cells()} == {"2d", "8"}
    assert (results / "summary.md").exists()
    assert "to train" not in capsys.readouterr().out


def test_a_process_that_is_interrupted_says_so_and_the_same_command_goes_on(data, tmp_path):
    options = ["--data.source", "folder", "--data.path", data.path, "--runtime.threads", "1"]
    options += ["--preset", "short", "--epochs", "100", "--kinds", "2d", "--limit", "3"]
    line = [sys.executable, "-m", "experiments.reproduce", "--output", tmp_path, *options]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    checkpoint = tmp_path / "models" / "short" / "2d.checkpoint"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert errors.endswith("the same command goes on from it\n")
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "2d: goes on after epoch" in done.stdout
    assert (tmp_path / "models" / "short" / "2d.safetensors").exists()
    text = (tmp_path / "results" / "short" / "table2_floor.md").read_text()
    assert "a fixed random subset of 3 of 60 test images" in text
