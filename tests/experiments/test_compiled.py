"""Networks that torch.compile has compiled: by an option, the same bits again, and results say so."""

import functools
import json
from dataclasses import replace

import pytest
import torch
from rich.console import Console
from torch._dynamo.exc import FailOnRecompileLimitHit

from experiments.commands.table2 import main as table2
from experiments.evaluation.cell_store import CellStore
from experiments.evaluation.sweep_config import GridConfig
from experiments.support.networks import logits_of, networks_are_compiled
from experiments.training.resnet20 import for_evaluation, seeded_model
from experiments.training.side_by_side import train
from experiments.training.trainer import Trainer
from tiny_experiment import ONE_THREAD, training_config, write_images

QUIET = Console(quiet=True)


@pytest.fixture(autouse=True)
def _not_compiled_afterwards():
    with torch.compiler.config.patch(recompile_limit=8):  # and 8 again afterwards
        yield
    ONE_THREAD.start()
    assert not networks_are_compiled()
    torch.compiler.reset()


@pytest.fixture
def graphs(monkeypatch):
    """The graphs that are compiled; each runs as Python."""
    found = []

    def backend(graph, _):
        found.append(graph)
        return graph.forward

    monkeypatch.setattr("torch.compile", functools.partial(torch.compile, backend=backend))
    replace(ONE_THREAD, compile=True).start()
    return found


def test_every_size_of_batch_is_compiled(graphs):
    logits = logits_of(for_evaluation(seeded_model(0, classes=10)), "float32")
    # With its default limit, torch compiles 8 and runs the rest as it is.
    for count in range(1, 13):
        assert logits(torch.rand(count, 3, 8, 8)).shape == (count, 10)
        assert len(graphs) == count


def test_more_graphs_than_the_limit_are_an_error(graphs):
    logits = logits_of(for_evaluation(seeded_model(0, classes=10)), "float32")
    with torch.compiler.config.patch(recompile_limit=1):
        logits(torch.rand(1, 3, 8, 8))
        with pytest.raises(FailOnRecompileLimitHit):
            logits(torch.rand(2, 3, 8, 8))


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
