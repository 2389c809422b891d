"""The training loop: what its bits depend on."""

import random
from dataclasses import replace

import pytest
from rich.console import Console

from experiments.support.data_sets import load_split
from experiments.training.recipes import recipe
from experiments.training.run import train
from experiments.training.trainer import MAX_SEED, Trainer
from tiny_experiment import training_config


def test_seed_decides(data):
    split = load_split(data, "train")
    random.seed(1)
    first, second, other = (
        Trainer(split, "8", recipe("short", 1), seed, "float32") for seed in (1, 1, 2)
    )
    for trainer in (first, second, other):
        trainer.epoch()
    assert first.history == second.history != other.history


@pytest.mark.parametrize("seed", [-1, 17592186044416, 10**30])
def test_a_seed_that_no_epoch_can_be_seeded_from_is_refused(seed, data, tmp_path):
    config = replace(training_config(data, tmp_path), seed=seed)
    with pytest.raises(ValueError, match=f"seed is {seed}; accepted are whole .* 17592186044415"):
        train("8", config, Console(quiet=True))
    with pytest.raises(ValueError, match=f"seed is {seed}; accepted"):
        Trainer(load_split(data, "train"), "8", recipe("short", 1), seed, "float32")


def test_the_largest_seed_trains(data):
    trainer = Trainer(load_split(data, "train"), "8", recipe("short", 1), MAX_SEED, "float32")
    trainer.epoch()
    assert trainer.epochs_done == 1
