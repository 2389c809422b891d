"""Many networks: several processes share them, and one process trains several at once."""

import json
from dataclasses import replace

import pytest
from rich.console import Console

from experiments import train_all
from experiments.support.storage import lock
from experiments.train_all import TrainAllConfig
from experiments.training import side_by_side
from experiments.training.trainer import Trainer
from tiny_experiment import training_config

QUIET = Console(quiet=True)
KINDS = ("1", "2d", "8")


def files_of(directory):
    return sorted(path.name for path in directory.iterdir())


def test_all_models_are_trained_but_those_of_another_process(data, tmp_path, capsys):
    shared = training_config(data, tmp_path, epochs=1)
    config = TrainAllConfig(**vars(shared), kinds=("1", "8", "2d"))
    with lock(tmp_path / "8.safetensors"):
        train_all.main(config)
    assert "8: another process is training it" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.glob("*.safetensors")) == [
        "1.safetensors",
        "2d.safetensors",
    ]
    with pytest.raises(ValueError, match="kinds is '0'; accepted are 1, 1d"):
        train_all.main(replace(config, kinds=("1", "0")))
    with pytest.raises(ValueError, match="at_once is 0; accepted are whole numbers from 1"):
        train_all.main(replace(config, at_once=0))


def test_networks_at_once_are_those_of_one_after_another_even_when_interrupted(
    data, tmp_path, monkeypatch
):
    alone, together = (training_config(data, tmp_path / name) for name in ("alone", "together"))
    side_by_side.train_all(KINDS, alone, QUIET)
    at_once, step = [], Trainer.step

    def stopped_in_the_second_epoch_of_8(trainer, number):
        if trainer.kind == "8" and trainer.epochs_done == 1:
            raise KeyboardInterrupt
        step(trainer, number)

    monkeypatch.setattr(Trainer, "step", stopped_in_the_second_epoch_of_8)
    with pytest.raises(KeyboardInterrupt):
        # 1 and 8 at once; the third epoch of 1 is not reached.
        side_by_side.train_all(("1", "8", "2d"), together, QUIET, at_once=2)
    assert files_of(tmp_path / "together") == ["1.checkpoint", "8.checkpoint"]
    monkeypatch.undo()
    take_steps = side_by_side.take_steps

    def watched(trainers, on_step):
        at_once.append([trainer.kind for trainer in trainers])
        take_steps(trainers, on_step)

    monkeypatch.setattr(side_by_side, "take_steps", watched)
    side_by_side.train_all(KINDS, together, QUIET, at_once=2)
    # 1 has two epochs left, and so has 8, which takes its place beside 2d.
    assert at_once == [["1", "2d"], ["1", "2d"], ["2d", "8"], ["8"]]
    assert files_of(tmp_path / "together") == files_of(tmp_path / "alone")
    for kind in KINDS:
        one, other = (tmp_path / name / f"{kind}.safetensors" for name in ("alone", "together"))
        assert one.read_bytes() == other.read_bytes()
        histories = [
            json.loads(p.with_suffix(".json").read_text())["history"] for p in (one, other)
        ]
        assert histories[0] == histories[1]


def test_a_network_that_diverges_does_not_stop_the_others(data, tmp_path, monkeypatch):
    end = Trainer.end_epoch

    def nan_in_the_second_epoch_of_2d(trainer):
        if trainer.kind == "2d" and trainer.epochs_done == 1:
            trainer.loss_sum.fill_(float("nan"))
        end(trainer)

    monkeypatch.setattr(Trainer, "end_epoch", nan_in_the_second_epoch_of_2d)
    config = training_config(data, tmp_path)
    with pytest.raises(FloatingPointError, match="model 2d diverged in epoch 2"):
        side_by_side.train_all(KINDS, config, QUIET, at_once=2)
    assert [path.stem for path in sorted(tmp_path.glob("*.json"))] == ["1", "8"]


def test_a_network_of_which_only_the_file_is_missing_is_stored(data, tmp_path, monkeypatch):
    """A process may die between its last epoch and the end."""
    config = training_config(data, tmp_path, epochs=1)

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("experiments.training.run.model_content", interrupted)
        side_by_side.train("2d", config, QUIET)
    assert files_of(tmp_path) == ["2d.checkpoint"]
    monkeypatch.setattr(Trainer, "step", lambda *_: pytest.fail("no step is left"))
    side_by_side.train("2d", config, QUIET)
    assert files_of(tmp_path) == ["2d.json", "2d.safetensors"]
