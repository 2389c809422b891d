"""Work that is killed at random moments, and started again, ends with the same bits."""

import json
import os
from dataclasses import replace

from experiments.evaluation.cell_store import CellStore
from experiments.evaluation.evaluation import Evaluation
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from killed import kill_until_done, seconds_of, sweep_quietly, train_quietly
from tiny_experiment import training_config

KILLS = int(os.environ.get("PYQUANT_KILLS", 2))


def test_training(data, tmp_path):
    config = training_config(replace(data, cache=tmp_path / "cache"), tmp_path / "whole")
    whole = tmp_path / "whole/2d.safetensors"
    longest = seconds_of(train_quietly, "2d", config)
    kills = trainings = 0
    while kills < KILLS:
        directory = tmp_path / str(trainings)
        again = replace(
            config, models=str(directory), data=replace(data, cache=directory / "cache")
        )
        kills += kill_until_done(2 * longest, train_quietly, "2d", again)
        trainings += 1
        assert (directory / whole.name).read_bytes() == whole.read_bytes()
        records = [
            json.loads((folder / "2d.json").read_text()) for folder in (whole.parent, directory)
        ]
        for name in ("config", "history", "test_accuracy", "model_sha256"):
            assert records[0][name] == records[1][name], name
        # Of a process that died in its last moment, when the training was done.
        at_the_end = {".2d.safetensors.lock", "2d.checkpoint"}
        assert set(os.listdir(directory)) - at_the_end == {"2d.safetensors", "2d.json", "cache"}
    print(f"{kills} kills of {trainings} trainings of {longest:.1f} s")


def test_sweep(trained, tmp_path):
    evaluations = [
        Evaluation(trained.set_name, model, kind, 30, attack=ProjectedGradientDescent(8.0, steps))
        for model, kind in (("2d", "2d"), ("8", "8"))
        for steps in (2, 3, 4)
    ]
    whole = replace(trained, results=tmp_path / "whole")
    longest = seconds_of(sweep_quietly, evaluations, whole)
    kills = sweeps = 0
    while kills < KILLS:
        again = replace(trained, results=tmp_path / str(sweeps))
        kills += kill_until_done(2 * longest, sweep_quietly, evaluations, again)
        sweeps += 1
        assert lines(again.results) == lines(whole.results)
        first, second = (CellStore(config.results) for config in (whole, again))
        assert len(first.cells()) == len(second.cells()) == len(evaluations)
        assert first.predictions.read_bytes() == second.predictions.read_bytes()
    print(f"{kills} kills of {sweeps} sweeps of {longest:.1f} s")


def lines(results):
    """Those of the cells, with digests of their predictions, without the date."""
    text = (results / "cells.jsonl").read_text()
    return [{**json.loads(line), "date": None} for line in text.splitlines()]
