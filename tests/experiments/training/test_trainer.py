"""The training loop: what its bits depend on."""

import random
from dataclasses import replace

import pytest
import torch
from rich.console import Console

from experiments.support.data_sets import DataConfig, load_split
from experiments.training.recipes import recipe
from experiments.training.side_by_side import train
from experiments.training.trainer import MAX_SEED, Trainer, take_steps
from experiments.training.training_record import in_terms_of_today, read_record
from tiny_experiment import training_config

QUIET = Console(quiet=True)


def test_seed_decides(data):
    split = load_split(data, "train")
    random.seed(1)
    first, second, other = (
        Trainer(split, "8", recipe("short", 1), seed, "float32") for seed in (1, 1, 2)
    )
    for trainer in (first, second, other):
        trainer.epoch()
    assert first.history == second.history != other.history


def test_networks_side_by_side_have_the_bits_of_each_alone(data):
    split = load_split(data, "train")
    settings = replace(recipe("short", 2), batch_size=50)  # the last batch has 20 images

    def trainers():
        return [Trainer(split, kind, settings, 0, "bfloat16") for kind in ("2d", "8")]

    together, alone = trainers(), trainers()
    steps = []
    for _ in range(2):
        take_steps(together, lambda: steps.append(1))
        for trainer in together:
            trainer.end_epoch()
    assert len(steps) == 2 * 2 * 3
    for trainer, other in zip(alone, together, strict=True):
        trainer.epoch()
        trainer.epoch()
        assert trainer.history == other.history
        states = (each.model.state_dict().values() for each in (trainer, other))
        assert all(map(torch.equal, *states))


@pytest.mark.parametrize("seed", [-1, 17592186044416, 10**30])
def test_a_seed_that_no_epoch_can_be_seeded_from_is_refused(seed, data, tmp_path):
    config = replace(training_config(data, tmp_path), seed=seed)
    with pytest.raises(ValueError, match=f"seed is {seed}; accepted are whole .* 17592186044415"):
        train("8", config, QUIET)
    with pytest.raises(ValueError, match=f"seed is {seed}; accepted"):
        Trainer(load_split(data, "train"), "8", recipe("short", 1), seed, "float32")


def test_the_largest_seed_trains(data):
    trainer = Trainer(load_split(data, "train"), "8", recipe("short", 1), MAX_SEED, "float32")
    trainer.epoch()
    assert trainer.epochs_done == 1


def test_images_are_mirrored_unless_the_option_says_no(data):
    """Of half of the images the mirror image is seen, or of none."""
    mirrored = []
    for flip in (None, True, False):
        split = load_split(replace(data, flip=flip), "train")
        settings = replace(recipe("short", 1), padding=0)
        trainer = Trainer(split, "8", settings, 0, "float32")
        index = torch.arange(len(split.labels))
        batch = (trainer.batch(index, torch.Generator().manual_seed(0)) * 255).round().byte()
        same = (batch == split.images).flatten(1).all(1)
        turned = (batch == split.images.flip(3)).flatten(1).all(1)
        assert (same ^ turned).all()
        mirrored.append(int(turned.sum()))
    assert mirrored[0] == mirrored[1] and 40 < mirrored[1] < 80 and mirrored[2] == 0


def test_whether_images_are_mirrored_is_a_setting_of_the_training(data, tmp_path):
    config = training_config(data, tmp_path, epochs=1)
    record = read_record(train("8", config, QUIET).with_suffix(".json"))
    assert record["config"]["flip"] is True
    with pytest.raises(ValueError, match="8.json was made with flip True, not False"):
        train("8", replace(config, data=replace(data, flip=False)), QUIET)


def test_of_older_records_the_source_decides_whether_images_were_mirrored():
    for source, flip in (("CIFAR-10", True), (load_split(DataConfig(), "test").source, False)):
        assert in_terms_of_today({"kind": "8", "train_data": {"source": source}})["flip"] is flip


@pytest.mark.parametrize("size", [(4, 4), (4, 9), (9, 1)])
def test_images_that_are_too_small_are_refused(size, data):
    split = load_split(data, "train")
    height, width = size
    small = replace(split, images=split.images[:, :, :height, :width].contiguous())
    with pytest.raises(ValueError, match=f"coloured noise are {width}x{height}; .* 5 pixels"):
        Trainer(small, "8", recipe("short", 1), 0, "float32")


def test_the_smallest_images_train_even_one_at_a_time(data):
    split = load_split(data, "train")
    small = replace(split, images=split.images[:, :, :5, :5].contiguous())
    Trainer(small, "2d", replace(recipe("short", 1), batch_size=1), 0, "float32").epoch()
