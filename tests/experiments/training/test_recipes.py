"""The schedules of the two recipes."""

import pytest
import torch

from experiments.training.recipes import learning_rate, recipe


def test_step_schedule_is_that_of_torch():
    settings = recipe("paper")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    theirs = torch.optim.lr_scheduler.StepLR(optimizer, 40, 0.1)
    for epoch in range(settings.epochs):
        assert learning_rate(settings, epoch * 7 + 3, 7) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()


def test_one_cycle_rises_to_its_peak_and_falls_to_zero():
    settings = recipe("short", epochs=10)
    rates = [learning_rate(settings, step, 50) for step in range(500)]
    peak = rates.index(max(rates))
    assert 99 <= peak <= 100 and max(rates) == pytest.approx(0.4, rel=0.01)
    assert all(a < b for a, b in zip(rates[:peak], rates[1 : peak + 1], strict=True))
    assert all(a > b > 0 for a, b in zip(rates[peak + 1 :], rates[peak + 2 :], strict=False))
    assert rates[-1] < 0.001


def test_presets_are_refused_by_name():
    with pytest.raises(ValueError, match="preset is 'long'; accepted are paper, short"):
        recipe("long")
    with pytest.raises(ValueError, match="epochs is 0; accepted are whole numbers from 1"):
        recipe("paper", 0)
