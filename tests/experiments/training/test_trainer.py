"""The training loop: what its bits depend on."""

import random

from experiments.support.data_sets import load_split
from experiments.training.recipes import recipe
from experiments.training.trainer import Trainer


def test_seed_decides(data):
    split = load_split(data, "train")
    random.seed(1)
    first, second, other = (
        Trainer(split, "8", recipe("short", 1), seed, "float32") for seed in (1, 1, 2)
    )
    for trainer in (first, second, other):
        trainer.epoch()
    assert first.history == second.history != other.history
