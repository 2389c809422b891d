"""The attacks equal foolbox's bit for bit, find what is planted, and respect their bounds."""

import foolbox
import pytest
import torch

from experiments.method.attacks import basic_iterative, fast_gradient_sign, projected_gradient_descent
from experiments.training.network import seeded_model

pytestmark = pytest.mark.usefixtures("one_thread")


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
    """(6, 3, 16, 16) float32 with values on both ends of [0, 1], and their classes."""
    generator = torch.Generator().manual_seed(2)
    values = torch.rand(6, 3, 16, 16, generator=generator).mul_(1.4).sub_(0.2).clamp_(0, 1)
    return values, torch.arange(6)


@pytest.mark.parametrize("epsilon", [1 / 255, 8 / 255, 48 / 255, 128 / 255])
@pytest.mark.parametrize("name", ["fgsm", "bim", "pgd"])
def test_equals_foolbox(name, epsilon, network, images):
    values, labels = images
    if name == "fgsm":
        theirs = foolbox.attacks.LinfFastGradientAttack(random_start=False)
        ours = fast_gradient_sign(network, values, labels, epsilon=epsilon)
    elif name == "bim":
        theirs = foolbox.attacks.LinfBasicIterativeAttack(rel_stepsize=0.2, steps=4)
        ours = basic_iterative(network, values, labels, epsilon=epsilon, steps=4)
    else:
        theirs = foolbox.attacks.LinfProjectedGradientDescentAttack(
            abs_stepsize=2 / 255, steps=6, random_start=False
        )
        ours = projected_gradient_descent(
            network, values, labels, epsilon=epsilon, step=2 / 255, steps=6
        )
    wrapped = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    criterion = foolbox.criteria.Misclassification(labels)
    expected = theirs.run(wrapped, values, criterion, epsilon=epsilon)
    assert not torch.equal(expected, values)
    assert torch.equal(ours, expected)


def test_finds_the_planted_adversarial_example():
    # Two classes, told apart by a weighted sum: the worst image within epsilon is known.
    weights = torch.tensor([1.0, -2.0, 3.0, -1.0]).view(1, 1, 2, 2)
    values = torch.tensor([0.5, 0.5, 0.5, 0.01]).view(1, 1, 2, 2)
    margin = float((weights * values).sum())  # 0.99, and epsilon takes away 7 epsilon of it at most

    def network(image):
        score = (weights * image).sum((1, 2, 3))
        return torch.stack([score, torch.zeros_like(score)], 1)

    def attack(epsilon):
        return projected_gradient_descent(
            network, values, torch.tensor([0]), epsilon=epsilon, step=epsilon / 4, steps=10
        )

    close, beyond = margin / 7 - 1e-3, margin / 7 + 1e-3
    assert network(attack(close)).argmax() == 0
    assert network(attack(beyond)).argmax() == 1
    worst = (values - beyond * weights.sign()).clamp(0, 1)
    torch.testing.assert_close(attack(beyond), worst, rtol=0, atol=1e-6)


def test_stays_within_epsilon_and_within_the_image(network, images):
    values, labels = images
    attacked = projected_gradient_descent(
        network, values, labels, epsilon=8 / 255, step=2 / 255, steps=6
    )
    assert attacked.min() >= 0 and attacked.max() <= 1
    assert (attacked - values).abs().max() <= 8 / 255 + 1e-7
    assert not attacked.requires_grad
    # The steps are not rounded to 8 bits, and most of them reach the border of the ball.
    assert ((attacked - values).abs() > 7.9 / 255).float().mean() > 0.3


@pytest.mark.parametrize(
    ("option", "value"), [("epsilon", -0.1), ("epsilon", 8), ("step", 2), ("steps", 0)]
)
def test_refuses_what_makes_no_sense(option, value, network, images):
    options = {"epsilon": 0.1, "step": 0.1, "steps": 1, option: value}
    with pytest.raises(ValueError, match=rf"{option} is {value}; accepted are"):
        projected_gradient_descent(network, *images, **options)
