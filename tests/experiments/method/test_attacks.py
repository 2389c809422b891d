"""The attacks equal foolbox's bit for bit, find what is planted, and respect their bounds."""

from dataclasses import asdict, fields, is_dataclass

import foolbox
import pytest
import torch

from experiments.method.attacks import METHODS, make_attack
from experiments.method.attacks.basic_iterative import BasicIterative
from experiments.method.attacks.fast_gradient_sign import FastGradientSign
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.training.resnet20 import seeded_model


@pytest.fixture(scope="module")
def network():
    """A ResNet20 whose batch normalisation has seen something, frozen."""
    model = seeded_model(3, classes=10)
    with torch.no_grad():
        for _ in range(3):
            model(torch.rand(16, 3, 16, 16, generator=torch.Generator().manual_seed(1)))
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def images():
    """(6, 3, 16, 16) float32 with values on both ends of [0, 1]."""
    generator = torch.Generator().manual_seed(2)
    return torch.rand(6, 3, 16, 16, generator=generator).mul_(1.4).sub_(0.2).clamp_(0, 1)


LABELS = torch.arange(6)


@pytest.mark.parametrize("epsilon", [1, 8, 48, 128])
@pytest.mark.parametrize(
    ("method", "settings", "theirs"),
    [
        ("fast_gradient_sign", {}, foolbox.attacks.LinfFastGradientAttack(random_start=False)),
        (
            "basic_iterative",
            {"steps": 4},
            foolbox.attacks.LinfBasicIterativeAttack(rel_stepsize=0.2, steps=4),
        ),
        (
            "projected_gradient_descent",
            {"steps": 6, "step": 2.0},
            foolbox.attacks.LinfProjectedGradientDescentAttack(
                abs_stepsize=2 / 255, steps=6, random_start=False
            ),
        ),
    ],
    ids=["fgsm", "bim", "pgd"],
)
def test_equals_foolbox(method, settings, theirs, epsilon, network, images):
    ours = make_attack(method, epsilon=epsilon, **settings)(network, images, LABELS)
    wrapped = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    criterion = foolbox.criteria.Misclassification(LABELS)
    expected = theirs.run(wrapped, images, criterion, epsilon=epsilon / 255)
    assert not torch.equal(expected, images)
    assert torch.equal(ours, expected)


def test_finds_the_planted_adversarial_example():
    # Two classes, told apart by a weighted sum: the worst image within epsilon is known.
    weights = torch.tensor([1.0, -2.0, 3.0, -1.0]).view(1, 1, 2, 2)
    values = torch.tensor([0.5, 0.5, 0.5, 0.01]).view(1, 1, 2, 2)
    # The score is 0.49, and epsilon takes away 7 epsilon of it at most.
    margin = float((weights * values).sum())

    def network(image):
        score = (weights * image).sum((1, 2, 3))
        return torch.stack([score, torch.zeros_like(score)], 1)

    def attacked(epsilon):
        attack = ProjectedGradientDescent(255 * epsilon, steps=10, step=255 * epsilon / 4)
        return attack(network, values, torch.tensor([0]))

    close, beyond = margin / 7 - 1e-3, margin / 7 + 1e-3
    assert network(attacked(close)).argmax() == 0
    assert network(attacked(beyond)).argmax() == 1
    worst = (values - beyond * weights.sign()).clamp(0, 1)
    torch.testing.assert_close(attacked(beyond), worst, rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_stays_within_epsilon_and_within_the_image(method, network, images):
    before = images.clone()
    attacked = make_attack(method, epsilon=8)(network, images, LABELS)
    assert torch.equal(images, before)
    assert attacked.shape == images.shape and attacked.dtype == torch.float32
    assert not attacked.requires_grad
    assert attacked.min() >= 0 and attacked.max() <= 1
    assert (attacked - images).abs().max() <= 8 / 255 + 1e-7
    # The attacked images are a function of the settings and the images.
    assert torch.equal(make_attack(method, epsilon=8)(network, images, LABELS), attacked)


def test_is_not_rounded_and_reaches_the_border_of_the_ball(network, images):
    attacked = ProjectedGradientDescent(8, steps=6)(network, images, LABELS)
    assert ((attacked - images).abs() > 7.9 / 255).float().mean() > 0.3
    assert (attacked * 255 % 1).count_nonzero() > attacked.numel() / 2


@pytest.mark.parametrize(("epsilon", "step"), [(2, 2), (32, 2), (48, 6), (128, 16)])
def test_default_step_reaches_the_border_of_the_ball(epsilon, step):
    attack = ProjectedGradientDescent(epsilon)
    assert attack.step == step and attack.step * attack.steps >= epsilon


@pytest.mark.parametrize("method", METHODS)
def test_name_and_settings_are_all_there_is_to_store(method):
    assert is_dataclass(METHODS[method])
    attack = make_attack(method, epsilon=8.0)
    assert attack.method == method
    stored = asdict(attack)
    assert stored.keys() == {field.name for field in fields(attack)}
    assert make_attack(attack.method, **stored) == attack


def test_methods_are_found_by_the_names_of_their_files():
    assert METHODS["basic_iterative"] is BasicIterative
    assert METHODS["fast_gradient_sign"] is FastGradientSign
    assert METHODS["projected_gradient_descent"] is ProjectedGradientDescent
    assert "attack" not in METHODS


@pytest.mark.parametrize(
    ("option", "value"), [("epsilon", -0.1), ("epsilon", 256), ("step", 256), ("steps", 0)]
)
def test_settings_out_of_range_are_refused(option, value):
    settings = {"epsilon": 8, "step": 2, "steps": 20, option: value}
    with pytest.raises(ValueError, match=rf"{option} is {value}; accepted are"):
        ProjectedGradientDescent(**settings)
    if option != "step":
        with pytest.raises(ValueError, match=rf"{option} is {value}; accepted are"):
            BasicIterative(**{"epsilon": 8, option: value})


def test_unknown_methods_and_settings_are_refused():
    with pytest.raises(ValueError, match="method is 'square'; accepted are basic_iterative, fast"):
        make_attack("square", epsilon=8)
    with pytest.raises(
        ValueError, match="queries is not a setting of .*; accepted are epsilon, steps"
    ):
        make_attack("basic_iterative", epsilon=8, queries=100)
