"""Attacked images are what their captions say."""

import re
from dataclasses import replace

import numpy
import pytest
import torch
from matplotlib import pyplot

from experiments.evaluation.evaluation import Evaluation
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.reporting.example_images import draw, fooled, restored
from experiments.support.data_sets import load_split
from experiments.training.model_files import load_model, model_path


def verdict(shown):
    """The class that the network names below an image."""
    return re.fullmatch(r"network: (\w+) \(\d+ %\)", shown.verdict)[1]


def test_examples_show_what_they_say(sweep):
    split = load_split(sweep.data, "test")
    model = load_model(model_path("2d", sweep.models), torch.device("cpu"))
    cell = Evaluation(sweep.set_name, "2d", "2d", 60, ProjectedGradientDescent(16.0))
    before, change, after = fooled(model, cell, split)
    assert verdict(before) != verdict(after)
    assert torch.allclose(
        before.image + (change.image - 0.5) * 2 * 16 / 255, after.image, atol=1e-6
    )
    original, dithered, perturbed, filtered = restored(model, cell, split, "floor")
    assert original.verdict == verdict(dithered) == verdict(filtered) != verdict(perturbed)
    assert filtered.title == "filtered: identical"
    assert torch.equal(filtered.image, dithered.image)
    assert not torch.equal(perturbed.image, dithered.image)
    figure, axes = pyplot.subplots(1, 4)
    draw(axes, [original, dithered, perturbed, filtered])
    drawn = axes[3].images[0].get_array()
    assert numpy.array_equal(drawn, dithered.image.permute(1, 2, 0).numpy())
    pyplot.close(figure)
    with pytest.raises(ValueError, match="epsilon 0.001/255 fools model 2d on none of 60 images"):
        fooled(model, replace(cell, attack=ProjectedGradientDescent(0.001)), split)
