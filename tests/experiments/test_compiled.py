"""Networks that torch.compile has compiled: by an option, the same bits again, and results say so."""

import functools
import json
from dataclasses import replace

import pytest
import torch
from rich.console import Console

from experiments.commands.table2 import main as table2
from experiments.evaluation.cell_store import CellStore
from experiments.evaluation.sweep_config import GridConfig
from experiments.support.networks import networks_are_compiled
from experiments.training.side_by_side import train
from experiments.training.trainer import Trainer
from tiny_experiment import ONE_THREAD, training_config, write_images

QUIET = Console(quiet=True)


@pytest.fixture(autouse=True)
def _not_compiled_afterwards():
    yield
    ONE_THREAD.start()
    assert not networks_are_compiled()
    torch.compiler.reset()


def test_training_and_attack_with_compiled_networks(tmp_path, monkeypatch):
    # Traced and differentiated by the compiler; code for the processor would take a minute and more.
    traced = functools.partial(torch.compile, backend="aot_eager")
    monkeypatch.setattr("torch.compile", traced)
    data, compiled = write_images(tmp_path / "images"), replace(ONE_THREAD, compile=True)
    config = replace(training_config(data, tmp_path / "whole", epochs=2), runtime=compiled)
    whole = train("2d", config, QUIET)
    begin = Trainer.begin_epoch

    def interrupted(trainer):
        if trainer.epochs_done == 1:
            raise KeyboardInterrupt
        begin(trainer)

    cut = replace(config, models=str(tmp_path / "cut"))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "begin_epoch", interrupted)
        train("2d", cut, QUIET)
    resumed = train("2d", cut, QUIET)
    assert resumed.read_bytes() == whole.read_bytes()
    runs = json.loads(resumed.with_suffix(".json").read_text())["runs"]
    assert [run["machine"]["networks"] for run in runs] == ["compiled", "compiled"]

    sweep = GridConfig(config.models, data=data, results=tmp_path / "results", columns=("2d",))
    table2(replace(sweep, runtime=compiled))
    (cell,) = CellStore(sweep.directory).cells()
    assert cell.provenance["machine"]["networks"] == "compiled"
    assert all(cell.certificate[name].identical for name in ("floor", "nearest"))
