"""Several processes share the training of a set."""

from dataclasses import replace

import pytest

from experiments import train_all
from experiments.support.storage import lock
from experiments.train_all import TrainAllConfig
from tiny_experiment import training_config


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
